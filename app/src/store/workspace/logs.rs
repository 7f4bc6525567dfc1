//! Verification of logs.
//!
//! Owns reading the links and ends of both kinds of logs, verifying them, and sealing ends that an
//! older version wrote. It adds no entry.

use penstock_common::Uuid;
use sqlx::FromRow;

use super::Workspace;
use crate::crypto::KeyId;
use crate::store::Store;
use crate::store::db::{Tx, on};
use crate::store::error::{Error, Result};
use crate::store::key::Key;
use crate::track::chain::{self, Broken, ChainId, Hash, Head, Link, Seal};

/// Entries that are checked at a time.
const PART: i64 = 500;

/// Which log of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// What people did.
    Audit,
    /// The history of a repository's findings.
    Findings(Uuid),
}

/// A log that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Where it ends.
    pub head: Head,
    /// How many of its entries have no key: they were written before there was one.
    pub plain: u64,
}

#[derive(FromRow)]
struct LinkRow {
    number: i64,
    body: String,
    hash: Vec<u8>,
    key: Option<Key>,
}

impl Workspace {
    /// The name of a log in links and seals.
    pub const fn chain(&self, log: Log) -> ChainId {
        match log {
            Log::Audit => ChainId::Audit { workspace: self.id },
            Log::Findings(repository) => ChainId::Findings { workspace: self.id, repository },
        }
    }

    /// All logs of the tenant that have an entry, with their ends as they are stored.
    pub async fn log_heads(&self) -> Result<Vec<(Log, Head)>> {
        let mut tx = self.read().await?;
        let (audit, _) = audit_head(&mut tx, self.key()).await?;
        let rows: Vec<(Key, i64, Vec<u8>)> = on!(&mut tx, connection => {
            sqlx::query_as("select repository, log_number, log_hash from repositories where workspace = $1 order by repository")
                .bind(self.key())
                .fetch_all(connection)
                .await
        })?;
        let mut heads = vec![(Log::Audit, audit)];
        for (repository, number, hash) in rows {
            let head = Head { number: number.unsigned_abs(), hash: fixed(hash, "repositories.log_hash")? };
            heads.push((Log::Findings(repository.uuid()), head));
        }
        heads.retain(|(_, head)| *head != Head::default());
        Ok(heads)
    }

    /// All logs of the tenant that have an entry or should have one: also those whose end was taken
    /// away, which [`Self::log_heads`] does not know.
    pub async fn logs(&self) -> Result<Vec<Log>> {
        let mut tx = self.read().await?;
        let repositories: Vec<Key> = on!(&mut tx, connection => {
            sqlx::query_scalar(
                "select repository from repositories where workspace = $1 union select repository from events where workspace = $1 \
                 order by repository",
            )
            .bind(self.key())
            .fetch_all(connection)
            .await
        })?;
        let findings = repositories.into_iter().map(|repository| Log::Findings(repository.uuid()));
        Ok(std::iter::once(Log::Audit).chain(findings).collect())
    }

    /// The hash of one entry; `None` if there is no such entry.
    pub async fn log_hash(&self, log: Log, number: u64) -> Result<Option<Hash>> {
        let mut tx = self.read_log(log).await?;
        Ok(self
            .links(&mut tx, log, number.saturating_sub(1), 1)
            .await?
            .first()
            .filter(|link| link.number == number)
            .map(|link| link.hash))
    }

    /// Checks that no entry of a log was changed, left out or put in between, and that it ends
    /// where the program ended it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn verify_log(&self, log: Log) -> Result<std::result::Result<Verified, Broken>> {
        self.verify(log, true).await
    }

    /// Seals the ends of logs that an older version of the program wrote, if they are whole
    /// otherwise. Returns how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seal_logs(&self) -> Result<u64> {
        let mut count = 0;
        for (log, _) in self.log_heads().await? {
            if !matches!(self.verify_log(log).await?, Err(Broken::Unsealed(_))) {
                continue;
            }
            if let Ok(verified) = self.verify(log, false).await? {
                count += u64::from(self.seal_log(log, verified.head).await?);
            }
        }
        Ok(count)
    }

    async fn verify(&self, log: Log, is_sealed: bool) -> Result<std::result::Result<Verified, Broken>> {
        let keys = self.store.log_keys().await?;
        let chain = self.chain(log);
        // One transaction sees one moment.
        let mut tx = self.read_log(log).await?;
        let (end, seal) = self.end(&mut tx, log).await?;
        let (mut at, mut plain) = (Head::default(), 0);
        loop {
            let links = self.links(&mut tx, log, at.number, PART).await?;
            let Some(last) = links.last().map(|link| Head { number: link.number, hash: link.hash }) else { break };
            if let Err(broken) = chain::verify(&chain, &keys, at, &links, last) {
                return Ok(Err(broken));
            }
            plain += links.iter().filter(|link| link.key.is_none()).count() as u64;
            at = last;
        }
        if let Err(broken) = chain::verify(&chain, &keys, at, [], end) {
            return Ok(Err(broken));
        }
        if is_sealed && let Err(broken) = chain::verify_seal(&chain, &keys, end, seal.as_ref()) {
            return Ok(Err(broken));
        }
        Ok(Ok(Verified { head: end, plain }))
    }

    async fn read_log(&self, log: Log) -> Result<Tx> {
        match log {
            Log::Audit => self.read().await,
            Log::Findings(repository) => self.read_findings(repository).await,
        }
    }

    async fn end(&self, tx: &mut Tx, log: Log) -> Result<(Head, Option<Seal>)> {
        match log {
            Log::Audit => audit_head(tx, self.key()).await,
            Log::Findings(repository) => findings_head(tx, (self.key(), repository.into())).await,
        }
    }

    async fn links(&self, tx: &mut Tx, log: Log, after: u64, limit: i64) -> Result<Vec<Link>> {
        match log {
            Log::Audit => audit(tx, self.key(), after, limit).await,
            Log::Findings(repository) => events(tx, (self.key(), repository.into()), after, limit).await,
        }
    }

    /// Seals the end of a log, unless it moved or has a seal.
    async fn seal_log(&self, log: Log, head: Head) -> Result<bool> {
        let seal = self.store.signer(self.chain(log))?.seal(head).to_bytes();
        let mut tx = self.store.shared.db.write(Some(self.id)).await?;
        let rows = match log {
            Log::Audit => on!(&mut tx, connection => {
                sqlx::query("update audit_heads set seal = $4 where workspace = $1 and number = $2 and hash = $3 and seal is null")
                    .bind(self.key())
                    .bind(head.number as i64)
                    .bind(head.hash.as_slice())
                    .bind(seal)
                    .execute(connection)
                    .await
                    .map(|done| done.rows_affected())
            }),
            Log::Findings(repository) => on!(&mut tx, connection => {
                sqlx::query(
                    "update repositories set log_seal = $4 \
                     where workspace = $1 and log_number = $2 and log_hash = $3 and log_seal is null and repository = $5",
                )
                .bind(self.key())
                .bind(head.number as i64)
                .bind(head.hash.as_slice())
                .bind(seal)
                .bind(Key::from(repository))
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
            }),
        }?;
        tx.commit().await?;
        Ok(rows == 1)
    }
}

impl Store {
    /// Seals the ends of all logs that an older version of the program wrote. Returns how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seal_logs(&self) -> Result<u64> {
        let mut count = 0;
        for tenant in self.system().tenants().await? {
            count += self.for_workspace(tenant.workspace).seal_logs().await?;
        }
        Ok(count)
    }
}

/// Where an audit log ends.
pub(super) async fn audit_head(tx: &mut Tx, key: Key) -> Result<(Head, Option<Seal>)> {
    let row: Option<(i64, Vec<u8>, Option<Vec<u8>>)> = on!(tx, connection => {
        sqlx::query_as("select number, hash, seal from audit_heads where workspace = $1").bind(key).fetch_optional(connection).await
    })?;
    head(row, "audit_heads.hash")
}

/// Where a log of findings ends.
async fn findings_head(tx: &mut Tx, of: (Key, Key)) -> Result<(Head, Option<Seal>)> {
    let row: Option<(i64, Vec<u8>, Option<Vec<u8>>)> = on!(tx, connection => {
        sqlx::query_as("select log_number, log_hash, log_seal from repositories where workspace = $1 and repository = $2")
            .bind(of.0)
            .bind(of.1)
            .fetch_optional(connection)
            .await
    })?;
    head(row, "repositories.log_hash")
}

fn head(row: Option<(i64, Vec<u8>, Option<Vec<u8>>)>, column: &'static str) -> Result<(Head, Option<Seal>)> {
    let Some((number, hash, seal)) = row else { return Ok((Head::default(), None)) };
    // A seal that cannot be read is none.
    let seal = seal.as_deref().and_then(Seal::from_bytes);
    Ok((Head { number: number.unsigned_abs(), hash: fixed(hash, column)? }, seal))
}

async fn audit(tx: &mut Tx, key: Key, after: u64, limit: i64) -> Result<Vec<Link>> {
    let rows: Vec<LinkRow> = on!(tx, connection => {
        sqlx::query_as("select number, body, hash, key from audit where workspace = $1 and number > $2 order by number limit $3")
            .bind(key)
            .bind(after as i64)
            .bind(limit)
            .fetch_all(connection)
            .await
    })?;
    rows.into_iter().map(|row| link(row, "audit.hash")).collect()
}

/// Entries of a log of findings after number `after`.
pub(super) async fn events(tx: &mut Tx, of: (Key, Key), after: u64, limit: i64) -> Result<Vec<Link>> {
    let rows: Vec<LinkRow> = on!(tx, connection => {
        sqlx::query_as(
            "select number, body, hash, key from events where workspace = $1 and repository = $2 and number > $3 order by number limit $4",
        )
        .bind(of.0)
        .bind(of.1)
        .bind(after as i64)
        .bind(limit)
        .fetch_all(connection)
        .await
    })?;
    rows.into_iter().map(|row| link(row, "events.hash")).collect()
}

fn link(row: LinkRow, column: &'static str) -> Result<Link> {
    Ok(Link {
        number: row.number.unsigned_abs(),
        body: row.body,
        hash: fixed(row.hash, column)?,
        key: row.key.map(|key| KeyId(key.0)),
    })
}

fn fixed(hash: Vec<u8>, column: &'static str) -> Result<Hash> {
    hash.try_into().map_err(|_| Error::Corrupt(column))
}
