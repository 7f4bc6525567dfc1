//! Naming what was not looked at.
//!
//! Owns the sentences for objects that were passed over, by their path where one is known. Many of a kind are summed up: a
//! truncated pack can lose a hundred thousand objects.

use std::collections::BTreeMap;

use crate::checkout::Skipped;

use super::flaw::Flaw;
use crate::checkout::path::display;

/// Damaged or missing objects that are named one by one.
const NAMED: usize = 200;

/// An object that was passed over.
#[derive(Debug)]
pub(super) struct Passed {
    /// Its id in hexadecimal.
    pub(super) id: String,
    /// Its path, if it was reached.
    pub(super) path: Option<Vec<u8>>,
    /// Why.
    pub(super) flaw: Flaw,
}

/// The entries of the coverage, sorted.
pub(super) fn report(passed: Vec<Passed>) -> Vec<Skipped> {
    let (limited, mut damaged): (Vec<_>, Vec<_>) = passed.into_iter().partition(|passed| passed.flaw.is_limit());
    let mut skipped: Vec<Skipped> = by_path(limited).collect();
    damaged.sort_by(|one, other| one.id.cmp(&other.id));
    let more = damaged.len().saturating_sub(NAMED);
    damaged.truncate(NAMED);
    skipped.extend(damaged.into_iter().map(|Passed { id, path, flaw }| {
        let reason = match &path {
            Some(_) => format!("object {id}: {flaw}"),
            None => flaw.to_string(),
        };
        let subject = path.map_or(id, |path| display(&path));
        Skipped { subject, reason, by_limit: false }
    }));
    if more > 0 {
        let subject = format!("{more} more objects");
        skipped.push(Skipped { subject, reason: "damaged or missing like those named".to_owned(), by_limit: false });
    }
    skipped.sort();
    skipped
}

/// Versions of one file that are over a limit are one entry.
fn by_path(limited: Vec<Passed>) -> impl Iterator<Item = Skipped> {
    let mut paths: BTreeMap<String, (usize, Flaw)> = BTreeMap::new();
    for Passed { id, path, flaw } in limited {
        let subject = path.map_or(id, |path| display(&path));
        let (count, worst) = paths.entry(subject).or_insert((0, flaw.clone()));
        *count += 1;
        if flaw > *worst {
            *worst = flaw;
        }
    }
    paths.into_iter().map(|(subject, (count, flaw))| {
        let reason = match count {
            1 => flaw.to_string(),
            _ => format!("{flaw} (the largest of {count} versions that are over it)"),
        };
        Skipped { subject, reason, by_limit: true }
    })
}
