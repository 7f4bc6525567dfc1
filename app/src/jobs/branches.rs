//! The branches of a repository, as Bitbucket has them now.

use penstock_common::Masked;
use std::collections::BTreeMap;

use penstock_common::Uuid;

use super::{Failed, follow};
use crate::bitbucket::Purpose;
use crate::state::State;
use crate::store::workspace::Workspace;
use crate::track::{Actor, Changes, Commit, delete_branch, move_branch};

pub(super) async fn follow_branches(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    purpose: Purpose,
) -> Result<(), Failed> {
    // Of a repository that never sent a run nothing is tracked.
    if workspace.repository(repository).await?.is_none_or(|row| row.gone_at.is_some()) {
        return Ok(());
    }
    let there = state.bitbucket.of(workspace.id()).await?.on_behalf_of(purpose).in_repository(repository);
    let told: BTreeMap<Masked, Commit> =
        there.branches().await?.into_iter().map(|branch| (branch.name, branch.head)).collect();
    let mut lane = workspace.lane(repository).await;
    let now = state.now();
    let tracked = lane.state(&[]).await?;
    let mut changes = Changes::default();
    for branch in tracked.repository.branches().filter(|branch| branch.deleted.is_none()) {
        changes.extend(match told.get(&branch.name) {
            Some(head) => move_branch(&tracked.repository, branch.id, *head),
            None => delete_branch(&tracked.repository, branch.id, Actor::Bitbucket, now),
        });
    }
    Ok(follow::write_in(&mut lane, &changes, now).await?)
}
