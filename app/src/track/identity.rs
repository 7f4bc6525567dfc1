//! Names of the things that are tracked, as values that are cheap to copy and compare.
//!
//! Owns the forms only. Ids are UUIDs (version 7) that the caller makes: nothing here is random.

use std::fmt;
use std::str::FromStr;

use penstock_common::{NotAUuid, Uuid};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        /// As a UUID, lower case, without braces.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&Uuid::from(self.0), f)
            }
        }

        impl FromStr for $name {
            type Err = NotAUuid;

            fn from_str(text: &str) -> Result<Self, NotAUuid> {
                text.parse::<Uuid>().map(|id| Self(id.number()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
id!(
    /// A finding of a repository, whichever branch it stands on.
    FindingId
);
id!(
    /// A branch from its creation to its end. A branch of the same name that is made later is another one.
    BranchId
);
id!(
    /// A run.
    RunId
);

/// Where new ids come from.
pub trait NewIds {
    /// One that was never given before. Later ones should sort after earlier ones.
    fn next(&mut self) -> u128;
}

impl<F: FnMut() -> u128> NewIds for F {
    fn next(&mut self) -> u128 {
        self()
    }
}

/// A git commit by its full object id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commit([u8; 20]);

impl From<Commit> for [u8; 20] {
    fn from(commit: Commit) -> Self {
        commit.0
    }
}

/// A text that is no full object id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a commit is named by 40 hex digits")]
pub struct NotACommit;

impl From<[u8; 20]> for Commit {
    fn from(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Commit {
    type Err = NotACommit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 40 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotACommit);
        }
        let mut bytes = [0; 20];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|_| NotACommit)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Commit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Commit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// 128 bits that stand for a text: a fingerprint, a configuration, what is shown of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Print(pub u128);

impl Print {
    /// Of parts that are kept apart: no two different lists give the same bytes to the digest.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Self(u128::from_be_bytes(bytes))
    }

    /// Of one of our fingerprints, which is a digest already.
    pub fn of_fingerprint(fingerprint: &str) -> Self {
        let digits = fingerprint.strip_prefix("pf1:").filter(|digits| digits.len() == 32);
        let number = digits.and_then(|digits| u128::from_str_radix(digits, 16).ok());
        number.map_or_else(|| Self::of(&[fingerprint.as_bytes()]), Self)
    }
}

/// 32 hex digits.
impl fmt::Display for Print {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for Print {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Print {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}
