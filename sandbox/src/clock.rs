//! What time it is, and how Bitbucket writes it.

use jiff::Timestamp;

/// The present moment.
#[expect(clippy::disallowed_methods, reason = "the one place where the sandbox reads the clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// As Bitbucket writes it: microseconds, and the offset as digits.
pub(crate) fn written(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
}
