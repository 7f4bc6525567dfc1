//! When to try again, and how long to wait before.
//!
//! Owns the arithmetic of waiting; sends nothing. Waits grow exponentially and are drawn at random below that ("full jitter"), so that
//! many steps that failed together do not come back together. What the server asks for is honoured.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Draws a number from 0 up to, but not including, 1. This crate has no source of randomness of its own.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// How patient a client is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often one call is sent, at most.
    pub attempts: u32,
    /// Bound of the first wait; doubles with each.
    pub first_wait: Duration,
    /// Bound of every wait, also of what a server asks for.
    pub longest_wait: Duration,
    /// How long one attempt may take, from connecting to the last byte.
    pub attempt: Duration,
    /// How long a host that cannot be reached is tried again, and then taken as not reachable without a further try.
    pub connecting: Duration,
    /// How long a 404 about a commit that is there for sure is tried again, from the first one on.
    pub late: Duration,
    /// About how long to pause before each request while the server says that its limit is near.
    pub near_limit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            attempt: Duration::from_secs(30),
            connecting: Duration::from_secs(5),
            late: Duration::from_secs(8),
            near_limit: Duration::from_secs(1),
        }
    }
}

/// Longest wait for a server that has too much to do and does not say for how long, or that does
/// not know a commit yet.
const UNASKED_MAX: Duration = Duration::from_secs(10);

impl Patience {
    /// How long to wait before attempt `next` (the second is 1) where waiting alone helps: half of
    /// the bound for sure, because asking at once would come to the same.
    pub(super) fn calm_wait(&self, next: u32, jitter: f64) -> Duration {
        self.bound(next).min(UNASKED_MAX).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
    }

    fn bound(&self, next: u32) -> Duration {
        self.first_wait.saturating_mul(2_u32.saturating_pow(next.saturating_sub(1))).min(self.longest_wait)
    }

    /// How long to wait before attempt `next` (the second is 1). `None` if the server asks for more patience than there is.
    pub(super) fn wait(&self, next: u32, asked: Option<Duration>, jitter: f64) -> Option<Duration> {
        let drawn = self.bound(next).mul_f64(jitter.clamp(0.0, 1.0));
        match asked {
            Some(asked) if asked > self.longest_wait => None,
            // All who were told the same moment spread after it.
            Some(asked) => Some(asked + drawn.min(self.first_wait)),
            None => Some(drawn),
        }
    }
}

/// Whether an answer with this status may be another one next time. For 429 the server has done nothing; after the others it may have.
pub(super) const fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 504 | 507..=509 | 520..=599)
}

/// What the server asks to wait: seconds, or until a date, which is compared with the server's own clock.
pub(super) fn asked(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = date(value)?;
    let now = date(headers.get(DATE)?.to_str().ok()?)?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

fn date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_date_is_measured_with_the_clock_of_the_server() {
        let now = ("date", "Wed, 25 Nov 2026 10:00:00 GMT");
        assert_eq!(asked(&headers(&[("retry-after", "7")])), Some(Duration::from_secs(7)));
        let later = ("retry-after", "Wed, 25 Nov 2026 10:00:30 GMT");
        assert_eq!(asked(&headers(&[now, later])), Some(Duration::from_secs(30)));
        let past = ("retry-after", "Wed, 25 Nov 2026 09:00:00 GMT");
        assert_eq!(asked(&headers(&[now, past])), Some(Duration::ZERO));
        assert_eq!(asked(&headers(&[later])), None);
        assert_eq!(asked(&headers(&[("retry-after", "soon")])), None);
    }

    proptest! {
        #[test]
        fn calm_waits_are_never_short(next in 1_u32..100, jitter in 0.0..1.0) {
            let patience = Patience::default();
            let wait = patience.calm_wait(next, jitter);
            prop_assert!(wait >= patience.first_wait / 2 && wait <= UNASKED_MAX);
            prop_assert!(wait * 2 >= patience.calm_wait(next, 1.0));
        }

        #[test]
        fn waits_are_bounded(next in 0_u32..100, asked in proptest::option::of(0_u64..10_000), jitter in 0.0..1.0) {
            let patience = Patience::default();
            let asked = asked.map(Duration::from_secs);
            match patience.wait(next, asked, jitter) {
                Some(wait) => {
                    prop_assert!(wait >= asked.unwrap_or_default());
                    prop_assert!(wait <= patience.longest_wait + patience.first_wait);
                }
                None => prop_assert!(asked > Some(patience.longest_wait)),
            }
        }
    }
}
