//! What is written together.
//!
//! Owns one transaction. Its methods stand beside those that read the same rows.

use penstock_common::Uuid;

use super::Lane;
use crate::store::Store;
use crate::store::db::{Tx, on};
use crate::store::error::{Error, Result};
use crate::store::key::Key;
use crate::store::system::Subject;
use crate::track::chain::Head;

/// Rows on their way into the database.
pub struct Write {
    pub(super) store: Store,
    pub(super) id: Uuid,
    pub(super) tx: Tx,
    /// When it happened, where that is not when it is written.
    pub(super) happened: Option<i64>,
    /// Whether something was written into the journal.
    pub(super) is_ahead: bool,
    jobs: bool,
}

impl Write {
    pub(super) const fn new(store: Store, id: Uuid, tx: Tx) -> Self {
        Self { store, id, tx, happened: None, is_ahead: false, jobs: false }
    }

    pub(super) const fn key(&self) -> Key {
        Key(*self.id.as_bytes())
    }

    /// Wishes for a job. One that waits for the same is only brought forward.
    pub async fn job(&mut self, subject: &Subject, run_at: i64, now: i64) -> Result<()> {
        self.jobs = true;
        crate::store::system::enqueue(&mut self.tx, self.id, subject, run_at, now).await
    }

    /// Writes.
    pub async fn commit(self) -> Result<()> {
        self.tx.commit().await?;
        if self.jobs {
            self.store.shared.jobs.notify_waiters();
            self.store.shared.jobs.notify_one();
        }
        Ok(())
    }

    /// Writes what an operation on a repository changed, unless somebody else came in between.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another writer did; then the operation begins again with
    /// [`Lane::state`].
    pub async fn commit_in(mut self, lane: &mut Lane, log: Head) -> Result<()> {
        let version = self.raise_version(lane, log).await?;
        let is_ahead = self.is_ahead;
        self.commit().await?;
        lane.committed(version, log);
        if is_ahead {
            lane.workspace().clone().catch_up_soon(lane.repository());
        }
        Ok(())
    }

    async fn raise_version(&mut self, lane: &Lane, log: Head) -> Result<i64> {
        let version = lane.loaded().ok_or(Error::Conflict)?.version;
        let number = i64::try_from(log.number).map_err(|_| Error::Corrupt("repositories.log_number"))?;
        let (workspace, repository) = (self.key(), Key::from(lane.repository()));
        let seal = lane.signer()?.seal(log).to_bytes();
        let rows = on!(&mut self.tx, connection => {
            sqlx::query(
                "update repositories set version = version + 1, log_number = $4, log_hash = $5, log_seal = $6 \
                 where workspace = $1 and repository = $2 and version = $3",
            )
            .bind(workspace)
            .bind(repository)
            .bind(version)
            .bind(number)
            .bind(log.hash.as_slice())
            .bind(seal)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
        })?;
        if rows == 1 { Ok(version + 1) } else { Err(Error::Conflict) }
    }
}
