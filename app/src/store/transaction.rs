//! Transactions that end, whatever happens in them.
//!
//! Owns the begin and the end of a transaction on a connection of a pool, and what becomes of the
//! connection. It goes back to the pool only if it is known to be in no transaction; otherwise it
//! is closed, and the pool opens another one. The library's own transactions do not promise that:
//! SQLite ends a transaction by itself when the disk is full, so the rollback fails and the
//! connection keeps counting one; and on PostgreSQL a begin that is cancelled halfway leaves a
//! transaction behind that nothing counts.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Database, Executor, Pool, Postgres, Sqlite};
use tokio::time::timeout;

/// How long a caller waits for a connection with a transaction.
pub(super) const WAIT: Duration = Duration::from_secs(5);
/// How long PostgreSQL may take to begin before another connection is tried.
const BEGIN: Duration = Duration::from_millis(1500);
/// How long PostgreSQL may take for one statement. A server or network that hangs would otherwise
/// keep the connection.
pub(super) const STATEMENT: Duration = Duration::from_secs(60);
/// The same for the few statements that delete everything of a tenant.
const LONG_STATEMENT: Duration = Duration::from_secs(600);
/// How long PostgreSQL may take for a rollback before its connection is closed instead.
const ROLLBACK: Duration = Duration::from_secs(2);
/// Connections that are tried if the server closed those that were idle.
const ATTEMPTS: usize = 16;

/// What differs between the databases.
pub(crate) trait Engine: Database {
    /// Runs a statement without arguments and rows.
    fn run(connection: &mut Self::Connection, statement: &'static str)
    -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Waits for a statement, as long as makes sense.
    fn limited<T: Send>(
        limit: Duration,
        statement: impl Future<Output = sqlx::Result<T>> + Send,
    ) -> impl Future<Output = sqlx::Result<T>> + Send;

    /// Closes a connection in whatever state it is.
    fn discard(connection: PoolConnection<Self>) -> impl Future<Output = ()> + Send;
}

impl Engine for Sqlite {
    async fn run(connection: &mut Self::Connection, statement: &'static str) -> sqlx::Result<()> {
        connection.execute(statement).await.map(drop)
    }

    // The library works in this process: what it began cannot be left to itself.
    async fn limited<T: Send>(_: Duration, statement: impl Future<Output = sqlx::Result<T>> + Send) -> sqlx::Result<T> {
        statement.await
    }

    async fn discard(connection: PoolConnection<Self>) {
        // Its lock on the file is gone when this returns, before the next connection is opened.
        if let Err(error) = connection.close().await {
            tracing::debug!(%error, "a connection was not closed cleanly");
        }
    }
}

impl Engine for Postgres {
    async fn run(connection: &mut Self::Connection, statement: &'static str) -> sqlx::Result<()> {
        connection.execute(statement).await.map(drop)
    }

    async fn limited<T: Send>(
        limit: Duration,
        statement: impl Future<Output = sqlx::Result<T>> + Send,
    ) -> sqlx::Result<T> {
        timeout(limit, statement).await.unwrap_or_else(|_| Err(late(limit)))
    }

    async fn discard(connection: PoolConnection<Self>) {
        // A parting word could hang as everything else did. The server rolls back when the socket
        // is closed.
        drop(connection.detach());
    }
}

fn late(limit: Duration) -> sqlx::Error {
    let words = format!("the database did not answer within {} s", limit.as_secs_f32());
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, words))
}

/// Since when a transaction has had a connection, if one has. The only writer of SQLite is busy
/// then, and not broken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Occupancy(Arc<Mutex<Option<Instant>>>);

impl Occupancy {
    /// For how long.
    pub(crate) fn time(&self) -> Option<Duration> {
        self.since().map(|since| since.elapsed())
    }

    fn occupy(&self) -> Occupied {
        *self.since() = Some(Instant::now());
        Occupied(self.clone())
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends with the transaction.
struct Occupied(Occupancy);

impl Drop for Occupied {
    fn drop(&mut self) {
        *self.0.since() = None;
    }
}

/// A connection with a transaction in it. Dropped, the transaction is rolled back.
pub(crate) struct Transaction<DB: Engine> {
    /// Absent once the transaction ended.
    connection: Option<PoolConnection<DB>>,
    occupied: Option<Occupied>,
    limit: Duration,
}

impl<DB: Engine> Transaction<DB> {
    /// Takes a connection and begins, within [`WAIT`].
    ///
    /// # Errors
    /// When there is no connection in time, or the database refuses.
    pub(super) async fn begin(pool: &Pool<DB>, statement: &'static str) -> sqlx::Result<Self> {
        timeout(WAIT, Self::begin_soon(pool, statement)).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    async fn begin_soon(pool: &Pool<DB>, statement: &'static str) -> sqlx::Result<Self> {
        let mut attempt = 1;
        loop {
            let connection = Some(pool.acquire().await?);
            let mut begun = Self { connection, occupied: None, limit: STATEMENT };
            match DB::limited(BEGIN, DB::run(&mut begun, statement)).await {
                Ok(()) => return Ok(begun),
                // The server may have closed it while it was idle.
                Err(error) if is_lost(&error) && attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// From here on the connection counts as occupied.
    pub(super) fn occupying(mut self, occupancy: &Occupancy) -> Self {
        self.occupied = Some(occupancy.occupy());
        self
    }

    /// How long a statement may take.
    pub(crate) const fn limit(&self) -> Duration {
        self.limit
    }

    /// Allows the time that deleting everything of a tenant takes.
    pub(super) const fn take_time(&mut self) {
        self.limit = LONG_STATEMENT;
    }

    /// # Errors
    /// When the database does not say that everything is written. Without an answer it may be.
    pub(super) async fn commit(mut self) -> sqlx::Result<()> {
        let limit = self.limit;
        DB::limited(limit, DB::run(&mut self, "commit")).await?;
        drop(self.connection.take());
        Ok(())
    }
}

/// Whether an error says that the connection is gone.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // The server's last word: stopped, killed, or tired of an idle session.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P") || code == "25P03"),
        _ => false,
    }
}

const ENDED: &str = "a transaction has its connection until it ends";

impl<DB: Engine> Deref for Transaction<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &Self::Target {
        self.connection.as_ref().expect(ENDED)
    }
}

impl<DB: Engine> DerefMut for Transaction<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection.as_mut().expect(ENDED)
    }
}

impl<DB: Engine> Drop for Transaction<DB> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let occupied = self.occupied.take();
        tokio::spawn(async move {
            let mut connection = connection;
            match DB::limited(ROLLBACK, DB::run(&mut connection, "rollback")).await {
                Ok(()) => drop(connection),
                Err(error) => {
                    tracing::debug!(%error, "a connection is closed because its transaction did not end");
                    DB::discard(connection).await;
                }
            }
            drop(occupied);
        });
    }
}

#[cfg(test)]
mod tests;
