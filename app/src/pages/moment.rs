//! Moments and spans of time, as people read them.
//!
//! Owns the words. Everything is UTC, and says so where an hour is told.

use jiff::Timestamp;
use jiff::tz::Offset;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A moment: for machines, in full, and in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// RFC 3339.
    pub(super) iso: String,
    /// `2026-11-27 18:30 UTC`
    pub(super) full: String,
    /// `3 days ago`
    pub(super) words: String,
}

impl Moment {
    /// Of unix milliseconds, seen from `now`.
    pub(super) fn new(at: i64, now: i64) -> Self {
        let time = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
        let full = Offset::UTC.to_datetime(time).strftime("%Y-%m-%d %H:%M UTC").to_string();
        let whole = Timestamp::from_second(time.as_second()).unwrap_or(time);
        let words = if at > now { format!("in {}", span(at - now)) } else { ago(now - at) };
        Self { iso: whole.to_string(), full, words }
    }
}

fn ago(span_of: i64) -> String {
    if span_of < MINUTE { "just now".to_owned() } else { format!("{} ago", span(span_of)) }
}

/// A span in one unit: `1 minute`, `5 hours`, `3 days`, `2 months`.
pub(super) fn span(milliseconds: i64) -> String {
    let (number, unit) = match milliseconds {
        ..HOUR => ((milliseconds / MINUTE).max(1), "minute"),
        HOUR..DAY => (milliseconds / HOUR, "hour"),
        _ if milliseconds < 60 * DAY => (milliseconds / DAY, "day"),
        _ if milliseconds < 730 * DAY => (milliseconds / (30 * DAY), "month"),
        _ => (milliseconds / (365 * DAY), "year"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// How long something took that takes seconds: `12 seconds`, `5 minutes`.
pub(super) fn took(milliseconds: i64) -> String {
    match milliseconds {
        ..1000 => "less than a second".to_owned(),
        1000..2000 => "1 second".to_owned(),
        2000..MINUTE => format!("{} seconds", milliseconds / 1000),
        _ => span(milliseconds),
    }
}

/// A day as it is written, of days since 1970-01-01.
pub(super) fn day(days: i64) -> String {
    let time = days.checked_mul(DAY).and_then(|at| Timestamp::from_millisecond(at).ok());
    Offset::UTC.to_datetime(time.unwrap_or(Timestamp::UNIX_EPOCH)).date().to_string()
}

/// The first moment of a day as a form gives it (`2026-11-27`), in unix milliseconds.
pub(super) fn begin_of(day: &str) -> Option<i64> {
    let date: jiff::civil::Date = day.parse().ok()?;
    Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let now = 1_800_000_000_000;
        for (before, words) in [
            (0, "just now"),
            (59_999, "just now"),
            (MINUTE, "1 minute ago"),
            (HOUR, "1 hour ago"),
            (47 * HOUR, "1 day ago"),
            (59 * DAY, "59 days ago"),
            (61 * DAY, "2 months ago"),
            (800 * DAY, "2 years ago"),
            (-3 * DAY, "in 3 days"),
        ] {
            assert_eq!(Moment::new(now - before, now).words, words);
        }
        let moment = Moment::new(now, now);
        assert_eq!((moment.iso.as_str(), moment.full.as_str()), ("2027-01-15T08:00:00Z", "2027-01-15 08:00 UTC"));
    }

    #[test]
    fn what_takes_seconds_is_told_in_seconds() {
        for (milliseconds, words) in [
            (0, "less than a second"),
            (1_999, "1 second"),
            (59_999, "59 seconds"),
            (MINUTE, "1 minute"),
            (3 * HOUR, "3 hours"),
        ] {
            assert_eq!(took(milliseconds), words);
        }
    }

    #[test]
    fn days() {
        assert_eq!(day(20_784), "2026-11-27");
        assert_eq!(begin_of("2026-11-27"), Some(20_784 * DAY));
        assert_eq!(begin_of("yesterday"), None);
    }
}
