//! The account of the caller.
//!
//! Access tokens are refused, whatever their scopes: "Bitbucket refuses `/user` to every access
//! token" (<https://github.com/decocms/studio/pull/7231>, and as 401 in
//! <https://github.com/fork-dev/Tracker/issues/2416>). Apps may be: what a sandbox answers them is
//! set by [`crate::Bitbucket::refuse_user_to_apps`].

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};

use super::auth::{By, Caller, INVALID};
use super::refusal::{Answer, Refusal};
use crate::app::App;
use crate::state::token::{Kind, Reach};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/user", get(show))
}

/// Whether this caller gets an answer at all; checked before its scopes.
pub(super) fn check(app: &App, caller: &Caller) -> Result<(), Refusal> {
    let is_app = matches!(caller.reach, Reach::Workspace(_)) && caller.by == By::Token(Kind::OAuth);
    match app.user_refusal() {
        _ if caller.by == By::Token(Kind::Access) => Err(Refusal::unauthorized(INVALID)),
        Some(status) if is_app => Err(Refusal::new(status, INVALID)),
        _ => Ok(()),
    }
}

async fn show(State(app): State<App>, Extension(caller): Extension<Caller>) -> Answer {
    let user = caller.user.ok_or_else(|| Refusal::unauthorized("Authentication is required for this resource."))?;
    Ok(Json(user.json(&app.world().urls)).into_response())
}
