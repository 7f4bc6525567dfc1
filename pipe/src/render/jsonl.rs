//! `--format jsonl`: one object a line, for tools that read as it comes.
//!
//! Owns the two kinds of lines. Findings look as in `json`; the last line holds everything else, so that a cut-off report is recognised.

use std::io::{self, Write};

use penstock_common::gate::{Evaluation, Verdict};
use penstock_common::{Comparison, Finding, Metrics, Notice, Subject, ToolRun};
use serde::Serialize;

use super::json::compact;
use super::{Report, Summary, conditions};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Finding(&'a Finding),
    Summary(Box<Last<'a>>),
}

#[derive(Serialize)]
struct Last<'a> {
    schema_version: u32,
    started_at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<&'a str>,
    tools: &'a [ToolRun],
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a Subject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<&'a Comparison>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<&'a Evaluation>,
    #[serde(skip_serializing_if = "<[Notice]>::is_empty")]
    notices: &'a [Notice],
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<&'a Metrics>,
    verdict: Verdict,
    below_minimum: u64,
    summary: Summary,
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.run.findings {
        compact(&Line::Finding(finding), out)?;
    }
    let last = Last {
        schema_version: report.run.schema_version,
        started_at: &report.run.started_at,
        finished_at: report.run.finished_at.as_deref(),
        tools: &report.run.tools,
        subject: report.run.subject.as_ref(),
        comparison: report.run.comparison.as_ref(),
        gate: report.run.gate.as_ref(),
        notices: &report.run.notices,
        metrics: report.run.metrics.as_ref(),
        verdict: conditions::verdict(report.run),
        below_minimum: report.below_minimum,
        summary: Summary::of(report),
    };
    compact(&Line::Summary(Box::new(last)), out)
}
