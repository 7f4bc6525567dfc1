//! What a repository or a workspace sets.
//!
//! Owns the form: each field shows what holds, where that comes from, and what would hold without it. A mistake is told beside its field, and nothing is
//! set then. What may be set is known to `settings`.

use askama::Template;
use axum::extract::{RawForm, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use super::form::{Form, see};
use super::level::{Level, Way};
use super::moment::Moment;
use super::people::Names;
use super::refusal::{Refusal, sentence};
use super::shell::{Shell, page, whole, with_status};
use super::visit::Query;
use crate::settings::{Effective, Key, Kind, MissingScan, Settings, Value, Wrong, set};
use crate::state::State;

/// What the form's token is made for.
const ACTION: &str = "settings";
/// Most characters that are shown again of a value that was refused.
const TEXT_MAX: usize = 4000;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    done: String,
}

/// One field.
#[derive(Clone, Debug)]
struct Field {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    /// `number`, `choice` or `lines`.
    kind: &'static str,
    /// What is set here, or what was entered and refused.
    text: String,
    choices: Vec<(&'static str, String, bool)>,
    least: u32,
    most: u32,
    /// What holds if nothing is set here, and why.
    above: String,
    /// What a repository may set where its workspace did.
    floor: &'static str,
    /// Who set it here, and when.
    set: Option<(String, Moment)>,
    wrong: String,
}

/// Fields that belong together.
#[derive(Clone, Debug)]
struct Group {
    title: &'static str,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "settings.html", blocks = ["content"])]
struct SettingsPage {
    shell: Shell,
    ways: Vec<Way>,
    of: &'static str,
    groups: Vec<Group>,
    token: String,
    done: bool,
    wrong: usize,
}
page!(SettingsPage);

pub(super) async fn show(Shared(state): Shared<State>, at: Level, Query(asked): Query<Asked>) -> Response {
    let made = async {
        at.admit().await?;
        make(&at, &Form::read(b""), !asked.done.is_empty()).await
    };
    made.await.map_or_else(|why: Refusal| why.page(&state), |page| whole(&page))
}

pub(super) async fn change(
    Shared(state): Shared<State>,
    at: Level,
    headers: HeaderMap,
    RawForm(body): RawForm,
) -> Response {
    carry_out(&at, &headers, &Form::read(&body)).await.unwrap_or_else(|why| why.page(&state))
}

async fn carry_out(at: &Level, headers: &HeaderMap, form: &Form) -> Result<Response, Refusal> {
    at.admit_change(headers, ACTION, form.text("token")).await?;
    let settings = Settings::of(at.store(), at.id()).await?;
    let here = settings.all().iter().filter(|one| is_here(at, one.key));
    let given = here.filter_map(|one| Some((one.key, entered(one, form.get(one.key.name())?))));
    let read: Result<Vec<_>, _> = given.map(|(key, value)| value.map(|value| (key, value))).collect();
    let Ok(changes) = read else {
        return Ok(with_status(&make(at, form, false).await?, StatusCode::UNPROCESSABLE_ENTITY));
    };
    let now = at.visit.state.now();
    set(at.store(), at.id(), &changes, at.account(), now).await.map_err(|why| match why {
        crate::settings::Refused::Store(error) => Refusal::Store(error),
        wrong => Refusal::Rule(wrong.to_string()),
    })?;
    Ok(see("settings?done=1"))
}

/// What a field holds, if it may be set here.
fn entered(one: &Effective, text: &str) -> Result<Option<Value>, Wrong> {
    let value = Value::of_form(one.key, text)?;
    value.iter().try_for_each(|value| one.admits(value))?;
    Ok(value)
}

fn is_here(at: &Level, key: Key) -> bool {
    at.repository.is_none() || !key.is_of_workspace()
}

/// The page; what `form` holds stands in the fields.
async fn make(at: &Level, form: &Form, done: bool) -> Result<SettingsPage, Refusal> {
    let operator = at.visit.state.config.accepts_default_audience;
    let settings = Settings::of(at.store(), at.id()).await?.with_operator(operator);
    let above = Settings::of(at.store(), None).await?;
    let names = Names::of(at.store()).await?;
    let mut groups: Vec<Group> = Vec::new();
    for one in settings.all().iter().filter(|one| is_here(at, one.key)) {
        let by_workspace =
            at.repository.is_some() && above.all().iter().any(|other| other.key == one.key && other.own.is_some());
        let field = field(at, one, by_workspace, form.get(one.key.name()), &names);
        let title = title(one.key);
        match groups.last_mut().filter(|group| group.title == title) {
            Some(group) => group.fields.push(field),
            None => groups.push(Group { title, fields: vec![field] }),
        }
    }
    Ok(SettingsPage {
        shell: at.shell("Penstock: settings"),
        ways: at.ways("settings"),
        of: if at.repository.is_some() { "this repository" } else { "all repositories of this workspace" },
        wrong: groups.iter().flat_map(|group| &group.fields).filter(|field| !field.wrong.is_empty()).count(),
        groups,
        token: at.visit.viewer.form_token(ACTION),
        done,
    })
}

fn field(at: &Level, one: &Effective, by_workspace: bool, given: Option<&str>, names: &Names) -> Field {
    let (label, hint) = words(one.key);
    let own = one.own.as_ref().map(|(value, _, _)| value.form()).unwrap_or_default();
    let wrong = given.and_then(|text| entered(one, text).err());
    let text: String = given.map_or(own, |text| text.chars().take(TEXT_MAX).collect());
    let above = in_words(&one.above);
    let above = match (one.key.kind(), by_workspace) {
        (Kind::Gate, true) => format!("From the workspace, beside these: {above}"),
        (Kind::Gate, false) => String::new(),
        (_, true) => format!("From the workspace: {above}"),
        (_, false) => format!("Usually: {above}"),
    };
    let option = |value: &'static str, word: &str| (value, word.to_owned(), value == text);
    let (kind, choices, (least, most)) = match one.key.kind() {
        Kind::Number { least, most } => ("number", Vec::new(), (least, most)),
        Kind::Gate => ("lines", Vec::new(), (0, 0)),
        Kind::Switch => ("choice", vec![option("", &above), option("true", "Yes"), option("false", "No")], (0, 0)),
        Kind::MissingScan => {
            let all = MissingScan::ALL.into_iter().map(|one| option(one.name(), missing_scan(one)));
            ("choice", std::iter::once(option("", &above)).chain(all).collect(), (0, 0))
        }
    };
    Field {
        name: one.key.name(),
        label,
        hint,
        kind,
        choices,
        least,
        most,
        above,
        floor: floor(at, one),
        set: one.own.as_ref().map(|(_, by, when)| (names.account(by), at.visit.moment(*when))),
        wrong: wrong.map(|why| sentence(&why.to_string())).unwrap_or_default(),
        text,
    }
}

/// What a repository may set where its workspace did.
fn floor(at: &Level, one: &Effective) -> &'static str {
    let is_overruled = one.own.as_ref().is_some_and(|(own, _, _)| one.admits(own).is_err());
    match (&at.repository, &one.floor) {
        (None, _) if one.key.is_policy() => "If it is set here, a repository may only be stricter.",
        (Some(_), Some(_)) if is_overruled => "The workspace is stricter than what is set here, so what it says holds.",
        (Some(_), Some(_)) => "A repository may only be stricter than its workspace.",
        _ => "",
    }
}

fn in_words(value: &Value) -> String {
    match value {
        Value::Switch(true) => "yes".to_owned(),
        Value::Switch(false) => "no".to_owned(),
        Value::MissingScan(one) => missing_scan(*one).to_lowercase(),
        Value::Number(number) => number.to_string(),
        Value::Gate(_) => value.form().replace('\n', ", "),
    }
}

const fn missing_scan(one: MissingScan) -> &'static str {
    match one {
        MissingScan::Never => "Never",
        MissingScan::Lately => "Where a run came in the last 30 days",
        MissingScan::Always => "Always",
    }
}

const fn title(key: Key) -> &'static str {
    match key {
        Key::Gate | Key::PolicyChanges => "Gate",
        Key::ReasonCharacters | Key::AcceptedRiskDays | Key::AuthorMayDismiss | Key::SecondPerson => "Judgements",
        Key::PostStatus | Key::PostComment | Key::PostReport => "What the app posts",
        Key::MissingScan | Key::WaitingMinutes => "Missing scans",
        Key::DefaultAudience => "Access",
        Key::WebhookDays | Key::DeliveryDays | Key::RunDays => "For how many days things are kept",
    }
}

/// Label and hint.
const fn words(key: Key) -> (&'static str, &'static str) {
    match key {
        Key::Gate => (
            "Conditions under every gate",
            "One a line, such as new.high <= 0, or any.critical <= 3 warn. They hold beside what a repository commits, and only tighten.",
        ),
        Key::PolicyChanges => (
            "A pull request is judged by the policy that it brings itself",
            "Otherwise what it changes in penstock.toml counts after the merge.",
        ),
        Key::ReasonCharacters => ("Fewest characters of a reason", "For dismissing a finding."),
        Key::AcceptedRiskDays => ("Longest time of an accepted risk, in days", "0 is for ever."),
        Key::AuthorMayDismiss => ("Who opened a pull request may dismiss its findings", ""),
        Key::SecondPerson => (
            "A second person for what is critical",
            "Dismissing it waits until another person who may write here approves it, or says the same.",
        ),
        Key::PostStatus => ("Build status", "If not, the pipe posts it."),
        Key::PostComment => ("Comment on the pull request", "If not, the pipe posts it."),
        Key::PostReport => ("Reports that a judgement changed, or that the pipe could not post", ""),
        Key::MissingScan => ("A pull request tells that its scan is missing", ""),
        Key::WaitingMinutes => ("It waits for so many minutes", ""),
        Key::DefaultAudience => (
            "Take step tokens that are meant for nobody in particular",
            "Any other receiver of such a token could then use it here.",
        ),
        Key::WebhookDays => ("Webhooks", "After they were handled."),
        Key::DeliveryDays => ("Delivery log", ""),
        Key::RunDays => ("Runs as they were sent", ""),
    }
}
