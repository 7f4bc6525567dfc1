//! `--format markdown`: for comments on pull requests.
//!
//! Owns a compact list. Text of a repository comes out as the text it is: `penstock_common::decorate::markdown` escapes it.

use std::fmt::Write as _;
use std::io::{self, Write};

use penstock_common::decorate::markdown::escape;
use penstock_common::gate::Verdict;
use penstock_common::measure::is_allowed_by_change;
use penstock_common::{Change, Finding, Skipped};

use super::cluster::{Cluster, clusters};
use super::conditions::{self, Row};
use super::text::means;
use super::{Report, Summary};

/// Entries of each list; a comment has a limit, and nobody reads more.
const ENTRIES: usize = 50;
/// Further places of one secret.
const PLACES: usize = 10;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let summary = Summary::of(report);
    let run = report.run;
    let verdict = conditions::verdict(run);
    let word = match verdict {
        Verdict::Passed if !summary.complete => "incomplete",
        verdict => conditions::word(verdict),
    };
    writeln!(out, "**Penstock: {word}**\n")?;
    if conditions::are_told(run) {
        list(&conditions::rows(run), out, condition)?;
    }
    match &run.comparison {
        Some(comparison) => {
            writeln!(out, "{}\n", escape(&conditions::base(&comparison.base)))?;
            if !comparison.base.hint.is_empty() {
                writeln!(out, "hint: {}\n", escape(&comparison.base.hint))?;
            }
            titled("Allowed by this change:", run.findings.iter().filter(|one| is_allowed_by_change(one)), out)?;
            let of = |change| run.findings.iter().filter(move |one| (one.change == Some(Change::New)) == change);
            section("New in this change:", of(true), out)?;
            section("Leaked by this change:", &comparison.leaked, out)?;
            section("Existing:", of(false), out)?;
            titled("Fixed:", &comparison.fixed, out)?;
            if !comparison.policy_changes.is_empty() {
                writeln!(out, "Changes to the configuration, effective after the merge:\n")?;
                list(&comparison.policy_changes, out, |sentence| escape(sentence))?;
            }
        }
        None => list(&clusters(&run.findings), out, entry)?,
    }
    list(&run.notices, out, |notice| format!("{}: {}", escape(&notice.subject), escape(&notice.text)))?;
    let suppressed: Vec<&Finding> = run.findings.iter().filter(|finding| !finding.is_active()).collect();
    if !suppressed.is_empty() {
        writeln!(out, "Suppressed:\n")?;
        list(&suppressed, out, suppressed_entry)?;
    }
    let unread: Vec<&Skipped> = run.tools.iter().flat_map(|tool| &tool.skipped).filter(|one| !one.by_limit).collect();
    if !summary.complete {
        writeln!(out, "The scan is incomplete, because not everything could be read:\n")?;
        list(&unread, out, |one| format!("{}: {}", escape(&one.subject), escape(&one.reason)))?;
    }
    writeln!(out, "{}", summary.line(report, escape))
}

/// What counts of these findings, each secret once, under a title.
fn section<'r>(title: &str, findings: impl IntoIterator<Item = &'r Finding>, out: &mut dyn Write) -> io::Result<()> {
    let clusters = clusters(findings);
    if clusters.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}\n")?;
    list(&clusters, out, entry)
}

/// Findings by their places, whether they count or not, under a title.
fn titled<'r>(title: &str, findings: impl IntoIterator<Item = &'r Finding>, out: &mut dyn Write) -> io::Result<()> {
    let findings: Vec<&Finding> = findings.into_iter().collect();
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}\n")?;
    list(&findings, out, suppressed_entry)
}

fn condition(row: &Row<'_>) -> String {
    let mut text = format!("**{}** {}: {}, limit {}", row.outcome, escape(row.name), row.value, row.bound);
    if !row.remark.is_empty() {
        let _ = write!(text, " ({})", escape(&row.remark));
    }
    text
}

fn list<T>(entries: &[T], out: &mut dyn Write, show: impl Fn(&T) -> String) -> io::Result<()> {
    for entry in entries.iter().take(ENTRIES) {
        writeln!(out, "- {}", show(entry))?;
    }
    if entries.len() > ENTRIES {
        writeln!(out, "- and {} more", entries.len() - ENTRIES)?;
    }
    if entries.is_empty() { Ok(()) } else { writeln!(out) }
}

fn entry(cluster: &Cluster<'_>) -> String {
    let finding = cluster.first;
    let mut text = format!("**{}** {} in {}", finding.severity, escape(&finding.title), place(finding));
    let mut about = escape(&finding.rule);
    if let Some(validity) = finding.validity {
        let _ = write!(about, ", {}", validity.label());
    }
    let _ = write!(text, " ({about})");
    if let Some(commit) = &finding.commit {
        let id: String = commit.id.chars().take(12).collect();
        let _ = write!(text, ", commit {} by {}", escape(&id), escape(&commit.author));
    }
    if !cluster.others.is_empty() {
        let mut places: Vec<String> = cluster.others.iter().take(PLACES).map(|other| place(other)).collect();
        if cluster.others.len() > PLACES {
            places.push(format!("and {} more", cluster.others.len() - PLACES));
        }
        let _ = write!(text, "; same secret in {}", places.join(", "));
    }
    text
}

fn suppressed_entry(finding: &&Finding) -> String {
    let mut text = format!("{} {} in {}", finding.severity, escape(&finding.title), place(finding));
    if let Some(suppression) = &finding.suppression {
        let _ = write!(text, ", by {}", escape(means(suppression.kind)));
        if !suppression.reason.is_empty() {
            let _ = write!(text, ": {}", escape(&suppression.reason));
        }
    }
    text
}

fn place(finding: &Finding) -> String {
    format!("{}, line {}", escape(&finding.location.path), finding.location.start_line)
}
