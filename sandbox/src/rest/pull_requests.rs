//! Pull requests, as they are read.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::Value;

use super::page::{Style, page};
use super::refusal::{Answer, Refusal};
use super::{Asked, Subject};
use crate::app::App;
use crate::state::World;
use crate::state::pull_request::{PullRequest, short};

pub(super) fn routes() -> Router<App> {
    const ALL: &str = "/repositories/{workspace}/{repo_slug}/pullrequests";
    Router::new()
        .route(ALL, get(list))
        .route(&format!("{ALL}/{{pull_request_id}}"), get(show))
        .route(&format!("{ALL}/{{pull_request_id}}/diff"), get(diff))
        .route(&format!("{ALL}/{{pull_request_id}}/diffstat"), get(diffstat))
        .route(&format!("{ALL}/{{pull_request_id}}/statuses"), get(statuses))
}

/// The number of a pull request, as text: what is no number is a pull request that does not exist.
#[derive(Deserialize)]
pub(super) struct Numbered {
    pull_request_id: String,
}

impl Numbered {
    pub(super) fn id(&self) -> Result<u64, Refusal> {
        self.pull_request_id.parse().map_err(|_| no_pull_request(&self.pull_request_id))
    }
}

fn no_pull_request(id: &str) -> Refusal {
    Refusal::not_found(&format!("Pull request {id} does not exist"))
}

/// A pull request after what has been pushed.
pub(super) fn current<'a>(world: &'a mut World, subject: &Subject, id: u64) -> Result<&'a mut PullRequest, Refusal> {
    subject.of(world)?;
    world.pull_request(subject.uuid(), id).ok_or_else(|| no_pull_request(&id.to_string()))
}

/// As Bitbucket shows it.
fn shown(world: &mut World, subject: &Subject, id: u64) -> Result<Value, Refusal> {
    subject.of(world)?;
    world.pull_request_json(subject.uuid(), id).ok_or_else(|| no_pull_request(&id.to_string()))
}

/// Open ones, unless the caller says otherwise.
async fn list(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(asked): Extension<Asked>,
) -> Answer {
    let states: Vec<String> = asked.query().filter(|(name, _)| name == "state").map(|(_, state)| state).collect();
    let in_query = asked.value("q").is_some_and(|query| query.contains("state"));
    let is_wanted = |state: &str| match states.as_slice() {
        [] => in_query || state == "OPEN",
        states => states.iter().any(|wanted| wanted == state),
    };
    let mut world = app.world();
    // The newest first.
    let ids: Vec<u64> = subject.of(&world)?.pull_requests.keys().rev().copied().collect();
    let mut items = Vec::new();
    for id in ids {
        let item = shown(&mut world, &subject, id)?;
        if item["state"].as_str().is_some_and(is_wanted) {
            items.push(item);
        }
    }
    drop(world);
    page(&asked, items, Style::default())
}

async fn show(State(app): State<App>, Extension(subject): Extension<Subject>, Path(at): Path<Numbered>) -> Answer {
    Ok(Json(shown(&mut app.world(), &subject, at.id()?)?).into_response())
}

async fn diff(State(app): State<App>, Extension(subject): Extension<Subject>, Path(at): Path<Numbered>) -> Answer {
    elsewhere(&app, &subject, at.id()?, "diff")
}

async fn diffstat(State(app): State<App>, Extension(subject): Extension<Subject>, Path(at): Path<Numbered>) -> Answer {
    elsewhere(&app, &subject, at.id()?, "diffstat")
}

/// To the difference of two commits. Between them stands a carriage return, and both have 12 digits: seen in the server's answers.
fn elsewhere(app: &App, subject: &Subject, id: u64, what: &str) -> Answer {
    let mut world = app.world();
    let found = current(&mut world, subject, id)?.clone();
    let repository = subject.of(&world)?;
    let (api, _) = repository.at(&world.urls);
    let source = world.repository(&found.source.repository).unwrap_or(repository).full_name();
    let (head, base) = (short(&found.source.commit), short(&found.destination.commit));
    let location = format!("{api}/{what}/{source}:{head}%0D{base}?from_pullrequest_id={id}&topic=true");
    Ok((StatusCode::FOUND, [(header::LOCATION, location)]).into_response())
}

/// Those of the source's commit that name the source's branch.
async fn statuses(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(asked): Extension<Asked>,
    Path(at): Path<Numbered>,
) -> Answer {
    let mut world = app.world();
    let found = current(&mut world, &subject, at.id()?)?.clone();
    let repository = subject.of(&world)?;
    let (api, _) = repository.at(&world.urls);
    let statuses = repository.statuses.of(&found.source.commit).iter();
    let tied = statuses.filter(|status| status.refname.as_ref() == Some(&found.source.branch));
    let items = tied.map(|status| status.json(&api, &found.source.commit)).collect();
    drop(world);
    page(&asked, items, Style::default())
}
