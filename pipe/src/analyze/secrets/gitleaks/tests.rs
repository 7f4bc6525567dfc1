//! The clauses of gitleaks' configuration format, each with a configuration of our own.

use std::sync::Arc;

use penstock_common::{Confidence, Finding, SuppressionKind};
use proptest::prelude::*;

use super::{Configuration, Layer, Mode, Source, read};
use crate::analyze::secrets::{Engine, Reporter};
use crate::checkout::CommitInfo;
use crate::checkout::Item;

mod allowing;
mod exact;
mod mistakes;
mod rules;

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

/// Reads a configuration that may extend the files beside it.
fn try_layer(text: &str, mode: Mode, files: &[(&str, &str)], ignore: &str) -> Result<Layer, Vec<String>> {
    let open = |path: &str| match files.iter().find(|(name, _)| *name == path) {
        Some((name, text)) => Ok(source(name, text)),
        None => Err(format!("`{path}` is not there").into()),
    };
    let configuration = Configuration { source: source(".gitleaks.toml", text), mode, path: None };
    let ignores = if ignore.is_empty() { Vec::new() } else { vec![source(".gitleaksignore", ignore)] };
    read(Some(configuration), &ignores, &open).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

fn layer(text: &str) -> Layer {
    try_layer(text, Mode::Add, &[], "").unwrap()
}

fn commit(id: &str) -> Arc<CommitInfo> {
    Arc::new(CommitInfo {
        id: id.to_owned(),
        author: String::new(),
        email: String::new(),
        date: String::new(),
        subject: String::new(),
    })
}

/// What is found in one file under a layer.
fn findings_in(layer: Layer, path: &str, text: &str, commit: Option<&Arc<CommitInfo>>) -> Vec<Finding> {
    let engine = Engine::new([7; 16], 1_800_000_000, &[]).with_layer(Some(Arc::new(layer)));
    let mut reporter = Reporter::new(Confidence::Medium);
    let item = Item { path: path.as_bytes(), bytes: text.as_bytes(), lines: None, commit };
    reporter.scan(&mut engine.scanner(), &item);
    reporter.found.into_iter().map(|found| found.finding).collect()
}

fn findings(layer: Layer, path: &str, text: &str) -> Vec<Finding> {
    findings_in(layer, path, text, None)
}

/// Rule and line of every finding that counts.
fn active(findings: &[Finding]) -> Vec<(&str, u32)> {
    findings.iter().filter(|f| f.is_active()).map(|f| (f.rule.as_str(), f.location.start_line)).collect()
}

/// How each finding is suppressed.
fn kinds(findings: &[Finding]) -> Vec<Option<SuppressionKind>> {
    findings.iter().map(|finding| finding.suppression.as_ref().map(|s| s.kind)).collect()
}

proptest! {
    #[test]
    fn no_text_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in ".{0,300}") {
        for text in [String::from_utf8_lossy(&bytes).into_owned(), text] {
            for mode in [Mode::Add, Mode::Exact] {
                if let Ok(layer) = try_layer(&text, mode, &[], &text) {
                    findings(layer, "a.py", &text);
                }
            }
        }
    }

    #[test]
    fn nothing_that_looks_like_a_configuration_panics(
        lines in proptest::collection::vec(proptest::sample::select(vec![
            "[[rules]]", "[rules]", "[extend]", "[allowlist]", "[[allowlists]]", "[[rules.allowlists]]",
            "[[rules.required]]", "id = \"a\"", "id = \"b\"", "id = 3", "regex = '(a)|(b)'", "regex = ''", "regex = '[a'",
            "regex = 'a*'", "path = '.'", "secretGroup = 2", "entropy = 1", "entropy = nan", "keywords = ['', 'A']",
            "keywords = \"a\"", "skipReport = true", "regexes = ['.*']", "paths = ['^a']", "stopwords = ['']",
            "condition = 'AND'", "targetRules = ['a']", "path = 'x.toml'", "useDefault = true", "disabledRules = ['jwt']",
            "withinLines = 1", "withinColumns = -1", "regexTarget = 'line'", "commits = ['A']",
        ]), 0..24),
        pattern in "[a-z\\\\\\[\\]{}()^$|?*+.,0-9&~:<>-]{0,20}",
        text in "[ab\n ]{0,60}",
    ) {
        let config = lines.join("\n");
        let rule = format!("[[rules]]\nid = 'p'\nregex = '{pattern}'\n");
        for config in [config, rule] {
            for mode in [Mode::Add, Mode::Exact] {
                if let Ok(layer) = try_layer(&config, mode, &[("x.toml", &config)], "") {
                    layer.covers(b"a", Some("a"));
                    findings(layer, "a", &text);
                }
            }
        }
    }
}
