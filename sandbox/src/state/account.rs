//! Accounts: who does something.

use serde_json::{Value, json};

use super::Urls;
use crate::random;

/// An account. Every access token has one of its own, as in Bitbucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uuid: String,
    pub(crate) account_id: String,
    pub(crate) name: String,
}

impl User {
    /// A new account.
    pub(crate) fn new(name: &str) -> Self {
        let account_id = format!("712020:{}", random::uuid().trim_matches(['{', '}']));
        Self { uuid: random::uuid(), account_id, name: name.to_owned() }
    }

    /// The one that opens pull requests and merges them when a test says so.
    pub(crate) fn somebody() -> Self {
        Self {
            uuid: "{5a0d0000-0000-4000-8000-000000000001}".to_owned(),
            account_id: "712020:5a0d0000-0000-4000-8000-000000000001".to_owned(),
            name: "Ada Example".to_owned(),
        }
    }

    /// As Bitbucket shows it.
    pub(crate) fn json(&self, urls: &Urls) -> Value {
        let place = self.uuid.replace('{', "%7B").replace('}', "%7D");
        json!({
            "type": "user",
            "uuid": self.uuid,
            "account_id": self.account_id,
            "display_name": self.name,
            "nickname": self.name,
            "links": {
                "self": {"href": format!("{}/users/{place}", urls.api)},
                "html": {"href": format!("{}/{place}/", urls.site)},
            },
        })
    }
}
