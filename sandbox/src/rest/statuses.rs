//! Build statuses.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::auth::Caller;
use super::page::{Style, page};
use super::refusal::{Answer, Refusal};
use super::{Asked, Subject, commit_id};
use crate::app::App;
use crate::connect::events;

pub(super) fn routes() -> Router<App> {
    const STATUSES: &str = "/repositories/{workspace}/{repo_slug}/commit/{commit}/statuses";
    Router::new()
        .route(STATUSES, get(list))
        .route(&format!("{STATUSES}/build"), post(create))
        .route(&format!("{STATUSES}/build/{{key}}"), get(show).put(replace))
}

#[derive(Deserialize)]
struct At {
    commit: String,
    #[serde(default)]
    key: String,
}

async fn list(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(asked): Extension<Asked>,
    Path(at): Path<At>,
) -> Answer {
    let commit = commit_id(&subject.git(&app)?, &at.commit)?;
    let wanted = asked.value("refname");
    let world = app.world();
    let repository = subject.of(&world)?;
    let (here, _) = repository.at(&world.urls);
    let statuses = repository.statuses.of(&commit).iter();
    let fitting = statuses.filter(|status| wanted.is_none() || status.refname == wanted);
    page(&asked, fitting.map(|status| status.json(&here, &commit)).collect(), Style::default())
}

async fn create(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(caller): Extension<Caller>,
    Path(at): Path<At>,
    Json(fields): Json<Map<String, Value>>,
) -> Answer {
    let key = fields.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
    let shown = put(&app, &subject, &caller, &at.commit, &key, fields)?;
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

async fn show(State(app): State<App>, Extension(subject): Extension<Subject>, Path(at): Path<At>) -> Answer {
    let commit = commit_id(&subject.git(&app)?, &at.commit)?;
    let world = app.world();
    let repository = subject.of(&world)?;
    let (here, _) = repository.at(&world.urls);
    let status = repository.statuses.get(&commit, &at.key).ok_or_else(no_status)?;
    Ok(Json(status.json(&here, &commit)).into_response())
}

async fn replace(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(caller): Extension<Caller>,
    Path(at): Path<At>,
    Json(fields): Json<Map<String, Value>>,
) -> Answer {
    let commit = commit_id(&subject.git(&app)?, &at.commit)?;
    if subject.of(&app.world())?.statuses.get(&commit, &at.key).is_none() {
        return Err(no_status());
    }
    Ok(Json(put(&app, &subject, &caller, &commit, &at.key, fields)?).into_response())
}

fn no_status() -> Refusal {
    Refusal::not_found("No build status with this key exists on this commit.")
}

/// Only its author or an administrator may overwrite a status (since 2021-05-21).
fn put(
    app: &App,
    subject: &Subject,
    caller: &Caller,
    commit: &str,
    key: &str,
    fields: Map<String, Value>,
) -> Result<Value, Refusal> {
    let commit = commit_id(&subject.git(app)?, commit)?;
    let user =
        caller.user.clone().ok_or_else(|| Refusal::unauthorized("Authentication is required for this resource."))?;
    let mut world = app.world();
    let urls = world.urls.clone();
    let repository = subject.of_mut(&mut world)?;
    let owner = repository.statuses.get(&commit, key).map(|status| &status.author);
    let is_new = owner.is_none();
    if owner.is_some_and(|owner| *owner != user) && !caller.is_admin() {
        let words = "You do not have permission to update this build status: only its author or a repository administrator may.";
        return Err(Refusal::new(StatusCode::FORBIDDEN, words));
    }
    let (here, _) = repository.at(&urls);
    let shown = repository.statuses.put(&commit, key, &user, fields).json(&here, &commit);
    app.tell(&mut world, |world| events::status(world, subject.uuid(), &commit, key, &user, is_new));
    Ok(shown)
}
