//! The gate and the comparison in words.
//!
//! Owns what formats for people say alike: a condition with its value and its limit, the verdict in a few words, the base and its reason.
//! Whoever shows it escapes it.

use penstock_common::gate::{Evaluated, Evaluation, Level, Outcome, Verdict};
use penstock_common::measure::{Blocking, Place};
use penstock_common::{Base, BaseKind, Finding, Run};

/// Conditions that the verdict names.
const NAMED: usize = 4;

/// What the gate says; without one, nothing is known.
pub(super) fn verdict(run: &Run) -> Verdict {
    run.gate.as_ref().map_or(Verdict::Unknown, Evaluation::verdict)
}

/// One word for a verdict.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Unknown => "undecided",
    }
}

/// The verdict, and which conditions made it: `failed (any.high is 2, not ≤ 0)`.
pub(super) fn sentence(run: &Run) -> String {
    let blocking: Vec<&Evaluated> =
        run.gate.iter().flat_map(|gate| &gate.conditions).filter(|one| one.blocks()).collect();
    let verdict = word(verdict(run));
    if blocking.is_empty() {
        return verdict.to_owned();
    }
    let mut named: Vec<String> = blocking.iter().take(NAMED).map(|one| short(one)).collect();
    if blocking.len() > NAMED {
        named.push(format!("and {} more", blocking.len() - NAMED));
    }
    format!("{verdict} ({})", named.join(", "))
}

fn short(one: &Evaluated) -> String {
    match one.value {
        Some(value) => format!("{} is {value}, not {}", one.name, one.bound),
        None => format!("{} is not known", one.name),
    }
}

/// A condition: its name, its value, its limit and what came of it.
pub(super) struct Row<'r> {
    pub(super) outcome: &'static str,
    pub(super) name: &'r str,
    pub(super) value: String,
    pub(super) bound: String,
    /// Why it does not apply or is not known, and whether it only warns.
    pub(super) remark: String,
}

/// All conditions, as rows of a table.
pub(super) fn rows(run: &Run) -> Vec<Row<'_>> {
    run.gate.iter().flat_map(|gate| &gate.conditions).map(row).collect()
}

fn row(one: &Evaluated) -> Row<'_> {
    let outcome = match one.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed if one.blocks() => "failed",
        Outcome::Unknown if one.blocks() => "unknown",
        Outcome::Failed | Outcome::Unknown => "warning",
        Outcome::NotApplicable => "not applicable",
    };
    let warns = if one.level == Level::Warn { "warns only" } else { "" };
    let remark = match (warns, one.reason.as_str()) {
        (warns, "") => warns.to_owned(),
        ("", reason) => reason.to_owned(),
        (warns, reason) => format!("{warns}; {reason}"),
    };
    let value = one.value.map_or_else(|| "–".to_owned(), |value| value.to_string());
    Row { outcome, name: &one.name, value, bound: one.bound.to_string(), remark }
}

/// Whether the conditions are worth a table: where something is compared, or did not pass.
pub(super) fn are_told(run: &Run) -> bool {
    let conditions = run.gate.iter().flat_map(|gate| &gate.conditions);
    run.comparison.is_some() || conditions.into_iter().any(|one| one.blocks() || one.warns())
}

/// `0123456789ab: merge base with main`, or why there is no base.
pub(super) fn base(base: &Base) -> String {
    let commit = base.commit.as_deref().map(|commit| commit.chars().take(12).collect::<String>());
    match (&commit, base.kind) {
        (Some(commit), _) => format!("compared with {commit}: {}", base.reason),
        (None, BaseKind::Diff) => format!("compared with {}", base.reason),
        (None, BaseKind::NotApplicable) => format!("not compared: {}", base.reason),
        (None, _) => format!("no base: {}", base.reason),
    }
}

/// Whether the finding is among those that a condition failed for. Without a gate, all that count are.
pub(super) fn fails(finding: &Finding, run: &Run) -> bool {
    match &run.gate {
        None => finding.is_active(),
        gate => Blocking::of(gate.as_ref()).counts(finding, Place::Head),
    }
}
