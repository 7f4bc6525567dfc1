//! Comments on pull requests.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::Value;

use super::auth::Caller;
use super::page::{Style, page};
use super::pull_requests::{Numbered, current};
use super::refusal::{Answer, Refusal};
use super::{Asked, Subject};
use crate::app::App;
use crate::connect::events;
use crate::state::account::User;
use crate::state::comment::Comment;

pub(super) fn routes() -> Router<App> {
    const ALL: &str = "/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}/comments";
    Router::new()
        .route(ALL, get(list).post(create))
        .route(&format!("{ALL}/{{comment_id}}"), get(show).put(edit).delete(delete))
}

#[derive(Deserialize)]
struct At {
    #[serde(flatten)]
    pull_request: Numbered,
    comment_id: String,
}

fn no_comment() -> Refusal {
    Refusal::not_found("Comment does not exist")
}

/// Lists all comments, also those that are deleted, the first one first.
async fn list(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(asked): Extension<Asked>,
    Path(at): Path<Numbered>,
) -> Answer {
    let items = look(&app, &subject, at.id()?, |comments| Ok(comments.iter().collect()))?;
    page(&asked, items, Style::default())
}

async fn show(State(app): State<App>, Extension(subject): Extension<Subject>, Path(at): Path<At>) -> Answer {
    let mut found = look(&app, &subject, at.pull_request.id()?, |comments| {
        let found = comments.iter().find(|comment| comment.id.to_string() == at.comment_id);
        Ok(vec![found.ok_or_else(no_comment)?])
    })?;
    found.pop().map(|comment| Json(comment).into_response()).ok_or_else(no_comment)
}

async fn create(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(caller): Extension<Caller>,
    Path(at): Path<Numbered>,
    Json(body): Json<Value>,
) -> Answer {
    let pull_request = at.id()?;
    let author = known(&caller)?;
    let id = {
        let mut world = app.world();
        let found = current(&mut world, &subject, pull_request)?;
        let parent = body.pointer("/parent/id").and_then(Value::as_u64);
        if parent.is_some_and(|parent| !found.comments.iter().any(|comment| comment.id == parent)) {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "parent: the comment to reply to does not exist"));
        }
        let id = subject.of_mut(&mut world)?.next_comment();
        current(&mut world, &subject, pull_request)?.comments.push(Comment::new(id, author, &body));
        app.tell(&mut world, |world| {
            events::comment(world, subject.uuid(), pull_request, id, author, "pullrequest:comment_created")
        });
        id
    };
    let comment = one(&app, &subject, pull_request, id)?;
    let location = comment.pointer("/links/self/href").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(comment)).into_response())
}

async fn edit(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(caller): Extension<Caller>,
    Path(at): Path<At>,
    Json(body): Json<Value>,
) -> Answer {
    let pull_request = at.pull_request.id()?;
    let key = "pullrequest:comment_updated";
    let id = change(&app, &subject, &caller, &at, key, |comment| comment.edit(&body))?;
    Ok(Json(one(&app, &subject, pull_request, id)?).into_response())
}

async fn delete(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(caller): Extension<Caller>,
    Path(at): Path<At>,
) -> Answer {
    change(&app, &subject, &caller, &at, "pullrequest:comment_deleted", Comment::delete)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn known(caller: &Caller) -> Result<&User, Refusal> {
    caller.user.as_ref().ok_or_else(|| Refusal::unauthorized("Authentication is required for this resource."))
}

/// Changes a comment. Only its author may; one that is deleted stays as it is.
fn change(
    app: &App,
    subject: &Subject,
    caller: &Caller,
    at: &At,
    key: &'static str,
    change: impl FnOnce(&mut Comment),
) -> Result<u64, Refusal> {
    let author = known(caller)?;
    let mut world = app.world();
    let comments = &mut current(&mut world, subject, at.pull_request.id()?)?.comments;
    let comment = comments.iter_mut().find(|comment| comment.id.to_string() == at.comment_id).ok_or_else(no_comment)?;
    if comment.deleted {
        return Err(no_comment());
    }
    if comment.author != *author {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "You can only change your own comments."));
    }
    change(comment);
    let (pull_request, id) = (at.pull_request.id()?, comment.id);
    app.tell(&mut world, |world| events::comment(world, subject.uuid(), pull_request, id, author, key));
    Ok(id)
}

fn one(app: &App, subject: &Subject, pull_request: u64, id: u64) -> Result<Value, Refusal> {
    let mut found = look(app, subject, pull_request, |comments| {
        Ok(vec![comments.iter().find(|comment| comment.id == id).ok_or_else(no_comment)?])
    })?;
    found.pop().ok_or_else(no_comment)
}

/// Some comments of a pull request, as Bitbucket shows them.
fn look(
    app: &App,
    subject: &Subject,
    pull_request: u64,
    choose: impl FnOnce(&[Comment]) -> Result<Vec<&Comment>, Refusal>,
) -> Result<Vec<Value>, Refusal> {
    let mut world = app.world();
    let found = current(&mut world, subject, pull_request)?.clone();
    let (api, site) = subject.of(&world)?.at(&world.urls);
    let (api, site) = (format!("{api}/pullrequests/{pull_request}"), format!("{site}/pull-requests/{pull_request}"));
    let chosen = choose(&found.comments)?;
    Ok(chosen.into_iter().map(|comment| comment.json(&world.urls, (&api, &site), found.id, &found.title)).collect())
}
