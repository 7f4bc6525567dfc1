//! The second person.
//!
//! Owns what becomes of a judgement that waits: another person approves or rejects it, or who proposed it takes it back. Whether somebody may
//! judge at all was asked before; here it only matters that he is another one.

use penstock_common::Uuid;

use super::{Judge, Policy, Refused, Violation, changes, told, write};
use crate::audit::{Act, Entry};
use crate::settings::Settings;
use crate::state::State;
use crate::store::workspace::{Approval, ApprovalState, Lane, Workspace};
use crate::track::{Actor, Decision};

/// Somebody else agrees: from now on the judgement holds.
///
/// # Errors
/// When nothing waits under this id, when he proposed it himself, when the policy forbids it by now, or when its finding or pull request is gone.
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
    carry_out(state, workspace, &mut lane, &policy, &waiting, by).await
}

/// Somebody else says no.
///
/// # Errors
/// When nothing waits under this id, or he proposed it himself.
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

/// Who proposed it takes it back.
///
/// # Errors
/// When nothing waits under this id, or somebody else proposed it.
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

/// Lets a judgement hold that `by` approves.
pub(super) async fn carry_out(
    state: &State,
    workspace: &Workspace,
    lane: &mut Lane,
    policy: &Policy,
    waiting: &Approval,
    by: &str,
) -> Result<(), Refused> {
    let new = &waiting.new;
    if new.proposer == by {
        return Err(Violation::SecondPerson.into());
    }
    let author = new.judgement.author.clone().unwrap_or_else(|| Actor::Account(new.proposer.clone()));
    let decision = Decision {
        status: new.judgement.status,
        reason: new.judgement.reason.clone(),
        author,
        expires: new.judgement.expires,
        now: state.now(),
    };
    // What is wanted of who judges is wanted of who approves.
    let wish = Judge { finding: new.finding, pull_request: new.pull_request, decision, account: by };
    let changes = changes(lane, policy, &wish).await?;
    if changes.is_empty() {
        // The same was said without him in the meantime.
        return end(state, workspace, waiting, ApprovalState::Approved, by).await;
    }
    let judgement = told(new.finding, new.pull_request, &new.judgement);
    let act = Act::Approved { proposer: new.proposer.clone(), judgement };
    // It is he who acts, whoever the judgement is told to be by.
    let decision = Decision { author: Actor::Account(by.to_owned()), ..wish.decision };
    write(state, lane, &Judge { decision, ..wish }, &changes, Some((waiting, ApprovalState::Approved)), act).await
}

/// Ends one that changes nothing.
async fn end(
    state: &State,
    workspace: &Workspace,
    waiting: &Approval,
    ending: ApprovalState,
    by: &str,
) -> Result<(), Refused> {
    let (new, now) = (&waiting.new, state.now());
    let judgement = told(new.finding, new.pull_request, &new.judgement);
    let proposer = new.proposer.clone();
    let act = match ending {
        ApprovalState::Approved => Act::Approved { proposer, judgement },
        ApprovalState::Rejected => Act::Rejected { proposer, judgement },
        ApprovalState::Withdrawn | ApprovalState::Waiting => Act::Withdrawn(judgement),
    };
    let mut write = workspace.write().await?;
    if !write.end_approval(new.repository, new.approval, ending, by, now).await? {
        return Err(Refused::NothingWaits);
    }
    write.audit(&Entry { at: now, by: by.to_owned(), through: None, repository: Some(new.repository), act }).await?;
    Ok(write.commit().await?)
}
