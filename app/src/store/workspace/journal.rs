//! What is committed and not yet in its tables.
//!
//! Owns the journal. A run that brings thousands of findings is answered when what it changes is safe, not when each index of each table has it: its
//! rows stand in the journal in the transaction that causes them, and come into their tables by whoever is first: a task that begins after the
//! commit, somebody who reads them, or the next one who writes in the repository. Nobody reads a table that the journal is ahead of, so everybody
//! sees what he was answered.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::{Mutex, PoisonError};

use lz4_flex::block::{compress_prepend_size, decompress_size_prepended};
use penstock_common::Uuid;
use serde::{Deserialize, Serialize};

use super::Workspace;
use super::rows::TABLES;
use crate::store::db::{Tx, on};
use crate::store::dialect::bulk::{Column, Rows, Table};
use crate::store::error::{Error, Result};
use crate::store::key::Key;

/// From how many rows on they go through the journal.
const LARGE: usize = 2000;
/// Rows in an entry: as many as are written before others who write have their turn.
const PART: usize = 250;
/// Entries that come into their tables in one transaction where nobody waits for its end.
const TOGETHER: usize = 8;
/// Most entries of one change; their numbers begin with the version before it.
const ENTRIES_MAX: i64 = 1 << 20;

const JOURNAL: Table = Table { name: "journal", columns: &["number", "body"], conflict: "" };

/// The repositories for which somebody catches up, and whether there is more since he began. Two for one repository would wait for each other.
#[derive(Debug, Default)]
pub(in crate::store) struct CatchingUp(Mutex<HashMap<(Uuid, Uuid), bool>>);

impl CatchingUp {
    /// Whether nobody is at it; he who is will look once more.
    fn begin(&self, of: (Uuid, Uuid)) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let more = all.entry(of).and_modify(|more| *more = true);
        let is_first = matches!(more, Slot::Vacant(_));
        more.or_insert(false);
        is_first
    }

    /// Whether there was nothing more since he looked.
    fn end(&self, of: (Uuid, Uuid)) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let more = all.get_mut(&of).is_some_and(std::mem::take);
        if !more {
            all.remove(&of);
        }
        !more
    }
}

/// An entry as it is written.
#[derive(Serialize)]
struct Written<'a> {
    table: &'a str,
    columns: Vec<(&'a str, &'a Column)>,
}

/// An entry as it is read.
#[derive(Deserialize)]
struct Entry {
    table: String,
    columns: Vec<(String, Column)>,
}

/// Whether these rows are so many that they go through the journal.
pub(super) fn is_large(rows: &[Rows]) -> bool {
    rows.iter().map(Rows::len).sum::<usize>() >= LARGE
}

/// Whether the journal is ahead. Then everything goes through it, for rows are written in the order of changes.
pub(super) async fn is_ahead(tx: &mut Tx, of: (Key, Key)) -> Result<bool> {
    let one: Option<i64> = on!(tx, connection => {
        sqlx::query_scalar("select number from journal where workspace = $1 and repository = $2 limit 1")
            .bind(of.0)
            .bind(of.1)
            .fetch_optional(connection)
            .await
    })?;
    Ok(one.is_some())
}

/// Rows as the journal keeps them.
pub(super) fn entries(rows: Vec<Rows>) -> Result<Vec<Vec<u8>>> {
    let mut bodies = Vec::new();
    for part in rows.into_iter().flat_map(|rows| rows.parts(PART)) {
        let entry = Written { table: part.table().name, columns: part.columns().collect() };
        let body = postcard::to_allocvec(&entry).map_err(|_| Error::Corrupt(JOURNAL.name))?;
        bodies.push(compress_prepend_size(&body));
    }
    Ok(bodies)
}

/// Writes entries into the journal, as part of the change after `version` of the repository.
pub(super) async fn enter(tx: &mut Tx, of: (Key, Key), version: i64, entries: Vec<Vec<u8>>) -> Result<()> {
    let first = version.checked_mul(ENTRIES_MAX).ok_or(Error::Corrupt("repositories.version"))?;
    let numbers: Vec<i64> = (first..first + ENTRIES_MAX).take(entries.len()).collect();
    Rows::new(&JOURNAL, vec![Column::Integer(numbers), Column::Bytes(entries)]).write(tx, of).await
}

/// Brings all that stands in the journal of a repository into its tables, in this transaction.
pub(super) async fn write_out(tx: &mut Tx, of: (Key, Key)) -> Result<()> {
    while write_out_first(tx, of).await? {}
    Ok(())
}

/// The same with the first entry; whether there may be others. Of two who do so at the same time the second one waits for the first, and finds
/// that entry gone.
async fn write_out_first(tx: &mut Tx, of: (Key, Key)) -> Result<bool> {
    let body: Option<Vec<u8>> = on!(&mut *tx, connection => {
        sqlx::query_scalar(
            "delete from journal where workspace = $1 and repository = $2 and number = \
             (select min(number) from journal where workspace = $1 and repository = $2) returning body",
        )
        .bind(of.0)
        .bind(of.1)
        .fetch_optional(connection)
        .await
    })?;
    let Some(body) = body else { return is_ahead(tx, of).await };
    let body = decompress_size_prepended(&body).map_err(|_| Error::Corrupt(JOURNAL.name))?;
    let Entry { table, columns } = postcard::from_bytes(&body).map_err(|_| Error::Corrupt(JOURNAL.name))?;
    let table = TABLES.iter().copied().find(|one| one.name == table).ok_or(Error::Corrupt(JOURNAL.name))?;
    Rows::named(table, columns)?.write(tx, of).await?;
    Ok(true)
}

impl Workspace {
    /// Brings what stands in the journal of a repository into its tables, entry by entry, so that others have their turn in between.
    async fn catch_up(&self, repository: Key) -> Result<()> {
        loop {
            let mut tx = self.store.shared.db.write(Some(self.id)).await?;
            let together = if tx.is_alone() { 1 } else { TOGETHER };
            for _ in 0..together {
                if !write_out_first(&mut tx, (self.key(), repository)).await? {
                    return tx.commit().await;
                }
            }
            tx.commit().await?;
        }
    }

    /// Begins to read findings, and what belongs to them, of one repository.
    pub(super) async fn read_findings(&self, repository: Uuid) -> Result<Tx> {
        self.read_caught_up(|behind| behind == Key::from(repository)).await
    }

    /// Begins to read anything of any repository.
    pub(super) async fn read_everything(&self) -> Result<Tx> {
        self.read_caught_up(|_| true).await
    }

    /// What a transaction reads is of one moment: where nothing is in the journal then, the tables are complete.
    async fn read_caught_up(&self, wanted: impl Fn(Key) -> bool) -> Result<Tx> {
        loop {
            let mut tx = self.read().await?;
            let behind: Vec<Key> = on!(&mut tx, connection => {
                sqlx::query_scalar("select distinct repository from journal where workspace = $1")
                    .bind(self.key())
                    .fetch_all(connection)
                    .await
            })?;
            let behind: Vec<Key> = behind.into_iter().filter(|one| wanted(*one)).collect();
            if behind.is_empty() {
                return Ok(tx);
            }
            drop(tx);
            for one in behind {
                self.catch_up(one).await?;
            }
        }
    }

    /// Begins to catch up, beside all else, unless somebody in this program is at it. Where it fails, the next reader does it.
    pub(super) fn catch_up_soon(self, repository: Uuid) {
        let of = (self.id, repository);
        if !self.store.shared.catching_up.begin(of) {
            return;
        }
        tokio::spawn(async move {
            loop {
                if let Err(error) = self.catch_up(repository.into()).await {
                    tracing::warn!(%error, "what a run brought is not in its tables yet");
                }
                if self.store.shared.catching_up.end(of) {
                    return;
                }
            }
        });
    }
}
