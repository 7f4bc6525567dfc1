//! A pull request, as Bitbucket has it now.
//!
//! Owns what becomes of it: opened or updated, its head is judged by the runs that are there; merged, its findings become the destination's; closed, it
//! is over.

use penstock_common::Uuid;
use penstock_common::bitbucket::statuses::StatusState;

use super::{Failed, follow, kind, verdict};
use crate::bitbucket::facts::{self, standing};
use crate::bitbucket::{InRepository, PullRequest, State as Told};
use crate::review;
use crate::settings::{MissingScan, Settings};
use crate::state::State;
use crate::store::Error;
use crate::store::system::Subject;
use crate::store::workspace::{Lane, Place, State as Tracked, Workspace};
use crate::track::{Actor, Changes, Merge, decline, merge, reconsider};

/// A run in the last so many milliseconds shows that a repository is scanned, so that a missing one is worth a word, unless settings say otherwise.
const SCANNED_LATELY: i64 = 30 * 86_400_000;

pub(super) async fn follow_pull_request(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    number: u64,
) -> Result<(), Failed> {
    let row = workspace.repository(repository).await?;
    // Of a repository that never sent a run nothing is tracked, unless it is wanted that one comes.
    let is_wanted = match &row {
        Some(row) => row.gone_at.is_none(),
        None => Settings::of(workspace, Some(repository)).await?.missing_scan() == MissingScan::Always,
    };
    if !is_wanted {
        return Ok(());
    }
    let there = state.bitbucket.of(workspace.id()).await?.in_repository(repository);
    if row.is_none() {
        match follow::ensure_repository(state, workspace, &there).await {
            // It went elsewhere, or is no more.
            Err(Failed::Store(Error::NotFound(_))) => return Ok(()),
            made => made?,
        }
    }
    let Some(told) = there.pull_request(number).await? else { return Ok(()) };
    follow::take_over_name(state, workspace, &told.author).await?;
    let names: Vec<&str> = told.source.branch.as_deref().into_iter().chain([told.destination.as_str()]).collect();
    let mut lane = workspace.lane(repository).await;
    lane.state(&names).await?;
    let now = state.now();
    follow(state, &there, &mut lane, &told, now).await
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
                lane.loaded_with(&branches).await?;
            }
            let tracked = lane.loaded().ok_or(Error::Conflict)?;
            let timeline = tracked.repository.branch_named(&told.destination).map(|branch| branch.timeline.commits());
            let about =
                facts::About { commit, branch: Some(&told.destination), timeline: timeline.unwrap_or_default() };
            let standing = standing(there, about).await?;
            let merge_of = Merge { commit, standing, actor: Actor::Bitbucket, now };
            changes.extend(merge(&tracked.repository, told.number, &merge_of));
            // What was said within it is said everywhere now.
            lane.accept(&changes);
            let policy = Settings::of(lane.workspace(), Some(there.id())).await?.policy();
            let tracked = lane.loaded().ok_or(Error::Conflict)?;
            let said: Vec<_> = changes.findings.iter().map(|row| row.id).collect();
            changes.extend(reconsider(&tracked.repository, Some(&said), &policy, now));
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
    mut changes: Changes,
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
    let recalled = follow::recalled(lane, branch, now).await?;
    lane.accept(&recalled);
    changes.extend(recalled);
    let tracked = lane.loaded().ok_or(Error::Conflict)?;
    let scanned = tracked.repository.branch(branch).is_some_and(|branch| branch.timeline.last() == Some(head));
    let settings = Settings::of(&workspace, Some(there.id())).await?;
    let scanned = match scanned {
        true => Some(verdict::judge_anew(state, &workspace, there, tracked, &about, now).await?),
        false => None,
    };
    let waits = match scanned {
        Some(_) => None,
        None => waiting(state, &workspace, there.id(), tracked, &about, &settings, now).await?,
    };
    let mut write = workspace.write().await?;
    if let Some(conclusion) = &scanned {
        conclusion.write(&mut write, there, &about, now).await?;
    }
    if let Some((place, body)) = waits {
        review::wish(&mut write, &place, &body, now).await?;
        let subject = told.number.to_string();
        let end = Subject { repository: Some(there.id()), kind: kind::WAITING, subject };
        write.job(&end, now + settings.wait(), now).await?;
    }
    let log = write.changes(lane, &changes, &Default::default(), now).await?;
    Ok(write.commit_in(lane, log).await?)
}

/// The status of a commit that waits for its scan, where one is worth a word.
async fn waiting(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    tracked: &Tracked,
    about: &review::About,
    settings: &Settings,
    now: i64,
) -> Result<Option<(Place, String)>, Failed> {
    let lately = workspace.repository(repository).await?.and_then(|row| row.trusted_run_at);
    let is_told = match settings.missing_scan() {
        MissingScan::Never => false,
        MissingScan::Lately => lately.is_some_and(|at| at > now - SCANNED_LATELY),
        MissingScan::Always => true,
    };
    if !is_told || !review::Destinations::of(workspace, repository, settings).await?.status {
        return Ok(None);
    }
    let web = state.config.hosts.script_and_frame_origin();
    let words = (StatusState::InProgress, &"Waiting for the scan of this commit".into());
    Ok(Some(review::without_verdict(workspace, repository, tracked, about, &web, words).await?))
}
