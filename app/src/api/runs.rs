//! `GET …/runs`

use axum::Json;
use axum::extract::{Path, Query, State as Shared, rejection::QueryRejection};
use axum::http::HeaderMap;
use penstock_common::Metrics;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::{after, cursor, cut, limit};
use crate::problem::Problem;
use crate::state::State;
use crate::store::workspace::{RunRow, RunState};
use crate::track::RunId;

/// What may be asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Entries of a page, 1 to 500.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<i64>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A page of runs.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Page {
    /// The newest first.
    runs: Vec<Entry>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A run.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Entry {
    /// Its id, a UUID.
    id: String,
    /// When it came, in unix milliseconds.
    received_at: i64,
    /// When it started, in unix milliseconds.
    started_at: i64,
    /// When it ended, in unix milliseconds, if its sender told.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<i64>,
    commit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull_request: Option<u64>,
    /// `NAME` of the step.
    name: String,
    /// `waiting`, `applied` or `refused`.
    state: &'static str,
    /// Whether every tool came to its end.
    complete: bool,
    findings: u64,
    /// What reports on tests and coverage say, if its sender had any.
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Metrics>,
}

impl From<RunRow> for Entry {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.run.to_string(),
            received_at: row.received_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            commit: row.commit.to_string(),
            branch: row.branch,
            pull_request: row.pull_request,
            name: row.name,
            state: match row.state {
                RunState::Waiting => "waiting",
                RunState::Applied => "applied",
                RunState::Refused => "refused",
            },
            complete: row.complete,
            findings: row.findings,
            metrics: row.metrics,
        }
    }
}

pub(super) async fn list(
    Shared(state): Shared<State>,
    Path(repository): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Page>, Problem> {
    let (workspace, repository) = super::readable(&state, &headers, &repository).await?;
    let Query(asked) = asked.map_err(|why| Problem::bad_request(why.body_text()))?;
    let limit = limit(asked.limit)?;
    let before = match after::<String>(asked.cursor.as_deref())? {
        Some(id) => id.parse().map_err(|_| Problem::not_found("there is no such run"))?,
        None => RunId(u128::MAX),
    };
    let mut rows = workspace.runs(repository, before, limit + 1).await?;
    let more = cut(&mut rows, limit);
    let next = rows.last().filter(|_| more).and_then(|row| cursor(&row.run.to_string()));
    Ok(Json(Page { runs: rows.into_iter().map(Entry::from).collect(), next }))
}
