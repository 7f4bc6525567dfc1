//! How bad a finding is, how sure we are of it, and what kind of thing it is.
//!
//! Owns the three scales and their stable names. It decides nothing: gates and filters compare these values elsewhere.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens if nobody acts. Ordered: `Info < Low < Medium < High < Critical`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing, needs no action.
    Info,
    /// A publishable or id-like value; fix when passing by.
    Low,
    /// Limited, read-only or test access.
    Medium,
    /// Access with the right to change something.
    High,
    /// Full access to an account, code, money or production data.
    Critical,
}

/// How sure we are that the finding is real. Ordered: `Low < Medium < High`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// More likely false than true; not shown unless asked for.
    Low,
    /// More likely true than false.
    Medium,
    /// The form proves it: a vendor's prefix, a checksum, a parsed key.
    High,
}

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A credential that stands in the open.
    Secret,
    /// A dependency with a known vulnerability.
    Vulnerability,
    /// A configuration that opens a hole.
    Misconfiguration,
    /// A fault in the code's quality.
    CodeQuality,
    /// A test that failed.
    TestFailure,
}

/// A word that names no value of the scale.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not one of {allowed}")]
pub struct UnknownName {
    /// The word as given.
    pub given: String,
    /// The words that are allowed, as one list for people.
    pub allowed: &'static str,
}

macro_rules! named {
    ($type:ty, $allowed:literal, $($variant:ident = $name:literal),+) => {
        impl $type {
            /// The stable name, as it stands in reports and configuration.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
        impl FromStr for $type {
            type Err = UnknownName;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                match s { $($name => Ok(Self::$variant),)+ _ => Err(UnknownName { given: s.to_owned(), allowed: $allowed }) }
            }
        }
    };
}
named!(
    Severity,
    "critical, high, medium, low, info",
    Info = "info",
    Low = "low",
    Medium = "medium",
    High = "high",
    Critical = "critical"
);
named!(Confidence, "low, medium, high", Low = "low", Medium = "medium", High = "high");
named!(
    Category,
    "secret, vulnerability, misconfiguration, code_quality, test_failure",
    Secret = "secret",
    Vulnerability = "vulnerability",
    Misconfiguration = "misconfiguration",
    CodeQuality = "code_quality",
    TestFailure = "test_failure"
);
