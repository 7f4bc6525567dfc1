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

/// How a moment is kept: in microseconds, as exactly as it is told.
pub(crate) mod kept {
    use jiff::Timestamp;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        time.as_microsecond().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_microsecond(i64::deserialize(from)?).map_err(D::Error::custom)
    }
}
