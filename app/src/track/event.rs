//! What happened, one sentence per change of state.
//!
//! Owns the words of the log. An event names people by account id only: their names may be erased without touching the log.

use penstock_common::Masked;
use serde::{Deserialize, Serialize};

use super::{BranchId, FindingId, RunId};

/// One change of state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it was recorded, in unix milliseconds.
    pub at: i64,
    /// What happened.
    pub kind: Kind,
    /// Who caused it.
    pub actor: Actor,
    /// The finding that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<FindingId>,
    /// The branch on which it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<BranchId>,
    /// The pull request that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<u64>,
    /// In whose words, or why.
    #[serde(default, skip_serializing_if = "Masked::is_empty")]
    pub reason: Masked,
    /// What it was before.
    #[serde(default, skip_serializing_if = "Masked::is_empty")]
    pub old: Masked,
    /// What it is now.
    #[serde(default, skip_serializing_if = "Masked::is_empty")]
    pub new: Masked,
}

impl Event {
    /// About nothing yet.
    pub(super) fn new(at: i64, kind: Kind, actor: Actor) -> Self {
        let (reason, old, new) = (Masked::EMPTY, Masked::EMPTY, Masked::EMPTY);
        Self { at, kind, actor, finding: None, branch: None, pull_request: None, reason, old, new }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A finding came to a branch. On others than the main branch this is told only of those that the main branch has not.
    Introduced,
    /// A complete run over its place did not see it any more.
    Fixed,
    /// The same, but its rule was not in force: nothing is known of the code.
    Removed,
    /// It was seen again.
    Reopened,
    /// Its file was renamed.
    Moved,
    /// Somebody judged it.
    Triaged,
    /// Another person said the same.
    Approved,
    /// A dismissal counts now, or does not any more: the severity, the rules or the people are
    /// others.
    Reconsidered,
    /// The worst severity that it ever had was lowered by an admin.
    SeverityLowered,
    /// What somebody judged holds no more.
    Expired,
    /// What was judged in a pull request ended with it.
    Withdrawn,
    /// A pull request was merged.
    Merged,
    /// A pull request was declined.
    Declined,
    /// A branch was deleted, and all that stood on it with it.
    BranchDeleted,
    /// A branch was renamed.
    BranchRenamed,
    /// Another branch became the main one.
    MainBranchChanged,
    /// The repository was renamed or moved to another project.
    RepositoryRenamed,
    /// A tool has not run on a branch for long; what it found may have changed.
    WentStale,
    /// It ran again.
    CameBack,
}

impl Kind {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Introduced => "introduced",
            Self::Fixed => "fixed",
            Self::Removed => "removed",
            Self::Reopened => "reopened",
            Self::Moved => "moved",
            Self::Triaged => "triaged",
            Self::Approved => "approved",
            Self::Reconsidered => "reconsidered",
            Self::SeverityLowered => "severity_lowered",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Merged => "merged",
            Self::Declined => "declined",
            Self::BranchDeleted => "branch_deleted",
            Self::BranchRenamed => "branch_renamed",
            Self::MainBranchChanged => "main_branch_changed",
            Self::RepositoryRenamed => "repository_renamed",
            Self::WentStale => "went_stale",
            Self::CameBack => "came_back",
        }
    }
}

/// Who caused a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", content = "id")]
pub enum Actor {
    /// A run.
    Run(RunId),
    /// A person, by Atlassian account id.
    Account(String),
    /// An API token, by its name.
    Token(String),
    /// The app itself: a moment came.
    Clock,
    /// Bitbucket, where it does not say who.
    Bitbucket,
}
