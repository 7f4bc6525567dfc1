//! Whether the database works.
//!
//! Owns the probe: a read and a write that change no data, each with a limit of its own. On SQLite
//! it goes through the connection that all writes go through, because that is the one that must
//! work; on PostgreSQL it has a connection of its own, so that a pool in which all connections are
//! at work is not taken for a database that is away.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection, Sqlite};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::db::Db;
use super::error::{Error, Result};
use super::open::SESSION;
use super::transaction::{Engine as _, Transaction};

/// How long the database may take.
const TIME: Duration = Duration::from_secs(2);
/// How long the disk may take for the one page that the probe writes.
const DISK: Duration = Duration::from_secs(5);
/// How long a write may take before it counts as stuck. What a large run changes is written in a
/// fraction of that.
const BUSY_MAX: Duration = Duration::from_secs(60);
/// Marks a page as changed, and nothing reads it. It goes through the log and waits for the disk as
/// every write does.
const TOUCH: &str = "pragma user_version = 1";

/// What is probed.
pub(super) enum Probe {
    /// The files.
    Sqlite([Db; 2]),
    /// A server, over a connection that is opened again whenever it fails.
    Postgres { options: Box<PgConnectOptions>, connection: Mutex<Option<PgConnection>> },
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Probe")
    }
}

impl Probe {
    pub(super) fn postgres(options: PgConnectOptions) -> Self {
        Self::Postgres { options: Box::new(options), connection: Mutex::default() }
    }

    /// Reads and writes.
    ///
    /// # Errors
    /// What does not work, within a few seconds.
    pub(super) async fn run(&self, now: i64) -> Result<()> {
        match self {
            Self::Sqlite([main, inbox]) => {
                let (main, inbox) = tokio::join!(file(main), file(inbox));
                main.and(inbox)
            }
            Self::Postgres { options, connection } => {
                let mut kept = connection.lock().await;
                let (connection, outcome) = server(options, kept.take(), now).await;
                *kept = connection;
                outcome
            }
        }
    }

    pub(super) async fn close(&self) {
        if let Self::Postgres { connection, .. } = self
            && let Some(connection) = connection.lock().await.take()
        {
            let _ = timeout(TIME, connection.close()).await;
        }
    }
}

/// Writes to one file of SQLite.
async fn file(db: &Db) -> Result<()> {
    let Db::Sqlite { readers, writer, occupancy } = db else { return Ok(()) };
    // While all readers are at work, that they are shows that reading works.
    if let Ok(begun) = timeout(TIME, Transaction::<Sqlite>::begin(readers, "begin")).await {
        Sqlite::run(&mut *begun?, "select count(*) from sqlite_schema").await?;
    }
    let mut written = match timeout(TIME, Transaction::<Sqlite>::begin(writer, "begin immediate")).await {
        Ok(begun) => begun?,
        Err(_) => return busy(occupancy.time()),
    };
    let write = async {
        Sqlite::run(&mut written, TOUCH).await?;
        written.commit().await
    };
    timeout(DISK, write).await.map_err(|_| slow("the disk", DISK))?.map_err(Error::from)
}

/// Whether a writer that has had work for so long is only busy.
fn busy(occupied: Option<Duration>) -> Result<()> {
    match occupied {
        Some(time) if time < BUSY_MAX => Ok(()),
        Some(time) => Err(slow("a write", time)),
        None => Err(slow("the file", TIME)),
    }
}

fn slow(what: &str, time: Duration) -> Error {
    Error::Unavailable(format!("{what} did not answer within {} s", time.as_secs()))
}

/// Writes to PostgreSQL, and gives the connection back if it can be used again.
async fn server(
    options: &PgConnectOptions,
    kept: Option<PgConnection>,
    now: i64,
) -> (Option<PgConnection>, Result<()>) {
    let was_kept = kept.is_some();
    match timeout(TIME, written(options, kept, now)).await {
        Ok(Ok(connection)) => (Some(connection), Ok(())),
        // The server may have closed it while it was idle.
        Ok(Err(_)) if was_kept => match timeout(TIME, written(options, None, now)).await {
            Ok(Ok(connection)) => (Some(connection), Ok(())),
            Ok(Err(error)) => (None, Err(error.into())),
            Err(_) => (None, Err(slow("the server", TIME))),
        },
        Ok(Err(error)) => (None, Err(error.into())),
        Err(_) => (None, Err(slow("the server", TIME))),
    }
}

async fn written(options: &PgConnectOptions, kept: Option<PgConnection>, now: i64) -> sqlx::Result<PgConnection> {
    let mut connection = match kept {
        Some(connection) => connection,
        None => {
            let mut connection = PgConnection::connect_with(options).await?;
            connection.execute(SESSION).await?;
            connection
        }
    };
    // One statement is one transaction: a copy that stops in the middle leaves no lock on the row
    // for others to wait for.
    sqlx::query(
        "insert into leases (name, owner, until) values ('probe', '', $1) on conflict (name) do update set until = excluded.until",
    )
    .bind(now)
    .execute(&mut connection)
    .await?;
    Ok(connection)
}
