//! The pipe's reports, judged anew.
//!
//! Owns the way from an upload and a verdict to the reports that the pipe would post if it knew the verdict: the same ids of reports and annotations,
//! made by the same code. What the verdict says nothing of stays as the pipe said it.

use std::collections::HashMap;

use penstock::analyze::secrets::mask;
use penstock_common::decorate::report::{Insight, reports};
use penstock_common::decorate::{Context, Counted, Identity};
use penstock_common::upload::v1::Upload;
use penstock_common::{
    Category, Change, Comparison, Finding, Masked, Run, Subject, Suppression, SuppressionKind, masked,
};
use serde::{Deserialize, Serialize};

use super::{About, Verdict};
use crate::store::workspace::State as Tracked;
use crate::track::{self, FindingId, Print};

/// Reports as they wait to be posted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportWish {
    /// One for each category, with their annotations: within Bitbucket's limits.
    pub insights: Vec<Insight>,
}

/// What tells the reports of an upload from those of others on the same commit.
pub fn report_key(upload: &Upload) -> String {
    Identity::new(&subject(upload), &upload.name).status_key()
}

/// Whether people dismissed something that an upload counts.
pub fn is_judged(tracked: &Tracked, about: &About, upload: &Upload) -> bool {
    let known = known(tracked);
    upload.run.findings.iter().filter(|finding| finding.is_active()).any(|finding| {
        let row = known.get(&print_of(finding));
        row.is_some_and(|row| row.triage_in(about.pull_request).status.dismisses())
    })
}

/// The reports of an upload by a verdict on its commit.
pub fn report(tracked: &Tracked, about: &About, verdict: &Verdict, upload: &Upload, web: &str) -> ReportWish {
    let judgement = &verdict.judgement;
    let known = known(tracked);
    let lists = [
        (&judgement.new, Stands::As(Change::New)),
        (&judgement.existing, Stands::As(Change::Existing)),
        (&judgement.dismissed, Stands::Dismissed),
    ];
    let stands: HashMap<FindingId, Stands> =
        lists.into_iter().flat_map(|(ids, stands)| ids.iter().map(move |id| (*id, stands))).collect();
    let compared = judgement.base.kind.is_known();
    let judged = |finding: &Finding| {
        let row = known.get(&print_of(finding)).copied();
        match (row, row.and_then(|row| stands.get(&row.id))) {
            (_, Some(Stands::As(change))) => {
                Finding { change: compared.then_some(*change), suppression: None, ..finding.clone() }
            }
            (Some(row), Some(Stands::Dismissed)) => {
                let suppression = finding.suppression.clone().unwrap_or_else(|| why(row, about));
                Finding { suppression: Some(suppression), ..finding.clone() }
            }
            _ => finding.clone(),
        }
    };
    let told = upload.run.comparison.as_ref();
    let run = Run {
        findings: upload.run.findings.iter().map(judged).collect(),
        comparison: Some(Comparison {
            base: judgement.base.clone(),
            fixed: told.map(|told| told.fixed.clone()).unwrap_or_default(),
            leaked: told.map(|told| told.leaked.clone()).unwrap_or_default(),
            policy_changes: told.map(|told| told.policy_changes.clone()).unwrap_or_default(),
            unread: told.and_then(|told| told.unread),
        }),
        gate: Some(judgement.evaluation.clone()),
        ..upload.run.clone()
    };
    let subject = subject(upload);
    let context = Context {
        subject: &subject,
        name: &upload.name,
        web,
        categories: &[Category::Secret],
        allow_incomplete: false,
        counted: Counted::default(),
    };
    ReportWish { insights: reports(&run, &context) }
}

/// Where a finding stands by the verdict.
#[derive(Clone, Copy)]
enum Stands {
    As(Change),
    Dismissed,
}

/// Every upload that is taken has a subject.
fn subject(upload: &Upload) -> Subject {
    upload.run.subject.clone().unwrap_or_default()
}

fn print_of(finding: &Finding) -> Print {
    Print::of_fingerprint(finding.fingerprints.primary.as_str())
}

/// What is tracked, by our fingerprints.
fn known(tracked: &Tracked) -> HashMap<Print, &track::Finding> {
    let of = |row: &'_ track::Finding| row.prints.ours.clone();
    tracked.repository.findings().flat_map(|row| of(row).into_iter().map(move |print| (print, row))).collect()
}

/// Why a finding does not count that its run counted.
fn why(row: &track::Finding, about: &About) -> Suppression {
    let triage = row.triage_in(about.pull_request);
    if triage.status.dismisses() {
        let words = mask(&triage.status.name().replace('_', " "));
        Suppression { kind: SuppressionKind::Triage, reason: masked![words, ": ", triage.reason] }
    } else {
        Suppression { kind: SuppressionKind::Configuration, reason: Masked::EMPTY }
    }
}
