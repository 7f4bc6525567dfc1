//! The gate: named conditions on measured values, and nothing else decides whether a change may pass.
//!
//! Owns what can be measured and under which name, what a condition is, and its evaluation. It is pure: who counts findings, reads
//! configuration or turns a verdict into an exit code is not known here.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Masked, Severity, masked};

/// Something that is measured in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Active findings that the base has not: `new.high`, `new.total`.
    New(Count),
    /// All active findings: `any.high`, `any.total`.
    Any(Count),
    /// Secrets that a commit of the change added and a later one took away again: `leaked.high`, `leaked.total`.
    Leaked(Count),
    /// Findings that the change itself allows by a comment: `new.allowed`.
    NewAllowed,
    /// New or changed text files and archives that a limit left out: `new.unread`.
    NewUnread,
    /// Tests that failed: `tests.failed`.
    TestsFailed,
    /// Per cent of the changed lines that tests cover: `coverage.patch`.
    CoveragePatch,
    /// Per cent of all lines that tests cover: `coverage.total`.
    CoverageTotal,
}

/// Which of the findings count. A severity means exactly that one, not "or worse".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Count {
    /// All of them.
    Total,
    /// Those of one severity.
    Of(Severity),
}

impl Count {
    /// Every way to count, the worst first.
    pub const ALL: [Self; 6] = [
        Self::Of(Severity::Critical),
        Self::Of(Severity::High),
        Self::Of(Severity::Medium),
        Self::Of(Severity::Low),
        Self::Of(Severity::Info),
        Self::Total,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Of(severity) => severity.name(),
        }
    }
}

impl Metric {
    /// Every metric, in the order in which conditions are told.
    pub fn all() -> impl Iterator<Item = Self> {
        let counts = |metric: fn(Count) -> Self| Count::ALL.into_iter().map(metric);
        counts(Self::New)
            .chain([Self::NewAllowed, Self::NewUnread])
            .chain(counts(Self::Leaked))
            .chain(counts(Self::Any))
            .chain([Self::TestsFailed, Self::CoveragePatch, Self::CoverageTotal])
    }

    /// Whether it can only be known by comparing with a base.
    pub const fn needs_base(self) -> bool {
        matches!(self, Self::New(_) | Self::NewAllowed | Self::NewUnread | Self::Leaked(_) | Self::CoveragePatch)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(count) => write!(f, "new.{}", count.name()),
            Self::Any(count) => write!(f, "any.{}", count.name()),
            Self::Leaked(count) => write!(f, "leaked.{}", count.name()),
            Self::NewAllowed => f.write_str("new.allowed"),
            Self::NewUnread => f.write_str("new.unread"),
            Self::TestsFailed => f.write_str("tests.failed"),
            Self::CoveragePatch => f.write_str("coverage.patch"),
            Self::CoverageTotal => f.write_str("coverage.total"),
        }
    }
}

/// A word that names no metric.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is nothing that is measured")]
pub struct UnknownMetric(pub String);

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all().find(|metric| metric.to_string() == text).ok_or_else(|| UnknownMetric(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// `≤`
    AtMost(f64),
    /// `≥`
    AtLeast(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "≤ {limit}"),
            Self::AtLeast(limit) => write!(f, "≥ {limit}"),
        }
    }
}

/// What a condition does when it does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The change may not pass.
    #[default]
    Block,
    /// It is told, and the change may pass.
    Warn,
}

/// What a condition does when its value is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The change may not pass: a gate does not fail open.
    #[default]
    Block,
    /// It is told, and the change may pass.
    Warn,
    /// The condition does not apply.
    Ignore,
}

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Condition {
    /// What is measured.
    pub metric: Metric,
    /// What it may be.
    pub bound: Bound,
    /// What happens when it does not hold.
    pub level: Level,
    /// What happens when the value is not known.
    pub missing: Missing,
    /// Applies only to changes of at least so many new lines.
    pub min_lines: Option<u64>,
}

impl Condition {
    /// At most `limit`, and what happens otherwise; an unknown value is treated as a failure of the same level.
    pub fn at_most(metric: Metric, limit: f64, level: Level) -> Self {
        let missing = match level {
            Level::Block => Missing::Block,
            Level::Warn => Missing::Warn,
        };
        Self { metric, bound: Bound::AtMost(limit), level, missing, min_lines: None }
    }
}

/// What was measured of one metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// The value.
    Known(f64),
    /// It could not be measured, and why and what to do.
    Unknown(Masked),
    /// There is nothing to measure, and why: a tag has no base.
    NotApplicable(Masked),
}

/// All that was measured in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measures {
    /// By metric; what is not in here was not measured.
    pub values: BTreeMap<Metric, Measure>,
    /// Lines that the change adds, if that is known.
    pub new_lines: Option<u64>,
}

/// How a condition came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// Its value is not known.
    Unknown,
    /// It does not apply to this change.
    NotApplicable,
}

/// A condition with its value and its outcome, as it is told and stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evaluated {
    /// Name of the metric, such as `new.high`.
    pub name: Masked,
    /// What it may be.
    pub bound: Bound,
    /// What it is, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// What happens when it does not hold.
    pub level: Level,
    /// What happens when its value is not known.
    #[serde(default)]
    pub missing: Missing,
    /// How it came out.
    pub outcome: Outcome,
    /// Why it is unknown or does not apply, and what to do; empty otherwise.
    #[serde(default, skip_serializing_if = "Masked::is_empty")]
    pub reason: Masked,
}

impl Evaluated {
    /// Whether this alone keeps the change from passing.
    pub fn blocks(&self) -> bool {
        match self.outcome {
            Outcome::Failed => self.level == Level::Block,
            Outcome::Unknown => self.missing == Missing::Block,
            Outcome::Passed | Outcome::NotApplicable => false,
        }
    }

    /// Whether it does not block, but should be looked at.
    pub fn warns(&self) -> bool {
        !self.blocks() && matches!(self.outcome, Outcome::Failed | Outcome::Unknown)
    }
}

/// All conditions of a run, evaluated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evaluation {
    /// In the order of [`Metric::all`].
    pub conditions: Vec<Evaluated>,
}

/// May the change pass?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every blocking condition holds.
    Passed,
    /// A blocking condition does not hold.
    Failed,
    /// None failed, but one that blocks could not be evaluated.
    Unknown,
}

impl Evaluation {
    /// A failure is certain whatever is unknown beside it, so it comes first.
    pub fn verdict(&self) -> Verdict {
        let blocked = |outcome| self.conditions.iter().any(|one| one.outcome == outcome && one.blocks());
        if blocked(Outcome::Failed) {
            Verdict::Failed
        } else if blocked(Outcome::Unknown) {
            Verdict::Unknown
        } else {
            Verdict::Passed
        }
    }
}

/// Evaluates `conditions`. The order in which they are given leaves no trace.
pub fn evaluate(conditions: &[Condition], measures: &Measures) -> Evaluation {
    let mut ordered: Vec<&Condition> = conditions.iter().collect();
    let place = |metric: Metric| Metric::all().position(|one| one == metric);
    ordered.sort_by(|a, b| {
        place(a.metric).cmp(&place(b.metric)).then_with(|| a.bound.to_string().cmp(&b.bound.to_string()))
    });
    Evaluation { conditions: ordered.into_iter().map(|condition| evaluate_one(condition, measures)).collect() }
}

fn evaluate_one(condition: &Condition, measures: &Measures) -> Evaluated {
    let measure = measures.values.get(&condition.metric);
    let too_small = condition.min_lines.zip(measures.new_lines).filter(|(least, lines)| lines < least);
    let (value, outcome, reason) = match (too_small, measure) {
        (Some((least, lines)), _) => {
            (None, Outcome::NotApplicable, masked!["the change has ", lines, " new lines, fewer than ", least])
        }
        (None, Some(Measure::Known(value))) if condition.bound.holds(*value) => {
            (Some(*value), Outcome::Passed, Masked::EMPTY)
        }
        (None, Some(Measure::Known(value))) => (Some(*value), Outcome::Failed, Masked::EMPTY),
        (None, Some(Measure::NotApplicable(why))) => (None, Outcome::NotApplicable, why.clone()),
        (None, Some(Measure::Unknown(why))) if condition.missing == Missing::Ignore => {
            (None, Outcome::NotApplicable, why.clone())
        }
        (None, Some(Measure::Unknown(why))) => (None, Outcome::Unknown, why.clone()),
        (None, None) if condition.missing == Missing::Ignore => {
            (None, Outcome::NotApplicable, "nothing measured it".into())
        }
        (None, None) => (None, Outcome::Unknown, "nothing measured it".into()),
    };
    Evaluated {
        name: masked![condition.metric],
        bound: condition.bound,
        value,
        level: condition.level,
        missing: condition.missing,
        outcome,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIGH: Metric = Metric::New(Count::Of(Severity::High));

    fn measured(metric: Metric, measure: Measure) -> Measures {
        Measures { values: [(metric, measure)].into(), new_lines: Some(5) }
    }

    #[test]
    fn names_are_read_back() {
        for metric in Metric::all() {
            assert_eq!(metric.to_string().parse(), Ok(metric));
        }
        assert!("new.hgih".parse::<Metric>().is_err());
    }

    #[test]
    fn a_failure_comes_before_what_is_unknown() {
        let failing = Condition::at_most(HIGH, 0.0, Level::Block);
        let unknown = Condition::at_most(Metric::TestsFailed, 0.0, Level::Block);
        let measures = measured(HIGH, Measure::Known(1.0));
        assert_eq!(evaluate(&[unknown], &measures).verdict(), Verdict::Unknown);
        assert_eq!(evaluate(&[unknown, failing], &measures).verdict(), Verdict::Failed);
        assert_eq!(
            evaluate(&[unknown, failing], &measures),
            evaluate(&[failing, unknown], &measures),
            "the order leaves no trace"
        );
    }

    #[test]
    fn what_only_warns_does_not_block() {
        let warning = Condition::at_most(HIGH, 0.0, Level::Warn);
        let evaluation = evaluate(&[warning], &measured(HIGH, Measure::Known(3.0)));
        assert_eq!(evaluation.verdict(), Verdict::Passed);
        assert!(evaluation.conditions[0].warns());
        let evaluation = evaluate(&[warning], &measured(HIGH, Measure::Unknown("no base".into())));
        assert_eq!(evaluation.verdict(), Verdict::Passed);
    }

    #[test]
    fn small_changes_may_be_exempt() {
        let coverage = Condition {
            metric: Metric::CoveragePatch,
            bound: Bound::AtLeast(80.0),
            level: Level::Block,
            missing: Missing::Block,
            min_lines: Some(20),
        };
        let low = measured(Metric::CoveragePatch, Measure::Known(10.0));
        assert_eq!(evaluate(&[coverage], &low).conditions[0].outcome, Outcome::NotApplicable);
        let large = Measures { new_lines: Some(20), ..low };
        assert_eq!(evaluate(&[coverage], &large).verdict(), Verdict::Failed);
    }
}
