//! What somebody may do in a repository.

use serde::{Deserialize, Serialize};

/// What somebody may do in a repository; each one contains those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Nothing.
    None,
    /// Look at it.
    Read,
    /// Push, merge.
    Write,
    /// Configure it.
    Admin,
}

impl Permission {
    /// As Bitbucket writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}
