//! The audit log: what people did, one entry after the other, in a chain.
//!
//! Owns its end, which is stored separately and locked while an entry is added, so that two copies
//! of the program never write the same number; and how far each sink has it. Verification is in
//! `logs`.

use penstock_common::Uuid;
use serde::Serialize;
use sqlx::FromRow;

use super::{Workspace, Write, codes, logs};
use crate::audit::Entry;
use crate::hex;
use crate::store::db::on;
use crate::store::error::{Error, Result};
use crate::store::key::Key;
use crate::track::chain::{Broken, ChainId, Head};

/// An entry as it leaves the program: one line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditLine {
    /// The tenant.
    pub workspace: Uuid,
    /// Counts from 1 in each workspace.
    pub number: u64,
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
    /// What covers it and all before it, in hexadecimal digits.
    pub hash: String,
}

#[derive(FromRow)]
struct Row {
    number: i64,
    body: String,
    hash: Vec<u8>,
}

impl Workspace {
    /// Entries before number `before` (the greatest for the first page), the newest first, at most `limit`; with a repository only those about it.
    pub async fn audit(&self, repository: Option<Uuid>, before: u64, limit: i64) -> Result<Vec<(u64, Entry)>> {
        let mut tx = self.read().await?;
        let rows: Vec<(i64, String)> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select number, body from audit where workspace = $1 and ($2 is null or repository = $2) and number < $3 \
                 order by number desc limit $4",
            )
            .bind(self.key())
            .bind(repository.map(Key::from))
            .bind(i64::try_from(before).unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(connection)
            .await
        })?;
        let entry = |(number, body): (i64, String)| Ok((number.unsigned_abs(), codes::from_json(&body, "audit.body")?));
        rows.into_iter().map(entry).collect()
    }

    /// Entries after number `after`, the oldest first, at most `limit`, for export; with a
    /// repository only those about it.
    pub async fn audit_lines(&self, repository: Option<Uuid>, after: u64, limit: i64) -> Result<Vec<AuditLine>> {
        let mut tx = self.read().await?;
        let rows: Vec<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select number, body, hash from audit where workspace = $1 and ($2 is null or repository = $2) and number > $3 \
                 order by number limit $4",
            )
            .bind(self.key())
            .bind(repository.map(Key::from))
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(connection)
            .await
        })?;
        rows.into_iter().map(|row| self.line(row)).collect()
    }

    fn line(&self, row: Row) -> Result<AuditLine> {
        Ok(AuditLine {
            workspace: self.id,
            number: row.number.unsigned_abs(),
            entry: codes::from_json(&row.body, "audit.body")?,
            hash: hex::encode(&row.hash),
        })
    }

    /// The number of the last entry that was sent to `sink`.
    pub async fn audit_exported(&self, sink: &str) -> Result<u64> {
        let mut tx = self.read().await?;
        let number: Option<i64> = on!(&mut tx, connection => {
            sqlx::query_scalar("select number from audit_exports where workspace = $1 and sink = $2")
                .bind(self.key())
                .bind(sink)
                .fetch_optional(connection)
                .await
        })?;
        Ok(number.unwrap_or_default().unsigned_abs())
    }

    /// Checks that no entry was changed, left out or put in between. How many there are, or what is wrong.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn verify_audit(&self) -> Result<std::result::Result<u64, Broken>> {
        Ok(self.verify_log(logs::Log::Audit).await?.map(|verified| verified.head.number))
    }
}

impl Write {
    /// Adds an entry. What it tells is written in the same transaction.
    pub async fn audit(&mut self, entry: &Entry) -> Result<()> {
        let head = self.audit_end().await?;
        let signer = self.store.signer(ChainId::Audit { workspace: self.id })?;
        let (links, end) =
            signer.append(head, std::slice::from_ref(entry)).map_err(|_| Error::Corrupt("an audit entry"))?;
        let key = self.key();
        for link in links {
            on!(&mut self.tx, connection => {
                sqlx::query(
                    "insert into audit (workspace, number, at, body, hash, repository, key) values ($1, $2, $3, $4, $5, $6, $7)",
                )
                .bind(key)
                .bind(link.number as i64)
                .bind(entry.at)
                .bind(&link.body)
                .bind(link.hash.as_slice())
                .bind(entry.repository.map(Key::from))
                .bind(link.key.map(|id| Key(id.0)))
                .execute(connection)
                .await
                .map(drop)
            })?;
        }
        Ok(on!(&mut self.tx, connection => {
            sqlx::query("update audit_heads set number = $2, hash = $3, seal = $4 where workspace = $1")
                .bind(key)
                .bind(end.number as i64)
                .bind(end.hash.as_slice())
                .bind(signer.seal(end).to_bytes())
                .execute(connection)
                .await
                .map(drop)
        })?)
    }

    /// Entries up to `number` were sent to `sink`.
    pub async fn audit_sent(&mut self, sink: &str, number: u64) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into audit_exports (workspace, sink, number) values ($1, $2, $3) \
                 on conflict (workspace, sink) do update set number = excluded.number",
            )
            .bind(key)
            .bind(sink)
            .bind(number as i64)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }

    /// Where the log ends. Nobody else adds to it until this transaction is over, nor changes what is told in it.
    pub(super) async fn audit_end(&mut self) -> Result<Head> {
        let key = self.key();
        on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into audit_heads (workspace, number, hash) values ($1, 0, $2) \
                 on conflict (workspace) do update set number = audit_heads.number",
            )
            .bind(key)
            .bind([0_u8; 32].as_slice())
            .execute(connection)
            .await
            .map(drop)
        })?;
        Ok(logs::audit_head(&mut self.tx, key).await?.0)
    }
}
