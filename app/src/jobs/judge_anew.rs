//! Verdicts judged again because what they depend on was set otherwise.
//!
//! Owns whom that concerns: of a workspace each repository, of a repository its main branch, open pull requests and the branches scanned last. Each is a job of its own, so that
//! a large workspace keeps nobody waiting.

use penstock_common::Uuid;

use super::{Failed, follow, kind};
use crate::judgement::concerned;
use crate::settings::Settings;
use crate::state::State;
use crate::store::system::Subject;
use crate::store::workspace::Workspace;
use crate::track::reconsider;

pub(super) async fn judge_workspace_anew(state: &State, workspace: &Workspace) -> Result<(), Failed> {
    let repositories = workspace.repositories().await?;
    let there = repositories.iter().filter(|row| row.gone_at.is_none());
    let of = |repository| Subject { repository: Some(repository), kind: kind::JUDGE_ANEW, subject: String::new() };
    wish(state, workspace, there.map(|row| of(row.repository))).await
}

pub(super) async fn judge_repository_anew(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
) -> Result<(), Failed> {
    if workspace.repository(repository).await?.is_none_or(|row| row.gone_at.is_some()) {
        return Ok(());
    }
    let policy = Settings::of(workspace, Some(repository)).await?.policy();
    let concerned = {
        let (mut lane, now) = (workspace.lane(repository).await, state.now());
        // The rules for dismissals may be others.
        let changes = reconsider(&lane.state(&[]).await?.repository, None, &policy, now);
        follow::write_in(&mut lane, &changes, now).await?;
        let tracked = &lane.state(&[]).await?.repository;
        let branches: Vec<_> = tracked.branches().map(|branch| branch.id).collect();
        concerned(tracked, repository, None, &branches)
    };
    wish(state, workspace, concerned.into_iter()).await
}

async fn wish(state: &State, workspace: &Workspace, jobs: impl Iterator<Item = Subject>) -> Result<(), Failed> {
    let now = state.now();
    let mut write = workspace.write().await?;
    for job in jobs {
        write.job(&job, now, now).await?;
    }
    Ok(write.commit().await?)
}
