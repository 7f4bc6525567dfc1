//! Where a run is told, and what came of telling it.
//!
//! Owns the destinations' names and the three ways in which each ends: nothing is silently not posted. It sends nothing.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Masked;

/// Where a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// Reports with annotations on the commit.
    CodeInsights,
    /// The commit's build status.
    BuildStatus,
    /// The comment on the pull request.
    PrComment,
    /// The companion app.
    Companion,
}

impl Destination {
    /// All of them, in the order in which they are served.
    pub const ALL: [Self; 4] = [Self::CodeInsights, Self::BuildStatus, Self::PrComment, Self::Companion];

    /// The stable name, as it stands in `REQUIRE_PUBLISH`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CodeInsights => "code-insights",
            Self::BuildStatus => "build-status",
            Self::PrComment => "pr-comment",
            Self::Companion => "companion",
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no destination: there are code-insights, build-status, pr-comment, companion")]
pub struct UnknownDestination(pub String);

impl FromStr for Destination {
    type Err = UnknownDestination;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or_else(|| UnknownDestination(text.to_owned()))
    }
}

/// What came of one destination. All texts are harmless and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Which one.
    pub destination: Destination,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How a destination ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It stands there now.
    Published {
        /// What stands there, in one sentence.
        detail: Masked,
    },
    /// Nothing was tried, or nothing may be there.
    Skipped {
        /// Why.
        reason: Masked,
        /// What to set so that it is published; empty if there is nothing to set.
        #[serde(default, skip_serializing_if = "Masked::is_empty")]
        remedy: Masked,
    },
    /// It was tried and did not come to its end.
    Failed {
        /// Why: the server's own words, if there are any.
        reason: Masked,
        /// What to do about it; empty if we do not know.
        #[serde(default, skip_serializing_if = "Masked::is_empty")]
        remedy: Masked,
    },
}

impl Delivery {
    /// Whether it fell short of what somebody wants who requires it: it failed, or it was skipped and something can be set against that. That
    /// there was nothing to tell, or nowhere, is no shortcoming.
    pub fn falls_short(&self) -> bool {
        match &self.outcome {
            Outcome::Published { .. } => false,
            Outcome::Skipped { remedy, .. } => !remedy.is_empty(),
            Outcome::Failed { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_are_those_of_json() {
        for destination in Destination::ALL {
            assert_eq!(destination.name().parse(), Ok(destination));
            assert_eq!(serde_json::to_value(destination).unwrap(), destination.name());
        }
        assert!("comment".parse::<Destination>().is_err());
    }
}
