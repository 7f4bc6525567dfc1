//! Whether this server's clock is right.
//!
//! Owns what tokens tell of it: Bitbucket makes one for each request, so that the newest ones show its clock.

use std::sync::{Mutex, PoisonError};

/// How long a sight is believed, in milliseconds.
const FRESH: i64 = 15 * 60_000;

/// What was seen of the other clock.
#[derive(Debug, Default)]
pub struct Skew {
    /// When, and by how many seconds this clock was behind (positive) or ahead.
    last: Mutex<Option<(i64, i64)>>,
}

impl Skew {
    /// A token was refused because the clocks differ by so many seconds.
    pub fn refused(&self, seconds: i64, now: i64) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, seconds));
    }

    /// A token was taken: the clocks agree.
    pub fn agreed(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// By how many seconds the clocks differ, if that was seen lately.
    pub fn worst(&self, now: i64) -> Option<i64> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|(at, _)| at.saturating_add(FRESH) > now).map(|(_, seconds)| seconds)
    }
}
