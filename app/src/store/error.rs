//! What can go wrong with the database.
//!
//! Owns the distinction that callers need: is it away, did somebody else come first, or is it our fault?

use std::borrow::Cow;

use sqlx::sqlite::SqliteError;

/// Why the store could not do it. No content of a tenant is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database does not answer, or takes nothing: away, full, read-only, locked. Later it may.
    #[error("the database cannot be used now: {0}")]
    Unavailable(String),
    /// Somebody else wrote in between: begin again.
    #[error("the state was changed by another one in between")]
    Conflict,
    /// There is no such thing in this workspace.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// What stands there cannot be read.
    #[error("the database holds something in `{0}` that cannot be read: run `penstock-app check`, which names it")]
    Corrupt(&'static str),
    /// A secret cannot be opened.
    #[error(transparent)]
    Sealed(#[from] crate::crypto::CryptoError),
    /// The database is not what it must be.
    #[error("{0}")]
    Setup(String),
    /// The files of the database are open to others.
    #[error(transparent)]
    PrivateFile(#[from] crate::private_files::PrivateFileError),
    /// A statement failed in a way that it should not.
    #[error("the database refused a statement")]
    Query(#[source] sqlx::Error),
}

impl Error {
    /// Of a write whose numbers nobody else may have: where one is taken, somebody came in between.
    pub(super) fn taken_in_between(self) -> Self {
        match self {
            Self::Query(sqlx::Error::Database(told)) if told.is_unique_violation() => Self::Conflict,
            other => other,
        }
    }

    /// Whether the same may work later.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Conflict)
    }
}

/// SQLite's result codes (primary ones) that say nothing against the statement, from its
/// documentation: a permission, a rollback under it, busy, locked, no memory, read-only,
/// interrupted, I/O, full, cannot open, the locking protocol, a file that may not grow.
const SQLITE_AWAY: [i32; 12] = [3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 22];
/// PostgreSQL's classes of SQLSTATE: connection, authorization, no such database, insufficient
/// resources, operator intervention, system error; and the codes for "in recovery, read-only", an
/// idle transaction that was ended, and a lock that was not available.
const POSTGRES_AWAY: [&str; 9] = ["08", "28", "3D", "53", "57", "58", "25006", "25P03", "55P03"];
/// Serialization failure, deadlock.
const POSTGRES_CONFLICT: [&str; 2] = ["40001", "40P01"];

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound("row"),
            // What a connection is in that was cut in the middle of something is a fault of the
            // connection.
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::BeginFailed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.to_string()),
            sqlx::Error::Database(told) => {
                let code = told.code().unwrap_or(Cow::Borrowed(""));
                let is_away = if told.try_downcast_ref::<SqliteError>().is_some() {
                    // The primary code is the lowest byte of SQLite's extended ones.
                    code.parse::<i32>().is_ok_and(|code| SQLITE_AWAY.contains(&(code & 0xff)))
                } else {
                    POSTGRES_AWAY.iter().any(|one| code.starts_with(one))
                };
                if POSTGRES_CONFLICT.contains(&&*code) {
                    Self::Conflict
                } else if is_away {
                    Self::Unavailable(told.message().to_owned())
                } else {
                    Self::Query(error)
                }
            }
            _ => Self::Query(error),
        }
    }
}

/// What a method of the store gives.
pub type Result<T> = std::result::Result<T, Error>;
