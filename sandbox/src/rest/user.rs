//! The account of the caller.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};

use super::auth::Caller;
use super::refusal::{Answer, Refusal};
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/user", get(show))
}

async fn show(State(app): State<App>, Extension(caller): Extension<Caller>) -> Answer {
    let user = caller.user.ok_or_else(|| Refusal::unauthorized("Authentication is required for this resource."))?;
    Ok(Json(user.json(&app.world().urls)).into_response())
}
