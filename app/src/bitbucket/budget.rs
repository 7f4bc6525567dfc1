//! The requests to Bitbucket that one tenant may send, and their distribution within it.
//!
//! Owns the count of requests in the last hour, the pause that the server asks for, and how much is
//! left for each purpose. Bitbucket allows a thousand an hour; above that everything gets 429,
//! including what people wait for. So half of the budget is reserved for verdicts and for
//! confirming runs, and each person and sender has a bucket, so that none can use up the rest.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use penstock_common::Uuid;
use penstock_common::bitbucket::client::Allowance;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// Maximum requests of one tenant in an hour. Bitbucket's limit is 1,000; the rest is for requests
/// that this process does not count, such as those of a second copy.
pub const REQUESTS_MAX: u32 = 900;
const HOUR: Duration = Duration::from_secs(3600);
/// Requests are counted together that are not further apart than this.
const SLICE: Duration = Duration::from_secs(60);
/// How long to pause after a 429 that does not say how long.
const PAUSE: Duration = Duration::from_secs(60);

/// What requests are sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Verdicts, and what is posted of them.
    Verdict,
    /// Confirming an uploaded run.
    Confirmation(Submitter),
    /// A person looks at something, or changes it.
    Person(Uuid),
    /// The sweep, which finds lost events: no user waits for it.
    Background,
    /// Something whose sender is not proven yet.
    Unproven,
}

/// Who sends runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Submitter {
    /// The steps of a pipeline.
    Pipeline(Uuid),
    /// An API token, by a digest of its name.
    Token([u8; 16]),
}

impl Submitter {
    /// A token by its name, or by the actor of its runs.
    pub fn token(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name).into();
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        Self::Token(short)
    }
}

/// The owner of a bucket within the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Spender {
    Submitter(Submitter),
    Person(Uuid),
    Unproven,
}

impl Purpose {
    /// Whether it may use the half that is reserved.
    const fn is_reserved(self) -> bool {
        matches!(self, Self::Verdict | Self::Confirmation(_))
    }

    /// The owner of the bucket that it is taken from, and the size of that bucket: this fraction of
    /// the budget.
    const fn bucket(self) -> Option<(Spender, u32)> {
        match self {
            Self::Verdict | Self::Background => None,
            // A runner outside of Pipelines sends the runs of many repositories with one token.
            Self::Confirmation(submitter @ Submitter::Token(_)) => Some((Spender::Submitter(submitter), 2)),
            // Thirty parallel steps may each need some.
            Self::Confirmation(submitter @ Submitter::Pipeline(_)) => Some((Spender::Submitter(submitter), 4)),
            Self::Person(person) => Some((Spender::Person(person), 10)),
            Self::Unproven => Some((Spender::Unproven, 60)),
        }
    }

    /// In metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Confirmation(_) => "confirmation",
            Self::Person(_) => "person",
            Self::Background => "background",
            Self::Unproven => "unproven",
        }
    }
}

/// The requests of one tenant.
#[derive(Debug)]
pub struct Budget {
    most: u32,
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    all: Window,
    /// What does not come out of the reserve.
    open: Window,
    /// Of each spender that sent something in the last hour.
    buckets: HashMap<Spender, Window>,
    paused: Option<Instant>,
}

/// What was sent in the last hour.
#[derive(Debug, Default)]
struct Window {
    /// When a slice began, and how many were sent in it; the oldest first.
    slices: VecDeque<(Instant, u32)>,
}

impl Window {
    fn forget(&mut self, now: Instant) {
        // Until the last request of a slice is an hour old.
        while self.slices.front().is_some_and(|(start, _)| now.duration_since(*start) >= HOUR + SLICE) {
            self.slices.pop_front();
        }
    }

    fn count(&self) -> u32 {
        self.slices.iter().map(|(_, count)| count).sum()
    }

    fn add(&mut self, now: Instant) {
        match self.slices.back_mut().filter(|(start, _)| now.duration_since(*start) < SLICE) {
            Some((_, count)) => *count += 1,
            None => self.slices.push_back((now, 1)),
        }
    }

    /// When the oldest request does not count any more.
    fn next(&self, now: Instant) -> Duration {
        let oldest = self.slices.front().map_or(now, |(start, _)| *start);
        (oldest + HOUR + SLICE).saturating_duration_since(now)
    }
}

impl Spent {
    fn forget(&mut self, now: Instant) {
        self.all.forget(now);
        self.open.forget(now);
        self.buckets.retain(|_, window| {
            window.forget(now);
            !window.slices.is_empty()
        });
        self.paused = self.paused.filter(|until| *until > now);
    }
}

impl Budget {
    /// So many requests an hour.
    pub fn new(most: u32) -> Self {
        Self { most, spent: Mutex::default() }
    }

    /// How many are left now for a purpose.
    pub fn left(&self, purpose: Purpose) -> u32 {
        self.left_at(purpose, Instant::now()).unwrap_or(0)
    }

    /// Whether the purpose's own bucket has a request left. Nothing is taken, and the requests of
    /// others do not count.
    ///
    /// # Errors If not: how long to wait until it has one.
    pub fn check_bucket(&self, purpose: Purpose) -> Result<(), Duration> {
        let now = Instant::now();
        let mut spent = self.spent();
        spent.forget(now);
        let Some((spender, part)) = purpose.bucket() else { return Ok(()) };
        match spent.buckets.get(&spender) {
            Some(window) if window.count() >= self.share(part) => Err(window.next(now)),
            _ => Ok(()),
        }
    }

    fn share(&self, part: u32) -> u32 {
        (self.most / part).max(1)
    }

    fn left_at(&self, purpose: Purpose, now: Instant) -> Result<u32, Duration> {
        let mut spent = self.spent();
        spent.forget(now);
        self.room(&spent, purpose, now)
    }

    /// How many are left; never 0.
    fn room(&self, spent: &Spent, purpose: Purpose, now: Instant) -> Result<u32, Duration> {
        if let Some(until) = spent.paused {
            return Err(until.duration_since(now));
        }
        let none = Window::default();
        let bucket =
            purpose.bucket().map(|(spender, part)| (spent.buckets.get(&spender).unwrap_or(&none), self.share(part)));
        let open = (!purpose.is_reserved()).then_some((&spent.open, self.most - self.most / 2));
        let mut left = u32::MAX;
        for (window, most) in [Some((&spent.all, self.most)), open, bucket].into_iter().flatten() {
            match most.saturating_sub(window.count()) {
                0 => return Err(window.next(now)),
                here => left = left.min(here),
            }
        }
        Ok(left)
    }

    fn take_at(&self, purpose: Purpose, now: Instant) -> Result<(), Duration> {
        let mut spent = self.spent();
        spent.forget(now);
        self.room(&spent, purpose, now)?;
        spent.all.add(now);
        if !purpose.is_reserved() {
            spent.open.add(now);
        }
        if let Some((spender, _)) = purpose.bucket() {
            spent.buckets.entry(spender).or_default().add(now);
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

/// A budget as it is spent for one purpose.
pub(super) struct Spending {
    pub(super) budget: Arc<Budget>,
    pub(super) purpose: Purpose,
    /// Counts what is refused, by purpose.
    pub(super) refused: Arc<dyn Fn(&'static str) + Send + Sync>,
}

impl Allowance for Spending {
    fn take(&self) -> Result<(), Duration> {
        self.budget.take_at(self.purpose, Instant::now()).inspect_err(|_| (self.refused)(self.purpose.name()))
    }

    fn exceeded(&self, retry_after: Option<Duration>) {
        self.budget.pause_at(Instant::now(), retry_after);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GATE: Purpose = Purpose::Verdict;

    fn person(number: u8) -> Purpose {
        Purpose::Person(Uuid::from([number; 16]))
    }

    #[test]
    fn after_an_hour_there_is_room_again() {
        let budget = Budget::new(3);
        let start = Instant::now();
        for second in [0, 10, 120] {
            assert_eq!(budget.take_at(GATE, start + Duration::from_secs(second)), Ok(()));
        }
        let later = start + Duration::from_secs(130);
        let wait = budget.take_at(GATE, later).unwrap_err();
        assert_eq!(budget.left_at(GATE, later), Err(wait));
        assert_eq!(budget.take_at(GATE, later + wait), Ok(()));
        assert_eq!(budget.left_at(GATE, later + wait), Ok(1));
    }

    #[test]
    fn a_pause_counts_for_everything_and_ends() {
        let budget = Budget::new(3);
        let start = Instant::now();
        budget.pause_at(start, Some(Duration::from_secs(7)));
        // A shorter one does not shorten it.
        budget.pause_at(start, Some(Duration::from_secs(3)));
        assert_eq!(budget.take_at(GATE, start), Err(Duration::from_secs(7)));
        assert_eq!(budget.take_at(GATE, start + Duration::from_secs(7)), Ok(()));
        budget.pause_at(start, Some(Duration::from_secs(1_000_000)));
        assert_eq!(budget.take_at(person(1), start), Err(HOUR));
        budget.pause_at(start + HOUR, None);
        assert_eq!(budget.take_at(GATE, start + HOUR), Err(PAUSE));
    }

    #[test]
    fn nobody_uses_up_what_others_need() {
        let budget = Budget::new(REQUESTS_MAX);
        let now = Instant::now();
        let all = |purpose| (0..2000).take_while(|_| budget.take_at(purpose, now).is_ok()).count();
        assert_eq!(all(person(1)), 90);
        assert_eq!(all(Purpose::Unproven), 15);
        let pipeline = |number: u8| Purpose::Confirmation(Submitter::Pipeline(Uuid::from([number; 16])));
        assert_eq!(all(pipeline(1)), 225);
        // Thirty viewers and the background work share what is not reserved.
        let looked: usize = (2..32).map(|number| all(person(number))).sum();
        assert_eq!((looked + all(Purpose::Background), all(person(40))), (450 - 90 - 15, 0));
        assert_eq!((all(GATE), all(pipeline(2))), (450 - 225, 0));
    }

    /// Any mixture of purposes.
    fn purposes() -> impl Strategy<Value = Purpose> {
        prop_oneof![
            Just(Purpose::Verdict),
            Just(Purpose::Background),
            Just(Purpose::Unproven),
            (0_u8..4).prop_map(person),
            (0_u8..4).prop_map(|number| Purpose::Confirmation(Submitter::Pipeline(Uuid::from([number; 16])))),
            (0_u8..4).prop_map(|number| Purpose::Confirmation(Submitter::Token([number; 16]))),
        ]
    }

    proptest! {
        #[test]
        fn never_more_in_any_hour(most in 1_u32..60, asked in proptest::collection::vec((0_u64..600, purposes()), 1..200)) {
            let budget = Budget::new(most);
            let start = Instant::now();
            let (mut now, mut sent) = (0, Vec::new());
            for (gap, purpose) in asked {
                now += gap;
                if budget.take_at(purpose, start + Duration::from_secs(now)).is_ok() {
                    sent.push((now, purpose));
                }
            }
            let within = |at: u64, fits: &dyn Fn(&Purpose) -> bool| {
                sent.iter().filter(|(other, purpose)| (at..at + 3600).contains(other) && fits(purpose)).count() as u32
            };
            for (at, purpose) in &sent {
                prop_assert!(within(*at, &|_| true) <= most);
                prop_assert!(within(*at, &|one| !one.is_reserved()) <= most - most / 2);
                if let Some((_, part)) = purpose.bucket() {
                    prop_assert!(within(*at, &|one| one == purpose) <= (most / part).max(1));
                }
            }
        }

        /// Verdicts get their whole reserve, however many pages people open.
        #[test]
        fn the_reserve_is_for_verdicts(looking in proptest::collection::vec(0_u8..40, 0..2000)) {
            let budget = Budget::new(REQUESTS_MAX);
            let now = Instant::now();
            for number in looking {
                let _ = budget.take_at(person(number), now);
            }
            for _ in 0..REQUESTS_MAX / 2 {
                prop_assert_eq!(budget.take_at(GATE, now), Ok(()));
            }
        }
    }
}
