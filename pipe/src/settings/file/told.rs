//! A configuration in words, key by key.
//!
//! Owns how two configurations are told apart for people. Text of the file comes back as it stands there: whoever shows it masks it first.

use std::collections::{BTreeMap, BTreeSet};

use penstock_common::gate::{Condition, Level};

use super::File;
use crate::assess::Suppress;

impl File {
    /// What is set, by key; of lists, each entry.
    pub fn told(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut put = |key: &str, value: String| {
            told.entry(key.to_owned()).or_default().insert(value);
        };
        let flags = [
            ("scan.all-files", self.scan.all_files),
            ("scan.archives", self.scan.archives),
            ("scan.submodules", self.scan.submodules),
        ];
        flags.iter().filter_map(|(key, flag)| Some((key, (*flag)?))).for_each(|(key, flag)| put(key, flag.to_string()));
        self.scan.max_file_size.iter().for_each(|size| put("scan.max-file-size", size.to_string()));
        self.scan.exclude.iter().for_each(|glob| put("scan.exclude", glob.clone()));
        self.secrets.min_confidence.iter().for_each(|least| put("secrets.min-confidence", least.to_string()));
        self.secrets.disable.iter().for_each(|id| put("secrets.disable", id.clone()));
        self.gate.fail_on.iter().flatten().for_each(|word| put("gate.fail-on", word.to_string()));
        self.gate.conditions().iter().for_each(|one| put(&format!("gate.{}", one.metric), of_condition(one)));
        self.allow.require_reason.iter().for_each(|flag| put("allow.require-reason", flag.to_string()));
        if let Some(tools) = &self.allow.tools {
            tools.iter().for_each(|tool| put("allow.tools", tool.name().to_owned()));
            if tools.is_empty() {
                put("allow.tools", "none".to_owned());
            }
        }
        self.suppress.iter().for_each(|entry| put("suppress", of_entry(entry)));
        told
    }
}

fn of_condition(condition: &Condition) -> String {
    let level = if condition.level == Level::Warn { "warn" } else { "block" };
    let missing = format!("{:?}", condition.missing).to_ascii_lowercase();
    let lines = condition.min_lines.map(|lines| format!(", from {lines} new lines on")).unwrap_or_default();
    format!("{}, {level}, {missing} when unknown{lines}", condition.bound)
}

fn of_entry(entry: &Suppress) -> String {
    let named = [("rule", &entry.rule), ("path", &entry.path), ("fingerprint", &entry.fingerprint)];
    let mut words: Vec<String> =
        named.iter().filter_map(|(key, value)| Some(format!("{key} {}", value.as_ref()?))).collect();
    words.extend(entry.until.map(|until| format!("until {until}")));
    format!("{}: {}", words.join(", "), entry.reason)
}
