//! A pull request, as Bitbucket has it now.
//!
//! Owns what becomes of it: opened or updated, its head is judged by the runs that are there; merged, its findings become the destination's; closed, it
//! is over.

use penstock_common::Uuid;
use penstock_common::bitbucket::statuses::StatusState;

use super::{Failed, follow, kind};
use crate::bitbucket::facts::{self, standing};
use crate::bitbucket::{InRepository, PullRequest, State as Told};
use crate::review;
use crate::state::State;
use crate::store::Error;
use crate::store::system::Subject;
use crate::store::workspace::{Lane, Place, RunState, Workspace};
use crate::track::{Actor, Changes, Merge, decline, merge};

/// A run in the last so many milliseconds shows that a repository is scanned, so that a missing one is worth a word.
const SCANNED_LATELY: i64 = 30 * 86_400_000;
/// How long a pull request waits for its scan, in milliseconds, unless settings say otherwise.
pub(super) const WAIT: i64 = 30 * 60_000;

pub(super) async fn follow_pull_request(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    number: u64,
) -> Result<(), Failed> {
    if workspace.repository(repository).await?.is_none_or(|row| row.gone_at.is_some()) {
        return Ok(());
    }
    let there = state.bitbucket.of(workspace.id()).await?.in_repository(repository);
    let Some(told) = there.pull_request(number).await? else { return Ok(()) };
    let names: Vec<&str> = told.source.branch.as_deref().into_iter().chain([told.destination.as_str()]).collect();
    let mut lane = workspace.lane(repository).await;
    lane.state(&names).await?;
    let now = state.now();
    let outcome = follow(state, &there, &mut lane, &told, now).await;
    if outcome.is_err() {
        lane.forget();
    }
    outcome
}

async fn follow(
    state: &State,
    there: &InRepository,
    lane: &mut Lane,
    told: &PullRequest,
    now: i64,
) -> Result<(), Failed> {
    let mut changes = follow::pull_request_row(lane, told, there.id())?;
    lane.accept(&changes);
    match told.state {
        Told::Open => return opened(state, there, lane, told, changes, now).await,
        Told::Merged { commit: Some(commit) } => {
            let row = lane.loaded().and_then(|tracked| tracked.repository.pull_request(told.number)).cloned();
            if let Some(row) = row {
                let mut branches = vec![row.destination];
                branches.extend(row.source);
                lane.with_branches(&branches).await?;
            }
            let tracked = lane.loaded().ok_or(Error::Conflict)?;
            let timeline = tracked.repository.branch_named(&told.destination).map(|branch| branch.timeline.commits());
            let about =
                facts::About { commit, branch: Some(&told.destination), timeline: timeline.unwrap_or_default() };
            let standing = standing(there, about).await?;
            let merge_of = Merge { commit, standing, actor: Actor::Bitbucket, now };
            changes.extend(merge(&tracked.repository, told.number, &merge_of));
        }
        Told::Merged { commit: None } => {
            // Where the commit is not told, the destination's next run finds out what it brought.
            let tracked = lane.loaded().ok_or(Error::Conflict)?;
            changes.extend(decline(&tracked.repository, told.number, &Actor::Bitbucket, now));
        }
        Told::Closed => {
            let tracked = lane.loaded().ok_or(Error::Conflict)?;
            changes.extend(decline(&tracked.repository, told.number, &Actor::Bitbucket, now));
        }
    }
    // The row and what became of it are written together; what was accepted of it above is accepted again, which changes nothing.
    Ok(follow::write_in(lane, &changes, now).await?)
}

/// Judges an open pull request by the runs on its head, or says that it waits for one.
async fn opened(
    state: &State,
    there: &InRepository,
    lane: &mut Lane,
    told: &PullRequest,
    changes: Changes,
    now: i64,
) -> Result<(), Failed> {
    let workspace = lane.workspace().clone();
    let tracked = lane.loaded().ok_or(Error::Conflict)?;
    let row = tracked.repository.pull_request(told.number).cloned();
    let source = row.as_ref().and_then(|row| row.source);
    let (Some(row), Some(branch), Some(head)) = (row, source, told.source.head) else {
        // A fork is never scanned here.
        return Ok(follow::write_in(lane, &changes, now).await?);
    };
    let about = review::About { branch, commit: head, pull_request: Some(row.number) };
    let scanned = tracked.repository.branch(branch).is_some_and(|branch| branch.timeline.last() == Some(head));
    let names = follow::names(&workspace, there.id()).await?;
    let web = state.config.hosts.script_and_frame_origin();
    let mut told_beside = review::Told {
        web: &web,
        workspace: &names.workspace,
        repository: &names.repository,
        tools: Vec::new(),
        started_at: "",
        comparison: None,
    };
    let posts = follow::destinations(&workspace, there.id()).await?;
    let place = |kind: &str, subject: String| Place { repository: there.id(), kind: kind.to_owned(), subject };
    let mut wished = Vec::new();
    let mut waits = false;
    let mut kept = None;
    if scanned {
        let runs = workspace.runs_on(there.id(), head).await?;
        let applied = runs.iter().find(|run| run.state == RunState::Applied);
        let upload = match applied {
            Some(run) => crate::upload::upload_of(&workspace, there.id(), run).await,
            None => None,
        };
        let complete = runs.iter().filter(|run| run.state == RunState::Applied).all(|run| run.complete);
        if let Some(upload) = &upload {
            told_beside.tools.clone_from(&upload.run.tools);
            told_beside.started_at = &upload.run.started_at;
            told_beside.comparison = upload.run.comparison.as_ref();
        }
        let asked = review::ask(there, tracked, &about).await?;
        let floor = review::floor(&workspace, there.id()).await?;
        let mut measured = penstock_common::measure::measure(&[], told_beside.comparison);
        measured.values.retain(|metric, _| matches!(metric, penstock_common::gate::Metric::Leaked(_)));
        let doubt = (!complete).then_some(crate::track::Doubt::Incomplete);
        let verdict = review::judge(tracked, &about, &asked, &floor, measured, doubt, now);
        let shown = review::shown(tracked, branch, &verdict);
        let prints: Vec<_> =
            shown.iter().filter_map(|id| tracked.repository.occurrence(branch, *id)).map(|row| row.content).collect();
        let contents = workspace.contents(there.id(), &prints).await?;
        let wishes = review::wishes(tracked, &about, &verdict, &contents, &told_beside);
        let policy_changes = told_beside.comparison.map(|one| one.policy_changes.as_slice()).unwrap_or_default();
        kept = review::Kept::of(tracked, &about, &verdict, &told_beside.tools, policy_changes).row(&about, now);
        if posts.status {
            wished.push((place("status", head.to_string()), json(&wishes.status)?));
        }
        if let (true, Some(comment)) = (posts.comment, &wishes.comment) {
            wished.push((place("comment", told.number.to_string()), json(comment)?));
        }
    } else {
        let lately = workspace.repository(there.id()).await?.and_then(|row| row.trusted_run_at);
        waits = posts.status && lately.is_some_and(|at| at > now - SCANNED_LATELY);
        if waits {
            let words = "Waiting for the scan of this commit";
            let status = review::status_without_verdict(tracked, &about, &told_beside, StatusState::InProgress, words);
            wished.push((place("status", head.to_string()), json(&status)?));
        }
    }
    let mut write = workspace.write().await?;
    if let Some(kept) = &kept {
        write.verdict(there.id(), Some(told.number), kept).await?;
    }
    for (place, body) in &wished {
        if write.wish(place, body, now).await? {
            let subject = format!("{}/{}", place.kind, place.subject);
            write.job(&Subject { repository: Some(place.repository), kind: kind::PUBLISH, subject }, now, now).await?;
        }
    }
    if waits {
        let subject = told.number.to_string();
        write.job(&Subject { repository: Some(there.id()), kind: kind::WAITING, subject }, now + WAIT, now).await?;
    }
    let log = write.changes(lane, &changes, &Default::default(), now).await?;
    Ok(write.commit_in(lane, log).await?)
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String, Failed> {
    serde_json::to_string(value).map_err(|_| Failed::Senseless("what shall be posted has no JSON form"))
}
