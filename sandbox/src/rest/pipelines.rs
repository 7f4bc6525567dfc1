//! Pipelines: just enough to confirm that one ran on a commit, on which branch, and for which pull request.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Subject;
use super::refusal::{Answer, Refusal};
use crate::app::App;
use crate::clock;
use crate::state::repository::{Pipeline, Repository};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/repositories/{workspace}/{repo_slug}/pipelines/{pipeline_uuid}", get(show))
}

#[derive(Deserialize)]
struct At {
    pipeline_uuid: String,
}

/// Knows the steps that were made of the sandbox; see [`crate::Step`].
async fn show(State(app): State<App>, Extension(subject): Extension<Subject>, Path(at): Path<At>) -> Answer {
    let world = app.world();
    let repository = subject.of(&world)?;
    let pipelines = &repository.pipelines;
    let found = pipelines.iter().find(|pipeline| pipeline.uuid == at.pipeline_uuid);
    let pipeline = found.ok_or_else(|| Refusal::not_found("Pipeline not found"))?;
    Ok(Json(json!({
        "type": "pipeline",
        "uuid": pipeline.uuid,
        "build_number": pipeline.number,
        "repository": repository.short_json(&world.urls),
        "state": {"type": "pipeline_state_in_progress", "name": "IN_PROGRESS"},
        "target": target(repository, pipeline),
        "created_on": clock::written(pipeline.created),
    }))
    .into_response())
}

/// A branch, or the source of a pull request: as recorded, the second kind is not in Atlassian's document.
fn target(repository: &Repository, pipeline: &Pipeline) -> Value {
    let commit = json!({"type": "commit", "hash": pipeline.commit});
    let pull_request = pipeline.pull_request.as_ref();
    match pull_request.and_then(|(id, destination)| Some((repository.pull_requests.get(id)?, destination))) {
        None => json!({
            "type": "pipeline_ref_target",
            "ref_type": "branch",
            "ref_name": pipeline.branch,
            "commit": commit,
            "selector": {"type": "branches", "pattern": pipeline.branch},
        }),
        Some((pull_request, destination)) => json!({
            "type": "pipeline_pullrequest_target",
            "source": pipeline.branch,
            "destination": pull_request.destination.branch,
            "commit": commit,
            "destination_commit": {"type": "commit", "hash": destination},
            "pullrequest": {"type": "pullrequest", "id": pull_request.id, "title": pull_request.title},
            "selector": {"type": "pull-requests", "pattern": "**"},
        }),
    }
}
