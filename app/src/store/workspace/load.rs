//! From rows to what is tracked.
//!
//! Owns the reading of branches, pull requests, findings and occurrences. One finding or occurrence
//! that cannot be read is left out and named: it must not keep the others from being tracked.

use std::collections::{BTreeSet, HashMap};

use penstock_common::{Severity, Uuid};
use sqlx::FromRow;

use super::codes::{self, from_json};
use super::tally::Tally;
use super::{State, Workspace};
use crate::store::db::{Tx, on};
use crate::store::error::{Error, Result};
use crate::store::key::Key;
use crate::track::chain::Head;
use crate::track::{
    Branch, BranchId, Changes, Commit, Finding, FindingId, Gone, Occurrence, Print, Prints, PullRequest,
    PullRequestState, Repository, RunId, Series, Status, Triage,
};

/// What an operator does about rows that are left out.
const REPAIR: &str = "run `penstock-app check --repair`";

#[derive(FromRow)]
struct BranchRow {
    branch: Key,
    name: String,
    deleted_at: Option<i64>,
    head: Option<Vec<u8>>,
    timeline: String,
    stale: String,
}

#[derive(FromRow)]
struct PullRequestRow {
    number: i64,
    source: Option<Key>,
    destination: Key,
    head: Vec<u8>,
    author: String,
    state: i64,
    merged: Option<Vec<u8>>,
}

#[derive(Clone, FromRow)]
struct FindingRow {
    finding: Key,
    category: String,
    rule: String,
    ours: Key,
    path_free: Key,
    prints: Option<String>,
    status: String,
    triage: Option<String>,
    proposed: Option<String>,
    absent: Vec<u8>,
    worst: i64,
    critical_in: Option<Key>,
}

#[derive(FromRow)]
struct OccurrenceRow {
    finding: Key,
    tool: String,
    name: String,
    seen_in: String,
    path: String,
    severity: i64,
    content: Key,
    allowed: Option<String>,
    seen: Vec<u8>,
    configuration: Key,
    first: Vec<u8>,
    gone: Option<Vec<u8>>,
    gone_how: Option<String>,
    gap: Option<Vec<u8>>,
    reopened: i64,
    introduced_by: Option<i64>,
    owner: String,
    denied: Option<Key>,
    in_base: Option<i64>,
}

pub(super) async fn version(workspace: &Workspace, repository: Uuid) -> Result<i64> {
    let mut tx = workspace.read().await?;
    let version: Option<i64> = on!(&mut tx, connection => {
        sqlx::query_scalar("select version from repositories where workspace = $1 and repository = $2")
            .bind(workspace.key())
            .bind(Key::from(repository))
            .fetch_optional(connection)
            .await
    })?;
    version.ok_or(Error::NotFound("repository"))
}

/// Everything but occurrences.
pub(super) async fn state(workspace: &Workspace, repository: Uuid) -> Result<State> {
    let mut tx = workspace.read_findings(repository).await?;
    let of = (workspace.key(), Key::from(repository));
    let row: Option<(i64, i64, Vec<u8>, Option<Key>)> = on!(&mut tx, connection => {
        sqlx::query_as("select version, log_number, log_hash, main_branch from repositories where workspace = $1 and repository = $2")
            .bind(of.0)
            .bind(of.1)
            .fetch_optional(connection)
            .await
    })?;
    let (version, number, hash, main) = row.ok_or(Error::NotFound("repository"))?;
    let hash = hash.try_into().map_err(|_| Error::Corrupt("repositories.log_hash"))?;
    let rows = Changes {
        main: main.map(|key| BranchId(key.number())),
        branches: branches(&mut tx, of).await?,
        pull_requests: pull_requests(&mut tx, of).await?,
        findings: findings(&mut tx, of).await?,
        ..Changes::default()
    };
    let log = Head { number: number.unsigned_abs(), hash };
    Ok(State { repository: Repository::load(rows), version, log, loaded: BTreeSet::new(), tally: Tally::default() })
}

/// The occurrences on further branches.
pub(super) async fn occurrences(
    workspace: &Workspace,
    repository: Uuid,
    state: &mut State,
    branches: &BTreeSet<BranchId>,
) -> Result<()> {
    if branches.is_empty() {
        return Ok(());
    }
    let mut tx = workspace.read_findings(repository).await?;
    for branch in branches {
        let rows = occurrence_rows(&mut tx, (workspace.key(), Key::from(repository)), *branch).await?;
        let occurrences = sound(rows, repository, *branch, &state.repository);
        state.repository.accept(Changes { occurrences, ..Changes::default() });
        state.loaded.insert(*branch);
        state.tally.count(&state.repository, *branch);
    }
    Ok(())
}

/// The occurrences on a branch that can be read and have their finding.
fn sound(rows: Vec<OccurrenceRow>, repository: Uuid, branch: BranchId, known: &Repository) -> Vec<Occurrence> {
    let (mut sound, mut orphans) = (Vec::with_capacity(rows.len()), 0);
    for row in rows {
        let finding = FindingId(row.finding.number());
        match occurrence(branch, row) {
            Ok(row) if known.finding(finding).is_some() => sound.push(row),
            Ok(_) => orphans += 1,
            Err(error) => {
                tracing::error!(%repository, %branch, %finding, %error, "an occurrence is left out: {REPAIR}")
            }
        }
    }
    if orphans > 0 {
        tracing::error!(%repository, %branch, orphans, "occurrences without their finding are left out: {REPAIR}");
    }
    sound
}

/// The findings of a repository that cannot be read, each as far as it can be.
pub(super) async fn unreadable_findings(tx: &mut Tx, of: (Key, Key)) -> Result<Vec<(FindingId, Option<Finding>)>> {
    let rows = finding_rows(tx, of).await?;
    let unreadable = rows.into_iter().filter(|row| finding(row.clone()).is_err());
    Ok(unreadable.map(|row| (FindingId(row.finding.number()), salvaged(row))).collect())
}

/// What can be read of a finding. What people said of it counts only where status and author can be
/// read; without a severity that can be read, it was critical.
fn salvaged(row: FindingRow) -> Option<Finding> {
    let (needs_triage, critical) = (Status::NeedsTriage.name().to_owned(), codes::severity_code(Severity::Critical));
    let bare = FindingRow {
        prints: None,
        status: needs_triage,
        triage: None,
        proposed: None,
        absent: Vec::new(),
        worst: critical,
        ..row.clone()
    };
    let mut salvaged = finding(bare.clone()).ok()?;
    if let Ok(read) = finding(FindingRow { prints: row.prints, ..bare.clone() }) {
        salvaged.prints = read.prints;
    }
    if let Ok(read) = finding(FindingRow { triage: row.triage, ..bare.clone() }) {
        salvaged.triage = read.triage;
    }
    if let Ok(read) = finding(FindingRow { proposed: row.proposed, ..bare.clone() }) {
        salvaged.proposed = read.proposed;
    }
    if let Ok(read) = finding(FindingRow { absent: row.absent, ..bare.clone() }) {
        salvaged.absent = read.absent;
    }
    if let Ok(read) = finding(FindingRow { worst: row.worst, ..bare }) {
        salvaged.worst = read.worst;
    }
    Some(salvaged)
}

/// The occurrences of a repository that are left out of its state.
#[derive(Default)]
pub(super) struct Unsound {
    /// Those without their finding.
    pub(super) orphans: Vec<Occurrence>,
    /// Those of findings that cannot be read.
    pub(super) hidden: Vec<Occurrence>,
    /// Those that cannot be read.
    pub(super) unreadable: Vec<(BranchId, FindingId)>,
}

pub(super) async fn unsound(tx: &mut Tx, of: (Key, Key)) -> Result<Unsound> {
    let rows = finding_rows(tx, of).await?;
    let known: HashMap<Key, bool> = rows.into_iter().map(|row| (row.finding, finding(row).is_ok())).collect();
    let mut unsound = Unsound::default();
    let branches: Vec<Key> = on!(&mut *tx, connection => {
        sqlx::query_scalar("select distinct branch from occurrences where workspace = $1 and repository = $2")
            .bind(of.0)
            .bind(of.1)
            .fetch_all(connection)
            .await
    })?;
    for key in branches {
        let branch = BranchId(key.number());
        for row in occurrence_rows(tx, of, branch).await? {
            let finding = row.finding;
            match (occurrence(branch, row), known.get(&finding)) {
                (Err(_), _) => unsound.unreadable.push((branch, FindingId(finding.number()))),
                (Ok(row), None) => unsound.orphans.push(row),
                (Ok(row), Some(false)) => unsound.hidden.push(row),
                (Ok(_), Some(true)) => {}
            }
        }
    }
    Ok(unsound)
}

async fn occurrence_rows(tx: &mut Tx, of: (Key, Key), branch: BranchId) -> Result<Vec<OccurrenceRow>> {
    Ok(on!(tx, connection => {
        sqlx::query_as(
            "select finding, tool, name, seen_in, path, severity, content, allowed, seen, configuration, first, gone, gone_how, gap, \
             reopened, introduced_by, owner, denied, in_base from occurrences where workspace = $1 and repository = $2 and branch = $3",
        )
        .bind(of.0)
        .bind(of.1)
        .bind(Key::from(branch))
        .fetch_all(connection)
        .await
    })?)
}

async fn branches(tx: &mut Tx, of: (Key, Key)) -> Result<Vec<Branch>> {
    let rows: Vec<BranchRow> = on!(tx, connection => {
        sqlx::query_as(
            "select branch, name, deleted_at, head, timeline, stale from branches where workspace = $1 and repository = $2",
        )
        .bind(of.0)
        .bind(of.1)
        .fetch_all(connection)
        .await
    })?;
    let branch = |row: BranchRow| {
        Ok(Branch {
            id: BranchId(row.branch.number()),
            name: codes::text(row.name),
            deleted: row.deleted_at,
            head: row.head.as_deref().map(codes::commit).transpose()?,
            timeline: from_json(&row.timeline, "branches.timeline")?,
            stale: from_json::<Vec<(Series, i64)>>(&row.stale, "branches.stale")?.into_iter().collect(),
        })
    };
    rows.into_iter().map(branch).collect()
}

impl Workspace {
    /// A pull request as it was last told.
    pub async fn pull_request(&self, repository: Uuid, number: u64) -> Result<Option<PullRequest>> {
        let mut tx = self.read().await?;
        let row: Option<PullRequestRow> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select number, source, destination, head, author, state, merged from pull_requests \
                 where workspace = $1 and repository = $2 and number = $3",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(number as i64)
            .fetch_optional(connection)
            .await
        })?;
        row.map(pull_request).transpose()
    }

    /// All branches of a repository that live, by name.
    pub async fn branches(&self, repository: Uuid) -> Result<Vec<Branch>> {
        let mut tx = self.read().await?;
        let mut all = branches(&mut tx, (self.key(), Key::from(repository))).await?;
        all.retain(|branch| branch.deleted.is_none());
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// A finding, whatever branches it stands on.
    pub async fn finding(&self, repository: Uuid, id: FindingId) -> Result<Option<Finding>> {
        let mut tx = self.read_findings(repository).await?;
        let row: Option<FindingRow> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select finding, category, rule, ours, path_free, prints, status, triage, proposed, absent, worst, critical_in from findings \
                 where workspace = $1 and repository = $2 and finding = $3",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(id))
            .fetch_optional(connection)
            .await
        })?;
        row.map(finding).transpose()
    }

    /// Where a finding stands or stood, with the names of the branches that live.
    pub async fn occurrences_of(&self, repository: Uuid, id: FindingId) -> Result<Vec<(String, Occurrence)>> {
        let mut tx = self.read_findings(repository).await?;
        let rows: Vec<(Key, String)> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select b.branch, b.name from occurrences o join branches b on b.workspace = o.workspace and b.repository = o.repository \
                 and b.branch = o.branch where o.workspace = $1 and o.repository = $2 and o.finding = $3 and b.deleted_at is null \
                 order by b.name limit 100",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(id))
            .fetch_all(connection)
            .await
        })?;
        let mut found = Vec::with_capacity(rows.len());
        for (branch, name) in rows {
            let row: OccurrenceRow = on!(&mut tx, connection => {
                sqlx::query_as(
                    "select finding, tool, name, seen_in, path, severity, content, allowed, seen, configuration, first, gone, gone_how, gap, \
                     reopened, introduced_by, owner, denied, in_base from occurrences where workspace = $1 and repository = $2 and branch = $3 and finding = $4",
                )
                .bind(self.key())
                .bind(Key::from(repository))
                .bind(branch)
                .bind(Key::from(id))
                .fetch_one(connection)
                .await
            })?;
            found.push((name, occurrence(BranchId(branch.number()), row)?));
        }
        Ok(found)
    }
}

fn pull_request(row: PullRequestRow) -> Result<PullRequest> {
    let state = match (row.state, row.merged) {
        (0, _) => PullRequestState::Open,
        (1, Some(commit)) => PullRequestState::Merged(codes::commit(&commit)?),
        (2, _) => PullRequestState::Declined,
        _ => return Err(Error::Corrupt("pull_requests.state")),
    };
    Ok(PullRequest {
        number: row.number.unsigned_abs(),
        source: row.source.map(|key| BranchId(key.number())),
        destination: BranchId(row.destination.number()),
        head: codes::commit(&row.head)?,
        author: row.author,
        state,
    })
}

async fn pull_requests(tx: &mut Tx, of: (Key, Key)) -> Result<Vec<PullRequest>> {
    let rows: Vec<PullRequestRow> = on!(tx, connection => {
        sqlx::query_as(
            "select number, source, destination, head, author, state, merged from pull_requests where workspace = $1 and repository = $2",
        )
        .bind(of.0)
        .bind(of.1)
        .fetch_all(connection)
        .await
    })?;
    rows.into_iter().map(pull_request).collect()
}

async fn findings(tx: &mut Tx, of: (Key, Key)) -> Result<Vec<Finding>> {
    let rows = finding_rows(tx, of).await?;
    let mut readable = Vec::with_capacity(rows.len());
    for row in rows {
        let (repository, id) = (of.1.uuid(), FindingId(row.finding.number()));
        match finding(row) {
            Ok(row) => readable.push(row),
            Err(error) => tracing::error!(%repository, finding = %id, %error, "a finding is left out: {REPAIR}"),
        }
    }
    Ok(readable)
}

async fn finding_rows(tx: &mut Tx, of: (Key, Key)) -> Result<Vec<FindingRow>> {
    Ok(on!(tx, connection => {
        sqlx::query_as(
            "select finding, category, rule, ours, path_free, prints, status, triage, proposed, absent, worst, critical_in from findings \
             where workspace = $1 and repository = $2",
        )
        .bind(of.0)
        .bind(of.1)
        .fetch_all(connection)
        .await
    })?)
}

fn finding(row: FindingRow) -> Result<Finding> {
    let prints = match &row.prints {
        Some(text) => from_json(text, "findings.prints")?,
        None => Prints {
            own: Vec::new(),
            ours: vec![Print(row.ours.number())],
            path_free: vec![Print(row.path_free.number())],
        },
    };
    let triage: Triage = match &row.triage {
        Some(text) => from_json(text, "findings.triage")?,
        None => Triage { status: codes::status(&row.status)?, ..Triage::default() },
    };
    let proposed = match &row.proposed {
        Some(text) => from_json(text, "findings.proposed")?,
        None => Default::default(),
    };
    let absent: Result<Vec<Commit>> = row.absent.chunks(20).map(codes::commit).collect();
    Ok(Finding {
        id: FindingId(row.finding.number()),
        category: codes::category(&row.category)?,
        rule: codes::text(row.rule),
        prints,
        triage,
        proposed,
        absent: absent?,
        worst: codes::severity(row.worst)?,
        critical_in: row.critical_in.map(|run| RunId(run.number())),
    })
}

fn occurrence(branch: BranchId, row: OccurrenceRow) -> Result<Occurrence> {
    let gone = match (row.gone, row.gone_how) {
        (Some(by), Some(how)) => Some(Gone { by: codes::stamp(&by)?, how: codes::how(&how)? }),
        (None, _) => None,
        (Some(_), None) => return Err(Error::Corrupt("occurrences.gone_how")),
    };
    Ok(Occurrence {
        finding: FindingId(row.finding.number()),
        branch,
        series: Series::from((row.tool, row.name)),
        seen_in: from_json(&row.seen_in, "occurrences.seen_in")?,
        path: codes::text(row.path),
        severity: codes::severity(row.severity)?,
        content: Print(row.content.number()),
        allowed: row.allowed.as_deref().map(codes::allowed).transpose()?,
        owner: codes::text(row.owner),
        seen: codes::stamp(&row.seen)?,
        configuration: Print(row.configuration.number()),
        first: codes::stamp(&row.first)?,
        gone,
        gap: row.gap.as_deref().map(codes::gap).transpose()?,
        reopened: row.reopened.try_into().unwrap_or(u32::MAX),
        introduced_by: row.introduced_by.map(i64::unsigned_abs),
        denied: row.denied.map(|run| RunId(run.number())),
        in_base: row.in_base.map(|flag| flag != 0),
    })
}
