//! A commit that was scanned, judged anew by the runs that are there.
//!
//! Owns what of its runs still counts, and which of the pipe's reports say something else by now. It writes nothing.

use penstock_common::Destination;

use super::Failed;
use crate::bitbucket::InRepository;
use crate::review::{self, Conclusion, Evidence, Verdict};
use crate::state::State;
use crate::store::workspace::{self, Delivered, Place, RunRow, RunState, Workspace};

/// Judges the commit of `about`. What is open on its branch must be loaded.
pub(super) async fn judge_anew(
    state: &State,
    workspace: &Workspace,
    there: &InRepository,
    tracked: &workspace::State,
    about: &review::About,
    now: i64,
) -> Result<Conclusion, Failed> {
    let web = state.config.hosts.script_and_frame_origin();
    let runs: Vec<RunRow> = workspace.runs_on(there.id(), about.commit).await?;
    let runs: Vec<RunRow> = runs.into_iter().filter(|run| run.state == RunState::Applied).collect();
    let upload = match runs.first() {
        Some(run) => crate::upload::upload_of(state, workspace, there.id(), run).await?,
        None => None,
    };
    let run = upload.as_ref().map(|(upload, _)| &upload.run);
    let evidence = Evidence {
        tools: run.map(|run| run.tools.as_slice()).unwrap_or_default(),
        started_at: run.map_or("", |run| &run.started_at),
        comparison: run.and_then(|run| run.comparison.as_ref()),
        together: review::together(runs.iter().map(review::facts_of_run)),
        ran: runs.iter().map(|run| run.started_at).max().unwrap_or(now),
        contents: &review::Contents::new(),
    };
    let mut conclusion = review::conclude(workspace, there, tracked, about, &evidence, &web, now).await?;
    // Its room is free for those that reports are made of.
    drop(upload);
    if conclusion.may.report {
        let reports = reports(state, there, tracked, about, &conclusion.verdict, &runs).await?;
        let told = reports.into_iter().map(|(place, body)| (Destination::CodeInsights, place, body));
        conclusion.wished.extend(told);
    }
    Ok(conclusion)
}

/// The reports of the pipe that say something else by now, or that it could not post: one wish for each `NAME` under which a run came.
async fn reports(
    state: &State,
    there: &InRepository,
    tracked: &workspace::State,
    about: &review::About,
    verdict: &Verdict,
    runs: &[RunRow],
) -> Result<Vec<(Place, String)>, Failed> {
    let (workspace, repository) = (&state.store.for_workspace(there.workspace_id()), there.id());
    let web = state.config.hosts.script_and_frame_origin();
    let commit = about.commit.to_string();
    let told = workspace.last_delivery(repository, "pipe", Destination::CodeInsights, &commit).await?;
    let Some(told) = told else { return Ok(Vec::new()) };
    let mut wished: Vec<(Place, String)> = Vec::new();
    // The newest of each name comes first.
    for run in runs.iter().filter(|run| run.pull_request == about.pull_request) {
        let Some((upload, _room)) = crate::upload::upload_of(state, workspace, repository, run).await? else {
            continue;
        };
        let subject = format!("{commit}/{}", review::report_key(&upload));
        let place = Place { repository, kind: "report".to_owned(), subject };
        if wished.iter().any(|(known, _)| *known == place) {
            continue;
        }
        let is_due = match standing(&told) {
            Standing::Posted => review::is_judged(tracked, about, &upload) || workspace.wish(&place).await?.is_some(),
            Standing::Missing => true,
            Standing::Unwanted => false,
        };
        if is_due {
            wished.push((place, review::json(&review::report(tracked, about, verdict, &upload, &web))?));
        }
    }
    Ok(wished)
}

/// What there is of the pipe's reports on a commit.
pub(crate) enum Standing {
    /// They stand there.
    Posted,
    /// They should, and the pipe could not.
    Missing,
    /// Nobody wants them: nothing is to be set against that they are not there.
    Unwanted,
}

/// As the pipe told it.
pub(crate) fn standing(told: &Delivered) -> Standing {
    match (told.outcome.as_str(), told.remedy.is_empty()) {
        ("published", _) => Standing::Posted,
        ("failed", _) | ("skipped", false) => Standing::Missing,
        _ => Standing::Unwanted,
    }
}
