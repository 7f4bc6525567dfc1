//! Pull requests.
//!
//! Owns their shape, after the schema `pullrequest` of Bitbucket's OpenAPI document.

use serde::{Deserialize, Serialize};

use super::accounts::Account;
use super::commits::CommitName;
use super::repositories::BranchName;

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number in the repository.
    pub id: u64,
    /// Hostile text.
    #[serde(default)]
    pub title: Option<String>,
    /// How it stands.
    pub state: PullRequestState,
    /// Where the change comes from.
    pub source: Side,
    /// Where it shall go.
    pub destination: Side,
    /// Who opened it.
    #[serde(default)]
    pub author: Option<Account>,
    /// The commit of the destination that merged it.
    #[serde(default)]
    pub merge_commit: Option<CommitName>,
}

impl PullRequest {
    /// Whether the change comes from another repository, or from one that is gone.
    pub fn is_from_fork(&self) -> bool {
        let name = |side: &Side| side.repository.as_ref().map(|repository| repository.full_name.clone());
        name(&self.source).is_none() || name(&self.source) != name(&self.destination)
    }
}

/// How a pull request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PullRequestState {
    /// Open.
    Open,
    /// Its change is in the destination.
    Merged,
    /// Closed without.
    Declined,
    /// Replaced by another.
    Superseded,
    /// A state that this version does not know; it is not open.
    #[serde(other)]
    Other,
}

/// One side of a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The branch.
    #[serde(default)]
    pub branch: Option<BranchName>,
    /// Its tip, often as the first 12 digits only.
    #[serde(default)]
    pub commit: Option<CommitName>,
    /// The repository; absent if it was deleted.
    #[serde(default)]
    pub repository: Option<RepositoryName>,
}

/// A repository as others refer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryName {
    /// `WORKSPACE/SLUG`.
    pub full_name: String,
    /// In braces.
    #[serde(default)]
    pub uuid: Option<String>,
}
