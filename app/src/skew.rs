//! Whether this server's clock is right.
//!
//! Owns the comparison with the time that Bitbucket's answers state. Times in tokens are only a
//! reason to ask: anyone who has a signed address can send one, and an old one proves nothing about
//! the clock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use penstock_common::bitbucket::client::Client;

/// Minimum time between two comparisons, in milliseconds, while nothing is known to be wrong.
const PAUSE: i64 = 60_000;
/// How long to wait for Bitbucket.
const PATIENCE: Duration = Duration::from_secs(3);

/// The last comparison of this clock with Bitbucket's.
#[derive(Debug, Default)]
pub struct Skew {
    seen: Mutex<Seen>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// A token was refused for its times since the last comparison.
    is_suspected: bool,
    /// When the clocks were compared last, in unix milliseconds of this clock.
    asked: Option<i64>,
    /// By how many seconds this clock was behind (positive) or ahead then.
    seconds: i64,
}

impl Skew {
    /// A token with a sound signature was refused for its times.
    pub fn suspect(&self) {
        self.seen().is_suspected = true;
    }

    /// By how many seconds the clocks differ: positive if this one is behind. Sends a request to
    /// Bitbucket, through a client without credentials, if there is a reason to; without an answer
    /// the clock counts as right.
    pub async fn measure(&self, api: &Client, now: impl Fn() -> i64, tolerated: i64) -> i64 {
        {
            let mut seen = self.seen();
            let rested = seen.asked.is_none_or(|at| !(0..PAUSE).contains(&(now() - at)));
            let is_wrong = seen.seconds.abs() > tolerated;
            if !(is_wrong || seen.is_suspected && rested) {
                return seen.seconds;
            }
            (seen.is_suspected, seen.asked) = (false, Some(now()));
        }
        let date = api.within(PATIENCE).server_date().await.ok().flatten();
        let theirs = date.and_then(|date| jiff::fmt::rfc2822::parse(&date).ok());
        let seconds = theirs.map_or(0, |date| date.timestamp().as_second() - now().div_euclid(1000));
        self.seen().seconds = seconds;
        seconds
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
