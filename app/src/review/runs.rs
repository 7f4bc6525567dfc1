//! What the runs of a commit report together, in addition to findings.
//!
//! Owns that no run takes back what another one of the same commit reported: the newest run of each
//! `NAME` decides whether its tools finished, and leaked secrets are those of the run that reported
//! the most.

use std::collections::BTreeMap;

use penstock_common::gate::Count;
use penstock_common::{Comparison, Severity};

use crate::store::workspace::RunRow;
use crate::track::RunId;

/// The facts of a run that decide whether it counts.
#[derive(Clone, Copy, Debug)]
pub struct RunFacts<'r> {
    /// Its id.
    pub run: RunId,
    /// Its `NAME`.
    pub name: &'r str,
    /// Whether every tool came to its end.
    pub complete: bool,
    /// Leaked secrets by severity, `info` first.
    pub leaked: [u64; 5],
}

/// All of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together {
    /// Whether the newest run of each `NAME` came to its end.
    pub complete: bool,
    /// Leaked secrets by severity, `info` first: of each the most that a run reported.
    pub leaked: [u64; 5],
}

/// Of a run that is in the database.
pub fn facts_of_run(row: &RunRow) -> RunFacts<'_> {
    RunFacts { run: row.run, name: &row.name, complete: row.complete, leaked: row.leaked }
}

/// Puts the runs of a commit together, in any order.
pub fn together<'r>(runs: impl IntoIterator<Item = RunFacts<'r>>) -> Together {
    let mut newest: BTreeMap<&str, (RunId, bool)> = BTreeMap::new();
    let mut leaked = [0; 5];
    for one in runs {
        let of_name = newest.entry(one.name).or_insert((one.run, one.complete));
        if one.run > of_name.0 {
            *of_name = (one.run, one.complete);
        }
        for (sum, number) in leaked.iter_mut().zip(one.leaked) {
            *sum = number.max(*sum);
        }
    }
    Together { complete: newest.values().all(|(_, complete)| *complete), leaked }
}

/// Leaked secrets of a comparison by severity, `info` first, without allowed ones.
pub fn leaked(comparison: Option<&Comparison>) -> [u64; 5] {
    let mut numbers = [0; 5];
    let leaked = comparison.map(|one| one.leaked.as_slice()).unwrap_or_default();
    leaked.iter().filter(|one| one.is_active()).for_each(|one| numbers[one.severity as usize] += 1);
    numbers
}

/// How many of these are counted by `count`.
pub(super) fn number(leaked: &[u64; 5], count: Count) -> u64 {
    match count {
        Count::Total => leaked.iter().sum(),
        Count::Of(severity) => leaked[severity as usize],
    }
}

const _: () = assert!(Severity::Critical as usize == 4, "every severity has its number");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_run_takes_back_what_another_one_reported() {
        let run = |id, name, complete, leaked| RunFacts { run: RunId(id), name, complete, leaked };
        let mut runs =
            vec![run(1, "a", true, [0, 0, 0, 2, 0]), run(2, "a", true, [0; 5]), run(3, "b", true, [1, 0, 0, 0, 0])];
        let all = Together { complete: true, leaked: [1, 0, 0, 2, 0] };
        assert_eq!(together(runs.clone()), all);
        runs.reverse();
        assert_eq!(together(runs.clone()), all, "in any order");
        runs.push(run(4, "b", false, [0; 5]));
        assert!(!together(runs.clone()).complete, "the newest of a name did not come to its end");
        runs.push(run(5, "a", true, [0; 5]));
        assert!(!together(runs.clone()).complete, "and another name does not speak for it");
        runs.push(run(6, "b", true, [0; 5]));
        assert!(together(runs).complete);
    }
}
