//! What a change did to the findings: which are new, which stood in the base already, which are gone.
//!
//! Owns the matching of findings by identity. Pure: who scanned what, and when, is not known here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Finding;

/// Where a finding stands in comparison with the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The base has not got it.
    New,
    /// The base has it too.
    Existing,
}

/// What the head was compared with, and what came of it beside the findings themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// With what.
    pub base: Base,
    /// Findings of the base that the head has no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<Finding>,
    /// Secrets that a commit between base and head added and a later one removed. Each names its commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaked: Vec<Finding>,
    /// What the change does to the policy it is judged by, one sentence each; effective after the merge only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_changes: Vec<String>,
}

/// What the head is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Base {
    /// How it was chosen.
    pub kind: BaseKind,
    /// The commit, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Which one it is and why, in one sentence: `merge base with main`.
    pub reason: String,
    /// What to do for a better base; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// How a base was chosen, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaseKind {
    /// Given by `--base`.
    Given,
    /// The commit where the change left its destination.
    MergeBase,
    /// The tip of the destination; only files that the change touches count.
    DestinationTip,
    /// The newest ancestor that Penstock passed.
    LastPassed,
    /// The first parent: a weak base, since what came before it may have been let through.
    FirstParent,
    /// The difference as Bitbucket tells it: what stands on changed lines is new.
    Diff,
    /// There is nothing to compare with, and that is right: a tag, or the first commit.
    NotApplicable,
    /// There should be a base, and it could not be had.
    Unknown,
}

impl BaseKind {
    /// Whether findings could be told into new and existing.
    pub const fn is_known(self) -> bool {
        !matches!(self, Self::NotApplicable | Self::Unknown)
    }
}
