//! The audit log: what people did, one entry after the other, in a chain.
//!
//! Owns its end, which is kept apart and held while an entry is added: two copies of the program never write the same number.

use penstock_common::Uuid;

use super::{Workspace, Write};
use crate::audit::Entry;
use crate::store::db::{Tx, on};
use crate::store::error::{Error, Result};
use crate::store::key::Key;
use crate::track::chain::{self, Broken, Head, Link};

/// Entries that are checked at a time.
const PART: i64 = 500;

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
        let entry =
            |(number, body): (i64, String)| Ok((number.unsigned_abs(), super::codes::from_json(&body, "audit.body")?));
        rows.into_iter().map(entry).collect()
    }

    /// Checks that no entry was changed, left out or put in between. How many there are, or what is wrong.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn verify_audit(&self) -> Result<std::result::Result<u64, Broken>> {
        // One transaction sees one moment.
        let mut tx = self.read().await?;
        let end = head(&mut tx, self.key()).await?;
        let mut at = Head::default();
        loop {
            let links = links(&mut tx, self.key(), at.number, PART).await?;
            let Some(last) = links.last().map(|link| Head { number: link.number, hash: link.hash }) else { break };
            if let Err(broken) = chain::verify(at, &links, last) {
                return Ok(Err(broken));
            }
            at = last;
        }
        Ok(chain::verify(at, [], end).map(|()| end.number))
    }
}

impl Write {
    /// Adds an entry. What it tells is written in the same transaction.
    pub async fn audit(&mut self, entry: &Entry) -> Result<()> {
        let head = self.audit_end().await?;
        let (links, end) =
            chain::append(head, std::slice::from_ref(entry)).map_err(|_| Error::Corrupt("an audit entry"))?;
        let key = self.key();
        for link in links {
            on!(&mut self.tx, connection => {
                sqlx::query("insert into audit (workspace, number, at, body, hash, repository) values ($1, $2, $3, $4, $5, $6)")
                    .bind(key)
                    .bind(link.number as i64)
                    .bind(entry.at)
                    .bind(&link.body)
                    .bind(link.hash.as_slice())
                    .bind(entry.repository.map(Key::from))
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
        }
        Ok(on!(&mut self.tx, connection => {
            sqlx::query("update audit_heads set number = $2, hash = $3 where workspace = $1")
                .bind(key)
                .bind(end.number as i64)
                .bind(end.hash.as_slice())
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
        head(&mut self.tx, key).await
    }
}

async fn head(tx: &mut Tx, key: Key) -> Result<Head> {
    let row: Option<(i64, Vec<u8>)> = on!(tx, connection => {
        sqlx::query_as("select number, hash from audit_heads where workspace = $1").bind(key).fetch_optional(connection).await
    })?;
    let Some((number, hash)) = row else { return Ok(Head::default()) };
    let hash = hash.try_into().map_err(|_| Error::Corrupt("audit_heads.hash"))?;
    Ok(Head { number: number.unsigned_abs(), hash })
}

async fn links(tx: &mut Tx, key: Key, after: u64, limit: i64) -> Result<Vec<Link>> {
    let rows: Vec<(i64, String, Vec<u8>)> = on!(tx, connection => {
        sqlx::query_as("select number, body, hash from audit where workspace = $1 and number > $2 order by number limit $3")
            .bind(key)
            .bind(after as i64)
            .bind(limit)
            .fetch_all(connection)
            .await
    })?;
    let link = |(number, body, hash): (i64, String, Vec<u8>)| {
        let hash = hash.try_into().map_err(|_| Error::Corrupt("audit.hash"))?;
        Ok(Link { number: number.unsigned_abs(), body, hash })
    };
    rows.into_iter().map(link).collect()
}
