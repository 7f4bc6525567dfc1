//! `--format sarif`: SARIF 2.1.0, for code scanning viewers.
//!
//! Owns what a run becomes in SARIF; the shape itself is in `model`. Only rules that occur are described, results name them by index, and no
//! snippet holds anything but masked text.

mod model;

use std::collections::BTreeMap;
use std::io::{self, Write};

use penstock_common::{
    Category, Change, Confidence, Finding, Location as Place, Reference, Run, Severity, Skipped, SuppressionKind,
};

use self::model::*;
use super::{Report, json};
use crate::analyze::secrets::rule::{self, Rule};

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let run = report.run;
    // The first finding of each rule describes rules that are not ours.
    let mut examples: BTreeMap<&str, &Finding> = BTreeMap::new();
    let all = results(run);
    for (finding, _) in &all {
        examples.entry(&finding.rule).or_insert(finding);
    }
    let indices: BTreeMap<&str, usize> = examples.keys().enumerate().map(|(index, id)| (*id, index)).collect();
    let first = run.tools.first();
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [LogRun {
            tool: Tool {
                driver: Driver {
                    name: first.map_or("penstock", |tool| &tool.name),
                    version: first.map(|tool| tool.version.as_str()),
                    rules: examples.values().map(|finding| descriptor(finding)).collect(),
                },
            },
            invocations: [Invocation {
                execution_successful: run.complete(),
                start_time_utc: &run.started_at,
                end_time_utc: run.finished_at.as_deref(),
                tool_execution_notifications: run.tools.iter().flat_map(|t| &t.skipped).map(notification).collect(),
            }],
            column_kind: "unicodeCodePoints",
            results: all
                .iter()
                .map(|(finding, state)| result(finding, *state, indices[finding.rule.as_str()]))
                .collect(),
        }],
    };
    json::pretty(&log, out)
}

fn descriptor(finding: &Finding) -> Descriptor<'_> {
    // An alias names a rule of another tool, which may mean something else by it.
    let known: Option<&Rule> =
        rule::find(&finding.rule).map(|index| &rule::builtin()[index]).filter(|rule| finding.rule == rule.id);
    let title = known.map_or(finding.title.as_str(), |rule| rule.title);
    let severity = known.map_or(finding.severity, |rule| rule.severity);
    let revoke = known.map(|rule| rule.revoke).or(finding.remediation.as_deref());
    let page = finding.references.iter().find_map(|reference| match reference {
        // Viewers make it a link; anything else might be a script.
        Reference::Url(url) if url.starts_with("https://") && url.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Some(url.as_str())
        }
        _ => None,
    });
    Descriptor {
        id: &finding.rule,
        name: pascal(&finding.rule),
        short_description: text(title),
        full_description: text(known.map_or(title, |rule| rule.description)),
        help: revoke.map(text),
        help_uri: known.and_then(|rule| rule.references.first().copied()).or(page),
        default_configuration: Configuration { level: level(severity) },
        properties: RuleProperties { tags: tags(finding.category), security_severity: score(severity) },
    }
}

/// Everything that is a result, and how it stands to the base: those of the head, what has leaked, what is gone.
fn results(run: &Run) -> Vec<(&Finding, Option<&'static str>)> {
    let compared = run.comparison.as_ref().filter(|comparison| comparison.base.kind.is_known());
    let state = |finding: &Finding| match finding.change {
        Some(Change::New) => Some("new"),
        Some(Change::Existing) => Some("unchanged"),
        None => None,
    };
    let mut all: Vec<_> = run.findings.iter().map(|finding| (finding, state(finding))).collect();
    if let Some(comparison) = compared {
        all.extend(comparison.leaked.iter().map(|finding| (finding, Some("new"))));
        all.extend(comparison.fixed.iter().map(|finding| (finding, Some("absent"))));
    }
    all
}

fn result<'f>(finding: &'f Finding, baseline_state: Option<&'static str>, rule_index: usize) -> SarifResult<'f> {
    let region = &finding.location;
    let context = finding.excerpt.as_ref().filter(|excerpt| !excerpt.lines.is_empty()).map(|excerpt| {
        let lines: Vec<&str> = excerpt.lines.iter().map(|line| line.text.as_str()).collect();
        Context {
            start_line: excerpt.lines[0].number.max(1),
            end_line: excerpt.lines[excerpt.lines.len() - 1].number.max(1),
            snippet: Text { text: lines.join("\n") },
        }
    });
    SarifResult {
        rule_id: &finding.rule,
        rule_index,
        level: level(finding.severity),
        baseline_state,
        message: text(&finding.message),
        locations: [Location {
            physical_location: PhysicalLocation {
                artifact_location: Artifact { uri: uri(&region.path) },
                region: self::region(region, finding.masked.as_deref()),
                context_region: context,
            },
        }],
        partial_fingerprints: PartialFingerprints {
            primary: finding.fingerprints.primary.as_str(),
            path_free: finding.fingerprints.path_free.as_str(),
        },
        related_locations: finding
            .related
            .iter()
            .map(|place| Location {
                physical_location: PhysicalLocation {
                    artifact_location: Artifact { uri: uri(&place.path) },
                    region: self::region(place, None),
                    context_region: None,
                },
            })
            .collect(),
        suppressions: finding
            .suppression
            .iter()
            .map(|suppression| Suppression {
                kind: if suppression.kind == SuppressionKind::Inline { "inSource" } else { "external" },
                status: "accepted",
                justification: suppression.reason.as_str(),
            })
            .collect(),
        properties: ResultProperties {
            severity: finding.severity,
            confidence: finding.confidence,
            validity: finding.validity,
            group: finding.group,
            decoded_from: finding.decoded_from.as_deref(),
            commit: finding.commit.as_ref(),
            owners: &finding.owners,
        },
        rank: match finding.confidence {
            Confidence::Low => 25.0,
            Confidence::Medium => 60.0,
            Confidence::High => 95.0,
        },
    }
}

fn region(place: &Place, masked: Option<&str>) -> Region {
    Region {
        start_line: place.start_line.max(1),
        start_column: place.start_column.max(1),
        end_line: place.end_line.max(1),
        end_column: place.end_column.max(1),
        snippet: masked.map(text),
    }
}

fn notification(skipped: &Skipped) -> Notification {
    Notification {
        // What a stated limit passes over is no fault.
        level: if skipped.by_limit { "note" } else { "error" },
        message: Text { text: format!("{}: {}", skipped.subject, skipped.reason) },
    }
}

fn text(text: &str) -> Text {
    Text { text: text.to_owned() }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// `security-severity`, the scale of CVSS, by which viewers sort.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    }
}

fn tags(category: Category) -> Vec<&'static str> {
    match category {
        Category::Secret | Category::Vulnerability | Category::Misconfiguration => vec!["security", category.name()],
        Category::CodeQuality | Category::TestFailure => vec![category.name()],
    }
}

/// `aws-access-key` → `AwsAccessKey`, as SARIF wants names of rules.
fn pascal(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for word in id.split(|c: char| !c.is_alphanumeric()) {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.push_str(letters.as_str());
    }
    name
}

/// A path as a relative reference (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for &byte in path.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("a b/ä:c.zip!d"), "a%20b/%C3%A4%3Ac.zip!d");
        assert_eq!(pascal("aws-access.key"), "AwsAccessKey");
    }
}
