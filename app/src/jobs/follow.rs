//! What Bitbucket tells, taken over.
//!
//! Owns the way from REST's answers to changes of what is tracked, for whoever asked: a job, or a run that came.

use penstock::analyze::secrets::mask;
use penstock_common::{Masked, Uuid};

use crate::bitbucket::{self, Author, InRepository};
use crate::state::State;
use crate::store::workspace::{Lane, Workspace};
use crate::store::{self, Error, new_id};
use crate::track::{
    self, BranchId, Changes, Commit, PullRequest, PullRequestState, find_or_create_branch, open_pull_request,
};

/// How long what REST said of a repository is believed without asking again, in milliseconds.
const FRESH: i64 = 60 * 60_000;

/// Makes sure that the repository is known, with its name and main branch, as REST tells them.
///
/// # Errors
/// When Bitbucket or the database does not answer, or the repository is not this workspace's.
pub async fn ensure_repository(
    state: &State,
    workspace: &Workspace,
    there: &InRepository,
) -> Result<(), crate::jobs::Failed> {
    let now = state.now();
    let known = workspace.repository(there.id()).await?;
    if known.is_some_and(|row| row.gone_at.is_none() && row.refreshed_at > now - FRESH) {
        return Ok(());
    }
    let told = there.get().await?.filter(|told| told.workspace == workspace.id());
    let told = told.ok_or(Error::NotFound("repository in this workspace"))?;
    take_over(state, workspace, &told).await?;
    Ok(())
}

/// Writes what REST says of a repository, and logs a new name, all in one transaction.
///
/// # Errors
/// When the database does not answer.
pub async fn take_over(state: &State, workspace: &Workspace, told: &bitbucket::Repository) -> store::Result<()> {
    let now = state.now();
    if workspace.repository(told.id).await?.is_none() {
        // It needs a row before it can have a state. Whatever interrupts this, Bitbucket is asked
        // again.
        let mut write = workspace.write().await?;
        write.new_repository(told.id, &told.slug, &told.full_name, told.is_private, now).await?;
        write.commit().await?;
    }
    let mut lane = workspace.lane(told.id).await;
    let known = workspace.repository(told.id).await?.ok_or(Error::NotFound("repository"))?;
    let mut changes = track::rename_repository(&known.name, &told.full_name, track::Actor::Bitbucket, now);
    let tracked = lane.state(&[]).await?;
    let main = tracked.repository.main().and_then(|id| tracked.repository.branch(id));
    if let Some(name) = told.main_branch.as_ref().filter(|name| main.is_none_or(|row| row.name != **name)) {
        let (branch, more) = find_or_create_branch(&tracked.repository, name, &mut new_id);
        // The name of a new branch is asked for the event.
        lane.accept(&more);
        changes.extend(more);
        let tracked = lane.loaded().ok_or(Error::Conflict)?;
        changes.extend(track::set_main_branch(&tracked.repository, branch, track::Actor::Bitbucket, now));
    }
    let slug = mask(told.full_name.split('/').next().unwrap_or_default());
    let mut write = workspace.write().await?;
    write.workspace(&slug, &slug, now).await?;
    write.repository(told.id, &told.slug, &told.full_name, told.is_private, now).await?;
    if changes.is_empty() {
        return write.commit().await;
    }
    lane.accept(&changes);
    let log = write.changes(&lane, &changes, &Default::default(), now).await?;
    write.commit_in(&mut lane, log).await
}

/// Keeps how somebody is called, where Bitbucket told it with his account: pages show it in place of that.
///
/// # Errors
/// When the database does not answer.
pub async fn take_over_name(state: &State, workspace: &Workspace, told: &Author) -> store::Result<()> {
    let (Some(account), Some(name)) = (&told.account_id, &told.name) else { return Ok(()) };
    // Most often it is known, and nothing has to be written.
    if workspace.name_of(account).await?.as_deref() == Some(name.as_str()) {
        return Ok(());
    }
    let mut write = workspace.write().await?;
    write.person(account, name, state.now()).await?;
    write.commit().await
}

/// What runs of other branches reported of a branch's last commit. The branch must be loaded.
///
/// # Errors
/// When nothing is loaded, or the database does not answer.
pub async fn recalled(lane: &mut Lane, branch: BranchId, now: i64) -> store::Result<Changes> {
    let tracked = &lane.loaded().ok_or(Error::Conflict)?.repository;
    let last = tracked.branch(branch).and_then(|row| row.timeline.last());
    let others = last.map(|commit| track::others_on(tracked, Some(branch), commit)).unwrap_or_default();
    if others.is_empty() {
        return Ok(Changes::default());
    }
    let tracked = lane.loaded_with(&others).await?;
    Ok(track::recall(&tracked.repository, branch, now))
}

/// Writes changes, with nothing beside them.
///
/// # Errors
/// When the database does not answer, or somebody else came in between.
pub async fn write_in(lane: &mut Lane, changes: &Changes, now: i64) -> store::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut write = lane.workspace().write().await?;
    lane.accept(changes);
    let log = write.changes(lane, changes, &Default::default(), now).await?;
    write.commit_in(lane, log).await
}

/// The row of a pull request as REST tells it, with its branches. Its source is absent for a fork.
///
/// # Errors
/// When nothing is loaded.
pub fn pull_request_row(lane: &Lane, told: &bitbucket::PullRequest, repository: Uuid) -> store::Result<Changes> {
    let tracked = lane.loaded().ok_or(Error::Conflict)?;
    let mut changes = Changes::default();
    let mut seen = tracked.repository.clone_branches();
    let mut branch = |name: &Masked, changes: &mut Changes| -> BranchId {
        let (id, more) = find_or_create_branch(&seen, name, &mut new_id);
        seen.accept(more.clone());
        changes.extend(more);
        id
    };
    let destination = branch(&told.destination, &mut changes);
    let ours = !told.is_from_fork(repository);
    let source = told.source.branch.as_ref().filter(|_| ours).map(|name| branch(name, &mut changes));
    let Some(head) = told.source.head.or_else(|| known_head(tracked, told.number)) else {
        return Ok(Changes::default());
    };
    let row = PullRequest {
        number: told.number,
        source,
        destination,
        head,
        author: told.author.account_id.clone().unwrap_or_default(),
        state: PullRequestState::Open,
    };
    changes.extend(open_pull_request(&tracked.repository, row));
    Ok(changes)
}

fn known_head(tracked: &store::workspace::State, number: u64) -> Option<Commit> {
    tracked.repository.pull_request(number).map(|row| row.head)
}
