//! The repository itself: its name, whose it is, whether it is there.

use penstock_common::Uuid;

use super::{Failed, follow};
use crate::bitbucket::Purpose;
use crate::state::State;
use crate::store::workspace::Workspace;

pub(super) async fn follow_repository(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    purpose: Purpose,
) -> Result<(), Failed> {
    if workspace.repository(repository).await?.is_none() {
        return Ok(());
    }
    let there = state.bitbucket.of(workspace.id()).await?.on_behalf_of(purpose).in_repository(repository);
    // In another workspace it begins anew: what this tenant has of it ends here.
    let Some(told) = there.get().await?.filter(|told| told.workspace == workspace.id()) else {
        let mut write = workspace.write().await?;
        write.repository_gone(repository, state.now()).await?;
        return Ok(write.commit().await?);
    };
    Ok(follow::take_over(state, workspace, &told).await?)
}
