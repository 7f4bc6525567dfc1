//! `--format junit`: findings as failed tests, for viewers of test results.
//!
//! Owns the mapping and its XML. What no condition failed for is a test that was skipped. A run without findings holds one test that passed, since viewers take an empty report for a mistake.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use penstock_common::{Category, Change, Finding, Run};

use super::Report;
use super::clean::is_hazard;
use super::conditions::fails;
use super::text::means;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut suites: BTreeMap<Category, Vec<&Finding>> = BTreeMap::new();
    suites.entry(Category::Secret).or_default();
    for finding in &report.run.findings {
        suites.entry(finding.category).or_default().push(finding);
    }
    let unread: Vec<String> = report
        .run
        .tools
        .iter()
        .flat_map(|tool| &tool.skipped)
        .filter(|one| !one.by_limit)
        .map(|one| format!("{}: {}", one.subject, one.reason))
        .collect();
    let incomplete = !report.run.complete();
    let run = report.run;
    let failing = run.findings.iter().filter(|finding| fails(finding, run)).count();
    let tests: usize = suites.values().map(|findings| findings.len().max(1)).sum();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="penstock" tests="{}" failures="{failing}" errors="{}">"#,
        tests + usize::from(incomplete),
        usize::from(incomplete)
    )?;
    for (category, findings) in suites {
        suite(category, &findings, run, out)?;
    }
    if incomplete {
        writeln!(out, r#"  <testsuite name="scan" tests="1" failures="0" errors="1" skipped="0">"#)?;
        writeln!(out, r#"    <testcase classname="penstock" name="everything could be read">"#)?;
        let text = escape(&unread.join("\n"));
        writeln!(out, r#"      <error message="the scan is incomplete" type="incomplete">{text}</error>"#)?;
        writeln!(out, "    </testcase>\n  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(category: Category, findings: &[&Finding], run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let failures = findings.iter().filter(|finding| fails(finding, run)).count();
    writeln!(
        out,
        r#"  <testsuite name="{category}" tests="{}" failures="{failures}" errors="0" skipped="{}">"#,
        findings.len().max(1),
        findings.len() - failures
    )?;
    if findings.is_empty() {
        writeln!(out, r#"    <testcase classname="penstock" name="no findings"/>"#)?;
    }
    for finding in findings {
        case(finding, run, out)?;
    }
    writeln!(out, "  </testsuite>")
}

fn case(finding: &Finding, run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let location = &finding.location;
    let place = format!("{}:{}:{}", location.path, location.start_line, location.start_column);
    let name = escape(&format!("{} at {place}", finding.rule));
    writeln!(out, r#"    <testcase classname="{}" name="{name}">"#, escape(&location.path))?;
    match &finding.suppression {
        Some(suppression) => {
            let reason = match suppression.reason.as_str() {
                "" => means(suppression.kind).to_owned(),
                reason => format!("{}: {reason}", means(suppression.kind)),
            };
            writeln!(out, r#"      <skipped message="{}"/>"#, escape(&format!("suppressed by {reason}")))?;
        }
        None if !fails(finding, run) => {
            let why = match finding.change {
                Some(Change::Existing) => "it stood in the base already",
                _ => "no condition fails for it",
            };
            let text = format!("{}: {why}", finding.message);
            writeln!(out, r#"      <skipped message="{}"/>"#, escape(&text))?;
        }
        None => {
            let message = escape(&finding.message);
            let severity = finding.severity;
            let details = escape(&details(finding, &place));
            writeln!(out, r#"      <failure message="{message}" type="{severity}">{details}</failure>"#)?;
        }
    }
    writeln!(out, "    </testcase>")
}

fn details(finding: &Finding, place: &str) -> String {
    let mut text = format!("{}\n{place}\n", finding.title);
    for line in finding.excerpt.iter().flat_map(|excerpt| &excerpt.lines) {
        let _ = writeln!(text, "{:>4} | {}", line.number, line.text);
    }
    if let Some(commit) = &finding.commit {
        let _ = writeln!(text, "commit {} of {} by {}: {}", commit.id, commit.date, commit.author, commit.subject);
    }
    if let Some(remedy) = &finding.remediation {
        let _ = writeln!(text, "to revoke: {remedy}");
    }
    text
}

/// Text for an element or an attribute. What XML 1.0 cannot hold is removed; what could act on a terminal becomes a reference.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            '\t' => out.push('\t'),
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c if is_hazard(c) => {
                let _ = write!(out, "&#x{:x};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
