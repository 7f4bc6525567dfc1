//! Which conditions are in force.
//!
//! Owns the layers: defaults, then the repository's configuration, then the flag or variable. The last word may tighten without a
//! word; what it loosens is told.

use penstock_common::Severity;
use penstock_common::gate::{Bound, Condition, Count, Level, Metric, Missing};

use super::FailOn;

/// What was said about the gate, and by whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layers<'a> {
    /// `fail-on` of the configuration.
    pub file_fail_on: Option<&'a [FailOn]>,
    /// Single conditions of the configuration.
    pub file: &'a [Condition],
    /// `--fail-on`, or the variable.
    pub flag: &'a [FailOn],
}

/// The conditions in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions {
    /// All of them.
    pub all: Vec<Condition>,
    /// What the flag loosens, one sentence each.
    pub loosened: Vec<String>,
}

/// The conditions of a run that is compared with a base, or of one that is not: what is new is then not asked for.
pub fn conditions(layers: &Layers<'_>, compared: bool) -> Conditions {
    let mut all = if compared { of_comparison() } else { FailOn::Any(Severity::Low).conditions() };
    apply(&mut all, layers.file_fail_on.unwrap_or_default());
    for condition in layers.file {
        all.retain(|other| other.metric != condition.metric);
        all.push(*condition);
    }
    let before = all.clone();
    apply(&mut all, layers.flag);
    let lost = before.iter().filter(|one| is_in_force(one, compared) && one.level == Level::Block);
    let lost = lost.filter(|one| !all.iter().any(|other| implies(other, one)));
    let loosened = lost.map(|one| format!("`{} {}` does not block: `fail-on` takes its place", one.metric, one.bound));
    let loosened = loosened.collect();
    all.retain(|condition| is_in_force(condition, compared));
    Conditions { all, loosened }
}

fn is_in_force(condition: &Condition, compared: bool) -> bool {
    compared || !condition.metric.needs_base()
}

/// What holds where nothing else is said: nothing new that is bad, and a word about what has leaked or was allowed.
fn of_comparison() -> Vec<Condition> {
    let mut all = FailOn::New(Severity::High).conditions();
    all.push(Condition::at_most(Metric::Leaked(Count::Total), 0.0, Level::Warn));
    all.push(Condition::at_most(Metric::NewAllowed, 0.0, Level::Warn));
    all
}

/// Words take the place of all conditions on what is found; `never` lets those stand and makes them warn.
fn apply(all: &mut Vec<Condition>, words: &[FailOn]) {
    if words.contains(&FailOn::Never) {
        for condition in all.iter_mut().filter(|condition| is_on_findings(condition.metric)) {
            condition.level = Level::Warn;
            condition.missing = match condition.missing {
                Missing::Block => Missing::Warn,
                other => other,
            };
        }
    } else if !words.is_empty() {
        all.retain(|condition| !matches!(condition.metric, Metric::New(_) | Metric::Any(_)));
        for condition in words.iter().flat_map(|word| word.conditions()) {
            if !all.contains(&condition) {
                all.push(condition);
            }
        }
    }
}

fn is_on_findings(metric: Metric) -> bool {
    matches!(metric, Metric::New(_) | Metric::Any(_) | Metric::Leaked(_) | Metric::NewAllowed)
}

/// Whether `one` blocks whenever `other` does. What is new is among what there is.
fn implies(one: &Condition, other: &Condition) -> bool {
    let covers = one.metric == other.metric
        || matches!((one.metric, other.metric), (Metric::Any(a), Metric::New(b)) if a == b || a == Count::Total);
    let stricter = match (one.bound, other.bound) {
        (Bound::AtMost(a), Bound::AtMost(b)) => a <= b,
        (Bound::AtLeast(a), Bound::AtLeast(b)) => a >= b,
        _ => false,
    };
    covers && stricter && one.level == Level::Block
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(layers: &Layers<'_>, compared: bool) -> Vec<String> {
        let all = conditions(layers, compared).all;
        let word = |level| if level == Level::Block { "" } else { " (warn)" };
        all.iter().map(|one| format!("{} {}{}", one.metric, one.bound, word(one.level))).collect()
    }

    #[test]
    fn the_defaults_depend_on_whether_there_is_a_base() {
        let nothing = Layers::default();
        assert_eq!(told(&nothing, false), ["any.critical ≤ 0", "any.high ≤ 0", "any.medium ≤ 0", "any.low ≤ 0"]);
        assert_eq!(
            told(&nothing, true),
            ["new.critical ≤ 0", "new.high ≤ 0", "leaked.total ≤ 0 (warn)", "new.allowed ≤ 0 (warn)"]
        );
    }

    #[test]
    fn a_condition_of_the_file_takes_the_place_of_the_default() {
        let high = Condition::at_most(Metric::New(Count::Of(Severity::High)), 3.0, Level::Warn);
        let layers = Layers { file: &[high], ..Layers::default() };
        assert_eq!(
            told(&layers, true),
            ["new.critical ≤ 0", "leaked.total ≤ 0 (warn)", "new.allowed ≤ 0 (warn)", "new.high ≤ 3 (warn)"]
        );
        assert_eq!(told(&layers, false), told(&Layers::default(), false), "without a base nothing is new");
    }

    #[test]
    fn a_flag_may_tighten_and_what_it_loosens_is_told() {
        let loosened = |flag: &[FailOn]| conditions(&Layers { flag, ..Layers::default() }, true).loosened;
        assert_eq!(loosened(&[FailOn::New(Severity::Low)]), Vec::<String>::new());
        assert_eq!(loosened(&[FailOn::Any(Severity::High)]), Vec::<String>::new());
        assert_eq!(
            loosened(&[FailOn::New(Severity::Critical)]),
            ["`new.high ≤ 0` does not block: `fail-on` takes its place"]
        );
        assert_eq!(loosened(&[FailOn::Never]).len(), 2);
    }

    #[test]
    fn never_warns_of_everything_that_is_found() {
        let layers = Layers { flag: &[FailOn::Never], ..Layers::default() };
        assert!(conditions(&layers, true).all.iter().all(|one| one.level == Level::Warn));
    }
}
