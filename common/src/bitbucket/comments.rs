//! Comments on pull requests.
//!
//! Owns their shapes and the limit that we keep, after the schema `pullrequest_comment` of Bitbucket's OpenAPI document.

use serde::{Deserialize, Serialize};

use super::accounts::Account;

/// Most bytes of a comment that are sent. The server's own limit is not documented.
pub const COMMENT_MAX: usize = 30_000;

/// A comment to be made or put in place of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewComment {
    /// What it says.
    pub content: Content,
    /// Where it hangs; without it, on the pull request as a whole. Cannot be changed afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline: Option<Inline>,
}

impl NewComment {
    /// A comment on the pull request as a whole, in markdown.
    pub fn general(markdown: impl Into<String>) -> Self {
        Self { content: Content { raw: markdown.into() }, inline: None }
    }
}

/// The text of a comment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Markdown as it was written. HTML in it is shown as text.
    pub raw: String,
}

/// A place in the diff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inline {
    /// From the root of the repository.
    pub path: String,
    /// Line of the new version, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u32>,
    /// Line of the old version, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
}

/// A comment as the server tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its number.
    pub id: u64,
    /// What it says; hostile text.
    #[serde(default)]
    pub content: Option<Content>,
    /// Who wrote it.
    #[serde(default)]
    pub user: Option<Account>,
    /// Deleted ones stay in lists.
    #[serde(default)]
    pub deleted: bool,
    /// Where it hangs.
    #[serde(default)]
    pub inline: Option<Inline>,
}

impl Comment {
    /// UUID of who wrote it.
    pub fn author(&self) -> Option<&str> {
        self.user.as_ref().and_then(|user| user.uuid.as_deref())
    }

    /// Whether a line of it is `marker`, and it is not deleted. Who wrote it is another question:
    /// anybody can.
    pub fn is_marked(&self, marker: &str) -> bool {
        !self.deleted && self.text().lines().any(|line| line.trim_end() == marker)
    }

    /// What it says.
    pub fn text(&self) -> &str {
        self.content.as_ref().map_or("", |content| &content.raw)
    }
}
