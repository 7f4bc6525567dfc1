//! The one condition of a scan without a base: how bad may a finding be?
//!
//! Owns the syntax of `--fail-on` and its evaluation.

use std::fmt;
use std::str::FromStr;

use penstock_common::{Finding, Severity};

/// When a scan fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// Any finding of this severity or worse.
    Any(Severity),
    /// Never because of a finding.
    Never,
}

impl Default for FailOn {
    fn default() -> Self {
        Self::Any(Severity::Low)
    }
}

impl FailOn {
    /// Whether `findings` fail the condition. Suppressed ones do not count.
    pub fn fails(self, findings: &[Finding]) -> bool {
        match self {
            Self::Any(least) => findings.iter().any(|finding| finding.is_active() && finding.severity >= least),
            Self::Never => false,
        }
    }
}

/// A condition that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no condition: write `any:SEVERITY` with one of critical, high, medium, low, info, or `never`")]
pub struct Unreadable(String);

impl FromStr for FailOn {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self::Never);
        }
        text.strip_prefix("any:")
            .and_then(|severity| severity.parse().ok())
            .map(Self::Any)
            .ok_or_else(|| Unreadable(text.to_owned()))
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(severity) => write!(f, "any:{severity}"),
            Self::Never => f.write_str("never"),
        }
    }
}
