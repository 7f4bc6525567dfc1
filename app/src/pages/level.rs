//! Where something is set: in a repository, or in the whole workspace.
//!
//! Owns that settings are seen and changed by admins only, asked of Bitbucket at that moment, and the ways between the pages of settings.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use penstock_common::Uuid;

use super::refusal::Refusal;
use super::shell::Shell;
use super::visit::{InRepository, Visit};
use crate::bitbucket::Author;
use crate::state::State;
use crate::store::workspace::Workspace;

/// Somebody looks at a page of settings.
pub(super) struct Level {
    /// The visit.
    pub(super) visit: Visit,
    /// The repository; absent for the whole workspace.
    pub(super) repository: Option<InRepository>,
}

/// A page beside this one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// Its address.
    pub(super) href: &'static str,
    /// Its name.
    pub(super) name: &'static str,
    /// Whether it is this one.
    pub(super) current: bool,
}

/// Address, name, and whether it is of repositories only.
const WAYS: [(&str, &str, bool); 6] = [
    ("settings", "Rules", false),
    ("approvals", "Approvals", true),
    ("tokens", "API tokens", false),
    ("hook", "Webhook", true),
    ("connection", "Connection", true),
    ("audit", "Audit log", false),
];

impl Level {
    /// The repository's id.
    pub(super) fn id(&self) -> Option<Uuid> {
        self.repository.as_ref().map(InRepository::id)
    }

    /// The tenant's rows.
    pub(super) const fn store(&self) -> &Workspace {
        self.visit.store()
    }

    /// The account of whoever looks.
    pub(super) fn account(&self) -> &str {
        &self.visit.viewer.account
    }

    /// Around a page of settings.
    pub(super) fn shell(&self, title: &str) -> Shell {
        match &self.repository {
            Some(at) => Shell::tabbed(&at.visit, title, "settings"),
            None => Shell::untabbed(&self.visit, title),
        }
    }

    /// The pages of settings, of which `current` is this one's address.
    pub(super) fn ways(&self, current: &str) -> Vec<Way> {
        let here = WAYS.into_iter().filter(|(_, _, of_repository)| self.repository.is_some() || !of_repository);
        here.map(|(href, name, _)| Way { href, name, current: href == current }).collect()
    }

    /// Lets admins through, as Bitbucket says now who is one.
    pub(super) async fn admit(&self) -> Result<(), Refusal> {
        self.admin().await.map(drop)
    }

    async fn admin(&self) -> Result<Author, Refusal> {
        let (viewer, state) = (&self.visit.viewer, &self.visit.state);
        Ok(match self.id() {
            Some(repository) => viewer.may_configure(state, repository).await?,
            None => viewer.may_configure_workspace(state).await?,
        })
    }

    /// Lets a change through that an admin sends from our own page.
    pub(super) async fn admit_change(&self, headers: &HeaderMap, action: &str, token: &str) -> Result<(), Refusal> {
        let (viewer, state) = (&self.visit.viewer, &self.visit.state);
        viewer.check_form(state, headers, action, token)?;
        let told = self.admin().await?;
        Ok(viewer.acts(state, told).await?)
    }
}

impl FromRequestParts<State> for Level {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let visit = Visit::from_request_parts(parts, state).await?;
        let repository = match visit.viewer.repository {
            Some(_) => Some(InRepository::from_request_parts(parts, state).await?),
            None => None,
        };
        Ok(Self { visit, repository })
    }
}
