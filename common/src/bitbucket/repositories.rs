//! Repositories.
//!
//! Owns their shape, after the schema `repository` of Bitbucket's OpenAPI document.

use serde::{Deserialize, Serialize};

use super::pull_requests::RepositoryName;
use super::workspaces::Workspace;

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// `WORKSPACE/SLUG`. Differs from what was asked for if the repository was moved or renamed.
    pub full_name: String,
    /// In braces. Stays when the repository is moved.
    #[serde(default)]
    pub uuid: Option<String>,
    /// Only members see it.
    #[serde(default)]
    pub is_private: Option<bool>,
    /// The branch that counts; absent while the repository is empty.
    #[serde(default)]
    pub mainbranch: Option<BranchName>,
    /// Whose it is.
    #[serde(default)]
    pub workspace: Option<Workspace>,
    /// What it is a fork of.
    #[serde(default)]
    pub parent: Option<RepositoryName>,
}

impl Repository {
    /// Workspace and slug.
    pub fn names(&self) -> Option<(&str, &str)> {
        self.full_name.split_once('/')
    }
}

/// A branch as others refer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchName {
    /// Its name.
    pub name: String,
}
