//! What reports on tests and coverage say of a run, in numbers.
//!
//! Owns the numbers and what makes them sound. Who read them from which report is not known here, and they decide nothing: conditions do, in `gate`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was measured beside findings. What nobody measured is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metrics {
    /// Tests that ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Tests>,
    /// What tests cover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
}

/// Tests that ran, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tests {
    /// They passed.
    pub passed: u64,
    /// They failed, or ended in an error: `tests.failed`.
    pub failed: u64,
    /// They were not run.
    pub skipped: u64,
    /// How long all of them took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// What tests cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Of all lines: `coverage.total`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Lines>,
    /// Of the lines that the change wrote: `coverage.patch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Lines>,
}

/// Lines that tests could run, and those they ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lines {
    /// Lines that were run.
    pub covered: u64,
    /// Lines that could be run.
    pub total: u64,
}

/// Numbers that no report has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum Unsound {
    #[error("more lines are covered than there are")]
    Covered,
    #[error("a number is larger than {}", Metrics::MAX)]
    TooLarge,
}

impl Metrics {
    /// Largest number of any kind, far beyond what is real: sums of them stay exact wherever they are kept.
    pub const MAX: u64 = 1_000_000_000_000;

    /// Whether the numbers can be.
    ///
    /// # Errors
    /// When they contradict each other, or are larger than [`Metrics::MAX`].
    pub fn check(&self) -> Result<(), Unsound> {
        let tests = self.tests.unwrap_or_default();
        let lines = self.coverage.into_iter().flat_map(|one| [one.total, one.patch]).flatten();
        let mut numbers = vec![tests.passed, tests.failed, tests.skipped, tests.duration_ms.unwrap_or(0)];
        for lines in lines {
            if lines.covered > lines.total {
                return Err(Unsound::Covered);
            }
            numbers.push(lines.total);
        }
        if numbers.into_iter().any(|number| number > Self::MAX) { Err(Unsound::TooLarge) } else { Ok(()) }
    }
}

impl Lines {
    /// How many in a hundred are covered; unknown where there is none.
    pub fn percent(&self) -> Option<f64> {
        (self.total > 0).then(|| self.covered as f64 * 100.0 / self.total as f64)
    }

    /// With the lines of another part.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { covered: self.covered.saturating_add(other.covered), total: self.total.saturating_add(other.total) }
    }
}

impl Tests {
    /// With the tests of another part.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            passed: self.passed.saturating_add(other.passed),
            failed: self.failed.saturating_add(other.failed),
            skipped: self.skipped.saturating_add(other.skipped),
            duration_ms: self.duration_ms.zip(other.duration_ms).map(|(one, other)| one.saturating_add(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_cannot_be_are_told() {
        let of = |covered, total| Metrics {
            coverage: Some(Coverage { total: None, patch: Some(Lines { covered, total }) }),
            ..Metrics::default()
        };
        assert_eq!(of(3, 3).check(), Ok(()));
        assert_eq!(of(4, 3).check(), Err(Unsound::Covered));
        assert_eq!(of(1, u64::MAX).check(), Err(Unsound::TooLarge));
        let tests = Tests { failed: u64::MAX, ..Tests::default() };
        assert_eq!(Metrics { tests: Some(tests), ..Metrics::default() }.check(), Err(Unsound::TooLarge));
    }

    #[test]
    fn of_nothing_there_is_no_part() {
        assert_eq!(Lines { covered: 0, total: 0 }.percent(), None);
        assert_eq!(Lines { covered: 1, total: 4 }.and(Lines { covered: 2, total: 4 }).percent(), Some(37.5));
    }
}
