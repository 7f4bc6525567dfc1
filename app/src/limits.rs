//! How much one tenant may ask for, or one hook, or one source of requests.
//!
//! Owns a bucket for each of them: requests come out, time fills it. It is a guard against loops
//! and abuse, in the memory of one copy of the program.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use penstock_common::Uuid;

use crate::problem::Problem;

/// Requests of one tenant in a minute, in the long run, and how many may come at once.
const A_MINUTE: u32 = 600;
const BURST: u32 = 200;
/// Maximum number of buckets. Those that are full again make room.
const BUCKETS_MAX: usize = 10_000;

/// The buckets.
#[derive(Debug)]
pub struct Limits<K = Uuid> {
    /// Microseconds for one request.
    one: i64,
    burst: i64,
    /// When the bucket of each would be full again, in unix microseconds.
    full_at: Mutex<HashMap<K, i64>>,
}

impl<K: Eq + Hash> Default for Limits<K> {
    fn default() -> Self {
        Self::new(A_MINUTE, BURST)
    }
}

impl<K: Eq + Hash> Limits<K> {
    /// So many requests in a minute in the long run, and so many at once.
    pub fn new(a_minute: u32, burst: u32) -> Self {
        Self::over(60_000, a_minute, burst)
    }

    /// So many in `time` (milliseconds) in the long run, and so many at once.
    pub fn over(time: i64, number: u32, burst: u32) -> Self {
        Self { one: time * 1000 / i64::from(number.max(1)), burst: burst.into(), full_at: Mutex::default() }
    }

    /// Takes one request out of a bucket at `now` (unix milliseconds).
    ///
    /// # Errors
    /// When it is empty: 429 with the time until it is not.
    pub fn take(&self, of: K, now: i64) -> Result<(), Problem> {
        let refused = |seconds| Problem::too_many("too many requests have come: send fewer in a minute", seconds);
        self.take_many(of, 1, now).map_err(refused)
    }

    /// As [`Limits::take`], several at once.
    ///
    /// # Errors
    /// When there are not so many: in how many seconds there will be.
    pub fn take_many(&self, of: K, number: usize, now: i64) -> Result<(), u64> {
        let (now, number) = (now.saturating_mul(1000), i64::try_from(number).unwrap_or(i64::MAX));
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, full_at| *full_at > now);
        }
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(&of) {
            // So many at once are not counted one by one. They are let in: other limits apply.
            return Ok(());
        }
        let full_at = buckets.entry(of).or_insert(now);
        // No bucket is emptier than empty: one that seems to be was used before the clock was set
        // back.
        *full_at = (*full_at).min(now.saturating_add(self.burst * self.one));
        let then = now.max(*full_at).saturating_add(self.one.saturating_mul(number));
        let over = then - now - self.burst * self.one;
        if over > 0 {
            return Err(over.unsigned_abs().div_ceil(1_000_000));
        }
        *full_at = then;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_and_each_tenant_has_his_own() {
        let (limits, one, other) = (Limits::default(), Uuid::from([1; 16]), Uuid::from([2; 16]));
        let (burst, time) = (BURST as usize, 60_000 / i64::from(A_MINUTE));
        let taken = (0..1000).take_while(|_| limits.take(one, 0).is_ok()).count();
        assert_eq!(taken, burst);
        assert!(limits.take(other, 0).is_ok());
        assert!(limits.take(one, time).is_ok() && limits.take(one, time).is_err());
        assert_eq!(limits.take(one, time).unwrap_err().status().as_u16(), 429);
        let taken = (0..1000).take_while(|_| limits.take(one, 60_000).is_ok()).count();
        assert_eq!(taken, burst, "it is never fuller than that");
    }

    #[test]
    fn several_are_taken_together_or_not_at_all() {
        let limits = Limits::over(86_400_000, 1000, 1000);
        assert_eq!(limits.take_many("one", 600, 0), Ok(()));
        let wait = limits.take_many("one", 600, 0).unwrap_err();
        assert_eq!(wait, 86_400 / 5);
        assert_eq!(limits.take_many("one", 400, 0), Ok(()));
        assert_eq!(limits.take_many("two", 1000, 0), Ok(()));
        assert_eq!(limits.take_many("one", 600, 86_400_000), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_closes_no_bucket() {
        for (limits, most) in [(Limits::new(60, 10), 10), (Limits::over(86_400_000, 1000, 1000), 1000)] {
            let (day, one) = (86_400_000, 1 + limits.one / 1000);
            assert_eq!(limits.take_many("it", most, 10 * day), Ok(()));
            // It is empty, and fills as it does without the jump.
            assert!(limits.take_many("it", 1, 0).is_err());
            assert_eq!(limits.take_many("it", 1, one), Ok(()));
        }
    }

    #[test]
    fn the_number_of_buckets_is_bounded() {
        let limits = Limits::new(60, 10);
        for number in 0..2 * BUCKETS_MAX {
            assert!(limits.take(number, 0).is_ok());
        }
        assert!(limits.full_at.lock().unwrap().len() <= BUCKETS_MAX);
    }
}
