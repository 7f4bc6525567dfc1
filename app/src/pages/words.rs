//! What things are called on the pages, and how they look.
//!
//! Owns the one or two words in a lozenge, and the sentences that tell a condition of the gate. A look never tells more than its word.

use penstock_common::gate::{Bound, Evaluated, Level, Outcome, Verdict};
use penstock_common::{Category, Severity, plain};

use crate::track::{How, Status};

/// One or two words in a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lozenge {
    /// The words.
    pub(super) word: &'static str,
    /// Class of the style sheet.
    pub(super) look: &'static str,
}

/// All severities, the worst first.
pub(super) const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
/// All kinds of findings.
pub(super) const CATEGORIES: [Category; 5] = [
    Category::Secret,
    Category::Vulnerability,
    Category::Misconfiguration,
    Category::CodeQuality,
    Category::TestFailure,
];
/// All judgements.
pub(super) const STATUSES: [Status; 6] = [
    Status::NeedsTriage,
    Status::Confirmed,
    Status::FalsePositive,
    Status::AcceptedRisk,
    Status::WontFix,
    Status::UsedInTests,
];

/// What somebody wrote, as one line in which nothing turns around what stands beside it.
pub(super) fn written(text: &str) -> String {
    plain::line(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

pub(super) const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
    }
}

pub(super) const fn severity(severity: Severity) -> Lozenge {
    let look = match severity {
        Severity::Critical => "bold-danger",
        Severity::High => "danger",
        Severity::Medium => "warning",
        Severity::Low => "information",
        Severity::Info => "",
    };
    Lozenge { word: severity_word(severity), look }
}

pub(super) const fn category(category: Category) -> &'static str {
    match category {
        Category::Secret => "Secret",
        Category::Vulnerability => "Vulnerability",
        Category::Misconfiguration => "Misconfiguration",
        Category::CodeQuality => "Code quality",
        Category::TestFailure => "Test failure",
    }
}

pub(super) const fn status_word(status: Status) -> &'static str {
    match status {
        Status::NeedsTriage => "Needs triage",
        Status::Confirmed => "Confirmed",
        Status::FalsePositive => "False positive",
        Status::AcceptedRisk => "Accepted risk",
        Status::WontFix => "Won't fix",
        Status::UsedInTests => "Used in tests",
    }
}

/// What people say of a finding.
pub(super) const fn status(status: Status) -> Lozenge {
    let look = match status {
        Status::NeedsTriage => "",
        Status::Confirmed => "warning",
        _ => "information",
    };
    Lozenge { word: status_word(status), look }
}

/// What machines say of a finding.
pub(super) const fn state(gone: Option<How>) -> Lozenge {
    match gone {
        None => Lozenge { word: "Open", look: "warning" },
        Some(How::Fixed) => Lozenge { word: "Fixed", look: "success" },
        Some(How::Removed) => Lozenge { word: "Removed", look: "" },
    }
}

/// The answer of the gate.
pub(super) const fn verdict(verdict: Verdict) -> Lozenge {
    match verdict {
        Verdict::Passed => Lozenge { word: "Passed", look: "success" },
        Verdict::Failed => Lozenge { word: "Failed", look: "bold-danger" },
        Verdict::Unknown => Lozenge { word: "Not known", look: "warning" },
    }
}

/// Class of the box around the answer.
pub(super) const fn verdict_class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Unknown => "unknown",
    }
}

/// How a condition came out.
pub(super) fn outcome(one: &Evaluated) -> Lozenge {
    match (one.outcome, one.blocks()) {
        (Outcome::Passed, _) => Lozenge { word: "OK", look: "success" },
        (Outcome::Failed, true) => Lozenge { word: "Blocks", look: "bold-danger" },
        (Outcome::Failed, false) => Lozenge { word: "Warns", look: "warning" },
        (Outcome::Unknown, true) => Lozenge { word: "Unknown, blocks", look: "warning" },
        (Outcome::Unknown, false) => Lozenge { word: "Unknown", look: "" },
        (Outcome::NotApplicable, _) => Lozenge { word: "Not applicable", look: "" },
    }
}

/// What a condition looks at, in words.
pub(super) fn condition(name: &str) -> String {
    match name.split_once('.').unwrap_or((name, "")) {
        ("new", "total") => "New findings".to_owned(),
        ("new", "allowed") => "New findings that a comment in the code allows".to_owned(),
        ("new", severity) => format!("New {severity} findings"),
        ("any", "total") => "Findings in all".to_owned(),
        ("any", severity) => format!("All {severity} findings"),
        ("leaked", "total") => "Secrets added and taken out again within the change".to_owned(),
        ("leaked", severity) => format!("Secrets added and taken out again within the change, {severity}"),
        ("tests", "failed") => "Failed tests".to_owned(),
        ("coverage", "patch") => "Coverage of the changed lines".to_owned(),
        ("coverage", "total") => "Coverage".to_owned(),
        _ => name.to_owned(),
    }
}

/// `none`, `at most 3`, `at least 80`
pub(super) fn bound(bound: Bound) -> String {
    match bound {
        Bound::AtMost(0.0) => "none".to_owned(),
        Bound::AtMost(limit) => format!("at most {}", number(limit)),
        Bound::AtLeast(limit) => format!("at least {}", number(limit)),
    }
}

/// A number without needless digits.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Why a condition keeps a change from passing, in a sentence.
pub(super) fn why(one: &Evaluated) -> String {
    let what = condition(&one.name);
    match (one.outcome, one.value, one.bound) {
        (Outcome::Failed, Some(value), Bound::AtMost(_)) => {
            let name = what.to_lowercase();
            let name = if value == 1.0 { name.replace("findings", "finding") } else { name };
            format!("{} {name}, {} allowed.", number(value), bound(one.bound))
        }
        (Outcome::Failed, Some(value), _) => format!("{what}: {}, {} is needed.", number(value), bound(one.bound)),
        (Outcome::Unknown, ..) if !one.reason.is_empty() => format!("{what}: not known, because {}.", one.reason),
        _ => format!("{what}: {}.", bound(one.bound)),
    }
}

/// Whether a condition only warns.
pub(super) fn is_warning(one: &Evaluated) -> bool {
    one.level == Level::Warn || one.warns()
}

/// `1 finding`, `2 findings`
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// `12,345`
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (value, text) in [(0.0, "0"), (80.0, "80"), (79.5, "79.5"), (1.234, "1.23"), (100.0, "100")] {
            assert_eq!(number(value), text);
        }
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(value), text);
        }
        assert_eq!(counted(1, "finding", "findings"), "1 finding");
    }
}
