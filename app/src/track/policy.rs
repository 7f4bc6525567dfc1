//! By what a change is judged.
//!
//! Owns the layers: the destination's `[gate]` and `[[suppress]]`, and the app's settings as a floor under the gate. The floor holds beside
//! what the repository says, so it can only tighten.

use globset::{GlobBuilder, GlobMatcher};
use penstock_common::gate::{Bound, Condition, Level, Missing};

use super::{Finding, Occurrence, Print};

/// What the destination branch says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// What it lives with.
    pub suppress: Vec<Suppress>,
}

/// An entry of `[[suppress]]`. All that it names must hold; one that names nothing means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suppress {
    /// Id of the rule.
    pub rule: Option<String>,
    /// Glob of the path, from the root of the repository.
    pub path: Option<String>,
    /// The primary fingerprint.
    pub fingerprint: Option<String>,
    /// From when on it holds no more, in unix milliseconds: the end of its last day in UTC.
    pub until: Option<i64>,
}

/// Both layers together: no condition is lost, and one that says no more than another is told once.
pub(super) fn conditions(policy: &Policy, floor: &[Condition]) -> Vec<Condition> {
    let mut all: Vec<Condition> = Vec::new();
    for condition in policy.conditions.iter().chain(floor) {
        if !all.iter().any(|other| implies(other, condition)) {
            all.retain(|other| !implies(condition, other));
            all.push(*condition);
        }
    }
    all
}

/// Whether `one` is at least as strict as `other` in everything.
fn implies(one: &Condition, other: &Condition) -> bool {
    let limit = match (one.bound, other.bound) {
        (Bound::AtMost(a), Bound::AtMost(b)) => a <= b,
        (Bound::AtLeast(a), Bound::AtLeast(b)) => a >= b,
        _ => false,
    };
    let level = one.level == Level::Block || other.level == Level::Warn;
    let strictness = |missing| match missing {
        Missing::Block => 2,
        Missing::Warn => 1,
        Missing::Ignore => 0,
    };
    let lines = match (one.min_lines, other.min_lines) {
        (None, _) => true,
        (Some(a), Some(b)) => a <= b,
        (Some(_), None) => false,
    };
    one.metric == other.metric && limit && level && lines && strictness(one.missing) >= strictness(other.missing)
}

/// The entries, ready to be asked.
pub(super) struct Suppressions {
    entries: Vec<Entry>,
}

struct Entry {
    rule: Option<String>,
    path: Option<GlobMatcher>,
    fingerprint: Option<Print>,
}

impl Suppressions {
    /// Those that hold at `now`.
    pub(super) fn new(entries: &[Suppress], now: i64) -> Self {
        let holds = |entry: &&Suppress| {
            entry.until.is_none_or(|until| now < until)
                && (entry.rule.is_some() || entry.path.is_some() || entry.fingerprint.is_some())
        };
        let entries = entries.iter().filter(holds).filter_map(|entry| {
            let path = match &entry.path {
                // A glob that cannot be used means nothing; that was told where the configuration was read.
                Some(glob) => Some(GlobBuilder::new(glob).literal_separator(true).build().ok()?.compile_matcher()),
                None => None,
            };
            let fingerprint = entry.fingerprint.as_deref().map(Print::of_fingerprint);
            Some(Entry { rule: entry.rule.clone(), path, fingerprint })
        });
        Self { entries: entries.collect() }
    }

    /// Whether an entry means the finding. A fingerprint alone does not speak for a secret unless its value is `proven` to be the one
    /// that somebody looked at.
    pub(super) fn mean(&self, finding: &Finding, row: &Occurrence, proven: bool) -> bool {
        let known = |print: &Print| proven && finding.prints.ours.contains(print);
        self.entries.iter().any(|entry| {
            entry.rule.as_ref().is_none_or(|rule| finding.rule == *rule)
                && entry.path.as_ref().is_none_or(|glob| glob.is_match(row.path.as_str()))
                && entry.fingerprint.as_ref().is_none_or(known)
        })
    }
}
