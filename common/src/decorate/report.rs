//! Code Insights reports: one for each category that was looked for.
//!
//! Owns which findings a report shows, its words, its table and its result. What other tools found stands in the report of its category, so that
//! there are never more reports than categories; Bitbucket is said to show ten.

use serde::{Deserialize, Serialize};

use super::annotation::{Ids, Noted};
use super::verdict::{self, Standing, concerns, result, value};
use super::{Context, short};
use crate::bitbucket::reports::{
    ANNOTATIONS_PER_REPORT, ANNOTATIONS_PER_REQUEST, Annotation, DATA_MAX, DETAILS_MAX, Data, DataValue, Report,
    ReportResult, ReportType, SUMMARY_MAX,
};
use crate::gate::Evaluated;
use crate::measure::{Blocking, Place};
use crate::plain::{count, cut};
use crate::{Category, Change, Finding, Run, Severity};

/// Every category, in the order of their reports.
const CATEGORIES: [Category; 5] = [
    Category::Secret,
    Category::Vulnerability,
    Category::Misconfiguration,
    Category::CodeQuality,
    Category::TestFailure,
];
/// Most characters of an entry of the table.
const ENTRY_MAX: usize = 200;
/// Most characters of why a base was chosen.
const BASE_MAX: usize = 400;

/// A report with its annotations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Insight {
    /// As it stands in the end.
    pub report: Report,
    /// At most [`ANNOTATIONS_PER_REPORT`]: what blocks first, then the worst, then the newest.
    pub annotations: Vec<Annotation>,
}

impl Insight {
    /// The report while its annotations are being sent.
    pub fn pending(&self) -> Report {
        Report {
            result: ReportResult::Pending,
            details: "The findings are being published.".to_owned(),
            data: Vec::new(),
            ..self.report.clone()
        }
    }

    /// The annotations in portions of one request.
    pub fn batches(&self) -> impl Iterator<Item = &[Annotation]> {
        self.annotations.chunks(ANNOTATIONS_PER_REQUEST)
    }
}

/// The reports of a run.
pub fn reports(run: &Run, context: &Context<'_>) -> Vec<Insight> {
    let blocking = Blocking::of(run.gate.as_ref());
    let leaked = run.comparison.as_ref().map_or(&[][..], |comparison| &comparison.leaked);
    let mut noted: Vec<Noted<'_>> = run.findings.iter().map(|one| Noted::new(one, Place::Head, &blocking)).collect();
    noted.extend(leaked.iter().map(|one| Noted::new(one, Place::Left, &blocking)));
    // The sort is stable: the run's order decides among equals.
    noted.sort_by_cached_key(Noted::order);
    let has_report =
        |category| context.categories.contains(&category) || noted.iter().any(|one| one.finding.category == category);
    let categories = CATEGORIES.into_iter().filter(|category| has_report(*category));
    let mut reports: Vec<Insight> = categories
        .enumerate()
        .map(|(at, category)| {
            let of: Vec<&Noted<'_>> = noted.iter().filter(|one| one.finding.category == category).collect();
            insight(run, context, category, &of, at == 0)
        })
        .collect();
    // What keeps the change from passing, but is no finding, is told by the first report.
    let failed = reports.iter().any(|insight| insight.report.result == ReportResult::Failed);
    if let (false, true, Some(first)) =
        (failed, Standing::of(run, context.allow_incomplete) != Standing::Passed, reports.first_mut())
    {
        first.report.result = ReportResult::Failed;
    }
    reports
}

fn insight(run: &Run, context: &Context<'_>, category: Category, noted: &[&Noted<'_>], first: bool) -> Insight {
    let identity = context.identity();
    let shown = noted.len().min(ANNOTATIONS_PER_REPORT);
    let conditions = run.gate.as_ref().map_or(&[][..], |gate| &gate.conditions);
    let conditions: Vec<&Evaluated> = conditions.iter().filter(|one| first || concerns(&one.name, category)).collect();
    let title = format!("{}: {}, {}", identity.title(), label(category), identity.occasion());
    let mut ids = Ids::default();
    Insight {
        report: Report {
            title: cut(&title, SUMMARY_MAX),
            details: cut(&details(run, context, category, noted, shown), DETAILS_MAX),
            external_id: identity.report_id(category),
            reporter: "Penstock".to_owned(),
            report_type: match category {
                Category::Secret | Category::Vulnerability | Category::Misconfiguration => ReportType::Security,
                Category::CodeQuality => ReportType::Bug,
                Category::TestFailure => ReportType::Test,
            },
            result: if noted.iter().any(|one| one.blocks) { ReportResult::Failed } else { ReportResult::Passed },
            link: Some(context.links().build()),
            data: table(&conditions),
        },
        annotations: noted[..shown]
            .iter()
            .map(|one| one.annotation(context, ids.next(&one.finding.fingerprints.primary)))
            .collect(),
    }
}

/// The plural, for people.
fn label(category: Category) -> &'static str {
    match category {
        Category::Secret => "secrets",
        Category::Vulnerability => "vulnerabilities",
        Category::Misconfiguration => "misconfigurations",
        Category::CodeQuality => "code quality",
        Category::TestFailure => "failed tests",
    }
}

/// Sentences. What matters most comes first, because the end may be cut.
fn details(run: &Run, context: &Context<'_>, category: Category, noted: &[&Noted<'_>], shown: usize) -> String {
    let mut sentences = vec![verdict::sentence(run, context.allow_incomplete)];
    let head: Vec<&Finding> = noted.iter().filter(|one| one.place == Place::Head).map(|one| one.finding).collect();
    let active = |change| head.iter().filter(|one| one.is_active() && one.change == change).count();
    let fixed = run.comparison.iter().flat_map(|comparison| &comparison.fixed);
    let parts: Vec<String> = [
        (active(Some(Change::New)), "new"),
        (active(Some(Change::Existing)), "existing"),
        (active(None), if run.comparison.is_some() { "not compared" } else { "found" }),
        (noted.len() - head.len(), "removed but leaked"),
        (head.iter().filter(|one| !one.is_active()).count(), "suppressed"),
        (fixed.filter(|one| one.category == category).count(), "fixed"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!("{number} {what}"))
    .collect();
    sentences.push(if parts.is_empty() { "No findings".to_owned() } else { parts.join(", ") });
    if shown < noted.len() {
        let rest: Vec<&Finding> = noted[shown..].iter().map(|one| one.finding).collect();
        sentences.push(format!("The {shown} worst are shown; {} more: {}", rest.len(), severities(&rest)));
    }
    if !run.complete() {
        let unread = run.tools.iter().flat_map(|tool| &tool.skipped).filter(|one| !one.by_limit).count() as u64;
        sentences.push(if unread == 0 {
            "The scan is incomplete".to_owned()
        } else {
            format!("The scan is incomplete: {} could not be read", count(unread, "file"))
        });
    }
    sentences.extend(run.comparison.as_ref().map(|comparison| base(&comparison.base)));
    sentences.join(". ") + "."
}

/// What the run was compared with and why, without a full stop.
pub(super) fn base(base: &crate::Base) -> String {
    let with = base.commit.as_deref().map(short).filter(|commit| !commit.is_empty());
    let trimmed = |text: &str| cut(text.trim().trim_end_matches('.'), BASE_MAX);
    let mut text = match (with, base.kind.is_known()) {
        (Some(commit), true) => format!("Compared with {commit}: {}", trimmed(&base.reason)),
        (None, true) => format!("Compared with the base: {}", trimmed(&base.reason)),
        (_, false) => format!("Not compared: {}", trimmed(&base.reason)),
    };
    if !base.hint.trim().is_empty() {
        text.push_str(". ");
        text.push_str(&trimmed(&base.hint));
    }
    text
}

/// `1 critical, 2 high`.
pub(super) fn severities(findings: &[&Finding]) -> String {
    let worst_first = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    let counted =
        worst_first.map(|severity| (findings.iter().filter(|one| one.severity == severity).count(), severity));
    let shown =
        counted.iter().filter(|(number, _)| *number > 0).map(|(number, severity)| format!("{number} {severity}"));
    shown.collect::<Vec<_>>().join(", ")
}

/// Conditions as a table: all if they fit, else those that did not hold before the others.
fn table(conditions: &[&Evaluated]) -> Vec<Data> {
    let entry = |one: &&Evaluated| Data {
        title: cut(&one.name, ENTRY_MAX),
        value: DataValue::Text(cut(&format!("{} ({}): {}", value(one), one.bound, result(one)), ENTRY_MAX)),
    };
    if conditions.len() <= DATA_MAX {
        return conditions.iter().map(entry).collect();
    }
    let mut ordered = conditions.to_vec();
    ordered.sort_by_key(|one| (!one.blocks(), !one.warns()));
    let mut table: Vec<Data> = ordered.iter().take(DATA_MAX - 1).map(entry).collect();
    table.push(Data {
        title: "further conditions".to_owned(),
        value: DataValue::Text(format!("{} more", conditions.len() - table.len())),
    });
    table
}
