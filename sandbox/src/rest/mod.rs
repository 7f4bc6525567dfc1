//! The REST API 2.0: one file per resource.
//!
//! Handlers own the status codes, the words of refusals and what happens to the world. They are called with requests that fit the
//! contract, by callers that may call, on repositories that those may see: the guard sees to it.

mod admit;
pub(crate) mod auth;
mod comments;
pub(crate) mod commits;
mod diff;
mod fields;
pub(crate) mod guard;
mod oidc;
mod page;
mod pipelines;
mod pull_requests;
mod query;
mod rate;
mod refs;
pub(crate) mod refusal;
mod reports;
mod repositories;
mod src;
mod statuses;
mod user;
mod workspaces;

use axum::Router;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::middleware::from_fn_with_state;

use crate::app::App;
use crate::git::Git;
use crate::state::repository::Repository;
use crate::state::{Urls, World};

use refusal::Refusal;

/// The API behind its guard.
pub(crate) fn router(app: &App) -> Router {
    let routes = Router::new()
        .merge(repositories::routes())
        .merge(workspaces::routes())
        .merge(commits::routes())
        .merge(refs::routes())
        .merge(src::routes())
        .merge(diff::routes())
        .merge(reports::routes())
        .merge(statuses::routes())
        .merge(pull_requests::routes())
        .merge(comments::routes())
        .merge(pipelines::routes())
        .merge(user::routes())
        .merge(oidc::routes());
    Router::new()
        .nest("/2.0", routes)
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .with_state(app.clone())
}

/// Where links lead to, if not to the sandbox's own API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base(pub(crate) &'static str);

/// What was asked, and where links lead to.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// With `/2.0`.
    uri: Uri,
    /// Scheme, host and port of links.
    base: String,
}

impl Asked {
    /// The query's pairs, decoded.
    pub(crate) fn query(&self) -> impl Iterator<Item = (String, String)> {
        let query = self.uri.query().unwrap_or_default();
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>().into_iter()
    }

    /// The first value of a query parameter.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        self.query().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Is a boolean query parameter true?
    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.value(name).map_or(default, |value| value == "true")
    }

    /// The same list, another page. With a context if links are not to be made up.
    fn link(&self, page: usize, with_context: bool) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.query().filter(|(name, _)| name != "page" && name != "ctx"));
        if with_context {
            query.append_pair("ctx", "sandbox");
        }
        query.append_pair("page", &page.to_string());
        format!("{}{}?{}", self.base, self.uri.path(), query.finish())
    }
}

/// The repository that a request is about, by UUID.
#[derive(Clone, Debug)]
pub(crate) struct Subject(String);

impl Subject {
    /// Its UUID.
    pub(crate) fn uuid(&self) -> &str {
        &self.0
    }

    /// It, unless it was deleted a moment ago.
    pub(crate) fn of<'a>(&self, world: &'a World) -> Result<&'a Repository, Refusal> {
        world.repository(&self.0).ok_or_else(Refusal::no_repository)
    }

    /// It, unless it was deleted a moment ago.
    pub(crate) fn of_mut<'a>(&self, world: &'a mut World) -> Result<&'a mut Repository, Refusal> {
        world.repository_mut(&self.0).ok_or_else(Refusal::no_repository)
    }

    /// Its git, so that the world need not wait.
    pub(crate) fn git(&self, app: &App) -> Result<Git, Refusal> {
        Ok(self.of(&app.world())?.git.clone())
    }

    /// Its git, and the URLs of links.
    pub(crate) fn git_and_urls(&self, app: &App) -> Result<(Git, Urls, String), Refusal> {
        let world = app.world();
        let repository = self.of(&world)?;
        Ok((repository.git.clone(), world.urls.clone(), repository.full_name()))
    }
}

/// The full id of a commit, which may be named by a prefix, a branch or a tag.
pub(crate) fn commit_id(git: &Git, name: &str) -> Result<String, Refusal> {
    git.commit_id(name).ok_or_else(|| Refusal::no_commit(name))
}
