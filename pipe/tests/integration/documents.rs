//! What the documents and `penstock init` tell users is what the program does.
//!
//! Owns `docs/kinds.md`, which is made from the built-in rules, and the claims of the configuration that `penstock init` writes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use penstock::analyze::secrets::rule::{self, Rule, Shape};
use penstock::cli::{self, ScanArgs};
use penstock::commands;
use penstock::settings::{self, Environment, file};
use penstock_common::Severity;
use schemars::generate::SchemaSettings;

use crate::renew;

#[test]
fn the_table_of_kinds_is_current() {
    renew::is_current("kinds.md", &kinds(), "documents");
}

fn kinds() -> String {
    let rules = rule::builtin();
    let number = |severity| rules.iter().filter(|rule| rule.severity == severity).count();
    let mut text = String::from(
        "# Kinds of secrets\n\n\
         <!-- Made from pipe/rules by a test. PENSTOCK_UPDATE=1 cargo test -p penstock --test integration documents renews it. -->\n\n",
    );
    let _ = write!(text, "Penstock knows {} kinds: ", rules.len());
    let severities = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    let counts: Vec<String> = severities.iter().map(|severity| format!("{} {severity}", number(*severity))).collect();
    let _ = write!(text, "{}.\n\n", counts.join(", "));
    text.push_str(
        "- **id**: what `--rule`, `--disable-rule`, `penstock.toml` and `penstock: allow[id]` take.\n\
         - **severity**: how bad a leak is. Critical: a whole account, code, money or production data. High: somebody can change something.\n  \
           Medium: limited, read-only or test access. Low: a value close to public. Info: worth knowing.\n\
         - **by**: how it is recognised. *mark*: it begins with a text of the vendor. *form*: a pattern around a telling text.\n  \
           *name*: the vendor stands in the name of an assignment or close before it. *context*: names, syntax and the value itself.\n  \
           [Detection](detection.md) explains the four.\n\
         - **other ids**: accepted wherever an id is. Where gitleaks knows a kind, its id is our id or one of these. An id may stand for several kinds.\n\n\
         `penstock rules show ID` tells what a holder of the secret can do, how to revoke it and where the vendor describes it.\n\n\
         | id | what | severity | by | other ids |\n|---|---|---|---|---|\n",
    );
    for rule in rules {
        let others: Vec<String> = rule.aliases.iter().map(|id| format!("`{id}`")).collect();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            rule.id,
            what(rule),
            rule.severity,
            means(rule.shape),
            others.join(", ")
        );
    }
    text
}

fn what(rule: &Rule) -> String {
    let title = rule.title.replace('|', "\\|").replace('<', "&lt;");
    match rule.part_of {
        Some(whole) => format!("{title}; one finding with a `{}` close by", rule::builtin()[whole].id),
        None => title,
    }
}

fn means(shape: Shape) -> &'static str {
    match shape {
        Shape::Token => "mark",
        Shape::Window { .. } => "form",
        Shape::Assigned => "name",
        Shape::Engine => "context",
    }
}

/// What `penstock init` writes, by `penstock init`.
fn written() -> String {
    let folder = tempfile::tempdir().unwrap();
    // A repository of its own, whatever lies around the folder of temporary files.
    for inner in ["objects", "refs"] {
        fs::create_dir_all(folder.path().join(".git").join(inner)).unwrap();
    }
    fs::write(folder.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    let arguments: [OsString; 3] = ["penstock".into(), "init".into(), folder.path().into()];
    commands::run(cli::parse(arguments).unwrap()).unwrap();
    fs::read_to_string(folder.path().join(settings::FILE_NAME)).unwrap()
}

/// The lines that hold a key, commented out.
fn is_key(line: &str) -> bool {
    line.starts_with("# ") && line.contains(" = ")
}

fn uncommented(text: &str, which: impl Fn(usize) -> bool) -> String {
    let lines = text.lines().enumerate();
    let lines = lines.map(|(at, line)| if is_key(line) && which(at) { &line[2..] } else { line });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// What a scan is told by a configuration of this text alone.
fn told(text: &str) -> String {
    let file =
        file::read(Path::new(settings::FILE_NAME), text).unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{text}"));
    let mut settings = settings::scan(&ScanArgs::default(), &file, &Environment::default()).unwrap();
    for conditions in [&mut settings.compared, &mut settings.alone] {
        conditions.all.sort_by_key(|condition| condition.metric);
    }
    format!("{settings:?}")
}

#[test]
fn the_configuration_to_begin_with_changes_nothing() {
    let text = written();
    assert_eq!(file::read(Path::new(settings::FILE_NAME), &text).unwrap(), file::File::default());
    let keys: Vec<usize> = text.lines().enumerate().filter(|(_, line)| is_key(line)).map(|(at, _)| at).collect();
    for key in keys {
        assert_eq!(told(&uncommented(&text, |at| at == key)), told(""), "line {} is no default", key + 1);
    }
    assert_eq!(told(&uncommented(&text, |_| true)), told(""));
}

#[test]
fn the_configuration_to_begin_with_names_every_key_with_the_default_of_the_schema() {
    let text = uncommented(&written(), |_| true);
    let text: toml::Table = text.parse().unwrap();
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let schema = generator.into_root_schema_for::<settings::File>().to_value();
    let mut known = BTreeSet::new();
    for (table, reference) in schema["properties"].as_object().unwrap() {
        let Some(reference) = reference["$ref"].as_str() else {
            assert!(written().contains(&format!("\n#[[{table}]]\n")), "`penstock init` shows no `[[{table}]]`");
            continue;
        };
        let pointer = reference.trim_start_matches('#');
        for (key, property) in schema.pointer(pointer).unwrap()["properties"].as_object().unwrap() {
            let given = text.get(table).and_then(|table| table.get(key));
            match property.get("default").filter(|default| **default != serde_json::json!({})) {
                Some(default) => {
                    let given = given.unwrap_or_else(|| panic!("`penstock init` does not name `{table}.{key}`"));
                    assert_eq!(&serde_json::to_value(given).unwrap(), default, "{table}.{key}");
                }
                // What has no default is shown as an example.
                None => {
                    assert!(written().contains(&format!("\n#{key}")), "`penstock init` does not show `{table}.{key}`")
                }
            }
            known.insert(table.clone());
        }
    }
    assert_eq!(known, text.keys().cloned().collect());
}

/// Of the promises of the scanner. Those of the app are in its own tests.
#[test]
fn every_promise_has_its_test() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let document = fs::read_to_string(crates.join("docs/security.md")).expect("the document");
    let sections = document.split("\n## ").filter(|section| !section.starts_with("The companion app"));
    let mut all = String::new();
    ["pipe/src", "pipe/tests", "common/src"].iter().for_each(|folder| sources(&crates.join(folder), &mut all));
    let of = |section: &str| -> Vec<String> {
        let names = section.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 2);
        names.filter(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')).map(str::to_owned).collect()
    };
    let names: Vec<String> = sections.flat_map(of).collect();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        assert!(all.contains(&format!("fn {name}(")), "docs/security.md names the test `{name}`, which does not exist");
    }
}

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            all.push_str(&fs::read_to_string(&path).expect("source"));
        }
    }
}

#[test]
fn the_readme_shows_the_step_that_init_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let step = fs::read_to_string(root.join("src/commands/init/step.yml")).unwrap();
    let readme = fs::read_to_string(root.join("../README.md")).unwrap();
    assert!(readme.contains(&step), "README.md must show src/commands/init/step.yml");
}
