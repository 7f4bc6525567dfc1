//! `GET …/baseline`: what is known of a branch, for a pipe or a program of one's own that compares with it.

use axum::Json;
use axum::extract::{Path, Query, State as Shared, rejection::QueryRejection};
use axum::http::HeaderMap;
use penstock_common::{Category, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::{after, cursor, cut, limit};
use crate::problem::Problem;
use crate::state::State;
use crate::store::workspace::{Cursor, Filter, Order};
use crate::track::Status;

/// What may be asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Name of the branch; the main branch unless it is said.
    branch: Option<String>,
    /// Entries of a page, 1 to 500.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<i64>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A page of the baseline.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Page {
    /// The branch.
    branch: String,
    /// The commit that last moved it; absent before the first run.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    /// What is open, the worst first.
    findings: Vec<Entry>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What identifies a finding.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Entry {
    category: Category,
    rule: String,
    severity: Severity,
    fingerprint: String,
    path_free: String,
    /// What people say of it.
    status: Status,
}

#[derive(Serialize, Deserialize)]
struct End(Severity, String);

pub(super) async fn show(
    Shared(state): Shared<State>,
    Path(repository): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Page>, Problem> {
    let (workspace, repository) = super::readable(&state, &headers, &repository).await?;
    let Query(asked) = asked.map_err(|why| Problem::bad_request(why.body_text()))?;
    let limit = limit(asked.limit)?;
    let after = match after::<End>(asked.cursor.as_deref())? {
        Some(End(severity, id)) => Some(Cursor::Worst(severity, super::findings::id_of(&id)?)),
        None => None,
    };
    let (branch, name) = super::findings::branch(&workspace, repository, asked.branch.as_deref()).await?;
    let commit = workspace.branch_commit(repository, branch).await?;
    let filter = Filter { gone: Some(None), ..Filter::default() };
    let mut found = workspace.find(repository, branch, &filter, Order::Worst, after.as_ref(), limit + 1).await?;
    let more = cut(&mut found, limit);
    let last = found.last().filter(|_| more);
    let next = last.and_then(|last| cursor(&End(last.severity, last.finding.to_string())));
    let entry = |found: crate::store::workspace::Found| Entry {
        category: found.category,
        rule: found.rule,
        severity: found.severity,
        fingerprint: format!("pf1:{}", found.ours),
        path_free: format!("pf1:{}", found.path_free),
        status: found.status,
    };
    let findings = found.into_iter().map(entry).collect();
    Ok(Json(Page { branch: name, commit: commit.map(|commit| commit.to_string()), findings, next }))
}
