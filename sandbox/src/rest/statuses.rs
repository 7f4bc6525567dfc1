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
    let status = repository.statuses.with_key(&commit, &at.key).into_iter().next().ok_or_else(no_status)?;
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
    match subject.of(&app.world())?.statuses.with_key(&commit, &at.key).len() {
        0 => return Err(no_status()),
        1 => {}
        // Seen: <https://github.com/jenkinsci/bitbucket-branch-source-plugin/pull/930> ("the update
        // APIs return an HTTP 500 error").
        _ => return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong")),
    }
    Ok(Json(put(&app, &subject, &caller, &commit, &at.key, fields)?).into_response())
}

fn no_status() -> Refusal {
    Refusal::not_found("No build status with this key exists on this commit.")
}

/// Whether an address is one that Bitbucket takes for a status: a host such as `intranet` or
/// `localhost` is refused, an IP address is not. Seen:
/// <https://github.com/jenkinsci/bitbucket-branch-source-plugin/pull/146>,
/// <https://github.com/runatlantis/atlantis/issues/710>.
fn names_a_host_with_a_dot(url: &str) -> bool {
    match url::Url::parse(url).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name.contains('.'),
        Some(_) => true,
        None => false,
    }
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
    if fields.get("url").and_then(Value::as_str).is_some_and(|url| !names_a_host_with_a_dot(url)) {
        return Err(Refusal::invalid_field("url", "Enter a valid URL."));
    }
    let user =
        caller.user.clone().ok_or_else(|| Refusal::unauthorized("Authentication is required for this resource."))?;
    let mut world = app.world();
    let urls = world.urls.clone();
    let repository = subject.of_mut(&mut world)?;
    let refname = fields.get("refname").and_then(Value::as_str).map(str::to_owned);
    let owner = repository.statuses.get(&commit, key, refname.as_deref()).map(|status| &status.author);
    let is_new = owner.is_none();
    if owner.is_some_and(|owner| *owner != user) && !caller.is_admin() {
        let words = "You do not have permission to update this build status: only its author or a repository administrator may.";
        return Err(Refusal::new(StatusCode::FORBIDDEN, words));
    }
    let (here, _) = repository.at(&urls);
    let shown = repository.statuses.put(&commit, key, &user, fields).json(&here, &commit);
    app.tell(&mut world, |world| {
        events::status(world, subject.uuid(), &commit, (key, refname.as_deref()), &user, is_new)
    });
    Ok(shown)
}
