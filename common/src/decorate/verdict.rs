//! How a run stands, and which findings keep it from passing.
//!
//! Owns the one sentence that every post tells, and the way from a condition back to the findings that it counts. It judges nothing: the gate
//! has.

use crate::gate::{Evaluated, Metric, Outcome, Verdict};
use crate::plain::{count, cut};
use crate::{Category, Run};

/// Most conditions that the sentence names.
const NAMED: usize = 3;
/// Most characters of a condition in words.
const CONDITION_MAX: usize = 120;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing keeps the change from passing.
    Passed,
    /// A condition was evaluated and failed.
    Failed,
    /// A condition that blocks could not be evaluated.
    Unknown,
    /// Not everything was looked at.
    Incomplete,
}

impl Standing {
    /// Of a run. `allow_incomplete`: that not everything was looked at does not matter.
    pub fn of(run: &Run, allow_incomplete: bool) -> Self {
        match run.gate.as_ref().map(|gate| gate.verdict()) {
            Some(Verdict::Failed) => Self::Failed,
            Some(Verdict::Unknown) => Self::Unknown,
            Some(Verdict::Passed) | None if !run.complete() && !allow_incomplete => Self::Incomplete,
            Some(Verdict::Passed) | None => Self::Passed,
        }
    }

    /// In one word or two.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Failed => "Failed",
            Self::Unknown => "Not decided",
            Self::Incomplete => "Incomplete",
        }
    }
}

/// How the run stands, in one sentence without a full stop, and harmless.
pub fn sentence(run: &Run, allow_incomplete: bool) -> String {
    let standing = Standing::of(run, allow_incomplete);
    let conditions = run.gate.as_ref().map_or(&[][..], |gate| &gate.conditions);
    let why = match standing {
        Standing::Passed => match conditions.iter().filter(|one| one.warns()).count() {
            0 if conditions.is_empty() => "no condition was set".to_owned(),
            0 => format!("{} met", count(conditions.len() as u64, "condition")),
            _ => named(conditions, Evaluated::warns),
        },
        Standing::Failed => named(conditions, |one| one.outcome == Outcome::Failed && one.blocks()),
        Standing::Unknown => named(conditions, |one| one.outcome == Outcome::Unknown && one.blocks()),
        Standing::Incomplete => "not everything could be read".to_owned(),
    };
    let label = if standing == Standing::Passed && conditions.iter().any(Evaluated::warns) {
        "Passed with warnings"
    } else {
        standing.label()
    };
    format!("{label}: {why}")
}

fn named(conditions: &[Evaluated], which: impl Fn(&Evaluated) -> bool) -> String {
    let which: Vec<&Evaluated> = conditions.iter().filter(|one| which(one)).collect();
    let mut words: Vec<String> = which.iter().take(NAMED).map(|one| in_words(one)).collect();
    if which.len() > NAMED {
        words.push(format!("{} more", which.len() - NAMED));
    }
    words.join(", ")
}

/// `new.high is 2 (≤ 0)`.
fn in_words(condition: &Evaluated) -> String {
    cut(&format!("{} is {} ({})", condition.name, value(condition), condition.bound), CONDITION_MAX)
}

/// The value of a condition as people read it.
pub(super) fn value(condition: &Evaluated) -> String {
    match condition.value {
        Some(value) => ((value * 100.0).round() / 100.0).to_string(),
        None if condition.outcome == Outcome::NotApplicable => "–".to_owned(),
        None => "unknown".to_owned(),
    }
}

/// Whether a condition of this name says something about findings of `category`.
pub(super) fn concerns(name: &str, category: Category) -> bool {
    match name.parse() {
        Ok(Metric::New(_) | Metric::Any(_) | Metric::NewAllowed) => true,
        Ok(Metric::Leaked(_)) => category == Category::Secret,
        Ok(Metric::TestsFailed) => category == Category::TestFailure,
        Ok(Metric::NewUnread | Metric::CoveragePatch | Metric::CoverageTotal) | Err(_) => false,
    }
}

/// What came of a condition, in few words.
pub(super) fn result(condition: &Evaluated) -> &'static str {
    match condition.outcome {
        Outcome::Passed => "passed",
        Outcome::NotApplicable => "does not apply",
        Outcome::Failed if condition.blocks() => "failed",
        Outcome::Unknown if condition.blocks() => "unknown, blocks",
        Outcome::Failed | Outcome::Unknown => "warning",
    }
}
