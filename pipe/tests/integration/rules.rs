//! Every rule proves itself: its positive examples are found, its negative ones are not, with any random characters.

use std::collections::BTreeMap;
use std::path::Path;

use penstock::analyze::secrets::{Engine, Scanner, rule};
use penstock_common::Confidence;
use serde::Deserialize;

use crate::expand::expand;

#[derive(Deserialize)]
struct RuleFile {
    rule: Vec<Examples>,
}

#[derive(Deserialize)]
pub(crate) struct Examples {
    pub(crate) id: String,
    #[serde(default)]
    shape: String,
    #[serde(default)]
    part_of: String,
    #[serde(default)]
    pub(crate) positive: Vec<String>,
    #[serde(default)]
    negative: Vec<String>,
}

/// The examples of all rules, by file.
pub(crate) fn examples() -> BTreeMap<String, Vec<Examples>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".toml") && name != "keywords.toml" {
            let file: RuleFile = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            files.insert(name, file.rule);
        }
    }
    files
}

/// The ids of what is reported in a line.
fn found(scanner: &mut Scanner<'_>, line: &str) -> Vec<&'static str> {
    let rules = rule::builtin();
    scanner
        .scan(None, line.as_bytes())
        .iter()
        .filter(|candidate| candidate.reported && candidate.confidence >= Confidence::Medium)
        .map(|candidate| rules[candidate.rule].id)
        .collect()
}

const SEEDS: u64 = 12;

#[test]
fn every_rule_finds_its_positive_and_ignores_its_negative_examples() {
    let engine = Engine::new([7; 16], 1_800_000_000, &[]);
    let mut scanner = engine.scanner();
    let mut complaints = Vec::new();
    for (file, rules) in examples() {
        for rule in rules {
            if rule.shape == "engine" {
                continue;
            }
            if rule.positive.len() < 2 || rule.negative.len() < 2 {
                complaints.push(format!("{file}: {}: needs two positive and two negative examples", rule.id));
            }
            for example in &rule.positive {
                let missed: Vec<(u64, Vec<&str>)> = (0..SEEDS)
                    .map(|seed| (seed, found(&mut scanner, &expand(example, seed))))
                    .filter(|(_, ids)| !ids.iter().any(|id| *id == rule.id || *id == rule.part_of))
                    .collect();
                // One seed may make a text that nobody would take for random.
                if missed.len() > 1 {
                    let (seed, ids) = &missed[0];
                    complaints.push(format!(
                        "{file}: {}: missed for {} of {SEEDS} seeds (found {ids:?}): {}",
                        rule.id,
                        missed.len(),
                        expand(example, *seed)
                    ));
                }
            }
            for example in &rule.negative {
                for seed in 0..SEEDS {
                    let line = expand(example, seed);
                    if found(&mut scanner, &line).contains(&rule.id.as_str()) {
                        complaints.push(format!("{file}: {}: false alarm: {line}", rule.id));
                        break;
                    }
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_rule_says_what_it_is_and_what_to_do() {
    for rule in rule::builtin() {
        assert!(!rule.title.is_empty() && !rule.description.is_empty() && !rule.revoke.is_empty(), "{}", rule.id);
        assert!(rule.references.iter().all(|url| url.starts_with("https://")), "{}: references", rule.id);
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}: id", rule.id);
    }
}
