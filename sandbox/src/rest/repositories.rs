//! Repositories.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};

use super::Subject;
use super::refusal::Answer;
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/repositories/{workspace}/{repo_slug}", get(show))
}

async fn show(State(app): State<App>, Extension(subject): Extension<Subject>) -> Answer {
    let world = app.world();
    let repository = subject.of(&world)?;
    let parent = repository.parent.as_ref().and_then(|parent| world.repository(parent));
    let parent = parent.map(|parent| parent.short_json(&world.urls));
    Ok(Json(repository.json(&world.urls, parent)).into_response())
}
