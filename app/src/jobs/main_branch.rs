//! The main branch, judged again because somebody judged a finding or changed a setting.

use penstock_common::Uuid;

use super::{Failed, verdict};
use crate::review;
use crate::state::State;
use crate::store::workspace::Workspace;

pub(super) async fn judge_main_branch(state: &State, workspace: &Workspace, repository: Uuid) -> Result<(), Failed> {
    if workspace.repository(repository).await?.is_none_or(|row| row.gone_at.is_some()) {
        return Ok(());
    }
    let there = state.bitbucket.of(workspace.id()).await?.in_repository(repository);
    let mut lane = workspace.lane(repository).await;
    let tracked = lane.state(&[]).await?;
    let main = tracked.repository.main().and_then(|id| tracked.repository.branch(id));
    // What was never scanned has no verdict.
    let Some((branch, commit)) = main.and_then(|row| row.timeline.last().map(|commit| (row.id, commit))) else {
        return Ok(());
    };
    let about = review::About { branch, commit, pull_request: None };
    let now = state.now();
    let judged = verdict::judge_anew(state, workspace, &there, tracked, &about, now).await?;
    let mut write = workspace.write().await?;
    judged.write(&mut write, &there, &about, now).await?;
    Ok(write.commit().await?)
}
