//! The end of waiting for a scan.
//!
//! Owns that no status stays "in progress" for ever: where no run came, it ends as stopped, and says why.

use penstock_common::Uuid;
use penstock_common::bitbucket::statuses::StatusState;

use super::Failed;
use crate::review::{self, StatusWish};
use crate::state::State;
use crate::store::Error;
use crate::store::workspace::{Workspace, restored};

pub(super) async fn end_waiting(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    number: u64,
) -> Result<(), Failed> {
    let mut lane = workspace.lane(repository).await;
    let tracked = lane.state(&[]).await?;
    let Some(row) = tracked.repository.pull_request(number).cloned() else { return Ok(()) };
    let Some(branch) = row.source else { return Ok(()) };
    let about = review::About { branch, commit: row.head, pull_request: Some(number) };
    let place = review::status_place(repository, &about);
    let waits = workspace.wish(&place).await?.and_then(|wish| restored::<StatusWish>(&wish.body));
    if waits.is_none_or(|wish| wish.status.state != StatusState::InProgress) {
        return Ok(());
    }
    let tracked = lane.loaded().ok_or(Error::Conflict)?;
    let web = state.config.hosts.script_and_frame_origin();
    let words = (StatusState::Stopped, &"No scan of this commit came: does its pipeline run Penstock?".into());
    let (place, body) = review::without_verdict(workspace, repository, tracked, &about, &web, words).await?;
    let now = state.now();
    let mut write = workspace.write().await?;
    review::wish(&mut write, &place, &body, now).await?;
    Ok(write.commit().await?)
}
