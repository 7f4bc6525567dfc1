//! Commits and branches.
//!
//! Owns their shapes, after the schemas `commit` and `branch` of Bitbucket's OpenAPI document.

use serde::{Deserialize, Serialize};

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// 40 hexadecimal digits.
    pub hash: String,
    /// RFC 3339.
    #[serde(default)]
    pub date: Option<String>,
    /// As it was written: hostile text.
    #[serde(default)]
    pub message: Option<String>,
    /// First the one that was built on.
    #[serde(default)]
    pub parents: Vec<CommitName>,
}

/// A commit as others refer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitName {
    /// Hexadecimal digits, in pull requests often the first 12 only.
    pub hash: String,
}

/// A branch and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// Its name.
    pub name: String,
    /// Its tip.
    pub target: Commit,
}
