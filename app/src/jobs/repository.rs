//! The repository itself: its name, whose it is, whether it is there.

use penstock_common::Uuid;

use super::{Failed, follow};
use crate::state::State;
use crate::store::workspace::Workspace;
use crate::track::{Actor, rename_repository};

pub(super) async fn follow_repository(state: &State, workspace: &Workspace, repository: Uuid) -> Result<(), Failed> {
    let Some(known) = workspace.repository(repository).await? else { return Ok(()) };
    let there = state.bitbucket.of(workspace.id()).await?.in_repository(repository);
    let now = state.now();
    // In another workspace it begins anew: what this tenant has of it ends here.
    let Some(told) = there.get().await?.filter(|told| told.workspace == workspace.id()) else {
        let mut write = workspace.write().await?;
        write.repository_gone(repository, now).await?;
        return Ok(write.commit().await?);
    };
    follow::take_over(state, workspace, &told).await?;
    let mut lane = workspace.lane(repository).await;
    lane.state(&[]).await?;
    let changes = rename_repository(&known.name, &told.full_name, Actor::Bitbucket, now);
    Ok(follow::write_in(&mut lane, &changes, now).await?)
}
