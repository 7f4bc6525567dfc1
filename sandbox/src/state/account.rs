//! Accounts: who does something.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Urls, Workspace};
use crate::random;

/// Who does something, and when.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) who: User,
    pub(crate) when: Timestamp,
}

/// An account. Every access token has one of its own, as in Bitbucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) uuid: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What kind of account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// A person, or what stands for one.
    Person {
        /// Id of the Atlassian account.
        account_id: String,
    },
    /// A workspace.
    Team {
        /// Its slug.
        username: String,
    },
}

impl User {
    /// A new account.
    pub(crate) fn new(name: &str) -> Self {
        let account_id = format!("712020:{}", random::uuid().trim_matches(['{', '}']));
        Self { uuid: random::uuid(), name: name.to_owned(), kind: Kind::Person { account_id } }
    }

    /// The one that opens pull requests and merges them when a test says so.
    pub(crate) fn somebody() -> Self {
        Self {
            uuid: "{5a0d0000-0000-4000-8000-000000000001}".to_owned(),
            name: "Ada Example".to_owned(),
            kind: Kind::Person { account_id: "712020:5a0d0000-0000-4000-8000-000000000001".to_owned() },
        }
    }

    /// The account that a workspace is.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        workspace.owner.clone().unwrap_or_else(|| Self {
            uuid: workspace.uuid.clone(),
            name: workspace.slug.clone(),
            kind: Kind::Team { username: workspace.slug.clone() },
        })
    }

    /// Id of the Atlassian account: a workspace has none.
    pub(crate) fn account_id(&self) -> Option<&str> {
        match &self.kind {
            Kind::Person { account_id } => Some(account_id),
            Kind::Team { .. } => None,
        }
    }

    /// As Bitbucket shows it.
    pub(crate) fn json(&self, urls: &Urls) -> Value {
        let place = self.uuid.replace('{', "%7B").replace('}', "%7D");
        let mut shown = json!({
            "uuid": self.uuid,
            "display_name": self.name,
            "links": {
                "self": {"href": format!("{}/users/{place}", urls.api)},
                "html": {"href": format!("{}/{place}/", urls.site)},
            },
        });
        match &self.kind {
            Kind::Person { account_id } => {
                shown["type"] = "user".into();
                shown["account_id"] = account_id.clone().into();
                shown["nickname"] = self.name.clone().into();
            }
            Kind::Team { username } => {
                shown["type"] = "team".into();
                shown["username"] = username.clone().into();
            }
        }
        shown
    }
}
