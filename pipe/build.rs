//! Compiles the rules in `rules/*.toml` into static tables, so that starting up costs nothing.
//!
//! Written are `rules.rs`, the rules as Rust statics, and `keywords.rs` with `nodes.bin`, `lists.bin` and `passes.bin`, what the search for
//! keywords needs. What is wrong with a rule's file stops the build with the file's name; what is wrong with its pattern or
//! examples is found by the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;

#[path = "build/filter.rs"]
mod filter;

use filter::{Entry, Filter, Node};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    #[serde(rename = "rule")]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    title: String,
    description: String,
    severity: String,
    shape: String,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    pattern: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    entropy: f32,
    #[serde(default)]
    words: bool,
    #[serde(default)]
    before: Option<u16>,
    #[serde(default)]
    after: Option<u16>,
    #[serde(default)]
    check: String,
    #[serde(default)]
    part_of: String,
    revoke: String,
    #[serde(default)]
    references: Vec<String>,
    // Read by the tests, from the same files.
    #[serde(default, rename = "positive")]
    _positive: Vec<String>,
    #[serde(default, rename = "negative")]
    _negative: Vec<String>,
}

/// Keywords that lead to the engine's own detectors rather than to one rule: `rules/keywords.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Builtin {
    /// Parts of names whose assigned values are looked at.
    name: Vec<String>,
    /// Starts the look for credentials inside a URL.
    url: Vec<String>,
    /// Authentication schemes of HTTP headers.
    scheme: Vec<String>,
    /// Phrases of commands and languages that a secret follows directly.
    phrase: Vec<String>,
    /// Functions that take a password or a key among their arguments.
    call: Vec<String>,
    /// Signs that text is escaped.
    escape: Vec<String>,
}

/// How the action of a token's mark begins.
const TOKEN: &str = "Action::Token";

fn main() -> Result<(), Box<dyn Error>> {
    #[expect(clippy::disallowed_methods, reason = "this is how cargo speaks to build scripts")]
    let (root, out) = (PathBuf::from(env::var("CARGO_MANIFEST_DIR")?), PathBuf::from(env::var("OUT_DIR")?));
    let folder = root.join("rules");
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=build");

    let mut rules = Vec::new();
    let mut files: Vec<_> = fs::read_dir(&folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    for path in files {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if !name.ends_with(".toml") || name == "keywords.toml" {
            continue;
        }
        let file: RuleFile = read(&path)?;
        let group = name.trim_end_matches(".toml").to_owned();
        rules.extend(file.rules.into_iter().map(|rule| (group.clone(), rule)));
    }
    rules.sort_by(|a, b| a.1.id.cmp(&b.1.id));
    let mut seen = BTreeSet::new();
    for (group, rule) in &rules {
        if !seen.insert(rule.id.clone()) {
            return Err(format!("rules/{group}.toml: the id `{}` is used twice", rule.id).into());
        }
        if let Some(bad) = rule.keywords.iter().find(|k| k.is_empty() || **k != k.to_ascii_lowercase()) {
            return Err(format!("rules/{group}.toml: `{}`: keyword `{bad}` must be lower case", rule.id).into());
        }
    }
    let builtin: Builtin = read(&folder.join("keywords.toml"))?;

    fs::write(out.join("rules.rs"), write_rules(&rules)?)?;
    let actions = actions(&rules, &builtin)?;
    let keywords: Vec<&str> = actions.keys().map(String::as_str).collect();
    let free: Vec<bool> = actions.values().map(|list| list.iter().all(|action| action.starts_with(TOKEN))).collect();
    let filter = filter::build(&keywords, &free, &fs::read_to_string(root.join("build/trigrams.txt"))?)?;
    let bytes = |table: &[u16]| table.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    fs::write(out.join("passes.bin"), filter.nodes_of.iter().map(|node| u8::from(*node != 0)).collect::<Vec<_>>())?;
    fs::write(out.join("nodes.bin"), bytes(&filter.nodes_of))?;
    fs::write(out.join("lists.bin"), bytes(&filter.lists))?;
    fs::write(out.join("keywords.rs"), write_keywords(&filter, &actions)?)?;
    Ok(())
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, Box<dyn Error>> {
    toml::from_str(&fs::read_to_string(path)?).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn write_rules(rules: &[(String, Rule)]) -> Result<String, Box<dyn Error>> {
    let ids: BTreeMap<&str, usize> = rules.iter().enumerate().map(|(at, (_, rule))| (rule.id.as_str(), at)).collect();
    let mut pool = Pool::default();
    let mut text = String::from("static RULES: &[Packed] = &[\n");
    for (group, rule) in rules {
        let shape = match rule.shape.as_str() {
            "token" => "Shape::Token".to_owned(),
            "assigned" => "Shape::Assigned".to_owned(),
            "window" => format!(
                "Shape::Window {{ before: {}, after: {} }}",
                rule.before.unwrap_or(128),
                rule.after.unwrap_or(256)
            ),
            "engine" => "Shape::Engine".to_owned(),
            other => return Err(format!("rules/{group}.toml: `{}`: unknown shape `{other}`", rule.id).into()),
        };
        let severity = match rule.severity.as_str() {
            "critical" => "Critical",
            "high" => "High",
            "medium" => "Medium",
            "low" => "Low",
            "info" => "Info",
            other => return Err(format!("rules/{group}.toml: `{}`: unknown severity `{other}`", rule.id).into()),
        };
        let part_of = match rule.part_of.as_str() {
            "" => "None".to_owned(),
            id => {
                let at = ids.get(id).ok_or_else(|| format!("`{}`: part_of names no rule: `{id}`", rule.id))?;
                format!("Some({at})")
            }
        };
        // A token's keyword is its public prefix; the pattern shows it in its true case.
        let prefix = match rule.shape.as_str() {
            "token" => rule.keywords.first().map_or("", |k| true_case(&rule.pattern, k)),
            _ => "",
        };
        let id = pool.text(&rule.id);
        let strings =
            [group, &rule.title, &rule.description, &rule.pattern, prefix, &rule.revoke].map(|t| pool.text(t));
        let [group, title, description, pattern, prefix, revoke] = strings;
        let lists = [&rule.aliases, &rule.keywords, &rule.names, &rule.references].map(|list| pool.list(list));
        let [aliases, keywords, names, references] = lists;
        writeln!(
            text,
            "Packed {{ id: {id}, aliases: {aliases}, group: {group}, title: {title}, description: {description}, \
             severity: Severity::{severity}, shape: {shape}, keywords: {keywords}, pattern: {pattern}, names: {names}, \
             entropy: {:?}f32, words: {:?}, check: Check::{}, part_of: {part_of}, prefix: {prefix}, revoke: {revoke}, \
             references: {references} }},",
            rule.entropy,
            rule.words,
            camel_case(&rule.check),
        )?;
    }
    text.push_str("];\n");
    writeln!(text, "static TEXT: &str = {:?};", pool.text)?;
    writeln!(text, "static LISTS: &[Span] = &[{}];", pool.lists.join(", "))?;
    Ok(text)
}

/// All texts of all rules in one: a static without pointers costs nothing when the program starts.
#[derive(Default)]
struct Pool {
    text: String,
    known: BTreeMap<String, String>,
    lists: Vec<String>,
}

impl Pool {
    /// Where the text stands, as an expression.
    fn text(&mut self, text: &str) -> String {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let span = format!("Span({}, {})", self.text.len(), self.text.len() + text.len());
        self.text.push_str(text);
        self.known.insert(text.to_owned(), span.clone());
        span
    }

    /// Where the list stands among all lists.
    fn list(&mut self, list: &[String]) -> String {
        let start = self.lists.len();
        for text in list {
            let span = self.text(text);
            self.lists.push(span);
        }
        format!("Span({start}, {})", self.lists.len())
    }
}

/// The spelling of `keyword` in `pattern`, or the keyword itself if the pattern does not spell it out.
fn true_case<'a>(pattern: &'a str, keyword: &'a str) -> &'a str {
    pattern.to_ascii_lowercase().find(keyword).map_or(keyword, |at| &pattern[at..at + keyword.len()])
}

fn camel_case(kebab: &str) -> String {
    if kebab.is_empty() {
        return "None".to_owned();
    }
    kebab.split('-').map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
}

/// What each keyword leads to, as Rust expressions. Sorted, so that the tables are the same on every machine.
fn actions(rules: &[(String, Rule)], builtin: &Builtin) -> Result<BTreeMap<String, Vec<String>>, Box<dyn Error>> {
    let mut actions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |keyword: &str, action: String| actions.entry(keyword.to_owned()).or_default().push(action);
    for (at, (group, rule)) in rules.iter().enumerate() {
        let action = match rule.shape.as_str() {
            "token" => "Token",
            "window" => "Window",
            "assigned" => "Vendor",
            _ => continue,
        };
        if rule.keywords.is_empty() || rule.pattern.is_empty() {
            return Err(format!("rules/{group}.toml: `{}` needs keywords and a pattern", rule.id).into());
        }
        for keyword in &rule.keywords {
            add(keyword, format!("Action::{action}({at})"));
        }
    }
    for (words, action) in [
        (&builtin.name, "Name"),
        (&builtin.url, "Url"),
        (&builtin.scheme, "Scheme"),
        (&builtin.phrase, "Phrase"),
        (&builtin.call, "Call"),
        (&builtin.escape, "Escape"),
    ] {
        for word in words {
            add(word, format!("Action::{action}"));
        }
    }
    Ok(actions)
}

fn write_keywords(filter: &Filter, actions: &BTreeMap<String, Vec<String>>) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    writeln!(text, "pub(super) const BEFORE: usize = {};", filter::BEFORE)?;
    // Flat tables without pointers: a pointer in a static must be relocated each time the program starts.
    let mut entries = String::new();
    for Entry { bytes, mask, keyword, offset, length, free, last } in &filter.entries {
        write!(
            entries,
            "Entry {{ bytes: {bytes}, mask: {mask}, keyword: {keyword}, offset: {offset}, length: {length}, \
             free: {free}, last: {last} }}, "
        )?;
    }
    writeln!(text, "pub(super) static ENTRIES: &[Entry] = &[{entries}];")?;
    let mut nodes = String::new();
    for Node { first, shift, mask } in &filter.nodes {
        write!(nodes, "Node {{ first: {first}, shift: {shift}, mask: {mask} }}, ")?;
    }
    writeln!(text, "pub(super) static NODES: &[Node] = &[{nodes}];")?;
    let mut starts = vec![0_u32];
    let mut words = String::new();
    for keyword in actions.keys() {
        words.push_str(keyword);
        starts.push(words.len() as u32);
    }
    write_table(&mut text, "KEYWORD_STARTS", "u32", &starts)?;
    writeln!(text, "pub(super) static KEYWORD_TEXT: &str = {words:?};")?;
    let mut starts = vec![0_u32];
    let mut flat: Vec<&str> = Vec::new();
    for list in actions.values() {
        flat.extend(list.iter().map(String::as_str));
        starts.push(flat.len() as u32);
    }
    write_table(&mut text, "ACTION_STARTS", "u32", &starts)?;
    writeln!(text, "pub(super) static ACTIONS: [Action; {}] = [{}];", flat.len(), flat.join(", "))?;
    Ok(text)
}

fn write_table<T: std::fmt::Debug>(text: &mut String, name: &str, kind: &str, values: &[T]) -> std::fmt::Result {
    writeln!(text, "pub(super) static {name}: [{kind}; {}] = {values:?};", values.len())
}
