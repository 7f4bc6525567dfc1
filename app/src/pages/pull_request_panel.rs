//! May this pull request go in, why not, and what to do next?
//!
//! Owns the panel of a pull request: the answer first, then its reasons, then what is new, file by file.

use askama::Template;
use axum::extract::State as Shared;
use axum::response::Response;
use penstock_common::gate::Verdict;
use serde::Deserialize;

use super::gate::{FileView, FindingView, GateView, by_file, kept, short};
use super::metrics::{patch, percent};
use super::moment::Moment;
use super::refusal::Refusal;
use super::shell::{Shell, page, whole};
use super::visit::{InRepository, Query};
use super::words::{counted, thousands};
use crate::review::Kept;
use crate::state::State;
use crate::track::{BranchId, FindingId, PullRequestState};

/// Most new findings that are shown; the rest is on the page of findings.
const SHOWN: usize = 30;
/// Most fixed findings that are shown.
const FIXED: usize = 10;

#[derive(Deserialize)]
pub(super) struct Asked {
    id: u64,
}

#[derive(Template)]
#[template(path = "pull_request_panel.html", blocks = ["content"])]
struct PullRequestPanel {
    shell: Shell,
    number: u64,
    /// Nothing was ever scanned in this repository.
    never: bool,
    /// It comes from a fork.
    fork: bool,
    /// Its head, if no run told of it yet.
    waits_for: Option<String>,
    gate: Option<GateView>,
    /// Commit that was judged, with its address.
    commit: Option<(String, String)>,
    at: Option<Moment>,
    headline: String,
    new: u64,
    existing: u64,
    fixed: u64,
    dismissed: u64,
    /// How much of the changed lines tests cover, and of how many.
    coverage: Option<(String, String)>,
    files: Vec<FileView>,
    more: u64,
    fixed_shown: Vec<FindingView>,
    fixed_more: u64,
    steps: Vec<String>,
    /// Query of the page of findings that lists what is on the source branch.
    findings: Option<String>,
}
page!(PullRequestPanel);

pub(super) async fn show(Shared(state): Shared<State>, at: InRepository, Query(asked): Query<Asked>) -> Response {
    make(&at, asked.id).await.map_or_else(|why| why.page(&state), |page| whole(&page))
}

async fn make(at: &InRepository, number: u64) -> Result<PullRequestPanel, Refusal> {
    let (store, repository) = (at.store(), at.id());
    let row = store.pull_request(repository, number).await?;
    let verdict = store.pull_request_verdict(repository, number).await?;
    let kept = verdict.as_ref().and_then(kept);
    let open = row.as_ref().is_none_or(|row| row.state == PullRequestState::Open);
    let head = row.as_ref().filter(|_| open).map(|row| row.head);
    let waits_for = head.filter(|head| verdict.as_ref().is_none_or(|verdict| verdict.commit != *head));
    let mut page = PullRequestPanel {
        shell: Shell::panel(&at.visit, format!("Penstock: pull request {number}")),
        number,
        never: verdict.is_none() && at.row.trusted_run_at.is_none(),
        fork: row.as_ref().is_some_and(|row| row.source.is_none()),
        waits_for: waits_for.map(|commit| short(&commit.to_string())),
        gate: None,
        commit: None,
        at: None,
        headline: String::new(),
        new: 0,
        existing: 0,
        fixed: 0,
        dismissed: 0,
        coverage: None,
        files: Vec::new(),
        more: 0,
        fixed_shown: Vec::new(),
        fixed_more: 0,
        steps: Vec::new(),
        findings: None,
    };
    let (Some(verdict), Some(kept)) = (verdict, kept) else { return Ok(page) };
    let commit = verdict.commit.to_string();
    let shown = listed(at, verdict.branch, &commit, &kept.new, SHOWN).await?;
    page.more = kept.counts.new.saturating_sub(shown.len() as u64);
    let has_secrets = shown.iter().any(|one| one.is_secret);
    page.files = by_file(shown);
    if let Some(destination) = row.as_ref().map(|row| row.destination) {
        page.fixed_shown = listed(at, destination, &commit, &kept.fixed, FIXED).await?;
    }
    page.fixed_more = kept.counts.fixed.saturating_sub(page.fixed_shown.len() as u64);
    page.headline = headline(&kept);
    page.steps = steps(&kept, has_secrets);
    page.new = kept.counts.new;
    page.existing = kept.counts.existing;
    page.fixed = kept.counts.fixed;
    page.dismissed = kept.counts.dismissed;
    page.coverage = patch(&store.runs_on(repository, verdict.commit).await?, number).map(|lines| {
        (percent(&lines), format!("{} of {}", thousands(lines.covered), counted(lines.total, "line", "lines")))
    });
    page.gate = Some(GateView::new(at, &kept));
    page.commit = Some((short(&commit), at.commit(&commit)));
    page.at = Some(at.moment(verdict.at));
    let name = store.branches(repository).await?.into_iter().find(|one| one.id == verdict.branch);
    page.findings = name.map(|branch| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("branch", &branch.name).finish()
    });
    Ok(page)
}

async fn listed(
    at: &InRepository,
    branch: BranchId,
    commit: &str,
    ids: &[FindingId],
    most: usize,
) -> Result<Vec<FindingView>, Refusal> {
    let found = at.store().these(at.id(), branch, &ids[..ids.len().min(most)]).await?;
    Ok(found.into_iter().map(|found| FindingView::new(at, Some(commit), found)).collect())
}

/// The answer in a sentence.
fn headline(kept: &Kept) -> String {
    let new = kept.counts.new;
    match kept.evaluation.verdict() {
        Verdict::Failed => "Do not merge this pull request yet.".to_owned(),
        Verdict::Unknown => "Whether this pull request may go in is not known.".to_owned(),
        Verdict::Passed if new > 0 => {
            format!("This pull request may go in. It brings {}.", counted(new, "finding", "findings"))
        }
        Verdict::Passed => "This pull request may go in. It brings no findings.".to_owned(),
    }
}

/// What to do next.
fn steps(kept: &Kept, has_secrets: bool) -> Vec<String> {
    let mut steps = Vec::new();
    match kept.evaluation.verdict() {
        Verdict::Passed => return steps,
        Verdict::Failed if kept.counts.new > 0 => {
            if has_secrets {
                steps.push(
                    "Revoke each secret listed below where it was issued. It was pushed, so it has leaked, and taking it out of the code does not \
                     change that: it stays in the history."
                        .to_owned(),
                );
            }
            steps.push(
                "Take what is listed below out of the code and push. The next pipeline run checks again.".to_owned(),
            );
            steps.push(
                "A false alarm? Click its title and judge it, with a reason, or comment here “/penstock ignore ID REASON”; each has its ID below. In \
                 your own pull request, ask a colleague to."
                    .to_owned(),
            );
        }
        Verdict::Failed => {
            steps.push(
                "Bring the values that block below within their limits, and push: the next run decides again."
                    .to_owned(),
            );
        }
        Verdict::Unknown => {
            let incomplete: Vec<&str> =
                kept.tools.iter().filter(|tool| !tool.complete).map(|tool| tool.name.as_str()).collect();
            if !incomplete.is_empty() {
                steps.push(format!(
                    "Look into the log of the pipeline: {} did not come to its end.",
                    incomplete.join(", ")
                ));
            }
            if !kept.base.hint.is_empty() {
                steps.push(format!("{}.", kept.base.hint));
            }
            steps.push("Run the pipeline again.".to_owned());
        }
    }
    steps
}

/// `3 of 1,234`
impl PullRequestPanel {
    fn number(&self, value: &u64) -> String {
        thousands(*value)
    }
}
