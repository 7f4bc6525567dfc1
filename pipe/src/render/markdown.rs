//! `--format markdown`: for comments on pull requests.
//!
//! Owns a compact list. Text of a repository comes out as the text it is: `penstock_common::decorate::markdown` escapes it.

use std::fmt::Write as _;
use std::io::{self, Write};

use penstock_common::decorate::markdown::escape;
use penstock_common::{Finding, Skipped};

use super::cluster::{Cluster, clusters};
use super::text::means;
use super::{Report, Summary};

/// Entries of each list; a comment has a limit, and nobody reads more.
const ENTRIES: usize = 50;
/// Further places of one secret.
const PLACES: usize = 10;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let summary = Summary::of(report);
    let run = report.run;
    let verdict = if report.verdict.failed { "failed" } else { "passed" };
    writeln!(
        out,
        "**Penstock: {}**\n",
        if summary.complete || report.verdict.failed { verdict } else { "incomplete" }
    )?;
    let clusters = clusters(&run.findings);
    list(&clusters, out, entry)?;
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
    writeln!(out, "{}", summary.line(&report.verdict, report.below_minimum, escape))
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
