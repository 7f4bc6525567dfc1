//! A visit to a page: who looks, and at what.
//!
//! Owns the way from a request to both, and what every page needs beside: names, links, the moment. What is refused here is shown as a page.

use axum::extract::{FromRequestParts, Path};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;
use penstock_common::decorate::links::segment;
use penstock_common::{Masked, masked};
use penstock_common::{Subject, Uuid};
use serde::de::DeserializeOwned;

use super::moment::Moment;
use super::refusal::Refusal;
use crate::door::viewer::{Viewer, enter};
use crate::state::State;
use crate::store::workspace::{RepositoryRow, Workspace};

/// Somebody looks at a page.
#[derive(Clone)]
pub(super) struct Visit {
    /// The program.
    pub(super) state: State,
    /// Who looks.
    pub(super) viewer: Viewer,
    /// When, in unix milliseconds.
    pub(super) now: i64,
    /// Whether only the content of pages is asked for.
    pub(super) fragment: bool,
}

/// Somebody looks at a page of a repository.
#[derive(Clone)]
pub(super) struct InRepository {
    /// The visit.
    pub(super) visit: Visit,
    /// The repository.
    pub(super) row: RepositoryRow,
    /// Where people see it in Bitbucket, without a slash at the end.
    pub(super) web: String,
    /// The workspace's name in addresses.
    pub(super) workspace_slug: Masked,
}

impl Visit {
    /// The tenant's rows.
    pub(super) const fn store(&self) -> &Workspace {
        &self.viewer.workspace
    }

    /// A moment as it is read now.
    pub(super) fn moment(&self, at: i64) -> Moment {
        Moment::new(at, self.now)
    }
}

impl InRepository {
    /// Its id.
    pub(super) const fn id(&self) -> Uuid {
        self.row.repository
    }

    /// The tenant's rows.
    pub(super) const fn store(&self) -> &Workspace {
        self.visit.store()
    }

    /// A moment as it is read now.
    pub(super) fn moment(&self, at: i64) -> Moment {
        self.visit.moment(at)
    }

    /// What links are made for.
    pub(super) fn subject(&self, commit: &str) -> Subject {
        Subject {
            workspace: self.workspace_slug.clone(),
            repository: self.row.slug.clone(),
            commit: commit.to_owned(),
            ..Subject::default()
        }
    }

    /// A line of a file at a commit in Bitbucket, if it has a page.
    pub(super) fn source(&self, commit: &str, path: &str, line: u32) -> Option<String> {
        let site = self.visit.state.config.hosts.script_and_frame_origin();
        let subject = self.subject(commit);
        penstock_common::decorate::Links::new(&site, &subject).source(path, line)
    }

    /// A commit in Bitbucket.
    pub(super) fn commit(&self, commit: &str) -> String {
        format!("{}/commits/{}", self.web, segment(commit))
    }

    /// A pull request in Bitbucket.
    pub(super) fn pull_request(&self, number: u64) -> String {
        format!("{}/pull-requests/{number}", self.web)
    }
}

impl FromRequestParts<State> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let handle = Path::<String>::from_request_parts(parts, state).await.map(|Path(handle)| handle);
        let viewer = enter(state, handle.as_deref().unwrap_or_default()).await;
        let viewer = viewer.map_err(|why| Refusal::from(why).page(state))?;
        let accepted = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let fragment = accepted.is_some_and(|accepted| accepted.starts_with("application/json"));
        Ok(Self { state: state.clone(), viewer, now: state.now(), fragment })
    }
}

/// What stands behind the `?` of an address. What makes no sense is refused with a page.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<State> for Query<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(read)) => Ok(Self(read)),
            Err(_) => {
                Err(Refusal::Senseless("The address has something in it that this page does not know.".to_owned())
                    .page(state))
            }
        }
    }
}

impl FromRequestParts<State> for InRepository {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Response> {
        let visit = Visit::from_request_parts(parts, state).await?;
        of(visit).await.map_err(|why| why.page(state))
    }
}

async fn of(visit: Visit) -> Result<InRepository, Refusal> {
    let nothing = || Refusal::NotFound("repository");
    let repository = visit.viewer.repository.ok_or_else(nothing)?;
    let row = visit.store().repository(repository).await?.filter(|row| row.gone_at.is_none()).ok_or_else(nothing)?;
    let slug = visit.store().row().await?.and_then(|row| row.slug);
    let workspace_slug = slug.unwrap_or_else(|| masked!["{", visit.store().id(), "}"]);
    let site = visit.state.config.hosts.script_and_frame_origin();
    let web = format!("{site}/{}/{}", segment(&workspace_slug), segment(&row.slug));
    Ok(InRepository { visit, row, web, workspace_slug })
}
