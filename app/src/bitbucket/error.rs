//! Why a question has no answer.
//!
//! Owns what the app can do about it: ask again later, tell an admin, or give up. Words of servers in here are masked and bounded by the client.

use std::error::Error as StdError;
use std::time::Duration;

use penstock_common::bitbucket::client;

/// How long to wait where the server asks for patience and does not say how much.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tenant has no installation that could be asked with.
    #[error("the app is not installed in this workspace")]
    NotInstalled,
    /// The directory of installations cannot be read.
    #[error("the installation of this workspace cannot be read: {0}")]
    Directory(#[source] Box<dyn StdError + Send + Sync>),
    /// Bitbucket does not know the installation (any more), or another secret than ours.
    #[error("Bitbucket does not take the credentials of this installation: {0}")]
    Rejected(#[source] client::Error),
    /// The installation may not do this: it lacks a scope, or is no admin.
    #[error("Bitbucket does not let the app do this: {0}")]
    Denied(#[source] client::Error),
    /// The requests of this hour are used up, by the server's count or ours.
    #[error("the requests to Bitbucket are used up for now, again in {} s: {source}", .after.as_secs_f32().ceil())]
    TooMany {
        /// When to ask again.
        after: Duration,
        /// What happened.
        source: client::Error,
    },
    /// Bitbucket cannot be reached, does not answer, or has a problem.
    #[error("Bitbucket does not answer as it should: {0}")]
    Unavailable(#[source] client::Error),
    /// It says no, for a reason that stays.
    #[error("Bitbucket refuses: {0}")]
    Refused(#[source] client::Error),
    /// It answers something else than it promises.
    #[error("Bitbucket's answer cannot be used: {0}")]
    Unreadable(String),
}

impl From<client::Error> for Error {
    fn from(error: client::Error) -> Self {
        use client::Error as E;
        if error.is_unknown_to_server() {
            return Self::Rejected(error);
        }
        let status = match &error {
            E::NotGranted(inner) => inner.status(),
            error => error.status(),
        };
        match (&error, status) {
            (E::NotAllowed { .. }, _) | (_, Some(429)) => {
                Self::TooMany { after: error.retry_after().unwrap_or(PATIENCE), source: error }
            }
            // That there is no token says nothing of what was asked.
            (E::NotGranted(_), _) => Self::Unavailable(error),
            (_, Some(403)) => Self::Denied(error),
            (_, Some(408 | 500..)) => Self::Unavailable(error),
            (E::Unreadable { .. } | E::TooLarge { .. } | E::TooMany { .. }, _) => Self::Unreadable(error.to_string()),
            (E::Refused(_) | E::Elsewhere { .. } | E::Moved { .. } | E::Circle { .. } | E::Segment(_), _) => {
                Self::Refused(error)
            }
            _ => Self::Unavailable(error),
        }
    }
}

impl Error {
    pub(super) fn unreadable(what: &str) -> Self {
        Self::Unreadable(what.to_owned())
    }

    /// Whether the same question may have an answer later, without anybody doing something.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::TooMany { .. } | Self::Unavailable(_) | Self::Directory(_))
    }

    /// How long to wait at least, if Bitbucket or our own count says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { after, .. } => Some(*after),
            Self::Unavailable(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Whether what something was to be done to is not there, or not for this installation.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(error) if error.is_not_found())
    }
}
