//! Branches and pull requests, as far as findings depend on them.
//!
//! Owns the two rows. A pull request holds no findings of its own: it is a view of its source branch against its destination, so that a
//! commit is known once, whichever pipeline scanned it.

use std::collections::BTreeMap;

use penstock_common::Masked;

use super::{BranchId, Commit, Series, Timeline};

/// A branch from its creation to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Its id.
    pub id: BranchId,
    /// Its name.
    pub name: Masked,
    /// When it was deleted, in unix milliseconds.
    pub deleted: Option<i64>,
    /// Its head as Bitbucket last told it.
    pub head: Option<Commit>,
    /// What was scanned of it.
    pub timeline: Timeline,
    /// Series that have not run for long, and since when that is known.
    pub stale: BTreeMap<Series, i64>,
}

impl Branch {
    /// A new one.
    pub fn new(id: BranchId, name: Masked) -> Self {
        let (timeline, stale) = (Timeline::default(), BTreeMap::new());
        Self { id, name, deleted: None, head: None, timeline, stale }
    }
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// What it brings; none for a fork, which is never scanned.
    pub source: Option<BranchId>,
    /// Where it shall go.
    pub destination: BranchId,
    /// The head of the source.
    pub head: Commit,
    /// Account id of who opened it.
    pub author: String,
    /// What became of it.
    pub state: PullRequestState,
}

/// What became of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullRequestState {
    /// Nothing yet.
    Open,
    /// It was merged by this commit of the destination.
    Merged(Commit),
    /// It was declined, or superseded.
    Declined,
}
