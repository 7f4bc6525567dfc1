//! A run in numbers.
//!
//! Owns counting, and the one line that ends a report for people. It says what was looked at and what was not, because "no findings" means
//! nothing without that.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use penstock_common::measure::is_allowed_by_change;
use penstock_common::{Change, Run, Severity, Skipped};
use schemars::JsonSchema;
use serde::Serialize;

use super::clean::{bytes, count};
use super::cluster::clusters;
use super::{Report, conditions};

/// Kinds of reasons that the last line names.
const REASONS: usize = 4;

/// A run in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Whether everything was looked at that the stated limits allow.
    pub complete: bool,
    /// Files, or blobs of a history, that were read.
    pub files: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Findings that count.
    pub findings: u64,
    /// Different secrets among them.
    pub distinct: u64,
    /// Findings that count, by severity.
    pub by_severity: BySeverity,
    /// Findings that somebody said do not count.
    pub suppressed: u64,
    /// What the change did, if it was compared with a base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// What was passed over, counted by reason.
    pub skipped: Vec<SkippedCount>,
}

/// What a change did to the findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Changes {
    /// Findings that count and that the base has not.
    pub new: u64,
    /// Findings that count and that the base has too.
    pub existing: u64,
    /// Findings that the change itself allows by a comment.
    pub allowed: u64,
    /// Secrets that a commit added and a later one took away.
    pub leaked: u64,
    /// Findings of the base that are gone.
    pub fixed: u64,
}

impl Changes {
    fn of(run: &Run) -> Option<Self> {
        let comparison = run.comparison.as_ref().filter(|comparison| comparison.base.kind.is_known())?;
        let active = |change| run.findings.iter().filter(|one| one.is_active() && one.change == Some(change)).count();
        Some(Self {
            new: active(Change::New) as u64,
            existing: active(Change::Existing) as u64,
            allowed: run.findings.iter().filter(|one| is_allowed_by_change(one)).count() as u64,
            leaked: comparison.leaked.iter().filter(|one| one.is_active()).count() as u64,
            fixed: comparison.fixed.len() as u64,
        })
    }

    /// `2 new, 1 existing, 1 leaked, 3 fixed`.
    fn line(&self) -> String {
        let optional = [(self.allowed, "allowed by the change"), (self.leaked, "leaked"), (self.fixed, "fixed")];
        let optional = optional.iter().filter(|(number, _)| *number > 0);
        let mut words = vec![format!("{} new", self.new), format!("{} existing", self.existing)];
        words.extend(optional.map(|(number, word)| format!("{number} {word}")));
        words.join(", ")
    }
}

/// Findings by severity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "named as the severities")]
pub struct BySeverity {
    pub critical: u64,
    pub high: u64,
    pub medium: u64,
    pub low: u64,
    pub info: u64,
}

/// How often one kind of thing was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SkippedCount {
    /// Why. Numbers, object ids and what a system adds are left out (`…`) where they differ.
    pub reason: String,
    /// How often.
    pub count: u64,
    /// Whether a stated limit was the reason; otherwise the run is incomplete.
    pub by_limit: bool,
}

impl Summary {
    /// Counts.
    pub fn of(report: &Report<'_>) -> Self {
        let run = report.run;
        let mut by_severity = BySeverity::default();
        for finding in run.findings.iter().filter(|finding| finding.is_active()) {
            *match finding.severity {
                Severity::Critical => &mut by_severity.critical,
                Severity::High => &mut by_severity.high,
                Severity::Medium => &mut by_severity.medium,
                Severity::Low => &mut by_severity.low,
                Severity::Info => &mut by_severity.info,
            } += 1;
        }
        let findings = run.findings.iter().filter(|finding| finding.is_active()).count() as u64;
        Self {
            complete: run.complete(),
            files: run.tools.iter().map(|tool| tool.files).sum(),
            bytes: run.tools.iter().map(|tool| tool.bytes).sum(),
            findings,
            distinct: clusters(&run.findings).len() as u64,
            by_severity,
            suppressed: run.findings.len() as u64 - findings,
            changes: Changes::of(run),
            skipped: count_skipped(run.tools.iter().flat_map(|tool| &tool.skipped)),
        }
    }

    /// `1 critical, 2 high`.
    pub(super) fn severities(&self) -> String {
        let by = &self.by_severity;
        let named = [
            (by.critical, Severity::Critical),
            (by.high, Severity::High),
            (by.medium, Severity::Medium),
            (by.low, Severity::Low),
            (by.info, Severity::Info),
        ];
        let shown: Vec<String> = named
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, severity)| format!("{count} {severity}"))
            .collect();
        shown.join(", ")
    }

    /// Whether there was nothing to read. If files were there but not read, the run is incomplete
    /// instead.
    fn is_of_nothing(&self) -> bool {
        self.files == 0 && self.complete && self.findings == 0
    }

    /// The one line that ends a report for people. `escape` makes text harmless for where the line goes.
    pub(super) fn line(&self, report: &Report<'_>, escape: fn(&str) -> String) -> String {
        let below_minimum = report.below_minimum;
        let mut line = match self.findings {
            0 if self.is_of_nothing() => "nothing to scan".to_owned(),
            0 => "no findings".to_owned(),
            number => format!("{} ({})", count(number, "finding"), self.severities()),
        };
        if self.distinct < self.findings {
            let _ = write!(line, " of {}", count(self.distinct, "secret"));
        }
        if let Some(changes) = &self.changes {
            let _ = write!(line, ": {}", changes.line());
        }
        if self.suppressed > 0 {
            let _ = write!(line, ", {} suppressed", self.suppressed);
        }
        if below_minimum > 0 {
            let _ = write!(line, ", {below_minimum} below the minimum confidence");
        }
        let _ = write!(line, "; {}, {} read", count(self.files, "file"), bytes(self.bytes));
        let skipped: u64 = self.skipped.iter().map(|skipped| skipped.count).sum();
        if skipped > 0 {
            let named = self.skipped.iter().take(REASONS);
            let mut reasons: Vec<String> =
                named.map(|one| format!("{} × {}", one.count, escape(&one.reason))).collect();
            let rest: u64 = self.skipped.iter().skip(REASONS).map(|one| one.count).sum();
            if rest > 0 {
                reasons.push(format!("{rest} × other reasons"));
            }
            let _ = write!(line, "; {skipped} skipped ({})", reasons.join(", "));
        }
        if self.files == 0 && !self.complete {
            line.push_str("; nothing was read");
        } else if !self.is_of_nothing() {
            let _ = write!(line, "; {}", escape(&conditions::sentence(report.run)));
        }
        if !self.complete {
            line.push_str(", but the scan is incomplete");
        }
        line
    }
}

/// Counts by reason: what makes the run incomplete first, then the frequent ones.
fn count_skipped<'r>(skipped: impl Iterator<Item = &'r Skipped>) -> Vec<SkippedCount> {
    let mut kinds: BTreeMap<(bool, String), (u64, Option<&str>)> = BTreeMap::new();
    for one in skipped {
        let (number, whole) =
            kinds.entry((one.by_limit, kind(&one.reason))).or_insert_with(|| (0, Some(one.reason.as_str())));
        *number += 1;
        if *whole != Some(one.reason.as_str()) {
            *whole = None;
        }
    }
    let mut counts: Vec<SkippedCount> = kinds
        .into_iter()
        .map(|((by_limit, kind), (count, whole))| SkippedCount {
            reason: whole.map_or(kind, str::to_owned),
            count,
            by_limit,
        })
        .collect();
    counts.sort_by(|a, b| (a.by_limit, b.count, &a.reason).cmp(&(b.by_limit, a.count, &b.reason)));
    counts
}

/// A reason without what belongs to one subject only, so that a hundred large files are one reason.
fn kind(reason: &str) -> String {
    let general = reason.split_once(": ").map_or(reason, |(general, _)| general);
    let words: Vec<&str> = general
        .split(' ')
        .map(|word| {
            let hex = word.len() >= 7 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
            if hex || word.bytes().all(|byte| byte.is_ascii_digit()) { "…" } else { word }
        })
        .collect();
    words.join(" ")
}
