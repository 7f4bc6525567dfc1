//! Numbers that are kept so that no page has to count.
//!
//! Owns what is open on a branch now, and what was at the end of each day. Both are brought in line in the transaction that changes what they count.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use penstock_common::{Severity, Uuid};
use sqlx::FromRow;

use super::codes;
use super::{Lane, VerdictRow, Workspace, Write};
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;
use crate::track::{BranchId, Changes, Event, FindingId, Kind, Occurrence, Repository, Status};

pub(super) const DAY: i64 = 86_400_000;

/// What is open: by severity what counts, and how much does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Open {
    /// Critical.
    pub critical: i64,
    /// High.
    pub high: i64,
    /// Medium.
    pub medium: i64,
    /// Low.
    pub low: i64,
    /// Info.
    pub info: i64,
    /// Open, but somebody said that it does not count.
    pub dismissed: i64,
}

impl Open {
    /// How many count.
    pub const fn total(&self) -> i64 {
        self.critical + self.high + self.medium + self.low + self.info
    }

    /// How many of this severity count.
    pub const fn of(&self, severity: Severity) -> i64 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Info => self.info,
        }
    }

    /// Puts an occurrence in (`1`) or takes it out (`-1`), if it is open.
    pub(super) fn weigh(&mut self, repository: &Repository, row: &Occurrence, sign: i64) {
        if !row.is_open() {
            return;
        }
        let judged = repository.finding(row.finding).is_some_and(|finding| finding.triage.shown().dismisses());
        if row.allowed.is_some() || judged {
            self.dismissed += sign;
        } else {
            self.add(row.severity, sign);
        }
    }

    const fn add(&mut self, severity: Severity, number: i64) {
        match severity {
            Severity::Critical => self.critical += number,
            Severity::High => self.high += number,
            Severity::Medium => self.medium += number,
            Severity::Low => self.low += number,
            Severity::Info => self.info += number,
        }
    }
}

/// A day on which something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Day {
    /// Days since 1970-01-01 UTC.
    pub day: i64,
    /// What was open at its end.
    #[sqlx(flatten)]
    pub open: Open,
    /// How many came that were not known on the branch.
    pub introduced: i64,
    /// How many came back.
    pub reopened: i64,
    /// How many were fixed.
    pub fixed: i64,
    /// Of how many the rule is not in force any more.
    pub removed: i64,
    /// How long those that were fixed had been open, in milliseconds, all together.
    pub fixed_after: i64,
}

/// What came and went.
#[derive(Clone, Copy, Debug, Default)]
struct Moved {
    introduced: i64,
    reopened: i64,
    fixed: i64,
    removed: i64,
    fixed_after: i64,
}

/// How a repository stands on its main branch.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Which.
    pub repository: Uuid,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// What is open.
    pub open: Open,
    /// How many came, or came back, since a day.
    pub introduced: i64,
    /// The last verdict.
    pub verdict: Option<VerdictRow>,
}

#[derive(FromRow)]
struct StandingRow {
    repository: Key,
    slug: String,
    name: String,
    #[sqlx(flatten)]
    open: Open,
    introduced: i64,
    branch: Option<Key>,
    commit_id: Option<Vec<u8>>,
    at: Option<i64>,
    body: Option<String>,
}

impl TryFrom<StandingRow> for Standing {
    type Error = crate::store::Error;

    fn try_from(row: StandingRow) -> Result<Self> {
        let verdict = match (row.branch, row.commit_id, row.at, row.body) {
            (Some(branch), Some(commit), Some(at), Some(body)) => {
                Some(VerdictRow { branch: BranchId(branch.number()), commit: codes::commit(&commit)?, at, body })
            }
            _ => None,
        };
        let (repository, slug, name) = (row.repository.uuid(), row.slug, row.name);
        Ok(Self { repository, slug, name, open: row.open, introduced: row.introduced, verdict })
    }
}

impl Workspace {
    /// All repositories that are there, with how they stand, and what came since a day (in days since 1970).
    pub async fn standings(&self, since: i64) -> Result<Vec<Standing>> {
        let mut tx = self.read().await?;
        let rows: Vec<StandingRow> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select r.repository, r.slug, r.name, coalesce(c.critical, 0) as critical, coalesce(c.high, 0) as high, \
                 coalesce(c.medium, 0) as medium, coalesce(c.low, 0) as low, coalesce(c.info, 0) as info, \
                 coalesce(c.dismissed, 0) as dismissed, cast(coalesce((select sum(d.introduced + d.reopened) from days d \
                 where d.workspace = r.workspace and d.repository = r.repository and d.branch = r.main_branch and d.day >= $2), 0) as bigint) \
                 as introduced, v.branch, v.commit_id, v.at, v.body from repositories r \
                 left join branch_counts c on c.workspace = r.workspace and c.repository = r.repository and c.branch = r.main_branch \
                 left join verdicts v on v.workspace = r.workspace and v.repository = r.repository and v.branch = r.main_branch \
                 and v.pull_request = 0 where r.workspace = $1 and r.gone_at is null order by r.slug",
            )
            .bind(self.key())
            .bind(since)
            .fetch_all(connection)
            .await
        })?;
        rows.into_iter().map(Standing::try_from).collect()
    }

    /// What is open on a branch.
    pub async fn open_on(&self, repository: Uuid, branch: BranchId) -> Result<Open> {
        let mut tx = self.read().await?;
        let row: Option<Open> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select critical, high, medium, low, info, dismissed from branch_counts \
                 where workspace = $1 and repository = $2 and branch = $3",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(branch))
            .fetch_optional(connection)
            .await
        })?;
        Ok(row.unwrap_or_default())
    }

    /// The days of a branch from `since` on, in days since 1970, the oldest first, and the newest one before that.
    pub async fn days(&self, repository: Uuid, branch: BranchId, since: i64) -> Result<Vec<Day>> {
        let mut tx = self.read().await?;
        Ok(on!(&mut tx, connection => {
            sqlx::query_as(
                "select day, critical, high, medium, low, info, dismissed, introduced, reopened, fixed, removed, fixed_after from days \
                 where workspace = $1 and repository = $2 and branch = $3 and day >= coalesce((select max(day) from days \
                 where workspace = $1 and repository = $2 and branch = $3 and day < $4), $4) order by day",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(branch))
            .bind(since)
            .fetch_all(connection)
            .await
        })?)
    }
}

impl Write {
    /// Says when what is written happened, where that is not when it is written: a run tells of the moment at which it ran.
    pub const fn happened(&mut self, at: i64) {
        self.happened = Some(at);
    }

    /// Brings judgements and numbers in line with changes whose rows are written.
    pub(super) async fn count(
        &mut self,
        lane: &Lane,
        of: (Key, Key),
        changes: &Changes,
        judged: &HashSet<FindingId>,
        now: i64,
    ) -> Result<()> {
        let mut branches: BTreeSet<BranchId> = changes.occurrences.iter().map(|row| row.branch).collect();
        for row in changes.findings.iter().filter(|row| judged.contains(&row.id)) {
            let on: Vec<Key> = on!(&mut self.tx, connection => {
                sqlx::query_scalar(
                    "update occurrences set status = $4 where workspace = $1 and repository = $2 and finding = $3 returning branch",
                )
                .bind(of.0)
                .bind(of.1)
                .bind(Key::from(row.id))
                .bind(row.triage.shown().name())
                .fetch_all(connection)
                .await
            })?;
            branches.extend(on.into_iter().map(|key| BranchId(key.number())));
        }
        let mut moved = moved(changes);
        let day = self.happened.unwrap_or(now).div_euclid(DAY);
        for branch in branches {
            let open = match lane.loaded().and_then(|tracked| tracked.tally.of(branch)) {
                Some(open) => open,
                // A judgement holds on branches that are not loaded, too.
                None => self.open(of, branch).await?,
            };
            self.branch_count(of, branch, &open).await?;
            self.day(of, branch, day, &open, &moved.remove(&branch).unwrap_or_default()).await?;
        }
        Ok(())
    }

    pub(super) async fn open(&mut self, of: (Key, Key), branch: BranchId) -> Result<Open> {
        let rows: Vec<(i64, String, i64, i64)> = on!(&mut self.tx, connection => {
            sqlx::query_as(
                "select severity, status, cast(case when allowed is null then 0 else 1 end as bigint), count(*) from occurrences \
                 where workspace = $1 and repository = $2 and branch = $3 and state = 0 group by 1, 2, 3",
            )
            .bind(of.0)
            .bind(of.1)
            .bind(Key::from(branch))
            .fetch_all(connection)
            .await
        })?;
        let mut open = Open::default();
        for (severity, status, allowed, number) in rows {
            let status: Status = codes::status(&status)?;
            if allowed != 0 || status.dismisses() {
                open.dismissed += number;
            } else {
                open.add(codes::severity(severity)?, number);
            }
        }
        Ok(open)
    }

    pub(super) async fn branch_count(&mut self, of: (Key, Key), branch: BranchId, open: &Open) -> Result<()> {
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into branch_counts (workspace, repository, branch, critical, high, medium, low, info, dismissed) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (workspace, repository, branch) do update set \
                 critical = excluded.critical, high = excluded.high, medium = excluded.medium, low = excluded.low, info = excluded.info, \
                 dismissed = excluded.dismissed",
            )
            .bind(of.0)
            .bind(of.1)
            .bind(Key::from(branch))
            .bind(open.critical)
            .bind(open.high)
            .bind(open.medium)
            .bind(open.low)
            .bind(open.info)
            .bind(open.dismissed)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }

    async fn day(&mut self, of: (Key, Key), branch: BranchId, day: i64, open: &Open, moved: &Moved) -> Result<()> {
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into days (workspace, repository, branch, day, critical, high, medium, low, info, dismissed, introduced, reopened, \
                 fixed, removed, fixed_after) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
                 on conflict (workspace, repository, branch, day) do update set critical = excluded.critical, high = excluded.high, \
                 medium = excluded.medium, low = excluded.low, info = excluded.info, dismissed = excluded.dismissed, \
                 introduced = days.introduced + excluded.introduced, reopened = days.reopened + excluded.reopened, \
                 fixed = days.fixed + excluded.fixed, removed = days.removed + excluded.removed, \
                 fixed_after = days.fixed_after + excluded.fixed_after",
            )
            .bind(of.0)
            .bind(of.1)
            .bind(Key::from(branch))
            .bind(day)
            .bind(open.critical)
            .bind(open.high)
            .bind(open.medium)
            .bind(open.low)
            .bind(open.info)
            .bind(open.dismissed)
            .bind(moved.introduced)
            .bind(moved.reopened)
            .bind(moved.fixed)
            .bind(moved.removed)
            .bind(moved.fixed_after)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }
}

/// The findings that somebody judged, or of which a judgement ended.
pub(super) fn judged(changes: &Changes) -> HashSet<FindingId> {
    let is_judgement = |event: &&Event| {
        matches!(
            event.kind,
            Kind::Triaged
                | Kind::Approved
                | Kind::Reconsidered
                | Kind::SeverityLowered
                | Kind::Expired
                | Kind::Withdrawn
        )
    };
    changes.events.iter().filter(is_judgement).filter_map(|event| event.finding).collect()
}

/// What came and went on each branch, by the events that tell so.
fn moved(changes: &Changes) -> BTreeMap<BranchId, Moved> {
    let mut all: BTreeMap<BranchId, Moved> = BTreeMap::new();
    let mut fixed = HashSet::new();
    for event in &changes.events {
        let Some(branch) = event.branch.filter(|_| event.finding.is_some()) else { continue };
        let moved = all.entry(branch).or_default();
        match event.kind {
            Kind::Introduced => moved.introduced += 1,
            Kind::Reopened => moved.reopened += 1,
            Kind::Fixed => {
                moved.fixed += 1;
                fixed.extend(event.finding.map(|finding| (branch, finding)));
            }
            Kind::Removed => moved.removed += 1,
            _ => {}
        }
    }
    for row in &changes.occurrences {
        let Some(gone) = row.gone.filter(|_| fixed.contains(&(row.branch, row.finding))) else { continue };
        // A merge has no moment of its own; what it brought counts from the run that sees it.
        let began = row.gap.map_or(row.first.at, |gap| gap.back.at);
        if let Some(moved) = all.get_mut(&row.branch).filter(|_| began > 0) {
            moved.fixed_after = moved.fixed_after.saturating_add((gone.by.at - began).max(0));
        }
    }
    all
}
