//! The short form of the gate: `any:SEVERITY`, `new:SEVERITY`, `never`.
//!
//! Owns its syntax and the conditions that it stands for.

use std::fmt;
use std::str::FromStr;

use penstock_common::Severity;
use penstock_common::gate::{Condition, Count, Level, Metric};

/// What fails a run, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// Any finding of this severity or worse.
    Any(Severity),
    /// Any finding of this severity or worse that the base has not.
    New(Severity),
    /// No finding at all.
    Never,
}

impl FailOn {
    /// The conditions that it stands for: none of that severity, and none of each that is worse.
    pub fn conditions(self) -> Vec<Condition> {
        let (metric, least): (fn(Count) -> Metric, Severity) = match self {
            Self::Any(least) => (Metric::Any, least),
            Self::New(least) => (Metric::New, least),
            Self::Never => return Vec::new(),
        };
        let counts = Count::ALL.into_iter().filter(|count| matches!(count, Count::Of(severity) if *severity >= least));
        counts.map(|count| Condition::at_most(metric(count), 0.0, Level::Block)).collect()
    }
}

/// A condition that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no condition: write `any:SEVERITY` or `new:SEVERITY` with one of critical, high, medium, low, info, or `never`"
)]
pub struct Unreadable(String);

impl FromStr for FailOn {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = || Unreadable(text.to_owned());
        if text == "never" {
            return Ok(Self::Never);
        }
        let (which, severity) = text.split_once(':').ok_or_else(unreadable)?;
        let severity = severity.parse().map_err(|_| unreadable())?;
        match which {
            "any" => Ok(Self::Any(severity)),
            "new" => Ok(Self::New(severity)),
            _ => Err(unreadable()),
        }
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(severity) => write!(f, "any:{severity}"),
            Self::New(severity) => write!(f, "new:{severity}"),
            Self::Never => f.write_str("never"),
        }
    }
}
