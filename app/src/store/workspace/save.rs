//! From what is tracked to rows.
//!
//! Owns the writing of changes and their log.

use std::collections::HashMap;

use penstock_common::Uuid;

use super::codes::{self, json};
use super::rollup::judged;
use super::{Lane, State, Write, journal};
use crate::store::db::on;
use crate::store::dialect::bulk::{Column, Rows, Table};
use crate::store::error::{Error, Result};
use crate::store::key::Key;
use crate::track::chain::{self, Head};
use crate::track::{Branch, Changes, Event, Finding, FindingId, Print, PullRequest, PullRequestState, Series};

/// The tables of what is found.
pub(super) const TABLES: [&Table; 4] = [&FINDINGS, &CONTENTS, &OCCURRENCES, &EVENTS];

const FINDINGS: Table = Table {
    name: "findings",
    columns: &["finding", "category", "rule", "ours", "path_free", "prints", "status", "triage", "proposed", "absent"],
    conflict: "on conflict (workspace, repository, finding) do update set ours = excluded.ours, path_free = excluded.path_free, \
               prints = excluded.prints, status = excluded.status, triage = excluded.triage, proposed = excluded.proposed, \
               absent = excluded.absent",
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
    ],
    conflict: "on conflict (workspace, repository, branch, finding) do update set tool = excluded.tool, name = excluded.name, \
               seen_in = excluded.seen_in, path = excluded.path, severity = excluded.severity, content = excluded.content, \
               allowed = excluded.allowed, seen = excluded.seen, configuration = excluded.configuration, first = excluded.first, \
               gone = excluded.gone, gone_how = excluded.gone_how, gap = excluded.gap, reopened = excluded.reopened, introduced_by = excluded.introduced_by, \
               state = excluded.state, status = excluded.status, owner = excluded.owner",
};

const CONTENTS: Table = Table {
    name: "contents",
    columns: &["finding", "content", "body"],
    conflict: "on conflict (workspace, repository, finding, content) do nothing",
};

const EVENTS: Table = Table {
    name: "events",
    columns: &["number", "at", "kind", "finding", "branch", "pull_request", "hash", "body"],
    conflict: "",
};

impl Write {
    /// Writes changes that `lane` has accepted, with what is shown of the findings in them, and gives the end of the log for
    /// [`Write::commit_in`]. Nothing is done twice: rows that are there already are replaced.
    ///
    /// # Errors
    /// When the database does not take them; then the lane has forgotten its state.
    pub async fn changes(
        &mut self,
        lane: &mut Lane,
        changes: &Changes,
        contents: &HashMap<Print, String>,
        now: i64,
    ) -> Result<Head> {
        // Of two copies the second one finds the numbers of its log, or of its journal, taken.
        let written = self.rows(lane, changes, contents, now).await.map_err(Error::taken_in_between);
        if written.is_err() {
            lane.forget();
        }
        written
    }

    async fn rows(
        &mut self,
        lane: &Lane,
        changes: &Changes,
        contents: &HashMap<Print, String>,
        now: i64,
    ) -> Result<Head> {
        let of = (self.key(), Key::from(lane.repository()));
        let State { log, version, .. } = *lane.loaded().ok_or(Error::Conflict)?;
        if let Some(main) = changes.main {
            on!(&mut self.tx, connection => {
                sqlx::query("update repositories set main_branch = $3 where workspace = $1 and repository = $2")
                    .bind(of.0)
                    .bind(of.1)
                    .bind(Key::from(main))
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
        }
        for branch in &changes.branches {
            self.branch(of, branch).await?;
        }
        for pull_request in &changes.pull_requests {
            self.pull_request(of, pull_request).await?;
        }
        let (events, end) = events(log, &changes.events)?;
        let occurrences = self.occurrences(lane, changes, now)?;
        let rows = vec![findings(&changes.findings)?, shown(changes, contents), occurrences, events];
        // A judgement is written to rows that are there, and a branch that is not in memory is counted by its rows.
        let judged = judged(changes);
        let tally = &lane.loaded().ok_or(Error::Conflict)?.tally;
        let may_follow = judged.is_empty() && changes.occurrences.iter().all(|row| tally.of(row.branch).is_some());
        if may_follow && journal::is_for(&mut self.tx, of, &rows).await? {
            journal::enter(&mut self.tx, of, version, rows).await?;
            self.is_ahead = true;
        } else {
            journal::write_out(&mut self.tx, of).await?;
            for rows in rows {
                rows.write(&mut self.tx, of).await?;
            }
        }
        self.count(lane, of, changes, &judged, now).await?;
        Ok(end)
    }

    async fn branch(&mut self, of: (Key, Key), branch: &Branch) -> Result<()> {
        let stale: Vec<(&Series, &i64)> = branch.stale.iter().collect();
        let (timeline, stale) = (json(&branch.timeline)?, json(&stale)?);
        let head = branch.head.map(codes::commit_bytes);
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into branches (workspace, repository, branch, name, deleted_at, head, timeline, stale) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8) \
                 on conflict (workspace, repository, branch) do update set name = excluded.name, deleted_at = excluded.deleted_at, \
                 head = excluded.head, timeline = excluded.timeline, stale = excluded.stale",
            )
            .bind(of.0)
            .bind(of.1)
            .bind(Key::from(branch.id))
            .bind(&branch.name)
            .bind(branch.deleted)
            .bind(head)
            .bind(timeline)
            .bind(stale)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }

    async fn pull_request(&mut self, of: (Key, Key), row: &PullRequest) -> Result<()> {
        let (state, merged) = match row.state {
            PullRequestState::Open => (0_i64, None),
            PullRequestState::Merged(commit) => (1, Some(codes::commit_bytes(commit))),
            PullRequestState::Declined => (2, None),
        };
        let number = i64::try_from(row.number).map_err(|_| Error::Corrupt("pull_requests.number"))?;
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into pull_requests (workspace, repository, number, source, destination, head, author, state, merged) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                 on conflict (workspace, repository, number) do update set source = excluded.source, \
                 destination = excluded.destination, head = excluded.head, author = excluded.author, state = excluded.state, \
                 merged = excluded.merged",
            )
            .bind(of.0)
            .bind(of.1)
            .bind(number)
            .bind(row.source.map(Key::from))
            .bind(Key::from(row.destination))
            .bind(codes::commit_bytes(row.head))
            .bind(&row.author)
            .bind(state)
            .bind(merged)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }

    fn occurrences(&self, lane: &Lane, changes: &Changes, now: i64) -> Result<Rows> {
        let rows = &changes.occurrences;
        let changed: HashMap<FindingId, &Finding> = changes.findings.iter().map(|row| (row.id, row)).collect();
        let tracked = &lane.loaded().ok_or(Error::Conflict)?.repository;
        let findings: Vec<&Finding> = rows
            .iter()
            .map(|row| changed.get(&row.finding).copied().or_else(|| tracked.finding(row.finding)))
            .collect::<Option<_>>()
            .ok_or(Error::Corrupt("an occurrence without its finding"))?;
        let columns = vec![
            Column::Key(rows.iter().map(|row| row.branch.into()).collect()),
            Column::Key(rows.iter().map(|row| row.finding.into()).collect()),
            Column::Text(rows.iter().map(|row| row.series.tool.to_string()).collect()),
            Column::Text(rows.iter().map(|row| row.series.name.to_string()).collect()),
            Column::Text(rows.iter().map(|row| json(&row.seen_in)).collect::<Result<_>>()?),
            Column::Text(rows.iter().map(|row| row.path.clone()).collect()),
            Column::Integer(rows.iter().map(|row| codes::severity_code(row.severity)).collect()),
            Column::Key(rows.iter().map(|row| row.content.into()).collect()),
            Column::MaybeText(
                rows.iter().map(|row| row.allowed.map(|kind| codes::allowed_name(kind).to_owned())).collect(),
            ),
            Column::Bytes(rows.iter().map(|row| codes::stamp_bytes(&row.seen)).collect()),
            Column::Key(rows.iter().map(|row| row.configuration.into()).collect()),
            Column::Bytes(rows.iter().map(|row| codes::stamp_bytes(&row.first)).collect()),
            Column::MaybeBytes(rows.iter().map(|row| row.gone.map(|gone| codes::stamp_bytes(&gone.by))).collect()),
            Column::MaybeText(
                rows.iter().map(|row| row.gone.map(|gone| codes::how_name(gone.how).to_owned())).collect(),
            ),
            Column::MaybeBytes(rows.iter().map(|row| row.gap.map(|gap| codes::gap_bytes(&gap))).collect()),
            Column::Integer(rows.iter().map(|row| i64::from(row.reopened)).collect()),
            Column::MaybeInteger(rows.iter().map(|row| row.introduced_by.map(|number| number as i64)).collect()),
            Column::Integer(vec![self.happened.unwrap_or(now); rows.len()]),
            Column::Integer(rows.iter().map(|row| codes::state_code(row.gone.map(|gone| gone.how))).collect()),
            Column::Text(findings.iter().map(|finding| finding.category.name().to_owned()).collect()),
            Column::Text(findings.iter().map(|finding| finding.rule.clone()).collect()),
            Column::Text(findings.iter().map(|finding| finding.triage.status.name().to_owned()).collect()),
            Column::Text(rows.iter().map(|row| row.owner.clone()).collect()),
        ];
        Ok(Rows::new(&OCCURRENCES, columns))
    }
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
        Column::Text(rows.iter().map(|row| row.rule.clone()).collect()),
        Column::Key(rows.iter().map(|row| newest(&row.prints.ours)).collect()),
        Column::Key(rows.iter().map(|row| newest(&row.prints.path_free)).collect()),
        Column::MaybeText(prints),
        Column::Text(rows.iter().map(|row| row.triage.status.name().to_owned()).collect()),
        Column::MaybeText(rows.iter().map(maybe).collect::<Result<_>>()?),
        Column::MaybeText(rows.iter().map(proposed).collect::<Result<_>>()?),
        Column::Bytes(
            rows.iter().map(|row| row.absent.iter().flat_map(|one| codes::commit_bytes(*one)).collect()).collect(),
        ),
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

fn events(log: Head, events: &[Event]) -> Result<(Rows, Head)> {
    let (links, end) = chain::append(log, events).map_err(|_| Error::Corrupt("an event"))?;
    let kinds = events.iter().map(|event| event.kind.name().to_owned()).collect();
    let columns = vec![
        Column::Integer(links.iter().map(|link| link.number as i64).collect()),
        Column::Integer(events.iter().map(|event| event.at).collect()),
        Column::Text(kinds),
        Column::MaybeKey(events.iter().map(|event| event.finding.map(Key::from)).collect()),
        Column::MaybeKey(events.iter().map(|event| event.branch.map(Key::from)).collect()),
        Column::MaybeInteger(events.iter().map(|event| event.pull_request.map(|number| number as i64)).collect()),
        Column::Bytes(links.iter().map(|link| link.hash.to_vec()).collect()),
        Column::Text(links.into_iter().map(|link| link.body).collect()),
    ];
    Ok((Rows::new(&EVENTS, columns), end))
}

impl super::Workspace {
    /// What is shown of findings, as JSON, by what stands for it. What is not known is left out.
    pub async fn contents(&self, repository: Uuid, shown: &[(FindingId, Print)]) -> Result<HashMap<Print, String>> {
        let mut contents = HashMap::with_capacity(shown.len());
        if shown.is_empty() {
            return Ok(contents);
        }
        let mut tx = self.read_findings(repository).await?;
        for (finding, print) in shown {
            let body: Option<String> = on!(&mut tx, connection => {
                sqlx::query_scalar(
                    "select body from contents where workspace = $1 and repository = $2 and finding = $3 and content = $4",
                )
                .bind(self.key())
                .bind(Key::from(repository))
                .bind(Key::from(*finding))
                .bind(Key::from(*print))
                .fetch_optional(connection)
                .await
            })?;
            contents.extend(body.map(|body| (*print, body)));
        }
        Ok(contents)
    }

    /// What happened to a finding, the newest first, at most `limit` events, each with its number in the log.
    pub async fn events_of(&self, repository: Uuid, finding: FindingId, limit: i64) -> Result<Vec<(u64, Event)>> {
        let mut tx = self.read_findings(repository).await?;
        let rows: Vec<(i64, String)> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select number, body from events where workspace = $1 and repository = $2 and finding = $3 order by number desc limit $4",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(finding))
            .bind(limit)
            .fetch_all(connection)
            .await
        })?;
        let event =
            |(number, body): (i64, String)| Ok((number.unsigned_abs(), codes::from_json(&body, "events.body")?));
        rows.into_iter().map(event).collect()
    }

    /// The log of a repository from entry `from` on, at most `limit` entries.
    pub async fn log(&self, repository: Uuid, from: u64, limit: i64) -> Result<Vec<chain::Link>> {
        let mut tx = self.read_findings(repository).await?;
        let rows: Vec<(i64, String, Vec<u8>)> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select number, body, hash from events where workspace = $1 and repository = $2 and number >= $3 order by number limit $4",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(from as i64)
            .bind(limit)
            .fetch_all(connection)
            .await
        })?;
        let link = |(number, body, hash): (i64, String, Vec<u8>)| {
            let hash = hash.try_into().map_err(|_| Error::Corrupt("events.hash"))?;
            Ok(chain::Link { number: number.unsigned_abs(), body, hash })
        };
        rows.into_iter().map(link).collect()
    }
}
