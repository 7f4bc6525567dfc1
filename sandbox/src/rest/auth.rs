//! Who is calling?
//!
//! Owns reading credentials. What a caller may do is asked in the guard.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::refusal::Refusal;
use crate::clock;
use crate::connect::token::{Asked, Refused, verify};
use crate::state::World;
use crate::state::account::User;
use crate::state::repository::Repository;
use crate::state::token::{Kind, Reach, Token, suffices};

/// Who is calling.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Nobody: not authenticated, or the step of a pipeline.
    pub(crate) user: Option<User>,
    pub(crate) scopes: Vec<String>,
    pub(crate) reach: Reach,
    /// What kind of credentials.
    pub(crate) by: By,
}

/// By what a caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// By nothing.
    Nothing,
    /// By a token.
    Token(Kind),
    /// The authentication proxy vouches for it.
    Step,
}

/// What the proxy says about a request that it passes on.
#[derive(Clone, Debug)]
pub(crate) enum Vouched {
    /// It comes from a step of the repository with this UUID.
    Step(String),
    /// Nothing.
    Nobody,
}

pub(super) const INVALID: &str = "Token is invalid, expired, or not supported for this endpoint.";

impl Caller {
    fn nobody() -> Self {
        Self { user: None, scopes: Vec::new(), reach: Reach::Nothing, by: By::Nothing }
    }

    fn with(token: &Token) -> Result<Self, Refusal> {
        if token.kind == Kind::AppPassword {
            return Err(Refusal::unauthorized(
                "App passwords were removed on 2026-07-28 and are no longer accepted. Use an API token instead.",
            ));
        }
        if token.expired {
            return Err(Refusal::unauthorized(INVALID));
        }
        let Token { user, scopes, reach, kind, .. } = token.clone();
        Ok(Self { user: Some(user), scopes, reach, by: By::Token(kind) })
    }

    /// Reads the credentials of a call to the REST API.
    pub(crate) fn of_api(
        world: &World,
        asked: Asked<'_>,
        headers: &HeaderMap,
        vouched: Option<&Vouched>,
    ) -> Result<Self, Refusal> {
        match vouched {
            Some(Vouched::Step(repository)) => {
                let scopes = vec!["repository".to_owned()];
                let reach = Reach::Repository(repository.clone());
                return Ok(Self { user: None, scopes, reach, by: By::Step });
            }
            Some(Vouched::Nobody) => return Ok(Self::nobody()),
            None => {}
        }
        if let Some(token) = jwt(headers) {
            return Self::of_app(world, token, asked);
        }
        let Some((scheme, value)) = authorization(headers) else {
            return if headers.contains_key(header::AUTHORIZATION) {
                Err(Refusal::unauthorized(INVALID))
            } else {
                Ok(Self::nobody())
            };
        };
        let token = match scheme.as_str() {
            "bearer" => {
                let token = world.tokens.get(&value);
                token.filter(|token| matches!(token.kind, Kind::Access | Kind::OAuth))
            }
            "basic" => {
                let pair = basic(&value);
                let token = pair.as_ref().and_then(|(name, secret)| Some((name, world.tokens.get(secret)?)));
                let named = token.filter(|(name, token)| {
                    token.kind == Kind::AppPassword || token.email.as_ref() == Some(name) && token.kind == Kind::Api
                });
                named.map(|(_, token)| token)
            }
            _ => None,
        };
        token.map_or_else(|| Err(Refusal::unauthorized(INVALID)), Self::with)
    }

    /// An app, by a token that it made for this request: it acts as the account that it is installed for.
    fn of_app(world: &World, token: &str, asked: Asked<'_>) -> Result<Self, Refusal> {
        let (known, terms) = verify(&world.apps, token, asked, clock::now().as_second()).map_err(|refused| {
            let refusal = Refusal::unauthorized(refused.words());
            if matches!(refused, Refused::Wrong(_)) { refusal.with_violation(refused.words()) } else { refusal }
        })?;
        let user = world.account(&known.workspace).map_err(|_| Refusal::unauthorized(INVALID))?;
        let reach = Reach::Workspace(known.workspace.clone());
        let scopes = terms.descriptor.scopes.clone();
        Ok(Self { user: Some(user), scopes, reach, by: By::Token(Kind::OAuth) })
    }

    /// Reads the credentials of git over HTTP: Basic with one of the names that stand for a kind of token.
    pub(crate) fn of_git(world: &World, headers: &HeaderMap) -> Result<Self, Refusal> {
        let Some((scheme, value)) = authorization(headers) else { return Ok(Self::nobody()) };
        let pair = (scheme == "basic").then(|| basic(&value)).flatten();
        let (name, token) = pair
            .and_then(|(name, secret)| Some((name, world.tokens.get(&secret)?)))
            .ok_or_else(|| Refusal::unauthorized("Invalid credentials"))?;
        let fits = match token.kind {
            Kind::Access | Kind::OAuth => name == "x-token-auth",
            Kind::Api => name == "x-bitbucket-api-token-auth" || token.email.as_ref() != Some(&name),
            Kind::AppPassword => true,
        };
        if fits { Self::with(token) } else { Err(Refusal::unauthorized("Invalid credentials")) }
    }

    /// May it do what needs this scope?
    pub(crate) fn has_scope(&self, classic: &str, granular: Option<&str>) -> bool {
        let needed = self.needed(classic, granular);
        suffices(&self.scopes, needed)
    }

    /// The scope as its kind of credentials names it.
    pub(crate) fn needed<'a>(&self, classic: &'a str, granular: Option<&'a str>) -> &'a str {
        match self.by {
            By::Token(Kind::Api) => granular.unwrap_or(classic),
            _ => classic,
        }
    }

    /// May it see this repository?
    pub(crate) fn sees(&self, repository: &Repository) -> bool {
        !repository.is_private
            || match &self.reach {
                Reach::Nothing => false,
                Reach::Repository(uuid) => *uuid == repository.uuid,
                Reach::Workspace(uuid) => *uuid == repository.workspace_uuid,
            }
    }

    /// May it see a workspace, and what it has beside repositories?
    pub(crate) fn sees_workspace(&self, uuid: &str) -> bool {
        matches!(&self.reach, Reach::Workspace(known) if known == uuid)
    }

    /// Is it an administrator of a repository: by its scopes, or because it acts as the workspace itself?
    pub(crate) fn administers(&self, repository: &Repository) -> bool {
        self.is_admin() || self.user.as_ref().is_some_and(|user| user.uuid == repository.workspace_uuid)
    }

    /// Is it an administrator of what it reaches?
    pub(crate) fn is_admin(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope.as_str(), "repository:admin" | "admin:repository:bitbucket"))
    }
}

/// The token of an app. The name of its scheme is written in capitals (documented).
pub(crate) fn jwt(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("JWT ")
}

/// Scheme (lower case) and value of an Authorization header.
pub(crate) fn authorization(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, value) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    Some((scheme.to_ascii_lowercase(), value.trim().to_owned()))
}

/// Name and password of a Basic header's value.
pub(crate) fn basic(value: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(value).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
