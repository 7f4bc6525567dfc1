//! What a pull request changes.
//!
//! Owns the shape of a diffstat, after the schema `diffstat` of Bitbucket's OpenAPI document. Diffs themselves are text.

use serde::{Deserialize, Serialize};

/// What happened to one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffStat {
    /// What happened.
    pub status: DiffStatus,
    /// Before; absent for new files.
    #[serde(default)]
    pub old: Option<FileName>,
    /// After; absent for removed files.
    #[serde(default)]
    pub new: Option<FileName>,
    /// How many lines are new.
    #[serde(default)]
    pub lines_added: u64,
    /// How many lines are gone.
    #[serde(default)]
    pub lines_removed: u64,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffStatus {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another content under the same name.
    Modified,
    /// It has another name, perhaps another content.
    Renamed,
    /// Anything else, such as a conflict.
    #[serde(other)]
    Other,
}

/// A file by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileName {
    /// From the root of the repository.
    pub path: String,
}
