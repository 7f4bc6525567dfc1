//! Workspaces, and what people may do in their repositories.
//!
//! Owns their shapes, after the schemas `workspace` and `repository_permission` of Bitbucket's OpenAPI document.

use serde::{Deserialize, Serialize};

use super::accounts::Account;

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its name in addresses.
    pub slug: String,
    /// In braces. Stays when it is renamed.
    #[serde(default)]
    pub uuid: Option<String>,
}

/// What somebody may do in a repository, by whatever way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryPermission {
    /// The most that he may.
    #[serde(default)]
    pub permission: Permission,
    /// Who.
    #[serde(default)]
    pub user: Option<Account>,
    /// Where.
    #[serde(default)]
    pub repository: Option<RepositoryId>,
}

/// What somebody is in a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// `owner` decides about it; there are others, which do not.
    #[serde(default)]
    pub permission: String,
    /// Who.
    #[serde(default)]
    pub user: Option<Account>,
}

/// A repository, by what never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryId {
    /// In braces.
    #[serde(default)]
    pub uuid: Option<String>,
}

/// What may be done in a repository. Each contains the ones before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "String")]
pub enum Permission {
    /// Nothing; also what this version does not know.
    #[default]
    None,
    /// Look.
    Read,
    /// Change.
    Write,
    /// Decide about it.
    Admin,
}

impl From<String> for Permission {
    fn from(name: String) -> Self {
        match name.as_str() {
            "read" => Self::Read,
            "write" => Self::Write,
            "admin" => Self::Admin,
            _ => Self::None,
        }
    }
}
