//! How a job ends that is not done.
//!
//! Owns when it is tried again: later and later, at a random moment, so that many that failed together do not come back together.

use crate::bitbucket;
use crate::review::Inconclusive;
use crate::store;
use crate::upload::Unsettled;

/// How often a job is tried.
pub(super) const ATTEMPTS_MAX: u32 = 12;
/// The first wait, and the longest, in milliseconds.
const FIRST: i64 = 2_000;
const LONGEST: i64 = 15 * 60_000;

/// Why a job is not done.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Bitbucket.
    #[error(transparent)]
    Bitbucket(#[from] bitbucket::Error),
    /// It makes no sense, and will make none.
    #[error("{0}")]
    Senseless(&'static str),
    /// A fault of this program, of which the log says more.
    #[error("the job ended before it was done")]
    Interrupted,
}

impl From<Unsettled> for Failed {
    fn from(error: Unsettled) -> Self {
        match error {
            Unsettled::Store(error) => Self::Store(error),
            Unsettled::Bitbucket(error) => Self::Bitbucket(error),
            Unsettled::Document => Self::Senseless("the run that was kept cannot be read"),
            Unsettled::Interrupted => Self::Interrupted,
        }
    }
}

impl From<Inconclusive> for Failed {
    fn from(error: Inconclusive) -> Self {
        match error {
            Inconclusive::Store(error) => Self::Store(error),
            Inconclusive::Bitbucket(error) => Self::Bitbucket(error),
            Inconclusive::Form => Self::Senseless("what shall be posted has no JSON form"),
        }
    }
}

impl Failed {
    /// Whether the same may work later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Store(error) => error.is_temporary(),
            // Bitbucket may not know a new secret yet, or the news of an uninstallation is on its way.
            Self::Bitbucket(bitbucket::Error::Rejected(_)) => true,
            Self::Bitbucket(error) => error.is_passing(),
            Self::Senseless(_) => false,
            Self::Interrupted => true,
        }
    }

    /// How long to wait after so many attempts, in milliseconds; `drawn` is random, from 0 to 1.
    pub(super) fn wait(&self, attempts: u32, drawn: f64) -> i64 {
        let most = FIRST.saturating_mul(1 << attempts.min(16)).min(LONGEST);
        let jittered = (most as f64 * drawn) as i64;
        let asked = match self {
            Self::Bitbucket(error) => error.retry_after().and_then(|wait| i64::try_from(wait.as_millis()).ok()),
            _ => None,
        };
        // Somebody who says how long to wait is not asked sooner, and not by all at once.
        asked.map_or(jittered.max(200), |asked| asked + jittered.min(asked / 4 + 1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_bounded() {
        let failed = Failed::Store(store::Error::Conflict);
        assert_eq!(failed.wait(1, 0.5), 2_000);
        assert_eq!(failed.wait(1, 0.0), 200, "never at once");
        assert_eq!(failed.wait(40, 1.0), LONGEST);
        assert!((1..30).all(|attempts| failed.wait(attempts, 0.7) <= failed.wait(attempts + 1, 0.7)));
    }
}
