//! What an operation changes.
//!
//! Owns the form in which it is handed to the store: whole rows, each to be inserted or replaced, and events to be appended, all in one
//! transaction. An operation that changes nothing hands out nothing.

use std::collections::HashSet;
use std::hash::Hash;

use super::{Branch, BranchId, Event, Finding, Occurrence, PullRequest};

/// Rows to write and events to append.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The branch that becomes the main one.
    pub main: Option<BranchId>,
    /// Branches, new or changed.
    pub branches: Vec<Branch>,
    /// Pull requests, new or changed.
    pub pull_requests: Vec<PullRequest>,
    /// Findings, new or changed.
    pub findings: Vec<Finding>,
    /// Findings on branches, new or changed.
    pub occurrences: Vec<Occurrence>,
    /// What happened, in this order.
    pub events: Vec<Event>,
}

impl Changes {
    /// Adds what another operation changed after this one. Rows that both changed are written in the order of the operations.
    pub fn extend(&mut self, later: Self) {
        self.main = later.main.or(self.main);
        replace(&mut self.branches, later.branches, |row| row.id);
        replace(&mut self.pull_requests, later.pull_requests, |row| row.number);
        replace(&mut self.findings, later.findings, |row| row.id);
        replace(&mut self.occurrences, later.occurrences, |row| (row.branch, row.finding));
        self.events.extend(later.events);
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Adds rows; one that is there already is replaced.
fn replace<T, K: Eq + Hash>(rows: &mut Vec<T>, later: Vec<T>, key: impl Fn(&T) -> K) {
    if !rows.is_empty() && !later.is_empty() {
        let replaced: HashSet<K> = later.iter().map(&key).collect();
        rows.retain(|row| !replaced.contains(&key(row)));
    }
    rows.extend(later);
}
