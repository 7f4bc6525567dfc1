//! What Bitbucket calls an installation.
//!
//! Owns the forms of a `clientKey` and what they tell. A key identifies an installation, never a tenant: the tenant is the workspace that Bitbucket
//! names when it is asked with the installation's secret.

use std::fmt;
use std::str::FromStr;

use penstock_common::Uuid;
use serde::Deserialize;

/// Most bytes of a key. Those that were seen have less than 120.
const LENGTH_MAX: usize = 255;
const REGISTERED: &str = "ari:cloud:bitbucket::app/";

/// The identity of an installation, as Bitbucket gave it. It is compared as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct ClientKey(String);

/// What a key tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// Of an app that is registered with Atlassian: `ari:cloud:bitbucket::app/{UUID}/KEY`.
    Registered {
        /// The account that it is installed on.
        account: Uuid,
        /// The app's key.
        app: &'a str,
    },
    /// Of an app that was installed by the address of its descriptor: `connection:NUMBER`, or another form without meaning.
    Unregistered,
}

/// A text that is no client key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client key has a form that Bitbucket does not use")]
pub struct NotAClientKey;

impl ClientKey {
    /// As Bitbucket gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it tells.
    pub fn kind(&self) -> Kind<'_> {
        registered(&self.0).unwrap_or(Kind::Unregistered)
    }
}

fn registered(key: &str) -> Option<Kind<'_>> {
    let (account, app) = key.strip_prefix(REGISTERED)?.split_once('/')?;
    Some(Kind::Registered { account: account.parse().ok()?, app })
}

impl FromStr for ClientKey {
    type Err = NotAClientKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        // What begins like a registered app's key and is none would otherwise count as a key without meaning.
        let whole = !text.starts_with("ari:") || registered(text).is_some();
        (fits && whole).then(|| Self(text.to_owned())).ok_or(NotAClientKey)
    }
}

impl TryFrom<String> for ClientKey {
    type Error = NotAClientKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_it_is() {
        let account = Uuid::from([3; 16]);
        let key: ClientKey = format!("ari:cloud:bitbucket::app/{}/penstock", account.braced()).parse().unwrap();
        assert_eq!(key.kind(), Kind::Registered { account, app: "penstock" });
        let key: ClientKey = "connection:4711".parse().unwrap();
        assert_eq!(key.kind(), Kind::Unregistered);
    }

    #[test]
    fn refuses_other_forms() {
        let long = "x".repeat(LENGTH_MAX + 1);
        for text in ["", "a b", "a\n", "é", "ari:cloud:bitbucket::app/{x}/penstock", "ari:cloud:jira::site/1", &long] {
            assert_eq!(text.parse::<ClientKey>(), Err(NotAClientKey), "{text}");
        }
    }
}
