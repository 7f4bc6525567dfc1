//! Identities that Bitbucket gives to what it holds.
//!
//! Owns the one way from every spelling of a UUID to its value and back: `{…}` in REST and webhooks, `%7B…%7D` in URLs, bare in headers and
//! tokens, upper or lower case. Whoever compares texts instead of these values takes one thing for two.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The UUID of a workspace, repository, account, pipeline or step, and the form in which our own ids are shown. Shown and stored in lower case,
/// without braces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(uuid::Uuid);

/// A text that is no UUID. It does not hold the text, which may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no UUID")]
pub struct NotAUuid;

impl Uuid {
    /// As Bitbucket's REST API wants it in a path, before it is percent-encoded: `{…}`.
    pub fn braced(self) -> String {
        self.0.as_braced().to_string()
    }

    /// The bytes, for keys and hashes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The same as a number, which is how our own ids are held.
    pub const fn number(self) -> u128 {
        self.0.as_u128()
    }
}

impl From<u128> for Uuid {
    fn from(number: u128) -> Self {
        Self(uuid::Uuid::from_u128(number))
    }
}

impl From<[u8; 16]> for Uuid {
    fn from(bytes: [u8; 16]) -> Self {
        Self(uuid::Uuid::from_bytes(bytes))
    }
}

impl FromStr for Uuid {
    type Err = NotAUuid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = [("{", "}"), ("%7B", "%7D"), ("%7b", "%7d")]
            .into_iter()
            .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close))
            .unwrap_or(text);
        // The library also takes forms that Bitbucket never sends: without hyphens, as a URN.
        if bare.len() != uuid::fmt::Hyphenated::LENGTH {
            return Err(NotAUuid);
        }
        uuid::Uuid::try_parse(bare).map(Self).map_err(|_| NotAUuid)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_spelling_is_one_identity(bytes: [u8; 16]) {
            let uuid = Uuid::from(bytes);
            let plain = uuid.to_string();
            let is_plain = plain.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
            prop_assert!(is_plain && plain.to_lowercase() == plain);
            let (upper, braced) = (plain.to_uppercase(), uuid.braced());
            for spelling in [
                plain.clone(),
                upper.clone(),
                braced.clone(),
                braced.to_uppercase(),
                format!("%7B{plain}%7D"),
                format!("%7b{upper}%7d"),
            ] {
                prop_assert_eq!(spelling.parse(), Ok(uuid), "{}", spelling);
            }
            prop_assert_eq!(serde_json::from_str::<Uuid>(&serde_json::to_string(&uuid)?)?, uuid);
        }

        #[test]
        fn nothing_else_is_a_uuid(text in "\\PC{0,50}") {
            prop_assume!(!text.contains(|c: char| c.is_ascii_hexdigit()));
            prop_assert_eq!(text.parse::<Uuid>(), Err(NotAUuid));
        }
    }

    #[test]
    fn half_a_spelling_is_refused() {
        let plain = Uuid::from([7; 16]).to_string();
        let simple = plain.replace('-', "");
        for text in
            [format!("{{{plain}"), format!("{plain}}}"), format!("{{{{{plain}}}}}"), format!(" {plain}"), simple]
        {
            assert_eq!(text.parse::<Uuid>(), Err(NotAUuid), "{text}");
        }
    }
}
