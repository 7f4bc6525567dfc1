//! One finding: what it is, where, its life, and what may be said of it.
//!
//! Owns the page of a finding. The code around it is fetched only when somebody asks for it, masked again, shown and forgotten.

use askama::Template;
use axum::extract::State as Shared;
use axum::response::Response;
use penstock_common::{Category, Finding, Reference, Severity};
use serde::Deserialize;

use super::context::{Context, Line, around};
use super::findings::{branch, worth_telling};
use super::gate::{FindingView, kept, short};
use super::moment::Moment;
use super::people::Names;
use super::refusal::Refusal;
use super::shell::{Shell, page, whole};
use super::visit::{InRepository, Query};
use super::words::{self, Lozenge, STATUSES};
use crate::state::State;
use crate::track::{Event, FindingId, Kind, Occurrence};

/// What the token of the form that lowers a severity is made for.
pub(super) const LOWER_SEVERITY: &str = "lower-severity";

/// Most events that are shown.
const EVENTS: i64 = 50;

#[derive(Deserialize)]
pub(super) struct Asked {
    id: String,
    #[serde(default)]
    branch: String,
    pull_request: Option<u64>,
    /// Whether the code around it is to be fetched.
    #[serde(default)]
    context: String,
    #[serde(default)]
    done: String,
    #[serde(default)]
    waits: String,
}

/// What happened.
#[derive(Clone, Debug)]
struct EventView {
    at: Moment,
    text: String,
    reason: String,
}

/// Where it stands or stood.
#[derive(Clone, Debug)]
struct PlaceView {
    branch: String,
    path: String,
    link: Option<String>,
    state: Lozenge,
    first: Option<Moment>,
}

#[derive(Template)]
#[template(path = "finding.html", blocks = ["content"])]
struct FindingPage {
    shell: Shell,
    one: FindingView,
    back: String,
    pull_request: Option<u64>,
    excerpt: Vec<Line>,
    context: Option<Context>,
    context_link: String,
    places: Vec<PlaceView>,
    events: Vec<EventView>,
    references: Vec<(String, Option<String>)>,
    facts: Vec<(&'static str, String)>,
    judgement: String,
    /// Why it does not count yet; empty if it does.
    pending: String,
    /// The worst severity that it ever had, if it is milder now, and what it may be lowered to.
    worst: Option<(&'static str, &'static str)>,
    severity_token: String,
    reason: String,
    expires: Option<Moment>,
    token: String,
    judgements: Vec<(&'static str, &'static str, bool)>,
    this: String,
    done: String,
    waits: String,
}
page!(FindingPage);

pub(super) async fn show(Shared(state): Shared<State>, at: InRepository, Query(asked): Query<Asked>) -> Response {
    make(&at, asked).await.map_or_else(|why| why.page(&state), |page| whole(&page))
}

/// A finding by its id in an address.
pub(super) fn id_of(text: &str) -> Result<FindingId, Refusal> {
    text.parse().map_err(|_| Refusal::NotFound("finding"))
}

async fn make(at: &InRepository, asked: Asked) -> Result<FindingPage, Refusal> {
    let (store, repository) = (at.store(), at.id());
    let nothing = || Refusal::NotFound("finding");
    let id = id_of(&asked.id)?;
    let row = store.finding(repository, id).await?.ok_or_else(nothing)?;
    let places = store.occurrences_of(repository, id).await?;
    // The branch that is asked for, else the pull request's, else the main one, else any on which it stands.
    let wanted = match (asked.pull_request, asked.branch.is_empty()) {
        (Some(number), true) => store.pull_request(repository, number).await?.and_then(|row| row.source),
        _ => branch(at, &asked.branch).await.ok().flatten().map(|(branch, _)| branch.id),
    };
    let here = places.iter().find(|(_, place)| Some(place.branch) == wanted);
    let here = here.or_else(|| places.iter().find(|(_, place)| place.is_open())).or_else(|| places.first());
    let (_, here) = here.ok_or_else(nothing)?;
    let found = store.these(repository, here.branch, &[id]).await?.pop().ok_or_else(nothing)?;
    let shown = found.shown.clone();
    let commit = here.seen.commit.to_string();
    let names = Names::of(store).await?;
    let triage = row.triage_in(asked.pull_request).clone();
    let events = store.events_of(repository, id, EVENTS).await?;
    let branches = store.branches(repository).await?;
    let name_of = |id| branches.iter().find(|one| one.id == id).map(|one| one.name.as_str());
    let event = |(_, event): &(u64, Event)| EventView {
        at: at.moment(event.at),
        text: told(event, event.branch.and_then(name_of), &names),
        reason: words::written(&event.reason),
    };
    let mut this = format!("finding?id={id}");
    if let Some(number) = asked.pull_request {
        this.push_str(&format!("&pull_request={number}"));
    }
    if !asked.branch.is_empty() {
        this.push_str("&branch=");
        this.extend(url::form_urlencoded::byte_serialize(asked.branch.as_bytes()));
    }
    let context = match (asked.context.as_str(), &shown) {
        ("1", Some(shown)) => Some(around(at, here.seen.commit, shown).await),
        _ => None,
    };
    let verdict = match asked.pull_request {
        Some(number) => store.pull_request_verdict(repository, number).await?,
        None => store.branch_verdict(repository, here.branch).await?,
    };
    let pending = verdict.as_ref().and_then(kept).and_then(|kept| kept.pending.into_iter().find(|one| one.0 == id));
    let pending = pending.filter(|_| triage.status.dismisses()).map(|(_, why)| why.to_string()).unwrap_or_default();
    let open = store.worst_open(repository, id).await?.unwrap_or(Severity::Info);
    let judgement = match triage.author.as_ref() {
        Some(author) => format!("{}, said {}", words::status_word(triage.status), names.actor(author)),
        None => words::status_word(triage.status).to_owned(),
    };
    Ok(FindingPage {
        shell: Shell::tabbed(&at.visit, "Penstock: finding", "finding"),
        back: asked.pull_request.map_or_else(|| "findings".to_owned(), |number| format!("pull-request?id={number}")),
        pull_request: asked.pull_request,
        excerpt: shown.as_ref().map(excerpt).unwrap_or_default(),
        context,
        context_link: format!("{this}&context=1"),
        places: places.iter().map(|(name, place)| place_view(at, name, place)).collect(),
        events: events.iter().map(event).collect(),
        references: shown.as_ref().map(references).unwrap_or_default(),
        facts: facts(shown.as_ref()),
        judgement,
        pending,
        worst: (row.worst > open).then(|| (row.worst.name(), open.name())),
        severity_token: at.visit.viewer.form_token(LOWER_SEVERITY),
        reason: words::written(&triage.reason),
        expires: triage.expires.map(|expires| at.moment(expires)),
        token: at.visit.viewer.form_token("triage"),
        judgements: STATUSES.map(|one| (one.name(), words::status_word(one), one == triage.status)).to_vec(),
        this,
        done: worth_telling(&asked.done),
        waits: worth_telling(&asked.waits),
        one: FindingView::new(at, Some(&commit), found),
    })
}

fn excerpt(finding: &Finding) -> Vec<Line> {
    let lines = finding.excerpt.as_ref().map(|excerpt| excerpt.lines.as_slice()).unwrap_or_default();
    let hit = finding.location.start_line..=finding.location.end_line.max(finding.location.start_line);
    lines
        .iter()
        .map(|line| Line { number: line.number, text: line.text.to_string(), hit: hit.contains(&line.number) })
        .collect()
}

fn place_view(at: &InRepository, name: &str, place: &Occurrence) -> PlaceView {
    PlaceView {
        branch: name.to_owned(),
        path: place.path.to_string(),
        link: at.source(&place.seen.commit.to_string(), &place.path, 0),
        state: words::state(place.gone.map(|gone| gone.how)),
        first: (place.first.at > 0).then(|| at.moment(place.first.at)),
    }
}

/// Where to read more: what it is called, and its address if it has one.
fn references(finding: &Finding) -> Vec<(String, Option<String>)> {
    let one = |reference: &Reference| match reference {
        Reference::Cwe(name) => {
            let number: String = name.chars().filter(char::is_ascii_digit).collect();
            let link = (!number.is_empty()).then(|| format!("https://cwe.mitre.org/data/definitions/{number}.html"));
            (name.to_string(), link)
        }
        Reference::Cve(name) => {
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            (name.to_string(), plain.then(|| format!("https://nvd.nist.gov/vuln/detail/{name}")))
        }
        Reference::Url(url) => (url.to_string(), url.starts_with("https://").then(|| url.to_string())),
    };
    finding.references.iter().map(one).collect()
}

fn facts(finding: Option<&Finding>) -> Vec<(&'static str, String)> {
    let Some(finding) = finding else { return Vec::new() };
    let mut facts = vec![("Confidence", finding.confidence.name().to_owned())];
    if let Some(masked) = &finding.masked {
        facts.push(("Value, masked", masked.to_string()));
    }
    if let Some(validity) = finding.validity {
        facts.push(("Form", validity.label().to_owned()));
    }
    if finding.category == Category::Secret
        && let Some(commit) = &finding.commit
    {
        facts.push(("Brought by", format!("{} “{}”", short(&commit.id), commit.subject)));
    }
    facts
}

/// An event in a sentence.
fn told(event: &Event, branch: Option<&str>, names: &Names) -> String {
    let on = branch.map(|name| format!(" on {name}")).unwrap_or_default();
    let by = match event.pull_request {
        Some(number) => format!(" by pull request {number}"),
        None => String::new(),
    };
    let who = names.actor(&event.actor);
    match event.kind {
        Kind::Introduced => format!("Introduced{on}{by}"),
        Kind::Fixed => format!("Fixed{on}"),
        Kind::Removed => format!("Its rule is not in force any more{on}"),
        Kind::Reopened => format!("Came back{on}"),
        Kind::Moved => format!("Moved with its file{on}"),
        Kind::Triaged => {
            let within = event.pull_request.map(|number| format!(" in pull request {number}")).unwrap_or_default();
            let word = STATUSES.into_iter().find(|one| event.new == one.name()).map_or("judged", words::status_word);
            format!("{word}{within}, said {who}")
        }
        Kind::Approved => {
            let within = event.pull_request.map(|number| format!(" in pull request {number}")).unwrap_or_default();
            format!("Approved{within} by {who}")
        }
        Kind::Reconsidered if event.new == "counts" => "The dismissal counts".to_owned(),
        Kind::Reconsidered => "The dismissal does not count yet".to_owned(),
        Kind::SeverityLowered => format!("The worst severity was lowered from {} to {} by {who}", event.old, event.new),
        Kind::Expired => "The judgement holds no more".to_owned(),
        Kind::Withdrawn => "What was judged in the pull request ended with it".to_owned(),
        Kind::Merged => format!("Merged{by}"),
        Kind::Declined => format!("Declined{by}"),
        Kind::BranchDeleted => format!("The branch was deleted{on}"),
        Kind::BranchRenamed => format!("The branch was renamed{on}"),
        Kind::MainBranchChanged => "Another branch became the main one".to_owned(),
        Kind::RepositoryRenamed => "The repository was renamed".to_owned(),
        Kind::WentStale => format!("Its tool has not run for long{on}"),
        Kind::CameBack => format!("Its tool ran again{on}"),
    }
}
