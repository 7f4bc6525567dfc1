//! What can go wrong with the database.
//!
//! Owns the distinction that callers need: is it away, did somebody else come first, or is it our fault?

use std::borrow::Cow;

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
    #[error("the database holds something in `{0}` that cannot be read: restore a backup, or report it")]
    Corrupt(&'static str),
    /// A secret cannot be opened.
    #[error(transparent)]
    Sealed(#[from] crate::crypto::CryptoError),
    /// The database is not what it must be.
    #[error("{0}")]
    Setup(String),
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

/// SQLite's result codes (primary ones), from its documentation: busy, locked, read-only, I/O, full, cannot open.
const SQLITE_AWAY: [&str; 6] = ["5", "6", "8", "10", "13", "14"];
/// PostgreSQL's classes of SQLSTATE: connection, insufficient resources, operator intervention, system error; and the codes for "in
/// recovery, read-only" and a lock that was not available.
const POSTGRES_AWAY: [&str; 6] = ["08", "53", "57", "58", "25006", "55P03"];
/// Serialization failure, deadlock.
const POSTGRES_CONFLICT: [&str; 2] = ["40001", "40P01"];

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound("row"),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.to_string()),
            sqlx::Error::Database(told) => {
                let code = told.code().unwrap_or(Cow::Borrowed(""));
                // The primary code stands in the lowest byte of SQLite's extended ones.
                let primary = code.parse::<u32>().map(|number| (number & 0xff).to_string());
                let sqlite_is_away = code.len() < 5 && primary.is_ok_and(|code| SQLITE_AWAY.contains(&code.as_str()));
                if POSTGRES_CONFLICT.contains(&&*code) {
                    Self::Conflict
                } else if sqlite_is_away || (code.len() == 5 && POSTGRES_AWAY.iter().any(|one| code.starts_with(one))) {
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
