//! Which conditions are in force.
//!
//! Owns the layers: defaults, then the repository's configuration, then the flag or variable, which stands beside the conditions of a comparison
//! and takes the place of those of a plain scan. It may tighten without a word; what it loosens is told.

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
    if let Some(words) = layers.file_fail_on {
        replace(&mut all, words);
    }
    for condition in layers.file {
        all.retain(|other| other.metric != condition.metric);
        all.push(*condition);
    }
    let before = all.clone();
    if compared {
        add(&mut all, layers.flag);
    } else {
        replace(&mut all, layers.flag);
    }
    all.retain(|condition| is_in_force(condition, compared));
    // Somebody at a terminal knows the default that he replaces.
    let was_said = |one: &&Condition| compared || layers.file_fail_on.is_some() || layers.file.contains(one);
    let lost = before.iter().filter(|one| is_in_force(one, compared) && one.level == Level::Block).filter(was_said);
    let lost = lost.filter(|one| !all.iter().any(|other| implies(other, one)));
    let loosened = lost.map(|one| format!("`{} {}` does not block: `fail-on` takes its place", one.metric, one.bound));
    Conditions { loosened: loosened.collect(), all }
}

fn is_in_force(condition: &Condition, compared: bool) -> bool {
    compared || !condition.metric.needs_base()
}

/// What holds where nothing else is said: nothing new that is bad, and a word about what has leaked or was allowed.
fn of_comparison() -> Vec<Condition> {
    let mut all = FailOn::New(Severity::High).conditions();
    all.push(Condition::at_most(Metric::Leaked(Count::Total), 0.0, Level::Warn));
    all.push(Condition::at_most(Metric::NewAllowed, 0.0, Level::Warn));
    all.push(Condition::at_most(Metric::NewUnread, 0.0, Level::Warn));
    all
}

/// Words take the place of all conditions on what is found; `never` lets those stand and makes them warn.
fn replace(all: &mut Vec<Condition>, words: &[FailOn]) {
    if !words.is_empty() && !words.contains(&FailOn::Never) {
        all.retain(|condition| !matches!(condition.metric, Metric::New(_) | Metric::Any(_)));
    }
    add(all, words);
}

/// Words beside the conditions that stand. Where both speak of the same, the stricter one holds.
fn add(all: &mut Vec<Condition>, words: &[FailOn]) {
    if words.contains(&FailOn::Never) {
        for condition in all.iter_mut().filter(|condition| is_on_findings(condition.metric)) {
            condition.level = Level::Warn;
            condition.missing = match condition.missing {
                Missing::Block => Missing::Warn,
                other => other,
            };
        }
    }
    for condition in words.iter().flat_map(|word| word.conditions()) {
        if !all.iter().any(|other| other.metric == condition.metric && implies(other, &condition)) {
            all.retain(|other| other.metric != condition.metric);
            all.push(condition);
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
            [
                "new.critical ≤ 0",
                "new.high ≤ 0",
                "leaked.total ≤ 0 (warn)",
                "new.allowed ≤ 0 (warn)",
                "new.unread ≤ 0 (warn)"
            ]
        );
    }

    #[test]
    fn a_condition_of_the_file_takes_the_place_of_the_default() {
        let high = Condition::at_most(Metric::New(Count::Of(Severity::High)), 3.0, Level::Warn);
        let layers = Layers { file: &[high], ..Layers::default() };
        assert_eq!(
            told(&layers, true),
            [
                "new.critical ≤ 0",
                "leaked.total ≤ 0 (warn)",
                "new.allowed ≤ 0 (warn)",
                "new.unread ≤ 0 (warn)",
                "new.high ≤ 3 (warn)"
            ]
        );
        assert_eq!(told(&layers, false), told(&Layers::default(), false), "without a base nothing is new");
    }

    #[test]
    fn a_flag_stands_beside_the_conditions_of_a_comparison() {
        let flag = &[FailOn::New(Severity::Medium), FailOn::Any(Severity::Critical)];
        let layers = Layers { flag, ..Layers::default() };
        assert_eq!(
            told(&layers, true),
            [
                "new.critical ≤ 0",
                "new.high ≤ 0",
                "leaked.total ≤ 0 (warn)",
                "new.allowed ≤ 0 (warn)",
                "new.unread ≤ 0 (warn)",
                "new.medium ≤ 0",
                "any.critical ≤ 0"
            ]
        );
        let weak = Condition::at_most(Metric::New(Count::Of(Severity::High)), 3.0, Level::Warn);
        let layers = Layers { flag: &[FailOn::New(Severity::High)], file: &[weak], ..Layers::default() };
        assert!(told(&layers, true).contains(&"new.high ≤ 0".to_owned()));
    }

    #[test]
    fn what_a_flag_loosens_is_told() {
        let loosened = |layers: &Layers<'_>, compared| conditions(layers, compared).loosened;
        let flagged = |flag| Layers { flag, ..Layers::default() };
        assert_eq!(loosened(&flagged(&[FailOn::New(Severity::Critical)]), true), Vec::<String>::new());
        assert_eq!(
            loosened(&flagged(&[FailOn::Never]), true),
            [
                "`new.critical ≤ 0` does not block: `fail-on` takes its place",
                "`new.high ≤ 0` does not block: `fail-on` takes its place"
            ]
        );
        assert_eq!(loosened(&flagged(&[FailOn::Any(Severity::High)]), false), Vec::<String>::new());
        assert_eq!(told(&flagged(&[FailOn::Any(Severity::High)]), false), ["any.critical ≤ 0", "any.high ≤ 0"]);
        let low = Condition::at_most(Metric::Any(Count::Of(Severity::Low)), 0.0, Level::Block);
        let file = Layers { file: &[low], ..flagged(&[FailOn::Any(Severity::High)]) };
        assert_eq!(loosened(&file, false), ["`any.low ≤ 0` does not block: `fail-on` takes its place"]);
    }

    #[test]
    fn never_warns_of_everything_that_is_found() {
        let layers = Layers { flag: &[FailOn::Never], ..Layers::default() };
        assert!(conditions(&layers, true).all.iter().all(|one| one.level == Level::Warn));
    }
}
