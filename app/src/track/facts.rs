//! What Bitbucket's REST API said of a commit.
//!
//! Owns the form of the answers. They are asked when the run is applied, not when it was sent: what was the head then may not be now.

use super::{BranchId, Commit};

/// What is known beside the run itself.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Where the run's commit stands in its branch.
    pub standing: Standing,
    /// What the run was compared with, by its own account, if that commit is known.
    pub base: Option<BaseCommit>,
    /// The moment of this operation, in unix milliseconds.
    pub now: i64,
    /// Nothing was ever scanned of the branch with which this one is compared, so the pipe's own
    /// comparison of trees is kept.
    pub by_tree: bool,
}

/// Where a commit stands in a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody confirmed that the run is about this commit and branch.
    Unconfirmed,
    /// It is the head.
    Head,
    /// It is in the branch's history.
    On {
        /// The newest commit of the branch's [`super::Timeline`] that is the commit itself or an ancestor of it. If that is the
        /// timeline's last, the run moves the branch.
        after: Option<Commit>,
    },
    /// It is not in the branch's history (any more), or there is no branch.
    Elsewhere,
}

/// The commit that a run was compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseCommit {
    /// The branch that it belongs to.
    pub branch: BranchId,
    /// The commit.
    pub commit: Commit,
    /// The newest commit of that branch's [`super::Timeline`] that is the base itself or an ancestor of it.
    pub after: Option<Commit>,
}
