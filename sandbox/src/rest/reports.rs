//! Code Insights: all nine operations.

use std::collections::HashSet;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::page::{Style, page};
use super::refusal::{Answer, Refusal};
use super::{Asked, Subject, commit_id};
use crate::app::App;
use crate::state::report::{ANNOTATIONS_MAX, Report};

pub(super) fn routes() -> Router<App> {
    const REPORTS: &str = "/repositories/{workspace}/{repo_slug}/commit/{commit}/reports";
    Router::new()
        .route(REPORTS, get(list))
        .route(&format!("{REPORTS}/{{reportId}}"), get(show).put(put).delete(delete))
        .route(&format!("{REPORTS}/{{reportId}}/annotations"), get(list_annotations).post(post_annotations))
        .route(
            &format!("{REPORTS}/{{reportId}}/annotations/{{annotationId}}"),
            get(show_annotation).put(put_annotation).delete(delete_annotation),
        )
}

#[derive(Deserialize)]
struct At {
    commit: String,
    #[serde(default, rename = "reportId")]
    report: String,
    #[serde(default, rename = "annotationId")]
    annotation: String,
}

impl At {
    /// With the commit's full id: what is unknown to git has no reports.
    fn known(mut self, subject: &Subject, app: &App) -> Result<Self, Refusal> {
        self.commit = commit_id(&subject.git(app)?, &self.commit)?;
        Ok(self)
    }
}

fn no_report() -> Refusal {
    Refusal::not_found("The requested report does not exist.")
}

fn no_annotation() -> Refusal {
    Refusal::not_found("The requested annotation does not exist.")
}

/// Looks at a report.
fn with<T>(app: &App, subject: &Subject, at: &At, look: impl FnOnce(&Report) -> T) -> Result<T, Refusal> {
    let world = app.world();
    subject.of(&world)?.reports.get(&at.commit, &at.report).map(look).ok_or_else(no_report)
}

/// Changes a report.
fn change<T>(app: &App, subject: &Subject, at: &At, change: impl FnOnce(&mut Report) -> T) -> Result<T, Refusal> {
    let mut world = app.world();
    subject.of_mut(&mut world)?.reports.get_mut(&at.commit, &at.report).map(change).ok_or_else(no_report)
}

async fn list(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(asked): Extension<Asked>,
    Path(at): Path<At>,
) -> Answer {
    let at = at.known(&subject, &app)?;
    let reports = subject.of(&app.world())?.reports.of(&at.commit).iter().map(Report::json).collect();
    page(&asked, reports, Style::default())
}

async fn show(State(app): State<App>, Extension(subject): Extension<Subject>, Path(at): Path<At>) -> Answer {
    let at = at.known(&subject, &app)?;
    Ok(Json(with(&app, &subject, &at, Report::json)?).into_response())
}

async fn put(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Path(at): Path<At>,
    Json(fields): Json<Map<String, Value>>,
) -> Answer {
    let at = at.known(&subject, &app)?;
    let mut world = app.world();
    Ok(Json(subject.of_mut(&mut world)?.reports.put(&at.commit, &at.report, fields)).into_response())
}

async fn delete(State(app): State<App>, Extension(subject): Extension<Subject>, Path(at): Path<At>) -> Answer {
    let at = at.known(&subject, &app)?;
    let mut world = app.world();
    let is_gone = subject.of_mut(&mut world)?.reports.delete(&at.commit, &at.report);
    if is_gone { Ok(StatusCode::NO_CONTENT.into_response()) } else { Err(no_report()) }
}

async fn list_annotations(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(asked): Extension<Asked>,
    Path(at): Path<At>,
) -> Answer {
    let at = at.known(&subject, &app)?;
    page(&asked, with(&app, &subject, &at, Report::annotations)?, Style::default())
}

/// All of a batch or nothing of it.
async fn post_annotations(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Path(at): Path<At>,
    Json(batch): Json<Vec<Map<String, Value>>>,
) -> Answer {
    let at = at.known(&subject, &app)?;
    let ids: Vec<String> =
        batch.iter().filter_map(|annotation| annotation.get("external_id")?.as_str().map(str::to_owned)).collect();
    if ids.iter().collect::<HashSet<_>>().len() < batch.len() {
        return Err(Refusal::wrong("The external_id of an annotation must be unique within the request."));
    }
    let stored = change(&app, &subject, &at, |report| {
        if report.len() + report.new_among(ids.iter().map(String::as_str)) > ANNOTATIONS_MAX {
            return None;
        }
        ids.iter().zip(batch).map(|(id, fields)| report.put_annotation(id, fields)).collect::<Option<Vec<_>>>()
    })?;
    stored.map(|stored| Json(stored).into_response()).ok_or_else(too_many)
}

fn too_many() -> Refusal {
    Refusal::wrong(&format!("A report cannot contain more than {ANNOTATIONS_MAX} annotations."))
}

async fn show_annotation(State(app): State<App>, Extension(subject): Extension<Subject>, Path(at): Path<At>) -> Answer {
    let at = at.known(&subject, &app)?;
    let found = with(&app, &subject, &at, |report| report.annotation(&at.annotation))?;
    found.map(|annotation| Json(annotation).into_response()).ok_or_else(no_annotation)
}

async fn put_annotation(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Path(at): Path<At>,
    Json(fields): Json<Map<String, Value>>,
) -> Answer {
    let at = at.known(&subject, &app)?;
    let stored = change(&app, &subject, &at, |report| report.put_annotation(&at.annotation, fields))?;
    stored.map(|annotation| Json(annotation).into_response()).ok_or_else(too_many)
}

async fn delete_annotation(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Path(at): Path<At>,
) -> Answer {
    let at = at.known(&subject, &app)?;
    let was_there = change(&app, &subject, &at, |report| {
        let was_there = report.annotation(&at.annotation).is_some();
        report.delete_annotation(&at.annotation);
        was_there
    })?;
    if was_there { Ok(StatusCode::NO_CONTENT.into_response()) } else { Err(no_annotation()) }
}
