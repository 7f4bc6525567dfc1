//! Pipelines: just enough to confirm that one ran on a commit.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::Subject;
use super::refusal::{Answer, Refusal};
use crate::app::App;
use crate::clock;

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
    let target = json!({
        "type": "pipeline_ref_target",
        "ref_type": "branch",
        "ref_name": pipeline.branch,
        "commit": {"type": "commit", "hash": pipeline.commit},
    });
    Ok(Json(json!({
        "type": "pipeline",
        "uuid": pipeline.uuid,
        "build_number": pipeline.number,
        "repository": repository.short_json(&world.urls),
        "state": {"type": "pipeline_state_in_progress", "name": "IN_PROGRESS"},
        "target": target,
        "created_on": clock::written(pipeline.created),
    }))
    .into_response())
}
