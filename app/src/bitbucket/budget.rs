//! How much one tenant may ask.
//!
//! Owns the count of requests in the last hour and the pause that the server asks for. Bitbucket allows a thousand an hour; who is over gets 429
//! for everything, also for what people wait for.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use penstock_common::bitbucket::client::Allowance;
use tokio::time::Instant;

/// Most requests of one tenant in an hour. Bitbucket's limit is 1,000; the rest is for what this process does not know of, such as a
/// second one.
pub const REQUESTS_MAX: u32 = 900;
const HOUR: Duration = Duration::from_secs(3600);
/// Requests are counted together that are not further apart than this.
const SLICE: Duration = Duration::from_secs(60);
/// How long nothing is asked after a 429 that does not say how long.
const PAUSE: Duration = Duration::from_secs(60);

/// The requests of one tenant.
#[derive(Debug)]
pub struct Budget {
    most: u32,
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    /// When a slice began, and how many were sent in it; the oldest first.
    slices: VecDeque<(Instant, u32)>,
    paused: Option<Instant>,
}

impl Spent {
    fn forget(&mut self, now: Instant) {
        // Until the last request of a slice is an hour old.
        while self.slices.front().is_some_and(|(start, _)| now.duration_since(*start) >= HOUR + SLICE) {
            self.slices.pop_front();
        }
        self.paused = self.paused.filter(|until| *until > now);
    }

    fn count(&self) -> u32 {
        self.slices.iter().map(|(_, count)| count).sum()
    }
}

impl Budget {
    /// So many requests an hour.
    pub fn new(most: u32) -> Self {
        Self { most, spent: Mutex::default() }
    }

    /// How many are left now.
    pub fn left(&self) -> u32 {
        self.left_at(Instant::now())
    }

    fn left_at(&self, now: Instant) -> u32 {
        let mut spent = self.spent();
        spent.forget(now);
        if spent.paused.is_some() { 0 } else { self.most.saturating_sub(spent.count()) }
    }

    fn take_at(&self, now: Instant) -> Result<(), Duration> {
        let mut spent = self.spent();
        spent.forget(now);
        if let Some(until) = spent.paused {
            return Err(until.duration_since(now));
        }
        if spent.count() >= self.most {
            let oldest = spent.slices.front().map_or(now, |(start, _)| *start);
            return Err((oldest + HOUR + SLICE).saturating_duration_since(now));
        }
        match spent.slices.back_mut().filter(|(start, _)| now.duration_since(*start) < SLICE) {
            Some((_, count)) => *count += 1,
            None => spent.slices.push_back((now, 1)),
        }
        Ok(())
    }

    fn pause_at(&self, now: Instant, time: Option<Duration>) {
        let until = now + time.unwrap_or(PAUSE).min(HOUR);
        let mut spent = self.spent();
        spent.paused = Some(spent.paused.map_or(until, |earlier| earlier.max(until)));
    }

    fn spent(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Allowance for Budget {
    fn take(&self) -> Result<(), Duration> {
        self.take_at(Instant::now())
    }

    fn exceeded(&self, retry_after: Option<Duration>) {
        self.pause_at(Instant::now(), retry_after);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn after_an_hour_there_is_room_again() {
        let budget = Budget::new(3);
        let start = Instant::now();
        for second in [0, 10, 120] {
            assert_eq!(budget.take_at(start + Duration::from_secs(second)), Ok(()));
        }
        let later = start + Duration::from_secs(130);
        assert_eq!(budget.left_at(later), 0);
        let wait = budget.take_at(later).unwrap_err();
        assert_eq!(budget.take_at(later + wait), Ok(()));
        assert_eq!(budget.left_at(later + wait), 1);
    }

    #[test]
    fn a_pause_counts_for_everything_and_ends() {
        let budget = Budget::new(3);
        let start = Instant::now();
        budget.pause_at(start, Some(Duration::from_secs(7)));
        // A shorter one does not shorten it.
        budget.pause_at(start, Some(Duration::from_secs(3)));
        assert_eq!((budget.left_at(start), budget.take_at(start)), (0, Err(Duration::from_secs(7))));
        assert_eq!(budget.take_at(start + Duration::from_secs(7)), Ok(()));
        budget.pause_at(start, Some(Duration::from_secs(1_000_000)));
        assert_eq!(budget.take_at(start), Err(HOUR));
        budget.pause_at(start + HOUR, None);
        assert_eq!(budget.take_at(start + HOUR), Err(PAUSE));
    }

    proptest! {
        #[test]
        fn never_more_in_any_hour(most in 1_u32..20, gaps in proptest::collection::vec(0_u64..600, 1..200)) {
            let budget = Budget::new(most);
            let start = Instant::now();
            let (mut now, mut sent) = (0, Vec::new());
            for gap in gaps {
                now += gap;
                if budget.take_at(start + Duration::from_secs(now)).is_ok() {
                    sent.push(now);
                }
            }
            for at in &sent {
                let within = sent.iter().filter(|other| (*at..*at + 3600).contains(*other)).count();
                prop_assert!(within <= most as usize);
            }
        }
    }
}
