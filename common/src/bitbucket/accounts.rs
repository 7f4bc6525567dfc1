//! Who did something: users, teams and the bots behind access tokens.
//!
//! Owns the shape, after the schema `account` of Bitbucket's OpenAPI document.

use serde::{Deserialize, Serialize};

/// An account. Names are chosen by their owners: they are hostile text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    /// In braces, as Bitbucket writes it. Identifies the account.
    pub uuid: Option<String>,
    /// The Atlassian account; bots have none.
    pub account_id: Option<String>,
    /// Shown as its name.
    pub display_name: Option<String>,
    /// How it is mentioned.
    pub nickname: Option<String>,
    /// Of a workspace: its name in addresses. People have none.
    pub username: Option<String>,
}
