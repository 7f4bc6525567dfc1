//! The end of what a tenant has: by age, and altogether.

use penstock_common::Uuid;

use super::Workspace;
use crate::store::db::on;
use crate::store::dialect::export;
use crate::store::dialect::logs::erase as erase_logs;
use crate::store::error::Result;
use crate::store::key::Key;

/// Deletes the tenant's rows from each of these tables.
macro_rules! delete {
    ($self:ident, $tx:ident: $($table:literal),* $(,)?) => {$(
        on!(&mut $tx, connection => {
            sqlx::query(concat!("delete from ", $table, " where workspace = $1"))
                .bind($self.key())
                .execute(connection)
                .await
                .map(drop)
        })?;
    )*};
}

/// What is exported: no hash of a token, and no webhook, which Bitbucket has itself. Documents of runs are in here compressed.
const EXPORTED: [&str; 21] = [
    "workspaces",
    "repositories",
    "branches",
    "pull_requests",
    "findings",
    "occurrences",
    "contents",
    "events",
    "verdicts",
    "branch_counts",
    "days",
    "day_metrics",
    "runs",
    "deliveries",
    "outbox",
    "settings",
    "api_tokens",
    "people",
    "audit",
    "audit_heads",
    "approvals",
];

impl Workspace {
    /// Deletes everything of the tenant. What stays is the tombstone of his installations: names, sealed secrets and dates.
    pub async fn erase(&self) -> Result<()> {
        let mut tx = self.store.shared.db.write(Some(self.id)).await?;
        tx.take_time();
        // The journal first: whoever writes out an entry is waited for, and what he wrote goes with the rest. Every table with content, and every other one in which a tenant's ids stand, but for his tombstone.
        delete!(self, tx: "journal", "journal_set_aside", "workspaces", "repositories", "branches", "pull_requests", "findings", "occurrences", "contents", "verdicts", "branch_counts", "days", "day_metrics", "runs", "deliveries", "outbox", "job_failures", "settings", "api_tokens", "people", "audit_exports", "approvals", "token_hashes", "hooks", "jobs");
        erase_logs(&mut tx, self.key(), None).await?;
        tx.commit().await?;
        let mut tx = self.store.shared.inbox.write(Some(self.id)).await?;
        delete!(self, tx: "inbox_bodies", "inbox", "viewers");
        tx.commit().await?;
        self.store.shared.states.forget_tenant(self.id);
        self.store.forget_data_key(self.id);
        Ok(())
    }

    /// Everything of the tenant that is content, one JSON object in each line: `{"table": …, "row": …}`.
    pub async fn export(&self) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        let mut tx = self.read_everything().await?;
        for table in EXPORTED {
            for row in export::rows(&mut tx, table, self.key()).await? {
                lines.push(format!("{{\"table\":\"{table}\",\"row\":{row}}}"));
            }
        }
        Ok(lines)
    }

    /// Deletes everything of one repository.
    pub async fn erase_repository(&self, repository: Uuid) -> Result<()> {
        let mut tx = self.store.shared.db.write(Some(self.id)).await?;
        tx.take_time();
        macro_rules! delete_all {
            ($($table:literal),*) => {$(
                on!(&mut tx, connection => {
                    sqlx::query(concat!("delete from ", $table, " where workspace = $1 and repository = $2"))
                        .bind(self.key())
                        .bind(Key::from(repository))
                        .execute(connection)
                        .await
                        .map(drop)
                })?;
            )*};
        }
        // The journal first, as in `erase`.
        delete_all!(
            "journal",
            "journal_set_aside",
            "branches",
            "pull_requests",
            "findings",
            "occurrences",
            "contents",
            "verdicts",
            "branch_counts",
            "days",
            "day_metrics",
            "runs",
            "deliveries",
            "outbox",
            "settings",
            "approvals",
            "hooks",
            "repositories"
        );
        erase_logs(&mut tx, self.key(), Some(Key::from(repository))).await?;
        tx.commit().await?;
        self.store.shared.states.forget_tenant(self.id);
        Ok(())
    }

    /// Deletes what is older than it is kept: runs from before `runs`, with judgements that ended or were never approved since; deliveries from before
    /// `deliveries`.
    pub async fn forget_old(&self, runs: i64, deliveries: i64) -> Result<()> {
        let mut tx = self.store.shared.db.write(Some(self.id)).await?;
        tx.take_time();
        on!(&mut tx, connection => {
            sqlx::query("delete from runs where workspace = $1 and received_at < $2")
                .bind(self.key())
                .bind(runs)
                .execute(connection)
                .await
                .map(drop)
        })?;
        on!(&mut tx, connection => {
            sqlx::query("delete from approvals where workspace = $1 and coalesce(ended_at, proposed_at) < $2")
                .bind(self.key())
                .bind(runs)
                .execute(connection)
                .await
                .map(drop)
        })?;
        on!(&mut tx, connection => {
            sqlx::query("delete from deliveries where workspace = $1 and at < $2")
                .bind(self.key())
                .bind(deliveries)
                .execute(connection)
                .await
                .map(drop)
        })?;
        tx.commit().await
    }
}
