//! A repository compared with Bitbucket, so that a webhook that was lost does no lasting harm.

use penstock_common::Uuid;

use super::{Failed, branches, kind, repository};
use crate::bitbucket::Purpose;
use crate::state::State;
use crate::store::system::Subject;
use crate::store::workspace::Workspace;
use crate::track::PullRequestState;

/// Requests that are left to people, of those that are not reserved for verdicts.
const RESERVE: u32 = 200;
/// Most open pull requests that are looked at.
const PULL_REQUESTS: usize = 100;

pub(super) async fn sweep(state: &State, workspace: &Workspace, id: Uuid) -> Result<(), Failed> {
    let bitbucket = state.bitbucket.of(workspace.id()).await?.on_behalf_of(Purpose::Background);
    // The next sweep comes anyway.
    if bitbucket.requests_left() < RESERVE {
        return Ok(());
    }
    repository::follow_repository(state, workspace, id, Purpose::Background).await?;
    branches::follow_branches(state, workspace, id, Purpose::Background).await?;
    let (open, _) = bitbucket.in_repository(id).open_pull_requests(PULL_REQUESTS).await?;
    let mut changed = Vec::new();
    {
        let mut lane = workspace.lane(id).await;
        let tracked = lane.state(&[]).await?;
        for told in &open {
            let known = tracked.repository.pull_request(told.number);
            if known.is_none_or(|row| Some(row.head) != told.source.head || row.state != PullRequestState::Open) {
                changed.push(told.number);
            }
        }
        // What is open here and not there was closed without our knowledge.
        let closed = tracked.repository.pull_requests().filter(|row| row.state == PullRequestState::Open);
        changed.extend(closed.map(|row| row.number).filter(|number| !open.iter().any(|told| told.number == *number)));
    }
    let now = state.now();
    let mut write = workspace.write().await?;
    for number in changed {
        let subject = Subject { repository: Some(id), kind: kind::PULL_REQUEST, subject: number.to_string() };
        write.job(&subject, now, now).await?;
    }
    Ok(write.commit().await?)
}
