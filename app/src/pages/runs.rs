//! What ran.
//!
//! Owns the list of a repository's runs: which tools, whether they came to their end, and what was answered.

use crate::store::workspace::restored;
use askama::Template;
use axum::extract::State as Shared;
use axum::response::Response;
use penstock_common::upload::answer::{Answer, State as Progress};
use serde::Deserialize;

use super::gate::short;
use super::moment::{Moment, took};
use super::refusal::Refusal;
use super::shell::{Shell, page, whole};
use super::visit::{InRepository, Query};
use super::words::{self, Lozenge, thousands};
use crate::review::Tool;
use crate::state::State;
use crate::store::workspace::{RunRow, RunState};
use crate::track::RunId;

/// Runs on a page.
const PAGE: i64 = 25;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    after: String,
}

/// A run.
#[derive(Clone, Debug)]
struct RunView {
    at: Moment,
    /// How long it took, if that was told.
    took: Option<String>,
    commit: String,
    commit_link: String,
    on: String,
    on_link: Option<String>,
    tools: Vec<Tool>,
    findings: String,
    outcome: Lozenge,
    note: String,
    actor: String,
}

#[derive(Template)]
#[template(path = "runs.html", blocks = ["content"])]
struct Runs {
    shell: Shell,
    runs: Vec<RunView>,
    next: Option<String>,
    first_page: bool,
}
page!(Runs);

pub(super) async fn show(Shared(state): Shared<State>, at: InRepository, Query(asked): Query<Asked>) -> Response {
    make(&at, &asked).await.map_or_else(|why| why.page(&state), |page| whole(&page))
}

async fn make(at: &InRepository, asked: &Asked) -> Result<Runs, Refusal> {
    let before = match asked.after.as_str() {
        "" => RunId(u128::MAX),
        after => after.parse().map_err(|_| Refusal::NotFound("run"))?,
    };
    let mut rows = at.store().runs(at.id(), before, PAGE + 1).await?;
    let more = rows.len() as i64 > PAGE;
    rows.truncate(PAGE as usize);
    Ok(Runs {
        shell: Shell::tabbed(&at.visit, "Penstock: runs", "runs"),
        next: rows.last().filter(|_| more).map(|last| last.run.to_string()),
        first_page: asked.after.is_empty(),
        runs: rows.iter().map(|row| view(at, row)).collect(),
    })
}

fn view(at: &InRepository, row: &RunRow) -> RunView {
    let answer: Option<Answer> = row.answer.as_deref().and_then(restored);
    let commit = row.commit.to_string();
    let (outcome, note) = outcome(row, answer.as_ref());
    RunView {
        at: at.moment(row.started_at),
        took: row.finished_at.map(|finished_at| took(finished_at - row.started_at)),
        commit_link: at.commit(&commit),
        commit: short(&commit),
        on: match (row.pull_request, &row.branch) {
            (Some(number), _) => format!("#{number}"),
            (None, Some(branch)) => branch.clone(),
            (None, None) => "no branch".to_owned(),
        },
        on_link: row.pull_request.map(|number| at.pull_request(number)),
        tools: restored(&row.tools).unwrap_or_default(),
        findings: thousands(row.findings),
        outcome,
        note,
        actor: match row.actor.split_once(':') {
            Some((_, name)) => format!("API token “{name}”"),
            None => "pipeline".to_owned(),
        },
    }
}

fn outcome(row: &RunRow, answer: Option<&Answer>) -> (Lozenge, String) {
    let note = answer.map(|answer| answer.note.to_string()).unwrap_or_default();
    match (row.state, answer) {
        (RunState::Refused, _) => (Lozenge { word: "Refused", look: "danger" }, note),
        (RunState::Waiting, _) | (_, None) => {
            let why = "Bitbucket has not confirmed yet what it is about; that is tried again.".to_owned();
            (Lozenge { word: "Waiting", look: "information" }, why)
        }
        (_, Some(answer)) if answer.state == Progress::History => (Lozenge { word: "History", look: "" }, note),
        (_, Some(answer)) => match &answer.gate {
            Some(gate) => (words::verdict(gate.verdict()), note),
            None => (Lozenge { word: "Kept", look: "" }, note),
        },
    }
}
