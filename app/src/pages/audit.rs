//! The audit log, page by page.
//!
//! Owns an entry's sentence. That nothing in the log was changed is checked when an admin asks for it.

use askama::Template;
use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::Value as Json;

use super::level::{Level, Way};
use super::moment::Moment;
use super::people::Names;
use super::refusal::{Refusal, sentence};
use super::shell::{Shell, page, whole};
use super::visit::Query;
use super::words::{status_word, thousands, written};
use crate::audit::{Act, Entry, Judgement};
use crate::state::State;

/// Entries of a page.
const PAGE: usize = 50;
/// Maximum entries of a file.
const DOWNLOAD: i64 = 10_000;

#[derive(Deserialize)]
pub(super) struct Asked {
    before: Option<u64>,
    #[serde(default)]
    check: String,
}

#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    after: u64,
}

/// An entry.
#[derive(Clone, Debug)]
struct EntryView {
    number: u64,
    at: Moment,
    who: String,
    account: Option<String>,
    what: String,
    /// The finding that it is about, where the page can lead to it.
    finding: Option<String>,
}

#[derive(Template)]
#[template(path = "audit.html", blocks = ["content"])]
struct AuditPage {
    shell: Shell,
    ways: Vec<Way>,
    of_repository: bool,
    entries: Vec<EntryView>,
    next: Option<u64>,
    whole: Option<String>,
    broken: Option<String>,
}
page!(AuditPage);

pub(super) async fn show(Shared(state): Shared<State>, at: Level, Query(asked): Query<Asked>) -> Response {
    make(&at, &asked).await.map_or_else(|why| why.page(&state), |page| whole(&page))
}

pub(super) async fn download(Shared(state): Shared<State>, at: Level, Query(asked): Query<After>) -> Response {
    lines(&at, &asked).await.unwrap_or_else(|why| why.page(&state))
}

/// The oldest entries first, an object a line; of a repository's page only those about it.
async fn lines(at: &Level, asked: &After) -> Result<Response, Refusal> {
    at.admit().await?;
    let mut body = String::new();
    for line in at.store().audit_lines(at.id(), asked.after, DOWNLOAD).await? {
        body +=
            &serde_json::to_string(&line).map_err(|_| Refusal::Senseless("The entry has no such form.".to_owned()))?;
        body.push('\n');
    }
    let disposition = "attachment; filename=\"audit.jsonl\"";
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, body).into_response())
}

async fn make(at: &Level, asked: &Asked) -> Result<AuditPage, Refusal> {
    at.admit().await?;
    let names = Names::of(at.store()).await?;
    // One more shows whether there are more.
    let mut rows = at.store().audit(at.id(), asked.before.unwrap_or(u64::MAX), PAGE as i64 + 1).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let (mut whole, mut broken) = (None, None);
    if !asked.check.is_empty() {
        match at.store().verify_audit().await? {
            Ok(number) => whole = Some(thousands(number)),
            Err(why) => broken = Some(sentence(&why.to_string())),
        }
    }
    Ok(AuditPage {
        shell: at.shell("Penstock: audit log"),
        ways: at.ways("audit"),
        of_repository: at.repository.is_some(),
        next: rows.last().map(|(number, _)| *number).filter(|_| more),
        entries: rows.iter().map(|(number, entry)| view(at, &names, *number, entry)).collect(),
        whole,
        broken,
    })
}

fn view(at: &Level, names: &Names, number: u64, entry: &Entry) -> EntryView {
    let by = names.account(&entry.by);
    let who = match &entry.through {
        Some(token) => format!("{by}, through the API token “{token}”"),
        None => by,
    };
    let judgement = of(&entry.act);
    let what = what(&entry.act, names);
    let elsewhere = at.repository.is_none() && entry.repository.is_some();
    let suffix = entry.repository.filter(|_| elsewhere).map(|id| format!(" (repository {id})")).unwrap_or_default();
    EntryView {
        number,
        at: at.visit.moment(entry.at),
        who,
        account: names.behind(&entry.by).map(str::to_owned),
        what: format!("{what}{suffix}"),
        finding: judgement.filter(|_| at.repository.is_some()).map(|one| one.finding.to_string()),
    }
}

fn of(act: &Act) -> Option<&Judgement> {
    match act {
        Act::Judged(one) | Act::Proposed(one) | Act::Withdrawn(one) => Some(one),
        Act::Approved { judgement, .. } | Act::Rejected { judgement, .. } => Some(judgement),
        _ => None,
    }
}

/// What was done, in words.
fn what(act: &Act, names: &Names) -> String {
    match act {
        Act::Set { name, old, new } => format!("set {name} from {} to {}", value(old.as_ref()), value(new.as_ref())),
        Act::TokenMade { name, scopes, .. } => format!("made the API token “{name}” for {scopes}"),
        Act::TokenRevoked { name, .. } => format!("revoked the API token “{name}”"),
        Act::TokenLapsed { name, maker, .. } => {
            format!("revoked the API token “{name}”, because {} is no admin any more", names.account(maker))
        }
        Act::HookMade { .. } => "made the webhook".to_owned(),
        Act::HookRemoved { .. } => "removed the webhook".to_owned(),
        Act::Judged(one) => format!("judged a finding{}", judged(one)),
        Act::Proposed(one) => format!("proposed a judgement{}", judged(one)),
        Act::Approved { proposer, judgement } => {
            format!("approved what {} proposed{}", names.account(proposer), judged(judgement))
        }
        Act::Rejected { proposer, judgement } => {
            format!("rejected what {} proposed{}", names.account(proposer), judged(judgement))
        }
        Act::Withdrawn(one) => format!("took back a proposal{}", judged(one)),
        Act::SeverityLowered { from, to, reason, .. } => {
            format!(
                "lowered the worst severity of a finding from {} to {}, “{}”",
                from.name(),
                to.name(),
                written(reason)
            )
        }
        Act::DeliveryRetried { kind, subject } => format!("had the {kind} for {subject} posted again"),
    }
}

fn judged(one: &Judgement) -> String {
    let within = one.pull_request.map(|number| format!(" in pull request {number}")).unwrap_or_default();
    let why = if one.reason.is_empty() { String::new() } else { format!(", “{}”", written(&one.reason)) };
    format!("{within}: {}{why}", status_word(one.status))
}

fn value(value: Option<&Json>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Json::Array(lines)) if lines.is_empty() => "nothing".to_owned(),
        Some(Json::Array(lines)) => {
            lines.iter().map(|line| line.as_str().unwrap_or_default()).collect::<Vec<_>>().join(", ")
        }
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
