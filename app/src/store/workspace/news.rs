//! What webhooks told, and why jobs failed.

use super::{Workspace, Write};
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;

/// What a webhook told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its name, such as `repo:push`.
    pub event: String,
    /// Its content, as JSON.
    pub body: Vec<u8>,
}

impl Workspace {
    /// What a webhook told.
    pub async fn news(&self, id: u128) -> Result<Option<Told>> {
        let mut tx = self.store.shared.inbox.read(Some(self.id)).await?;
        let row: Option<(String, Vec<u8>)> = on!(&mut tx, connection => {
            sqlx::query_as("select event, body from inbox_bodies where workspace = $1 and id = $2")
                .bind(self.key())
                .bind(Key::from(id))
                .fetch_optional(connection)
                .await
        })?;
        Ok(row.map(|(event, body)| Told { event, body }))
    }

    /// Why a job failed last.
    pub async fn job_failure(&self, job: u128) -> Result<Option<String>> {
        let mut tx = self.read().await?;
        Ok(on!(&mut tx, connection => {
            sqlx::query_scalar("select reason from job_failures where workspace = $1 and job = $2")
                .bind(self.key())
                .bind(Key::from(job))
                .fetch_optional(connection)
                .await
        })?)
    }
}

impl Write {
    /// Why a job failed.
    pub async fn job_failed(&mut self, job: u128, reason: &str, now: i64) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into job_failures (workspace, job, at, reason) values ($1, $2, $3, $4) \
                 on conflict (workspace, job) do update set at = excluded.at, reason = excluded.reason",
            )
            .bind(key)
            .bind(Key::from(job))
            .bind(now)
            .bind(reason)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }
}
