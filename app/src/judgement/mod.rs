//! Judging a finding.
//!
//! Owns the one way by which people and tokens judge, wherever they do it: the workspace's policy first, then the change, its log, and the pull
//! requests that it concerns, all in one transaction. Who may judge at all was asked before.

mod policy;

pub use policy::{Policy, Violation};

use penstock_common::Uuid;

use crate::jobs::kind;
use crate::state::State;
use crate::store;
use crate::store::system::Subject;
use crate::store::workspace::Workspace;
use crate::track::{Decision, FindingId, PullRequestState, TriageError, triage};

/// A judgement that somebody wants.
#[derive(Clone, Debug)]
pub struct Judge<'a> {
    /// Of which finding.
    pub finding: FindingId,
    /// Only in this pull request.
    pub pull_request: Option<u64>,
    /// What is said.
    pub decision: Decision,
    /// The account that stands behind it.
    pub account: &'a str,
}

/// Why it is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// It makes no sense.
    #[error(transparent)]
    Triage(#[from] TriageError),
    /// The workspace does not want it so.
    #[error(transparent)]
    Policy(#[from] Violation),
}

/// Judges a finding.
///
/// # Errors
/// When it makes no sense, when the policy forbids it, or when the database does not answer.
pub async fn judge(state: &State, workspace: &Workspace, repository: Uuid, wish: &Judge<'_>) -> Result<(), Refused> {
    let policy = Policy::of(workspace, repository).await?;
    let mut lane = workspace.lane(repository).await;
    let tracked = lane.state(&[]).await?;
    let number = wish.pull_request;
    let pull_request = number.and_then(|number| tracked.repository.pull_request(number));
    let author = pull_request.map(|row| row.author.as_str());
    policy.check(&wish.decision, wish.account, author)?;
    let changes = triage(&tracked.repository, wish.finding, number, &wish.decision)?;
    if changes.is_empty() {
        return Ok(());
    }
    // Open pull requests hear of it: their verdict may be another one now.
    let open: Vec<u64> = match number {
        Some(number) => vec![number],
        None => {
            let open = tracked.repository.pull_requests().filter(|row| row.state == PullRequestState::Open);
            open.map(|row| row.number).collect()
        }
    };
    let now = state.now();
    let mut write = workspace.write().await?;
    for number in open {
        let subject = Subject { repository: Some(repository), kind: kind::PULL_REQUEST, subject: number.to_string() };
        write.job(&subject, now, now).await?;
    }
    let log = write.changes(&lane, &changes, &Default::default(), now).await?;
    lane.accept(&changes);
    Ok(write.commit_in(&mut lane, log).await?)
}
