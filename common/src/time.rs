//! Moments as the model speaks of them: UTC, RFC 3339 outside, unix seconds inside.
//!
//! Owns the conversion only. Nothing here asks what time it is.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// `2026-11-23T14:05:09Z` of unix seconds; the epoch for what no calendar holds.
pub fn rfc3339(unix_seconds: i64) -> String {
    Timestamp::from_second(unix_seconds).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// The day of unix seconds, in UTC.
pub fn date(unix_seconds: i64) -> Date {
    Offset::UTC.to_datetime(Timestamp::from_second(unix_seconds).unwrap_or(Timestamp::UNIX_EPOCH)).date()
}
