//! The queue.
//!
//! Owns who may work on what: one job at a time for each repository, every tenant in his turn, and a lease that a crashed worker loses. Whose jobs
//! take long holds up nobody else: some workers serve only those for whom nobody works ([`Turn`]). A job
//! says what to look at and never what is there: whoever does it reads the truth.

use penstock_common::Uuid;
use sqlx::FromRow;

use super::System;
use crate::store::db::{Tx, on};
use crate::store::dialect::claim::claim;
use crate::store::error::Result;
use crate::store::key::Key;
use crate::store::new_id;

/// Tenants that are tried for one claim.
const TENANTS: i64 = 16;

/// What a job is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// In which repository; absent for the whole workspace.
    pub repository: Option<Uuid>,
    /// What is to be done.
    pub kind: &'static str,
    /// What in the repository it is about: ids, no content.
    pub subject: String,
}

/// Whose jobs are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Of any tenant.
    Any,
    /// Of tenants for whom nobody works now.
    Unserved,
}

/// A job that was taken.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: u128,
    /// Whose.
    pub workspace: Uuid,
    /// In which repository.
    pub repository: Option<Uuid>,
    /// What is to be done.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// How often it was taken, this time included.
    pub attempts: u32,
    /// When it was first wished for.
    pub created_at: i64,
}

/// A job that nobody tries any more. Why stands with the tenant.
#[derive(Clone, Debug)]
pub struct Dead {
    /// The job.
    pub job: Job,
    /// When it was last due.
    pub run_at: i64,
}

/// How the queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Waiting jobs.
    pub waiting: u64,
    /// Jobs that are being done.
    pub taken: u64,
    /// Jobs that nobody tries any more.
    pub dead: u64,
    /// Since when the oldest due job waits, in unix milliseconds.
    pub oldest_due: Option<i64>,
}

#[derive(FromRow)]
struct Row {
    id: Key,
    workspace: Key,
    repository: Key,
    kind: String,
    subject: String,
    attempts: i64,
    created_at: i64,
}

impl From<Row> for Job {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.number(),
            workspace: row.workspace.uuid(),
            repository: (row.repository != Key::ZERO).then(|| row.repository.uuid()),
            kind: row.kind,
            subject: row.subject,
            attempts: row.attempts.try_into().unwrap_or(u32::MAX),
            created_at: row.created_at,
        }
    }
}

/// Wishes for a job within a transaction. One that waits already for the same is only brought forward.
pub(in crate::store) async fn enqueue(
    tx: &mut Tx,
    workspace: Uuid,
    subject: &Subject,
    run_at: i64,
    now: i64,
) -> Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "insert into jobs (id, workspace, repository, kind, subject, state, run_at, attempts, created_at) \
             values ($1, $2, $3, $4, $5, 0, $6, 0, $7) \
             on conflict (workspace, repository, kind, subject) where state = 0 do update \
             set attempts = 0, run_at = case when excluded.run_at < jobs.run_at then excluded.run_at else jobs.run_at end",
        )
        .bind(Key::from(new_id()))
        .bind(Key::from(workspace))
        .bind(subject.repository.map_or(Key::ZERO, Key::from))
        .bind(subject.kind)
        .bind(&subject.subject)
        .bind(run_at)
        .bind(now)
        .execute(connection)
        .await
        .map(drop)
    })?;
    Ok(())
}

impl System {
    /// Takes a job that is due at `now`, until `lease_until`.
    pub async fn claim_job(&self, turn: Turn, owner: u128, now: i64, lease_until: i64) -> Result<Option<Job>> {
        let mut tx = self.store.shared.db.read(None).await?;
        let tenants: Vec<Key> = on!(&mut tx, connection => {
            sqlx::query_scalar(
                "select workspace from tenants t where exists (\
                     select 1 from jobs j where j.state = 0 and j.workspace = t.workspace and j.run_at <= $1) \
                 and ($3 = 0 or not exists (select 1 from jobs j where j.state = 1 and j.workspace = t.workspace)) \
                 order by served_at, workspace limit $2",
            )
            .bind(now)
            .bind(TENANTS)
            .bind(i64::from(turn == Turn::Unserved))
            .fetch_all(connection)
            .await
        })?;
        drop(tx);
        for tenant in tenants {
            let mut tx = self.store.shared.db.write(None).await?;
            let Some(row) = claim::<Row>(&mut tx, tenant, now, lease_until, Key::from(owner)).await? else { continue };
            on!(&mut tx, connection => {
                sqlx::query("update tenants set served_at = $2 where workspace = $1")
                    .bind(tenant)
                    .bind(now)
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
            tx.commit().await?;
            return Ok(Some(row.into()));
        }
        Ok(None)
    }

    /// When the next job is due; absent if none waits.
    pub async fn next_job_at(&self) -> Result<Option<i64>> {
        let mut tx = self.store.shared.db.read(None).await?;
        Ok(on!(&mut tx, connection => {
            sqlx::query_scalar("select min(run_at) from jobs where state = 0").fetch_one(connection).await
        })?)
    }

    /// Keeps a job for longer; `false` if it is not this owner's any more.
    pub async fn extend_job(&self, id: u128, owner: u128, lease_until: i64) -> Result<bool> {
        let mut tx = self.store.shared.db.write(None).await?;
        let rows = on!(&mut tx, connection => {
            sqlx::query("update jobs set lease_until = $3 where id = $1 and state = 1 and lease_owner = $2")
                .bind(Key::from(id))
                .bind(Key::from(owner))
                .bind(lease_until)
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })?;
        tx.commit().await?;
        Ok(rows == 1)
    }

    /// A job is done.
    pub async fn finish_job(&self, id: u128, owner: u128) -> Result<()> {
        let mut tx = self.store.shared.db.write(None).await?;
        on!(&mut tx, connection => {
            sqlx::query("delete from jobs where id = $1 and state = 1 and lease_owner = $2")
                .bind(Key::from(id))
                .bind(Key::from(owner))
                .execute(connection)
                .await
                .map(drop)
        })?;
        tx.commit().await
    }

    /// A job is given back until `run_at`. If the same is wished for anew, that wish stands for it.
    pub async fn retry_job(&self, id: u128, owner: u128, run_at: i64) -> Result<()> {
        let mut tx = self.store.shared.db.write(None).await?;
        give_back(&mut tx, Some((id, owner)), run_at).await?;
        tx.commit().await
    }

    /// Gives back the jobs whose worker is lost. How many.
    pub async fn reap_jobs(&self, now: i64) -> Result<u64> {
        let mut tx = self.store.shared.db.write(None).await?;
        let rows = give_back(&mut tx, None, now).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// A job is not tried any more.
    pub async fn bury_job(&self, id: u128, owner: u128) -> Result<()> {
        let mut tx = self.store.shared.db.write(None).await?;
        on!(&mut tx, connection => {
            sqlx::query("update jobs set state = 2, lease_until = null, lease_owner = null where id = $1 and state = 1 and lease_owner = $2")
                .bind(Key::from(id))
                .bind(Key::from(owner))
                .execute(connection)
                .await
                .map(drop)
        })?;
        tx.commit().await
    }

    /// Dead jobs, the oldest first.
    pub async fn dead_jobs(&self, limit: i64) -> Result<Vec<Dead>> {
        #[derive(FromRow)]
        struct DeadRow {
            #[sqlx(flatten)]
            row: Row,
            run_at: i64,
        }
        let mut tx = self.store.shared.db.read(None).await?;
        let rows: Vec<DeadRow> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select id, workspace, repository, kind, subject, attempts, created_at, run_at from jobs where state = 2 order by id limit $1",
            )
            .bind(limit)
            .fetch_all(connection)
            .await
        })?;
        Ok(rows.into_iter().map(|dead| Dead { job: dead.row.into(), run_at: dead.run_at }).collect())
    }

    /// Tries a dead job again; `false` if there is none, or the same waits already.
    pub async fn replay_job(&self, id: u128, now: i64) -> Result<bool> {
        let mut tx = self.store.shared.db.write(None).await?;
        let rows = on!(&mut tx, connection => {
            sqlx::query(
                "update jobs set state = 0, attempts = 0, run_at = $2 where id = $1 and state = 2 and not exists (\
                     select 1 from jobs w where w.state = 0 and w.workspace = jobs.workspace and w.repository = jobs.repository \
                     and w.kind = jobs.kind and w.subject = jobs.subject)",
            )
            .bind(Key::from(id))
            .bind(now)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
        })?;
        tx.commit().await?;
        self.store.shared.jobs.notify_one();
        Ok(rows == 1)
    }

    /// Forgets a dead job; `false` if there is none.
    pub async fn drop_job(&self, id: u128) -> Result<bool> {
        let mut tx = self.store.shared.db.write(None).await?;
        let rows = on!(&mut tx, connection => {
            sqlx::query("delete from jobs where id = $1 and state = 2")
                .bind(Key::from(id))
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })?;
        tx.commit().await?;
        Ok(rows == 1)
    }

    /// How the queue stands.
    pub async fn queue_state(&self, now: i64) -> Result<QueueState> {
        let mut tx = self.store.shared.db.read(None).await?;
        let counts: Vec<(i64, i64)> = on!(&mut tx, connection => {
            sqlx::query_as("select state, count(*) from jobs group by state").fetch_all(connection).await
        })?;
        let oldest_due: Option<i64> = on!(&mut tx, connection => {
            sqlx::query_scalar("select min(run_at) from jobs where state = 0 and run_at <= $1")
                .bind(now)
                .fetch_one(connection)
                .await
        })?;
        let of = |state| counts.iter().find(|(one, _)| *one == state).map_or(0, |(_, count)| count.unsigned_abs());
        Ok(QueueState { waiting: of(0), taken: of(1), dead: of(2), oldest_due })
    }
}

/// Of one job, or of all whose lease is over at `now`.
async fn give_back(tx: &mut Tx, one: Option<(u128, u128)>, now: i64) -> Result<u64> {
    let (id, owner) = one.map_or((Key::ZERO, Key::ZERO), |(id, owner)| (Key::from(id), Key::from(owner)));
    let all = i64::from(one.is_none());
    on!(&mut *tx, connection => {
        sqlx::query(
            "delete from jobs where state = 1 and (($1 = 1 and lease_until < $2) or (id = $3 and lease_owner = $4)) and exists (\
                 select 1 from jobs w where w.state = 0 and w.workspace = jobs.workspace and w.repository = jobs.repository \
                 and w.kind = jobs.kind and w.subject = jobs.subject)",
        )
        .bind(all)
        .bind(now)
        .bind(id)
        .bind(owner)
        .execute(connection)
        .await
        .map(drop)
    })?;
    Ok(on!(tx, connection => {
        sqlx::query(
            "update jobs set state = 0, run_at = $2, lease_until = null, lease_owner = null \
             where state = 1 and (($1 = 1 and lease_until < $2) or (id = $3 and lease_owner = $4))",
        )
        .bind(all)
        .bind(now)
        .bind(id)
        .bind(owner)
        .execute(connection)
        .await
        .map(|done| done.rows_affected())
    })?)
}
