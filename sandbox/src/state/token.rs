//! Credentials: who may do what.
//!
//! Keeps digests, never what people send. Four kinds of credentials exist; the fourth is refused since July 2026.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::account::User;
use crate::random;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// An API token of a user: Basic, with the account's e-mail address.
    Api,
    /// An access token of a repository or workspace: Bearer.
    Access,
    /// From a consumer's client credentials: Bearer.
    OAuth,
    /// An app password: removed on 2026-07-28.
    AppPassword,
}

/// Which private repositories somebody reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reach {
    /// None.
    Nothing,
    /// The one with this UUID.
    Repository(String),
    /// All of the workspace with this UUID.
    Workspace(String),
}

/// A token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) user: User,
    /// The user name that goes with it, for Basic.
    pub(crate) email: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) reach: Reach,
    pub(crate) expired: bool,
    /// The installation of an app that it was made for.
    pub(crate) installation: Option<String>,
}

/// An OAuth consumer.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Consumer {
    /// Its digest.
    secret: String,
    workspace: String,
    scopes: Vec<String>,
    user: User,
}

/// Everything that is handed out.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tokens {
    by_digest: HashMap<String, Token>,
    consumers: HashMap<String, Consumer>,
    /// Tokens for the companion app.
    companion: Vec<String>,
}

impl Tokens {
    /// Makes a token and hands it out, this once.
    pub(crate) fn add(&mut self, token: Token) -> String {
        let prefix = match token.kind {
            Kind::Api => "ATATT",
            Kind::Access => "ATCTT",
            Kind::OAuth => "oauth-",
            Kind::AppPassword => "ATBB",
        };
        let secret = random::token(prefix);
        self.by_digest.insert(digest(&secret), token);
        secret
    }

    /// The token with this text.
    pub(crate) fn get(&self, secret: &str) -> Option<&Token> {
        self.by_digest.get(&digest(secret))
    }

    /// Takes back all tokens of an installation.
    pub(crate) fn revoke_of(&mut self, installation: &str) {
        self.by_digest.retain(|_, token| token.installation.as_deref() != Some(installation));
    }

    /// Lets a token expire.
    pub(crate) fn expire(&mut self, secret: &str) {
        if let Some(token) = self.by_digest.get_mut(&digest(secret)) {
            token.expired = true;
        }
    }

    /// Takes away what a token reaches.
    pub(crate) fn shut_out(&mut self, secret: &str) {
        if let Some(token) = self.by_digest.get_mut(&digest(secret)) {
            token.reach = Reach::Nothing;
        }
    }

    /// Makes a consumer: its id and its secret.
    pub(crate) fn add_consumer(&mut self, workspace: &str, scopes: Vec<String>) -> (String, String) {
        let (id, secret) = (random::token("")[..18].to_owned(), random::token(""));
        let user = User::new("OAuth consumer");
        let consumer = Consumer { secret: digest(&secret), workspace: workspace.to_owned(), scopes, user };
        self.consumers.insert(id.clone(), consumer);
        (id, secret)
    }

    /// What a consumer is given for its credentials: a token and its scopes.
    pub(crate) fn grant(&mut self, id: &str, secret: &str) -> Option<(String, Vec<String>)> {
        let consumer = self.consumers.get(id).filter(|consumer| consumer.secret == digest(secret))?.clone();
        let token = Token {
            kind: Kind::OAuth,
            user: consumer.user,
            email: None,
            scopes: consumer.scopes.clone(),
            reach: Reach::Workspace(consumer.workspace),
            expired: false,
            installation: None,
        };
        Some((self.add(token), consumer.scopes))
    }

    /// Makes a token for the companion app.
    pub(crate) fn add_companion(&mut self) -> String {
        let secret = random::token("penstock-");
        self.companion.push(digest(&secret));
        secret
    }

    /// Is it one?
    pub(crate) fn is_companion(&self, secret: &str) -> bool {
        self.companion.contains(&digest(secret))
    }
}

fn digest(secret: &str) -> String {
    random::hex(&Sha256::digest(secret.as_bytes()))
}

/// Do these scopes contain the one that is needed? The classic ones imply their lesser forms, and `pullrequest` implies `repository`, also for
/// writing; those of API tokens do not imply each other (documented).
pub(crate) fn suffices(granted: &[String], needed: &str) -> bool {
    granted.iter().any(|granted| {
        granted == needed
            || granted.strip_prefix(needed).is_some_and(|rest| matches!(rest, ":write" | ":admin"))
            || (needed == "repository" && matches!(granted.as_str(), "pullrequest" | "pullrequest:write" | "project"))
            || (needed == "repository:write" && granted == "pullrequest:write")
    })
}
