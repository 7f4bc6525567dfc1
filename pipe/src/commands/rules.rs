//! `penstock rules`: the kinds of secrets that are known.
//!
//! Owns showing rules as text for people.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::analyze::secrets::rule::{self, Rule};
use crate::cli::RulesAction;
use crate::error::Error;
use crate::settings::{self, file};

pub(super) fn run(action: Option<&RulesAction>) -> Result<ExitCode, Error> {
    let text = match action {
        None => list(),
        Some(RulesAction::Show { id }) => {
            let index = rule::find(id).ok_or_else(|| settings::Error::NoSuchRule {
                id: id.clone(),
                near: file::nearest(id, rule::builtin().iter().map(|rule| rule.id)),
            })?;
            show(&rule::builtin()[index])
        }
    };
    super::print(text.as_bytes())
}

fn list() -> String {
    let width = rule::builtin().iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in rule::builtin() {
        let _ = writeln!(text, "{:width$}  {:8}  {}", rule.id, rule.severity, rule.title);
    }
    text
}

fn show(rule: &Rule) -> String {
    let mut text = format!("{}\n\n{}\n{}\n\nseverity: {}\n", rule.id, rule.title, rule.description, rule.severity);
    for (label, values) in
        [("also known as", rule.aliases), ("keywords", rule.keywords), ("read more", rule.references)]
    {
        if !values.is_empty() {
            let _ = writeln!(text, "{label}: {}", values.join(", "));
        }
    }
    if let Some(whole) = rule.part_of {
        let _ = writeln!(text, "second half of: {}", rule::builtin()[whole].id);
    }
    let _ = writeln!(text, "to revoke: {}", rule.revoke);
    text
}
