//! What the API tells of a repository, and what may be judged through it.
//!
//! Owns reading and triage for machines; runs come in through `upload`. Every list is bounded and goes on at a cursor, which means nothing to whoever
//! holds it. Who calls was decided at the door.

mod baseline;
mod findings;
pub mod openapi;
mod page;
mod runs;
mod triage;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use penstock_common::Uuid;

use crate::door::caller::Caller;
use crate::problem::Problem;
use crate::state::State;
use crate::store::workspace::Workspace;

/// Most bytes of a body.
const BODY_MAX: usize = 64 * 1024;

/// The routes.
pub fn router() -> Router<State> {
    Router::new()
        .route("/api/v1/openapi.json", get(openapi::show))
        .route("/api/v1/repositories/{repository}/findings", get(findings::list))
        .route("/api/v1/repositories/{repository}/findings/{finding}/triage", post(triage::judge))
        .route("/api/v1/repositories/{repository}/baseline", get(baseline::show))
        .route("/api/v1/repositories/{repository}/runs", get(runs::list))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

/// The repository that an address names, for a caller who may read of it.
async fn readable(state: &State, headers: &HeaderMap, repository: &str) -> Result<(Workspace, Uuid), Problem> {
    let caller = Caller::of(state, headers).await?;
    caller.spend(state)?;
    let workspace = state.store.for_workspace(caller.workspace());
    let repository = known(&workspace, repository).await?;
    caller.may_read(repository)?;
    Ok((workspace, repository))
}

/// The repository that an address names, if the workspace has it.
async fn known(workspace: &Workspace, text: &str) -> Result<Uuid, Problem> {
    let unknown = || Problem::not_found("there is no such repository");
    let repository: Uuid = text.parse().map_err(|_| unknown())?;
    let row = workspace.repository(repository).await?.filter(|row| row.gone_at.is_none());
    row.map(|row| row.repository).ok_or_else(unknown)
}
