//! What was told in Bitbucket, and what was not and why.
//!
//! Owns the delivery log's page, and trying again: what the app shall have posted is posted anew. What the pipe posts is posted by its next run.

use askama::Template;
use axum::extract::{RawForm, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;

use super::form::{Form, see};
use super::gate::short;
use super::moment::Moment;
use super::refusal::Refusal;
use super::shell::{Shell, page, whole};
use super::visit::InRepository;
use super::words::Lozenge;
use crate::publish;
use crate::state::State;
use crate::store::workspace::{Delivered, Place};

/// Entries that are shown.
const SHOWN: i64 = 100;

/// An entry.
#[derive(Clone, Debug)]
struct Entry {
    at: Moment,
    outcome: Lozenge,
    destination: &'static str,
    sender: &'static str,
    about: String,
    about_link: Option<String>,
    detail: String,
    remedy: String,
    /// What can be posted anew: kind and subject.
    again: Option<String>,
}

#[derive(Template)]
#[template(path = "deliveries.html", blocks = ["content"])]
struct Deliveries {
    shell: Shell,
    entries: Vec<Entry>,
    token: String,
}
page!(Deliveries);

pub(super) async fn show(Shared(state): Shared<State>, at: InRepository) -> Response {
    make(&at).await.map_or_else(|why| why.page(&state), |page| whole(&page))
}

async fn make(at: &InRepository) -> Result<Deliveries, Refusal> {
    let rows = at.store().deliveries(at.id(), SHOWN).await?;
    let mut newest = std::collections::HashSet::new();
    let entries = rows.iter().map(|row| {
        let is_newest = newest.insert((row.destination.clone(), row.subject.clone()));
        entry(at, row, is_newest)
    });
    Ok(Deliveries {
        entries: entries.collect(),
        shell: Shell::tabbed(&at.visit, "Penstock: delivery", "deliveries"),
        token: at.visit.viewer.form_token("retry"),
    })
}

fn entry(at: &InRepository, row: &Delivered, is_newest: bool) -> Entry {
    let number: Option<u64> = row.subject.parse().ok();
    // What tells reports of one commit apart stands behind it.
    let commit = row.subject.split('/').next().unwrap_or_default();
    let (about, about_link) = match number {
        Some(number) => (format!("#{number}"), at.pull_request(number)),
        None => (short(commit), at.commit(commit)),
    };
    let failed = row.outcome == "failed";
    Entry {
        at: at.moment(row.at),
        outcome: match row.outcome.as_str() {
            "published" => Lozenge { word: "Posted", look: "success" },
            "skipped" => Lozenge { word: "Skipped", look: "" },
            _ => Lozenge { word: "Failed", look: "danger" },
        },
        destination: match row.destination.as_str() {
            "code-insights" => "Report",
            "build-status" => "Build status",
            "pr-comment" => "Comment",
            _ => "Companion app",
        },
        sender: if row.sender == "app" { "app" } else { "pipe" },
        about,
        about_link: Some(about_link),
        detail: row.detail.clone(),
        remedy: row.remedy.clone(),
        again: outbox_kind(row).filter(|_| failed && is_newest).map(|kind| format!("{kind}/{}", row.subject)),
    }
}

/// In which kind of the outbox the app keeps what shall stand there.
fn outbox_kind(row: &Delivered) -> Option<&'static str> {
    match (row.sender.as_str(), row.destination.as_str()) {
        ("app", "build-status") => Some("status"),
        ("app", "pr-comment") => Some("comment"),
        ("app", "code-insights") => Some("report"),
        _ => None,
    }
}

/// Posts something anew.
pub(super) async fn retry(
    Shared(state): Shared<State>,
    at: InRepository,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    again(&state, &at, &headers, &form).await.unwrap_or_else(|why| why.page(&state))
}

async fn again(state: &State, at: &InRepository, headers: &HeaderMap, form: &[u8]) -> Result<Response, Refusal> {
    let form = Form::read(form);
    let (token, what) = (form.text("token"), form.text("what"));
    at.visit.viewer.check_form(state, headers, "retry", token)?;
    at.visit.viewer.may_triage(state, at.id()).await?;
    let (kind_of, subject) = what.split_once('/').ok_or(Refusal::NotFound("delivery"))?;
    let place = Place { repository: at.id(), kind: kind_of.to_owned(), subject: subject.to_owned() };
    if !publish::retry(at.store(), &place, &at.visit.viewer.account, state.now()).await? {
        return Err(Refusal::NotFound("delivery"));
    }
    Ok(see("deliveries"))
}
