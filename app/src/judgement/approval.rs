//! The second person.
//!
//! Owns the end of a pending dismissal: another person approves or rejects it, or the proposer
//! withdraws it. The right to triage was checked before; here it only matters that it is another
//! person.

use penstock_common::{Masked, Uuid};

use super::{Judge, Refused, Step, Violation, authors, judge_in, record, write};
use crate::settings::Settings;
use crate::state::State;
use crate::store;
use crate::store::workspace::{Approval, ApprovalState, Workspace};
use crate::track::{Actor, Decision, Status, TriageError, retract};

/// Another person approves a dismissal.
///
/// # Errors
/// When nothing waits under this id, when the same person proposed it or opened the pull request, when the policy forbids it by now, or when its
/// finding or pull request is gone.
pub async fn approve(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    approval: u128,
    by: &str,
) -> Result<(), Refused> {
    let policy = Settings::of(workspace, Some(repository)).await?.policy();
    let mut lane = workspace.lane(repository).await;
    let waiting = waiting(workspace, repository, approval).await?;
    let new = &waiting.new;
    if new.proposer == by {
        return Err(Violation::SecondPerson.into());
    }
    lane.state(&[]).await?;
    let said = record(&lane, new.finding, new.pull_request)?;
    // The status was changed in the meantime.
    if said.status != new.judgement.status {
        return Err(Refused::NothingWaits);
    }
    if !policy.author_may_dismiss {
        let tracked = &lane.loaded().ok_or(store::Error::Conflict)?.repository;
        let row = tracked.finding(new.finding).ok_or(TriageError::UnknownFinding(new.finding))?;
        if authors(&lane, row, new.pull_request).await?.iter().any(|author| author == by) {
            return Err(Violation::OwnPullRequest.into());
        }
    }
    let decision = Decision {
        status: said.status,
        reason: said.reason,
        author: Actor::Account(by.to_owned()),
        account: by.to_owned(),
        expires: said.expires,
        now: state.now(),
    };
    let wish = Judge { finding: new.finding, pull_request: new.pull_request, decision };
    judge_in(state, &mut lane, &policy, &wish).await.map(drop)
}

/// Another person rejects a dismissal.
///
/// # Errors
/// When nothing waits under this id, or the same person proposed it.
pub async fn reject(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    approval: u128,
    by: &str,
) -> Result<(), Refused> {
    let waiting = waiting(workspace, repository, approval).await?;
    if waiting.new.proposer == by {
        return Err(Violation::SecondPerson.into());
    }
    end(state, workspace, &waiting, ApprovalState::Rejected, by).await
}

/// The proposer withdraws a dismissal.
///
/// # Errors
/// When nothing waits under this id, or another person proposed it.
pub async fn withdraw(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    approval: u128,
    by: &str,
) -> Result<(), Refused> {
    let waiting = waiting(workspace, repository, approval).await?;
    if waiting.new.proposer != by {
        return Err(Violation::NotTheProposer.into());
    }
    end(state, workspace, &waiting, ApprovalState::Withdrawn, by).await
}

async fn waiting(workspace: &Workspace, repository: Uuid, approval: u128) -> Result<Approval, Refused> {
    let found = workspace.approval(repository, approval).await?;
    found.filter(|one| one.state == ApprovalState::Waiting).ok_or(Refused::NothingWaits)
}

/// Ends an approval, and the status that it was for.
async fn end(
    state: &State,
    workspace: &Workspace,
    waiting: &Approval,
    ending: ApprovalState,
    by: &str,
) -> Result<(), Refused> {
    let (new, now) = (&waiting.new, state.now());
    let mut lane = workspace.lane(new.repository).await;
    lane.state(&[]).await?;
    // A status that was set in the meantime stays.
    let is_said = record(&lane, new.finding, new.pull_request).is_ok_and(|said| said.status == new.judgement.status);
    let tracked = &lane.loaded().ok_or(store::Error::Conflict)?.repository;
    let author = Actor::Account(by.to_owned());
    let changes = match is_said {
        true => retract(tracked, new.finding, new.pull_request, author.clone(), now),
        false => Default::default(),
    };
    lane.accept(&changes);
    let decision = Decision {
        status: Status::NeedsTriage,
        reason: Masked::EMPTY,
        author,
        account: by.to_owned(),
        expires: None,
        now,
    };
    let wish = Judge { finding: new.finding, pull_request: new.pull_request, decision };
    let step = Step { ended: Some((waiting, ending)), proposed: None };
    write(state, &mut lane, &wish, changes, step, None).await
}
