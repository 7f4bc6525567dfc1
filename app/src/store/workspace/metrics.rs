//! What tests and coverage were at the end of each day.
//!
//! Owns one row for each day, branch and `NAME` of a run: parts of a repository are tested apart, and what they measured is put together where it is shown.

use penstock_common::{Metrics, Uuid};

use super::codes;
use super::rollup::DAY;
use super::{Workspace, Write};
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;
use crate::track::BranchId;

/// What the last run of a `NAME` on a day measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayMetrics {
    /// Days since 1970-01-01 UTC.
    pub day: i64,
    /// `NAME` of the run.
    pub name: String,
    /// What it measured.
    pub metrics: Metrics,
}

/// Maximum number of `NAME`s whose numbers are stored for a day of a branch.
pub const NAMES_MAX: i64 = 50;

impl Workspace {
    /// What was measured on a branch from the day `since` on, in days since 1970, the oldest first.
    pub async fn day_metrics(&self, repository: Uuid, branch: BranchId, since: i64) -> Result<Vec<DayMetrics>> {
        let mut tx = self.read().await?;
        let rows: Vec<(i64, String, String)> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select day, name, metrics from day_metrics where workspace = $1 and repository = $2 and branch = $3 and day >= $4 \
                 order by day, name",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(branch))
            .bind(since)
            .fetch_all(connection)
            .await
        })?;
        let one = |(day, name, metrics): (i64, String, String)| {
            Ok(DayMetrics { day, name, metrics: codes::from_json(&metrics, "day_metrics.metrics")? })
        };
        rows.into_iter().map(one).collect()
    }
}

impl Write {
    /// Keeps what a run measured, in place of what the last run of its `NAME` did on that day;
    /// `false` if the day has [`NAMES_MAX`] others.
    pub async fn measured(
        &mut self,
        repository: Uuid,
        branch: BranchId,
        name: &str,
        metrics: &Metrics,
        now: i64,
    ) -> Result<bool> {
        let (key, day) = (self.key(), self.happened.unwrap_or(now).div_euclid(DAY));
        let metrics = codes::json(metrics)?;
        let rows = on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into day_metrics (workspace, repository, branch, day, name, metrics) \
                 select $1, $2, $3, $4, $5, $6 where (select count(*) from day_metrics where workspace = $1 and repository = $2 \
                 and branch = $3 and day = $4 and name <> $5) < $7 \
                 on conflict (workspace, repository, branch, day, name) do update set metrics = excluded.metrics",
            )
            .bind(key)
            .bind(Key::from(repository))
            .bind(Key::from(branch))
            .bind(day)
            .bind(name)
            .bind(&metrics)
            .bind(NAMES_MAX)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(rows > 0)
    }
}
