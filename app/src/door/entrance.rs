//! The ways into the pages.
//!
//! Owns what the addresses that Bitbucket puts into its pages lead to: they are checked, their person is let in, and what he is shown first is told in
//! terms that know no platform.

use axum::http::{HeaderMap, Method, Uri};
use penstock_common::Uuid;

use super::connect::frame::{Frame, Place};
use super::connect::handlers::vouched;
use super::viewer::{Closed, Handle, admit};
use crate::state::State;

/// What somebody is shown first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// How a repository stands, in brief.
    RepositoryPanel,
    /// May this pull request go in?
    PullRequestPanel(u64),
    /// The findings of a repository.
    Findings,
    /// All repositories.
    Workspace,
    /// The settings of a repository.
    RepositorySettings,
    /// The settings of the workspace.
    WorkspaceSettings,
}

/// The paths of all entrances.
pub fn paths() -> impl Iterator<Item = &'static str> {
    Frame::ALL.into_iter().map(Frame::path)
}

/// Lets in who comes with a signed address.
///
/// # Errors
/// When he is not let in.
pub async fn open(state: &State, uri: &Uri, headers: &HeaderMap) -> Result<(Handle, Start), Closed> {
    let unsigned = || Closed::Unsigned(String::new());
    let path = state.config.base.strip(uri.path()).ok_or_else(unsigned)?;
    let frame = Frame::ALL.into_iter().find(|frame| frame.path() == path).ok_or_else(unsigned)?;
    let vouched =
        vouched(state, &Method::GET, uri, headers).await.map_err(|why| Closed::Unsigned(why.detail().to_owned()))?;
    let tenant = vouched.workspace;
    let (place, viewer) = frame.read(uri.query().unwrap_or_default(), tenant).map_err(Closed::Unclear)?;
    let person = viewer.as_ref().map_or(Uuid::from([0; 16]), |viewer| viewer.uuid);
    state.visits.take_many((tenant, person), 1, state.now()).map_err(|wait| {
        state.metrics.limited("visits", "person");
        Closed::TooMany(wait)
    })?;
    let repository = match place {
        Place::Workspace => None,
        Place::Repository { repository } | Place::PullRequest { repository, .. } => Some(repository),
    };
    let handle = admit(state, &vouched, repository, viewer).await?;
    let start = match (frame, place) {
        (Frame::PullRequestPanel, Place::PullRequest { id, .. }) => Start::PullRequestPanel(id),
        (Frame::RepositoryPanel, _) => Start::RepositoryPanel,
        (Frame::RepositorySettings, _) => Start::RepositorySettings,
        (Frame::WorkspacePage, _) => Start::Workspace,
        (Frame::WorkspaceSettings, _) => Start::WorkspaceSettings,
        (Frame::RepositoryPage | Frame::PullRequestPanel, _) => Start::Findings,
    };
    Ok((handle, start))
}
