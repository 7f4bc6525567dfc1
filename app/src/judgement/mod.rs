//! Judging a finding.
//!
//! Owns the one way by which people and tokens judge, wherever they do it: the workspace's policy first, then the change, its log, its entry in the
//! audit log, and the verdicts that it concerns, all in one transaction. Where the policy wants a second person, the judgement waits for him
//! (`approval`). Who may judge at all was asked before.

mod approval;
mod policy;

pub use approval::{approve, reject, withdraw};
pub use policy::{Policy, Violation};

use penstock_common::{Severity, Uuid};

use crate::audit::{self, Act, Entry};
use crate::jobs::kind;
use crate::settings::Settings;
use crate::state::State;
use crate::store::system::Subject;
use crate::store::workspace::{Approval, ApprovalState, Lane, NewApproval, State as Tracked, Workspace};
use crate::store::{self, new_id};
use crate::track::{
    Actor, Branch, BranchId, Changes, Decision, FindingId, PullRequest, PullRequestState, Repository, Triage,
    TriageError, triage,
};

/// Most characters of a reason, wherever it is given.
pub const REASON_MAX: usize = 1000;
/// Most branches that are judged again, the ones scanned last, of those that are neither the main one nor in an open pull request.
const BRANCHES_MAX: usize = 20;

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

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It holds.
    Holds,
    /// It holds once a second person approves it: this is its id.
    Waits(u128),
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
    /// Somebody proposed another judgement.
    #[error("another judgement of it waits for approval already: approve or reject that first")]
    OtherWaits,
    /// There is nothing to approve.
    #[error("there is no such judgement that waits for approval")]
    NothingWaits,
}

/// Judges a finding. Who says of something critical what another person proposed already approves that.
///
/// # Errors
/// When it makes no sense, when the policy forbids it, or when the database does not answer.
pub async fn judge(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    wish: &Judge<'_>,
) -> Result<Judged, Refused> {
    let policy = Settings::of(workspace, Some(repository)).await?.policy();
    let mut lane = workspace.lane(repository).await;
    let changes = changes(&mut lane, &policy, wish).await?;
    if changes.is_empty() {
        return Ok(Judged::Holds);
    }
    let waiting = workspace.waiting_approval(repository, wish.finding, wish.pull_request).await?;
    if needs_second_person(workspace, repository, &policy, wish).await? {
        let Some(waiting) = waiting else { return propose(state, workspace, repository, wish, None).await };
        let is_own = waiting.new.proposer == wish.account;
        return match (&wish.decision.author, is_own) {
            (_, true) => propose(state, workspace, repository, wish, Some(&waiting)).await,
            // A program is nobody's second person.
            (Actor::Account(_), false) if waiting.new.judgement.status == wish.decision.status => {
                approval::carry_out(state, workspace, &mut lane, &policy, &waiting, wish.account).await?;
                Ok(Judged::Holds)
            }
            _ => Err(Refused::OtherWaits),
        };
    }
    let ended = waiting.as_ref().map(|waiting| {
        let is_own = waiting.new.proposer == wish.account;
        (waiting, if is_own { ApprovalState::Withdrawn } else { ApprovalState::Rejected })
    });
    let act = Act::Judged(told(wish.finding, wish.pull_request, &wish.triage()));
    write(state, &mut lane, wish, &changes, ended, act).await?;
    Ok(Judged::Holds)
}

impl Judge<'_> {
    /// As it is kept.
    fn triage(&self) -> Triage {
        Triage {
            status: self.decision.status,
            reason: self.decision.reason.clone(),
            author: Some(self.decision.author.clone()),
            at: self.decision.now,
            expires: self.decision.expires,
        }
    }

    fn entry(&self, repository: Uuid, act: Act) -> Entry {
        let through = match &self.decision.author {
            Actor::Token(name) => Some(name.clone()),
            _ => None,
        };
        Entry { at: self.decision.now, by: self.account.to_owned(), through, repository: Some(repository), act }
    }
}

/// What a judgement changes, if the policy allows it.
async fn changes(lane: &mut Lane, policy: &Policy, wish: &Judge<'_>) -> Result<Changes, Refused> {
    lane.state(&[]).await?;
    let tracked = lane.loaded().ok_or(store::Error::Conflict)?;
    let author = is_own(lane, tracked, wish).await?.then_some(wish.account);
    policy.check(&wish.decision, wish.account, author)?;
    Ok(triage(&tracked.repository, wish.finding, wish.pull_request, &wish.decision)?)
}

/// Whether the finding comes with a pull request of the same account. What is said of a finding everywhere holds in its pull request, too, so that it is
/// said without naming the pull request is no way around the policy.
async fn is_own(lane: &Lane, tracked: &Tracked, wish: &Judge<'_>) -> store::Result<bool> {
    let own: Vec<_> = tracked.repository.pull_requests().filter(|row| row.author == wish.account).collect();
    if let Some(number) = wish.pull_request {
        return Ok(own.iter().any(|row| row.number == number));
    }
    let places = lane.workspace().occurrences_of(lane.repository(), wish.finding).await?;
    let is_on = |branch| places.iter().any(|(_, place)| place.branch == branch && place.is_open());
    let brings = |row: &&PullRequest| row.source.is_some_and(is_on) && !is_on(row.destination);
    Ok(own.into_iter().filter(|row| row.state == PullRequestState::Open).any(|row| brings(&row)))
}

async fn needs_second_person(
    workspace: &Workspace,
    repository: Uuid,
    policy: &Policy,
    wish: &Judge<'_>,
) -> store::Result<bool> {
    if !policy.second_person || !wish.decision.status.dismisses() {
        return Ok(false);
    }
    Ok(workspace.worst_severity(repository, wish.finding).await? == Some(Severity::Critical))
}

/// Keeps a judgement until somebody else approves it, in place of what the same person proposed `before`.
async fn propose(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    wish: &Judge<'_>,
    before: Option<&Approval>,
) -> Result<Judged, Refused> {
    let judgement = wish.triage();
    if let Some(before) = before {
        let is_the_same = Triage { at: before.new.judgement.at, ..judgement.clone() } == before.new.judgement;
        if is_the_same {
            return Ok(Judged::Waits(before.new.approval));
        }
    }
    let now = state.now();
    let new = NewApproval {
        approval: new_id(),
        repository,
        finding: wish.finding,
        pull_request: wish.pull_request,
        judgement,
        proposer: wish.account.to_owned(),
    };
    let mut write = workspace.write().await?;
    if let Some(before) = before {
        let by = wish.account;
        if !write.end_approval(repository, before.new.approval, ApprovalState::Withdrawn, by, now).await? {
            return Err(store::Error::Conflict.into());
        }
        let old = told(before.new.finding, before.new.pull_request, &before.new.judgement);
        write.audit(&wish.entry(repository, Act::Withdrawn(old))).await?;
    }
    if !write.propose(&new, now).await? {
        return Err(store::Error::Conflict.into());
    }
    let act = Act::Proposed(told(new.finding, new.pull_request, &new.judgement));
    write.audit(&wish.entry(repository, act)).await?;
    write.commit().await?;
    Ok(Judged::Waits(new.approval))
}

/// Writes what a judgement changes, what became of the one that waited, and the entry of `act`; and has judged anew what it concerns.
async fn write(
    state: &State,
    lane: &mut Lane,
    wish: &Judge<'_>,
    changes: &Changes,
    ended: Option<(&Approval, ApprovalState)>,
    act: Act,
) -> Result<(), Refused> {
    let (workspace, repository) = (lane.workspace().clone(), lane.repository());
    let tracked = lane.loaded().ok_or(store::Error::Conflict)?;
    let stands_on = workspace.branches_with(repository, wish.finding).await?;
    let jobs = concerned(&tracked.repository, repository, wish.pull_request, &stands_on);
    let now = state.now();
    let mut write = workspace.write().await?;
    for job in &jobs {
        write.job(job, now, now).await?;
    }
    if let Some((approval, ending)) = ended {
        if !write.end_approval(repository, approval.new.approval, ending, wish.account, now).await? {
            return Err(store::Error::Conflict.into());
        }
        // What ends it otherwise than by being approved is told for itself.
        let old = told(approval.new.finding, approval.new.pull_request, &approval.new.judgement);
        let proposer = approval.new.proposer.clone();
        match ending {
            ApprovalState::Rejected => {
                write.audit(&wish.entry(repository, Act::Rejected { proposer, judgement: old })).await?;
            }
            ApprovalState::Withdrawn => write.audit(&wish.entry(repository, Act::Withdrawn(old))).await?,
            ApprovalState::Approved | ApprovalState::Waiting => {}
        }
    }
    write.audit(&wish.entry(repository, act)).await?;
    lane.accept(changes);
    let log = write.changes(lane, changes, &Default::default(), now).await?;
    Ok(write.commit_in(lane, log).await?)
}

/// What must be judged again after a judgement, in a pull request or everywhere: the main branch, open pull requests, and those of these `branches` that
/// are neither may have another verdict now.
pub fn concerned(
    tracked: &Repository,
    repository: Uuid,
    pull_request: Option<u64>,
    branches: &[BranchId],
) -> Vec<Subject> {
    let subject = |kind, subject| Subject { repository: Some(repository), kind, subject };
    let of = |number: u64| subject(kind::PULL_REQUEST, number.to_string());
    if let Some(number) = pull_request {
        return vec![of(number)];
    }
    let open: Vec<_> = tracked.pull_requests().filter(|row| row.state == PullRequestState::Open).collect();
    let mut all = vec![subject(kind::MAIN_BRANCH, String::new())];
    all.extend(open.iter().map(|row| of(row.number)));
    let is_other = |id: BranchId| tracked.main() != Some(id) && !open.iter().any(|row| row.source == Some(id));
    let others = branches.iter().filter(|id| is_other(**id)).filter_map(|id| tracked.branch(*id));
    let scanned = |row: &Branch| row.timeline.accounts().iter().map(|account| account.stamp.at).max();
    let living = others.filter(|row| row.deleted.is_none());
    let mut others: Vec<_> = living.filter_map(|row| Some((scanned(row)?, row.id))).collect();
    others.sort_unstable_by(|one, other| other.cmp(one));
    all.extend(others.into_iter().take(BRANCHES_MAX).map(|(_, id)| subject(kind::BRANCH, id.to_string())));
    all
}

/// A judgement as the audit log tells it.
fn told(finding: FindingId, pull_request: Option<u64>, judgement: &Triage) -> audit::Judgement {
    audit::Judgement {
        finding,
        pull_request,
        status: judgement.status,
        reason: judgement.reason.clone(),
        expires: judgement.expires,
    }
}
