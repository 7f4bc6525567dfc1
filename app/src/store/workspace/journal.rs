//! What is committed and not yet in its tables.
//!
//! Owns the journal. A run that brings thousands of findings is answered when what it changes is safe, not when each index of each table has it: its
//! rows stand in the journal in the transaction that causes them, and come into their tables by whoever is first: a task that begins after the
//! commit, somebody who reads them, or the next one who writes in the repository. Nobody reads a table that the journal is ahead of, so everybody
//! sees what he was answered.

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// The column of a table of [`TABLES`] that names the finding.
const FINDING: &str = "finding";

const JOURNAL: Table = Table { name: "journal", columns: &["number", "body"], conflict: "" };

/// The repositories that a task catches up with, and whether there is more since it looked. Two
/// tasks for one repository would wait for each other.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct CatchingUp(Arc<Mutex<HashMap<(Uuid, Uuid), bool>>>);

impl CatchingUp {
    /// The turn of a task, unless another task is at it; that one looks once more.
    fn begin(&self, of: (Uuid, Uuid)) -> Option<Turn> {
        match self.all().entry(of) {
            Slot::Occupied(mut more) => {
                more.insert(true);
                None
            }
            Slot::Vacant(more) => {
                more.insert(false);
                Some(Turn { all: self.clone(), of, is_over: false })
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<(Uuid, Uuid), bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to catch up with a repository. It ends with the task that has it, however that ends.
struct Turn {
    all: CatchingUp,
    of: (Uuid, Uuid),
    is_over: bool,
}

impl Turn {
    /// Ends the turn if there is nothing more to do; whether it ended.
    fn end(&mut self) -> bool {
        let mut all = self.all.all();
        let more = all.get_mut(&self.of).is_some_and(std::mem::take);
        if !more {
            all.remove(&self.of);
            self.is_over = true;
        }
        !more
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            self.all.all().remove(&self.of);
        }
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
/// that entry gone. An entry that cannot be written is set aside: it must not keep those after it
/// out of their tables.
async fn write_out_first(tx: &mut Tx, of: (Key, Key)) -> Result<bool> {
    let entry: Option<(i64, Vec<u8>)> = on!(&mut *tx, connection => {
        sqlx::query_as(
            "delete from journal where workspace = $1 and repository = $2 and number = \
             (select min(number) from journal where workspace = $1 and repository = $2) returning number, body",
        )
        .bind(of.0)
        .bind(of.1)
        .fetch_optional(connection)
        .await
    })?;
    let Some((number, body)) = entry else { return is_ahead(tx, of).await };
    if let Err(error) = write_entry(tx, of, &body).await? {
        set_aside(tx, of, number, body, &error).await?;
    }
    Ok(true)
}

/// Writes an entry, or nothing of it; why not, if that is the fault of the entry.
///
/// # Errors
/// When no entry could be written now.
async fn write_entry(tx: &mut Tx, of: (Key, Key), body: &[u8]) -> Result<std::result::Result<(), Error>> {
    let rows = match read(body) {
        Ok(rows) => rows,
        Err(error) => return Ok(Err(error)),
    };
    savepoint(tx, "savepoint entry").await?;
    match rows.write(tx, of).await {
        Ok(()) => {
            savepoint(tx, "release savepoint entry").await?;
            Ok(Ok(()))
        }
        Err(error) if error.is_temporary() => Err(error),
        Err(error) => {
            savepoint(tx, "rollback to savepoint entry").await?;
            Ok(Err(error))
        }
    }
}

async fn savepoint(tx: &mut Tx, statement: &'static str) -> Result<()> {
    Ok(on!(tx, connection => sqlx::query(statement).execute(connection).await.map(drop))?)
}

fn read(body: &[u8]) -> Result<Rows> {
    let corrupt = || Error::Corrupt(JOURNAL.name);
    let body = decompress_size_prepended(body).map_err(|_| corrupt())?;
    let Entry { table, columns } = postcard::from_bytes(&body).map_err(|_| corrupt())?;
    let table = TABLES.iter().copied().find(|one| one.name == table).ok_or_else(corrupt)?;
    Rows::named(table, columns)
}

async fn set_aside(tx: &mut Tx, of: (Key, Key), number: i64, body: Vec<u8>, error: &Error) -> Result<()> {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let why = format!("{error}{cause}");
    let (workspace, repository) = (of.0.uuid(), of.1.uuid());
    tracing::error!(%workspace, %repository, number, why, "an entry of the journal was set aside: run `penstock-app check --repair`");
    Ok(on!(tx, connection => {
        sqlx::query("insert into journal_set_aside (workspace, repository, number, body, why) values ($1, $2, $3, $4, $5)")
            .bind(of.0)
            .bind(of.1)
            .bind(number)
            .bind(body)
            .bind(why)
            .execute(connection)
            .await
            .map(drop)
    })?)
}

/// The findings whose rows are still in the journal.
pub(super) async fn findings(tx: &mut Tx, of: (Key, Key)) -> Result<HashSet<Key>> {
    let (mut all, mut after) = (HashSet::new(), i64::MIN);
    loop {
        let entry: Option<(i64, Vec<u8>)> = on!(&mut *tx, connection => {
            sqlx::query_as(
                "select number, body from journal where workspace = $1 and repository = $2 and number > $3 order by number limit 1",
            )
            .bind(of.0)
            .bind(of.1)
            .bind(after)
            .fetch_optional(connection)
            .await
        })?;
        let Some((number, body)) = entry else { return Ok(all) };
        after = number;
        // One that cannot be read has no finding for any caller.
        let Ok(rows) = read(&body) else { continue };
        if rows.table().name == TABLES[0].name {
            for (name, column) in rows.columns() {
                if let (FINDING, Column::Key(keys)) = (name, column) {
                    all.extend(keys);
                }
            }
        }
    }
}

impl Workspace {
    /// Tries once more to write the entries that were set aside. How many were written, and how
    /// many could not be.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn write_set_aside(&self, repository: Uuid) -> Result<(usize, usize)> {
        let of = (self.key(), Key::from(repository));
        let mut tx = self.store.shared.db.write(Some(self.id)).await?;
        let entries: Vec<(i64, Vec<u8>)> = on!(&mut tx, connection => {
            sqlx::query_as("select number, body from journal_set_aside where workspace = $1 and repository = $2 order by number")
                .bind(of.0)
                .bind(of.1)
                .fetch_all(connection)
                .await
        })?;
        let (mut written, mut refused) = (0, 0);
        for (number, body) in entries {
            if write_entry(&mut tx, of, &body).await?.is_err() {
                refused += 1;
                continue;
            }
            written += 1;
            on!(&mut tx, connection => {
                sqlx::query("delete from journal_set_aside where workspace = $1 and repository = $2 and number = $3")
                    .bind(of.0)
                    .bind(of.1)
                    .bind(number)
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
        }
        tx.commit().await?;
        Ok((written, refused))
    }

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
        let Some(mut turn) = self.store.shared.catching_up.begin((self.id, repository)) else { return };
        let tasks = self.store.shared.tasks.clone();
        tasks.spawn(async move {
            loop {
                if let Err(error) = self.catch_up(repository.into()).await {
                    tracing::warn!(%error, "what a run brought is not in its tables yet");
                }
                if turn.end() {
                    return;
                }
            }
        });
    }
}
