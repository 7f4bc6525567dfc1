//! Build statuses of a commit.
//!
//! Owns their shape and limits, after the schema `commitstatus` of Bitbucket's OpenAPI document.

use serde::{Deserialize, Serialize};

/// Most characters of a key: the server refuses more.
pub const KEY_MAX: usize = 40;
/// Most characters of a name.
pub const NAME_MAX: usize = 255;
/// Most characters of a URL.
pub const URL_MAX: usize = 450;

/// A build status. Posting one with the same key replaces it, if the same identity posted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildStatus {
    /// Identifies it on the commit; at most [`KEY_MAX`] characters.
    pub key: String,
    /// How it stands.
    pub state: StatusState,
    /// Shown as its name; at most [`NAME_MAX`] characters.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Where it leads; absolute, at most [`URL_MAX`] characters.
    pub url: String,
    /// The source branch: ties the status to a pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refname: Option<String>,
}

/// How a build stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StatusState {
    /// Passed.
    Successful,
    /// Did not pass.
    Failed,
    /// Not done yet.
    InProgress,
    /// Given up.
    Stopped,
}

/// A build status as the server tells it: anybody's, so only what identifies it is sure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostedStatus {
    /// Identifies it on the commit.
    pub key: String,
    /// How it stands.
    pub state: StatusState,
    /// Shown as its name.
    #[serde(default)]
    pub name: Option<String>,
    /// One sentence; hostile text.
    #[serde(default)]
    pub description: Option<String>,
    /// Where it leads.
    #[serde(default)]
    pub url: Option<String>,
    /// The branch that it was made for.
    #[serde(default)]
    pub refname: Option<String>,
}
