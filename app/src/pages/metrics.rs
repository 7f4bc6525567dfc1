//! What reports on tests and coverage say, as pages show it.
//!
//! Owns putting together what the parts of a repository measured apart, and carrying it over days without a run. What nobody measured is not shown at all.

use std::collections::BTreeMap;

use penstock_common::Metrics;
use penstock_common::metrics::{Lines, Tests};

use super::chart::{Line, Pairs};
use super::moment::{day, took};
use super::words::thousands;
use crate::store::workspace::{DayMetrics, RunRow, RunState};

/// What is known at the end of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Known {
    coverage: Option<Lines>,
    tests: Option<Tests>,
}

/// Coverage over weeks.
#[derive(Clone, Debug)]
pub(super) struct CoverageTrend {
    /// Day by day.
    pub(super) line: Line,
    /// First day of the week, per cent, covered lines, all lines; the newest first.
    pub(super) weeks: Vec<[String; 4]>,
}

/// Tests over weeks.
#[derive(Clone, Debug)]
pub(super) struct TestsTrend {
    /// Passed and failed at the end of each week.
    pub(super) pairs: Pairs,
    /// First day of the week, passed, failed, skipped, how long they took; the newest first.
    pub(super) weeks: Vec<[String; 5]>,
}

/// Of the days from `first` to `last`, which are whole weeks; what nobody measured is absent.
pub(super) fn trends(rows: &[DayMetrics], first: i64, last: i64) -> (Option<CoverageTrend>, Option<TestsTrend>) {
    let days = carried(rows, first, last);
    let ends: Vec<(i64, Known)> = (first..).zip(days.iter().copied()).skip(6).step_by(7).collect();
    let percents: Vec<Option<f64>> =
        days.iter().map(|known| known.coverage.and_then(|lines| lines.percent())).collect();
    let coverage = Line::new(&percents).map(|line| CoverageTrend {
        line,
        weeks: ends.iter().rev().map(|(end, known)| coverage_week(*end, known.coverage)).collect(),
    });
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let pair = |(_, known): &(i64, Known)| {
        let tests = known.tests.unwrap_or_default();
        (number(tests.passed), number(tests.failed))
    };
    let tests = days.iter().any(|known| known.tests.is_some()).then(|| TestsTrend {
        pairs: Pairs::new(&ends.iter().map(pair).collect::<Vec<_>>()),
        weeks: ends.iter().rev().map(|(end, known)| tests_week(*end, known.tests)).collect(),
    });
    (coverage, tests)
}

/// At the end of each day, what all parts measured last, put together.
fn carried(rows: &[DayMetrics], first: i64, last: i64) -> Vec<Known> {
    let mut rows = rows.iter().peekable();
    let mut parts: BTreeMap<&str, Metrics> = BTreeMap::new();
    (first..=last)
        .map(|day| {
            while let Some(row) = rows.next_if(|row| row.day <= day) {
                parts.insert(&row.name, row.metrics);
            }
            let lines = parts.values().filter_map(|one| one.coverage?.total);
            Known {
                coverage: lines.reduce(Lines::and),
                tests: parts.values().filter_map(|one| one.tests).reduce(Tests::and),
            }
        })
        .collect()
}

fn coverage_week(end: i64, lines: Option<Lines>) -> [String; 4] {
    let told = |number: fn(&Lines) -> u64| lines.as_ref().map_or_else(nothing, |lines| thousands(number(lines)));
    let part = lines.as_ref().map_or_else(nothing, percent);
    [day(end - 6), part, told(|lines| lines.covered), told(|lines| lines.total)]
}

fn tests_week(end: i64, tests: Option<Tests>) -> [String; 5] {
    let told = |number: fn(&Tests) -> u64| tests.as_ref().map_or_else(nothing, |tests| thousands(number(tests)));
    let duration = tests.and_then(|tests| tests.duration_ms).and_then(|duration| i64::try_from(duration).ok());
    let duration = duration.map_or_else(nothing, took);
    [day(end - 6), told(|tests| tests.passed), told(|tests| tests.failed), told(|tests| tests.skipped), duration]
}

fn nothing() -> String {
    "–".to_owned()
}

/// `83.3 %`, cut: what is not wholly covered never reads as if it were.
pub(super) fn percent(lines: &Lines) -> String {
    lines.percent().map_or_else(nothing, |percent| {
        let tenths = (percent * 10.0).floor() / 10.0;
        format!("{tenths} %")
    })
}

/// Of the lines that a pull request changed, how many are covered, by the last run of each part on its commit.
pub(super) fn patch(runs: &[RunRow], pull_request: u64) -> Option<Lines> {
    let mut parts: BTreeMap<&str, Lines> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.pull_request == Some(pull_request) && run.state == RunState::Applied) {
        if let Some(lines) = run.metrics.and_then(|metrics| metrics.coverage?.patch) {
            // The newest run is the first.
            parts.entry(&run.name).or_insert(lines);
        }
    }
    parts.into_values().reduce(Lines::and).filter(|lines| lines.total > 0)
}

#[cfg(test)]
mod tests {
    use penstock_common::metrics::Coverage;

    use super::*;

    fn row(day: i64, name: &str, covered: u64, passed: u64) -> DayMetrics {
        let total = Some(Lines { covered, total: 10 });
        let tests = Some(Tests { passed, ..Tests::default() });
        let metrics = Metrics { coverage: Some(Coverage { total, patch: None }), tests };
        DayMetrics { day, name: name.to_owned(), metrics }
    }

    #[test]
    fn parts_are_put_together_and_carried() {
        let rows = [row(2, "a", 5, 1), row(3, "b", 10, 2), row(5, "a", 6, 9)];
        let told: Vec<_> = carried(&rows, 1, 5).iter().map(|known| (known.coverage, known.tests)).collect();
        let covered: Vec<_> = told.iter().map(|(lines, _)| lines.map(|lines| (lines.covered, lines.total))).collect();
        assert_eq!(covered, [None, Some((5, 10)), Some((15, 20)), Some((15, 20)), Some((16, 20))]);
        assert_eq!(told[4].1.unwrap().passed, 11);
    }

    #[test]
    fn what_nobody_measured_is_not_shown() {
        let (coverage, tests) = trends(&[], 1, 14);
        assert!(coverage.is_none() && tests.is_none());
        let (coverage, tests) = trends(&[row(9, "a", 10, 3)], 1, 14);
        assert_eq!(coverage.unwrap().weeks, [["1970-01-09", "100 %", "10", "10"], ["1970-01-02", "–", "–", "–"]]);
        assert_eq!(tests.unwrap().weeks[0], ["1970-01-09", "3", "0", "0", "–"]);
    }

    #[test]
    fn nothing_is_rounded_up_to_everything() {
        assert_eq!(percent(&Lines { covered: 9_999, total: 10_000 }), "99.9 %");
        assert_eq!(percent(&Lines { covered: 1, total: 4 }), "25 %");
    }
}
