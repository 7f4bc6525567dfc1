//! A branch that is in no pull request, judged again because somebody judged a finding or changed a setting.

use penstock_common::Uuid;

use super::{Failed, follow, verdict};
use crate::review;
use crate::state::State;
use crate::store::Error;
use crate::store::workspace::Workspace;
use crate::track::{BranchId, PullRequest, PullRequestState};

/// Judges this branch; the main one, if none is named.
pub(super) async fn judge_branch(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    named: Option<BranchId>,
) -> Result<(), Failed> {
    if workspace.repository(repository).await?.is_none_or(|row| row.gone_at.is_some()) {
        return Ok(());
    }
    let there = state.bitbucket.of(workspace.id()).await?.in_repository(repository);
    let mut lane = workspace.lane(repository).await;
    let tracked = lane.with_branches(named.as_slice()).await?;
    // A pull request that was opened in the meantime has the say about its source.
    let is_open = |row: &PullRequest| row.state == PullRequestState::Open;
    if named.is_some() && tracked.repository.pull_requests().any(|row| row.source == named && is_open(row)) {
        return Ok(());
    }
    let row = named.or(tracked.repository.main()).and_then(|id| tracked.repository.branch(id));
    // What was never scanned has no verdict.
    let last = row.filter(|row| row.deleted.is_none()).and_then(|row| Some((row.id, row.timeline.last()?)));
    let Some((branch, commit)) = last else { return Ok(()) };
    let about = review::About { branch, commit, pull_request: None };
    let now = state.now();
    let recalled = follow::recalled(&mut lane, branch, now).await?;
    follow::write_in(&mut lane, &recalled, now).await?;
    let tracked = lane.loaded().ok_or(Error::Conflict)?;
    let judged = verdict::judge_anew(state, workspace, &there, tracked, &about, now).await?;
    let mut write = workspace.write().await?;
    judged.write(&mut write, &there, &about, now).await?;
    Ok(write.commit().await?)
}
