//! Where the app posts, and what the places are called.
//!
//! Owns who hears of a verdict: where settings want it, unless the last try failed.

use penstock_common::{Masked, Uuid, masked};

use crate::settings::Settings;
use crate::store::Result;
use crate::store::workspace::Workspace;

/// Names in addresses.
#[derive(Clone, Debug)]
pub struct Names {
    /// The workspace's.
    pub workspace: Masked,
    /// The repository's.
    pub repository: Masked,
}

impl Names {
    /// What workspace and repository are called. UUIDs serve as well where a name is not known.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(workspace: &Workspace, repository: Uuid) -> Result<Self> {
        let slug = workspace.row().await?.and_then(|row| row.slug);
        let row = workspace.repository(repository).await?;
        Ok(Self {
            workspace: slug.unwrap_or_else(|| masked!["{", workspace.id(), "}"]),
            repository: row.map_or_else(|| masked!["{", repository, "}"], |row| row.slug),
        })
    }
}

/// Where the app may post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destinations {
    /// The status.
    pub status: bool,
    /// The comment.
    pub comment: bool,
    /// Reports that are judged anew.
    pub report: bool,
}

impl Destinations {
    /// Where it may now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(workspace: &Workspace, repository: Uuid, settings: &Settings) -> Result<Self> {
        let told = workspace.deliveries(repository, 50).await?;
        let works = |destination: &str| {
            let last = told.iter().find(|row| row.sender == "app" && row.destination == destination);
            last.is_none_or(|row| row.outcome != "failed")
        };
        Ok(Self {
            status: settings.posts_status() && works("build-status"),
            comment: settings.posts_comment() && works("pr-comment"),
            report: settings.posts_report() && works("code-insights"),
        })
    }
}
