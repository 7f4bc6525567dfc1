//! What an operation changes.
//!
//! Owns the form in which it is handed to the store: whole rows, each to be inserted or replaced, and events to be appended, all in one
//! transaction. An operation that changes nothing hands out nothing.

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
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
