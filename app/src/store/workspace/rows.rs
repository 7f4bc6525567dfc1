//! From what is tracked to the rows of its tables.
//!
//! Owns the making of rows and of their log: pure, and with much to do for a large run, so that it can be done beside other work. It writes nothing.

use std::collections::HashMap;
use std::sync::Arc;

use penstock_common::Category;
use tokio::task::JoinHandle;

use super::codes::{self, json};
use super::rollup::judged;
use super::{Lane, State, journal};
use crate::store::dialect::bulk::{Column, Rows, Table};
use crate::store::error::{Error, Result};
use crate::store::key::Key;
use crate::track::chain::{ChainId, Head, Signer};
use crate::track::{Changes, Event, Finding, FindingId, Print, Status};

/// The tables of what is found.
pub(super) const TABLES: [&Table; 4] = [&FINDINGS, &CONTENTS, &OCCURRENCES, &EVENTS];

const FINDINGS: Table = Table {
    name: "findings",
    columns: &[
        "finding",
        "category",
        "rule",
        "ours",
        "path_free",
        "prints",
        "status",
        "triage",
        "proposed",
        "absent",
        "worst",
        "critical_in",
    ],
    conflict: "on conflict (workspace, repository, finding) do update set ours = excluded.ours, path_free = excluded.path_free, \
               prints = excluded.prints, status = excluded.status, triage = excluded.triage, proposed = excluded.proposed, \
               absent = excluded.absent, worst = excluded.worst, critical_in = excluded.critical_in",
};

const OCCURRENCES: Table = Table {
    name: "occurrences",
    columns: &[
        "branch",
        "finding",
        "tool",
        "name",
        "seen_in",
        "path",
        "severity",
        "content",
        "allowed",
        "seen",
        "configuration",
        "first",
        "gone",
        "gone_how",
        "gap",
        "reopened",
        "introduced_by",
        "since",
        "state",
        "category",
        "rule",
        "status",
        "owner",
        "denied",
        "in_base",
    ],
    conflict: "on conflict (workspace, repository, branch, finding) do update set tool = excluded.tool, name = excluded.name, \
               seen_in = excluded.seen_in, path = excluded.path, severity = excluded.severity, content = excluded.content, \
               allowed = excluded.allowed, seen = excluded.seen, configuration = excluded.configuration, first = excluded.first, \
               gone = excluded.gone, gone_how = excluded.gone_how, gap = excluded.gap, reopened = excluded.reopened, introduced_by = excluded.introduced_by, \
               state = excluded.state, status = excluded.status, owner = excluded.owner, denied = excluded.denied, \
               in_base = excluded.in_base",
};

const CONTENTS: Table = Table {
    name: "contents",
    columns: &["finding", "content", "body"],
    conflict: "on conflict (workspace, repository, finding, content) do nothing",
};

const EVENTS: Table = Table {
    name: "events",
    columns: &["number", "at", "kind", "finding", "branch", "pull_request", "hash", "key", "body"],
    conflict: "",
};

/// What a change writes of findings.
pub struct Prepared {
    pub(super) form: Form,
    /// The end of the log.
    pub(super) end: Head,
}

/// How it is written.
pub(super) enum Form {
    /// As rows.
    Rows(Vec<Rows>),
    /// As entries of the journal.
    Entries(Vec<Vec<u8>>),
}

/// Somebody else makes the rows.
pub struct Preparing(JoinHandle<Result<Prepared>>);

impl Preparing {
    /// Waits for them.
    ///
    /// # Errors
    /// When something has no row.
    pub async fn done(self) -> Result<Prepared> {
        self.0.await.map_err(|_| Error::Corrupt("rows"))?
    }
}

impl Lane {
    /// Begins to make the rows of changes, with what is shown of the findings in them. `at` is when they happened, in unix milliseconds. The
    /// changes may be accepted meanwhile.
    ///
    /// # Errors
    /// When nothing is loaded, or an occurrence has no finding.
    pub fn prepare(
        &self,
        changes: &Arc<Changes>,
        contents: &Arc<HashMap<Print, String>>,
        at: i64,
    ) -> Result<Preparing> {
        let state = self.loaded().ok_or(Error::Conflict)?;
        let (kinds, log) = (kinds(state, changes)?, (self.signer()?, state.log));
        let (changes, contents) = (Arc::clone(changes), Arc::clone(contents));
        Ok(Preparing(tokio::task::spawn_blocking(move || make(&changes, &contents, kinds, &log, at))))
    }

    /// Who writes the log.
    pub(super) fn signer(&self) -> Result<Signer> {
        let chain = ChainId::Findings { workspace: self.workspace.id, repository: self.repository };
        self.workspace.store.signer(chain)
    }
}

/// The same at once.
pub(super) fn prepare(
    signer: Signer,
    state: &State,
    changes: &Changes,
    contents: &HashMap<Print, String>,
    at: i64,
) -> Result<Prepared> {
    make(changes, contents, kinds(state, changes)?, &(signer, state.log), at)
}

fn make(
    changes: &Changes,
    contents: &HashMap<Print, String>,
    kinds: Vec<Kind>,
    (signer, log): &(Signer, Head),
    at: i64,
) -> Result<Prepared> {
    let (events, end) = events(signer, *log, &changes.events)?;
    let occurrences = occurrences(changes, kinds, at)?;
    let rows = vec![findings(&changes.findings)?, shown(changes, contents), occurrences, events];
    // A judgement is written to rows that are there.
    let is_large = journal::is_large(&rows) && judged(changes).is_empty();
    let form = if is_large { Form::Entries(journal::entries(rows)?) } else { Form::Rows(rows) };
    Ok(Prepared { form, end })
}

/// What an occurrence's row repeats of its finding.
type Kind = (Category, String, Status);

/// That of each occurrence.
fn kinds(state: &State, changes: &Changes) -> Result<Vec<Kind>> {
    let changed: HashMap<FindingId, &Finding> = changes.findings.iter().map(|row| (row.id, row)).collect();
    let finding = |id| changed.get(&id).copied().or_else(|| state.repository.finding(id));
    let kind = |finding: &Finding| (finding.category, finding.rule.to_string(), finding.triage.shown());
    let kinds = changes.occurrences.iter().map(|row| finding(row.finding).map(kind));
    kinds.collect::<Option<_>>().ok_or(Error::Corrupt("an occurrence without its finding"))
}

fn occurrences(changes: &Changes, kinds: Vec<Kind>, at: i64) -> Result<Rows> {
    let rows = &changes.occurrences;
    let mut categories = Vec::with_capacity(rows.len());
    let mut rules = Vec::with_capacity(rows.len());
    let mut statuses = Vec::with_capacity(rows.len());
    for (category, rule, status) in kinds {
        categories.push(category.name().to_owned());
        rules.push(rule);
        statuses.push(status.name().to_owned());
    }
    let columns = vec![
        Column::Key(rows.iter().map(|row| row.branch.into()).collect()),
        Column::Key(rows.iter().map(|row| row.finding.into()).collect()),
        Column::Text(rows.iter().map(|row| row.series.tool.to_string()).collect()),
        Column::Text(rows.iter().map(|row| row.series.name.to_string()).collect()),
        Column::Text(rows.iter().map(|row| json(&row.seen_in)).collect::<Result<_>>()?),
        Column::Text(rows.iter().map(|row| row.path.to_string()).collect()),
        Column::Integer(rows.iter().map(|row| codes::severity_code(row.severity)).collect()),
        Column::Key(rows.iter().map(|row| row.content.into()).collect()),
        Column::MaybeText(
            rows.iter().map(|row| row.allowed.map(|kind| codes::allowed_name(kind).to_owned())).collect(),
        ),
        Column::Bytes(rows.iter().map(|row| codes::stamp_bytes(&row.seen)).collect()),
        Column::Key(rows.iter().map(|row| row.configuration.into()).collect()),
        Column::Bytes(rows.iter().map(|row| codes::stamp_bytes(&row.first)).collect()),
        Column::MaybeBytes(rows.iter().map(|row| row.gone.map(|gone| codes::stamp_bytes(&gone.by))).collect()),
        Column::MaybeText(rows.iter().map(|row| row.gone.map(|gone| codes::how_name(gone.how).to_owned())).collect()),
        Column::MaybeBytes(rows.iter().map(|row| row.gap.map(|gap| codes::gap_bytes(&gap))).collect()),
        Column::Integer(rows.iter().map(|row| i64::from(row.reopened)).collect()),
        Column::MaybeInteger(rows.iter().map(|row| row.introduced_by.map(|number| number as i64)).collect()),
        Column::Integer(vec![at; rows.len()]),
        Column::Integer(rows.iter().map(|row| codes::state_code(row.gone.map(|gone| gone.how))).collect()),
        Column::Text(categories),
        Column::Text(rules),
        Column::Text(statuses),
        Column::Text(rows.iter().map(|row| row.owner.to_string()).collect()),
        Column::MaybeKey(rows.iter().map(|row| row.denied.map(|run| Key::from(run.0))).collect()),
        Column::MaybeInteger(rows.iter().map(|row| row.in_base.map(i64::from)).collect()),
    ];
    Ok(Rows::new(&OCCURRENCES, columns))
}

fn findings(rows: &[Finding]) -> Result<Rows> {
    let mut prints = Vec::with_capacity(rows.len());
    for row in rows {
        let known = &row.prints;
        let is_plain = known.own.is_empty() && known.ours.len() == 1 && known.path_free.len() == 1;
        prints.push(if is_plain { None } else { Some(json(known)?) });
    }
    let newest = |prints: &[Print]| prints.last().copied().map_or(Key::ZERO, Key::from);
    let maybe = |row: &Finding| {
        let untouched = row.triage == crate::track::Triage::default();
        (!untouched).then(|| json(&row.triage)).transpose()
    };
    let proposed = |row: &Finding| (!row.proposed.is_empty()).then(|| json(&row.proposed)).transpose();
    let columns = vec![
        Column::Key(rows.iter().map(|row| row.id.into()).collect()),
        Column::Text(rows.iter().map(|row| row.category.name().to_owned()).collect()),
        Column::Text(rows.iter().map(|row| row.rule.to_string()).collect()),
        Column::Key(rows.iter().map(|row| newest(&row.prints.ours)).collect()),
        Column::Key(rows.iter().map(|row| newest(&row.prints.path_free)).collect()),
        Column::MaybeText(prints),
        Column::Text(rows.iter().map(|row| row.triage.status.name().to_owned()).collect()),
        Column::MaybeText(rows.iter().map(maybe).collect::<Result<_>>()?),
        Column::MaybeText(rows.iter().map(proposed).collect::<Result<_>>()?),
        Column::Bytes(
            rows.iter().map(|row| row.absent.iter().flat_map(|one| codes::commit_bytes(*one)).collect()).collect(),
        ),
        Column::Integer(rows.iter().map(|row| codes::severity_code(row.worst)).collect()),
        Column::MaybeKey(rows.iter().map(|row| row.critical_in.map(|run| Key::from(run.0))).collect()),
    ];
    Ok(Rows::new(&FINDINGS, columns))
}

/// What is shown of findings, in the order in which they came.
fn shown(changes: &Changes, contents: &HashMap<Print, String>) -> Rows {
    let mut shown: Vec<(Key, Key, &String)> = changes
        .occurrences
        .iter()
        .filter_map(|row| contents.get(&row.content).map(|body| (row.finding.into(), row.content.into(), body)))
        .collect();
    shown.sort_unstable_by_key(|(finding, content, _)| (*finding, *content));
    shown.dedup_by_key(|(finding, content, _)| (*finding, *content));
    let columns = vec![
        Column::Key(shown.iter().map(|(finding, ..)| *finding).collect()),
        Column::Key(shown.iter().map(|(_, content, _)| *content).collect()),
        Column::Text(shown.iter().map(|(.., body)| (*body).clone()).collect()),
    ];
    Rows::new(&CONTENTS, columns)
}

fn events(signer: &Signer, log: Head, events: &[Event]) -> Result<(Rows, Head)> {
    let (links, end) = signer.append(log, events).map_err(|_| Error::Corrupt("an event"))?;
    let kinds = events.iter().map(|event| event.kind.name().to_owned()).collect();
    let columns = vec![
        Column::Integer(links.iter().map(|link| link.number as i64).collect()),
        Column::Integer(events.iter().map(|event| event.at).collect()),
        Column::Text(kinds),
        Column::MaybeKey(events.iter().map(|event| event.finding.map(Key::from)).collect()),
        Column::MaybeKey(events.iter().map(|event| event.branch.map(Key::from)).collect()),
        Column::MaybeInteger(events.iter().map(|event| event.pull_request.map(|number| number as i64)).collect()),
        Column::Bytes(links.iter().map(|link| link.hash.to_vec()).collect()),
        Column::MaybeKey(links.iter().map(|link| link.key.map(|id| Key(id.0))).collect()),
        Column::Text(links.into_iter().map(|link| link.body).collect()),
    ];
    Ok((Rows::new(&EVENTS, columns), end))
}
