//! `GET …/findings`

use axum::Json;
use axum::extract::{Path, Query, State as Shared, rejection::QueryRejection};
use axum::http::HeaderMap;
use penstock_common::{Category, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::{after, cursor, cut, limit};
use crate::problem::Problem;
use crate::state::State;
use crate::store::workspace::{Cursor, Filter, Found, Order, Workspace};
use crate::track::{BranchId, FindingId, How, Print, Status};

/// What may be asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Name of the branch; the main branch unless it is said.
    branch: Option<String>,
    /// `open` unless it is said.
    state: Option<Which>,
    /// Of exactly this severity.
    severity: Option<Severity>,
    /// Of this kind.
    category: Option<Category>,
    /// Of this tool.
    tool: Option<String>,
    /// Of the rule with this id.
    rule: Option<String>,
    /// In a file that `.bitbucket/CODEOWNERS` gives to these owners: all that one rule names, with a space between.
    owner: Option<String>,
    /// Whose path begins like this.
    path: Option<String>,
    /// With this fingerprint: `pf1:` and 32 hex digits.
    #[schemars(regex(pattern = "^pf1:[0-9a-f]{32}$"))]
    fingerprint: Option<String>,
    /// Of which people say this.
    status: Option<Status>,
    /// Entries of a page, 1 to 500.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<i64>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Which findings.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Which {
    /// What is there.
    Open,
    /// What a complete run did not see any more.
    Fixed,
    /// What nobody looks for any more.
    Removed,
    /// All of them.
    All,
}

/// A page of findings.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Page {
    /// The branch.
    branch: String,
    /// The worst first.
    findings: Vec<Entry>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A finding on a branch.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Entry {
    /// Its id, a UUID.
    id: String,
    category: Category,
    rule: String,
    severity: Severity,
    title: String,
    message: String,
    path: String,
    /// Who owns the file.
    owners: Vec<String>,
    /// From 1; 0 if it is not known.
    line: u32,
    /// `open`, `fixed` or `removed`.
    state: &'static str,
    /// What people say of it.
    status: Status,
    tool: String,
    /// `NAME` of the run that found it.
    name: String,
    fingerprint: String,
    /// Since when it is known on this branch, in unix milliseconds.
    since: i64,
    /// How often it came back.
    reopened: u64,
    /// The pull request that brought it here.
    #[serde(skip_serializing_if = "Option::is_none")]
    introduced_by: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct End(Severity, String);

impl From<Found> for Entry {
    fn from(found: Found) -> Self {
        let (title, message, line) = match found.shown {
            Some(shown) => (shown.title.into(), shown.message.into(), shown.location.start_line),
            None => (found.rule.clone(), String::new(), 0),
        };
        Self {
            id: found.finding.to_string(),
            category: found.category,
            rule: found.rule,
            severity: found.severity,
            title,
            message,
            path: found.path,
            owners: found.owner.split_whitespace().map(str::to_owned).collect(),
            line,
            state: state_name(found.gone),
            status: found.status,
            tool: found.tool,
            name: found.name,
            fingerprint: format!("pf1:{}", found.ours),
            since: found.since,
            reopened: found.reopened,
            introduced_by: found.introduced_by,
        }
    }
}

const fn state_name(gone: Option<How>) -> &'static str {
    match gone {
        None => "open",
        Some(How::Fixed) => "fixed",
        Some(How::Removed) => "removed",
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
    let fingerprint = match &asked.fingerprint {
        Some(text) => Some(print(text)?),
        None => None,
    };
    let after = after::<End>(asked.cursor.as_deref())?;
    let after = match after {
        Some(End(severity, id)) => Some(Cursor::Worst(severity, id_of(&id)?)),
        None => None,
    };
    let (branch, name) = branch(&workspace, repository, asked.branch.as_deref()).await?;
    let filter = Filter {
        gone: match asked.state.unwrap_or(Which::Open) {
            Which::Open => Some(None),
            Which::Fixed => Some(Some(How::Fixed)),
            Which::Removed => Some(Some(How::Removed)),
            Which::All => None,
        },
        severity: asked.severity,
        category: asked.category,
        tool: asked.tool,
        rule: asked.rule,
        owner: asked.owner,
        path: asked.path,
        fingerprint,
        status: asked.status,
        ..Filter::default()
    };
    let mut found = workspace.find(repository, branch, &filter, Order::Worst, after.as_ref(), limit + 1).await?;
    let more = cut(&mut found, limit);
    let last = found.last().filter(|_| more);
    let next = last.and_then(|last| cursor(&End(last.severity, last.finding.to_string())));
    Ok(Json(Page { branch: name, findings: found.into_iter().map(Entry::from).collect(), next }))
}

/// A branch by its name, or the main one.
pub(super) async fn branch(
    workspace: &Workspace,
    repository: penstock_common::Uuid,
    name: Option<&str>,
) -> Result<(BranchId, String), Problem> {
    let found = workspace.branch(repository, name).await?;
    found.ok_or_else(|| Problem::not_found("the repository has no such branch, or nothing was scanned of it"))
}

/// A finding by its id.
pub(super) fn id_of(text: &str) -> Result<FindingId, Problem> {
    text.parse().map_err(|_| Problem::not_found("there is no such finding"))
}

fn print(text: &str) -> Result<Print, Problem> {
    let digits = text.strip_prefix("pf1:").filter(|digits| digits.len() == 32);
    let number = digits.and_then(|digits| u128::from_str_radix(digits, 16).ok());
    number.map(Print).ok_or_else(|| Problem::bad_request("`fingerprint` must be `pf1:` and 32 hex digits"))
}
