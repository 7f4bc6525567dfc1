//! Triage of findings.
//!
//! Owns the one path by which people and tokens triage, from any place: the change, its log, its
//! entry in the audit log, and the verdicts that depend on it, all in one transaction. The decision
//! is recorded with its author; whether a dismissal counts is evaluated with each verdict. One that
//! needs another person is on the list of approvals (`approval`). The right to triage was checked
//! before.

mod approval;
mod policy;
mod severity;

pub use crate::track::DismissalPolicy as Policy;
pub use approval::{approve, reject, withdraw};
pub use policy::Violation;
pub use severity::lower_severity;

use penstock_common::{Severity, Uuid};

use crate::audit::{self, Act, Entry};
use crate::jobs::kind;
use crate::settings::Settings;
use crate::state::State;
use crate::store::system::Subject;
use crate::store::workspace::{Approval, ApprovalState, Lane, NewApproval, Workspace};
use crate::store::{self, new_id};
use crate::track::{
    Actor, Branch, BranchId, Changes, Decision, Finding, FindingId, Objection, PullRequest, PullRequestState,
    Repository, Triage, TriageError, reconsider, triage,
};

/// Most characters of a reason, wherever it is given.
pub const REASON_MAX: usize = 1000;
/// Most branches that are judged again, the ones scanned last, of those that are neither the main one nor in an open pull request.
const BRANCHES_MAX: usize = 20;

/// A judgement that somebody wants.
#[derive(Clone, Debug)]
pub struct Judge {
    /// Of which finding.
    pub finding: FindingId,
    /// Only in this pull request.
    pub pull_request: Option<u64>,
    /// What is said, and by whom.
    pub decision: Decision,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It holds.
    Holds,
    /// It is recorded, and does not count yet.
    Waits(Objection),
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
    /// There is nothing to approve.
    #[error("there is no such judgement that waits for approval")]
    NothingWaits,
}

/// Triages a finding. Dismissing it as another person did already approves that dismissal.
///
/// # Errors
/// When it is invalid, or when the database does not answer.
pub async fn judge(state: &State, workspace: &Workspace, repository: Uuid, wish: &Judge) -> Result<Judged, Refused> {
    let policy = Settings::of(workspace, Some(repository)).await?.policy();
    let mut lane = workspace.lane(repository).await;
    lane.state(&[]).await?;
    judge_in(state, &mut lane, &policy, wish).await
}

/// The same where the repository is in memory.
async fn judge_in(state: &State, lane: &mut Lane, policy: &Policy, wish: &Judge) -> Result<Judged, Refused> {
    policy::check(policy, &wish.decision)?;
    let (workspace, repository, now) = (lane.workspace().clone(), lane.repository(), state.now());
    let tracked = &lane.loaded().ok_or(store::Error::Conflict)?.repository;
    let mut changes = triage(tracked, wish.finding, wish.pull_request, &wish.decision)?;
    let is_new = !changes.is_empty();
    lane.accept(&changes);
    let tracked = &lane.loaded().ok_or(store::Error::Conflict)?.repository;
    let more = reconsider(tracked, Some(&[wish.finding]), policy, now);
    lane.accept(&more);
    changes.extend(more);

    let objection = objection(lane, policy, wish.finding, wish.pull_request, now).await?;
    let record = record(lane, wish.finding, wish.pull_request)?;
    let waiting = workspace.waiting_approval(repository, wish.finding, wish.pull_request).await?;
    let step = step(repository, wish, &record, waiting.as_ref(), objection);
    let judged = objection.map_or(Judged::Holds, Judged::Waits);
    if !is_new && step.ended.is_none() && step.proposed.is_none() {
        return Ok(judged);
    }
    let told_record = told(wish.finding, wish.pull_request, &record);
    let by_other = record.person().filter(|person| *person != wish.decision.account).map(str::to_owned);
    let act = match (by_other, &step.proposed) {
        (Some(proposer), _) => Act::Approved { proposer, judgement: told_record },
        (None, Some(_)) => Act::Proposed(told_record),
        (None, None) => Act::Judged(told_record),
    };
    write(state, lane, wish, changes, step, Some(act)).await?;
    Ok(judged)
}

/// Changes to the list of approvals.
#[derive(Debug, Default)]
struct Step<'a> {
    ended: Option<(&'a Approval, ApprovalState)>,
    proposed: Option<NewApproval>,
}

fn step<'a>(
    repository: Uuid,
    wish: &Judge,
    record: &Triage,
    waiting: Option<&'a Approval>,
    objection: Option<Objection>,
) -> Step<'a> {
    let account = &wish.decision.account;
    let is_the_same = |one: &Approval| {
        let old = &one.new.judgement;
        Some(&*one.new.proposer) == record.person()
            && (old.status, &old.reason, old.expires) == (record.status, &record.reason, record.expires)
    };
    if objection.is_some() && waiting.is_some_and(is_the_same) {
        return Step::default();
    }
    let is_joined = record.person() != Some(account) && objection.is_none();
    let ended = waiting.map(|one| {
        let is_own = one.new.proposer == *account;
        (
            one,
            match (is_own, is_joined && is_the_same(one)) {
                (_, true) => ApprovalState::Approved,
                (true, false) => ApprovalState::Withdrawn,
                (false, false) => ApprovalState::Rejected,
            },
        )
    });
    let proposed = objection.filter(|objection| objection.is_about_people()).map(|_| NewApproval {
        approval: new_id(),
        repository,
        finding: wish.finding,
        pull_request: wish.pull_request,
        judgement: record.clone(),
        proposer: record.person().unwrap_or(account).to_owned(),
    });
    Step { ended, proposed }
}

impl Judge {
    fn entry(&self, repository: Uuid, act: Act) -> Entry {
        let through = match &self.decision.author {
            Actor::Token(name) => Some(name.clone()),
            _ => None,
        };
        let by = self.decision.account.clone();
        Entry { at: self.decision.now, by, through, repository: Some(repository), act }
    }
}

/// The triage record of a finding, in a pull request or everywhere.
fn record(lane: &Lane, finding: FindingId, pull_request: Option<u64>) -> Result<Triage, Refused> {
    let tracked = &lane.loaded().ok_or(store::Error::Conflict)?.repository;
    let row = tracked.finding(finding).ok_or(TriageError::UnknownFinding(finding))?;
    Ok(match pull_request {
        Some(number) => row.proposed.get(&number).cloned().unwrap_or_default(),
        None => row.triage.clone(),
    })
}

/// Why the dismissal of a finding does not count; `None` if it counts, or if there is none. A
/// dismissal that applies everywhere must count in every open pull request that introduces the
/// finding, too.
async fn objection(
    lane: &Lane,
    policy: &Policy,
    finding: FindingId,
    pull_request: Option<u64>,
    now: i64,
) -> Result<Option<Objection>, Refused> {
    let tracked = &lane.loaded().ok_or(store::Error::Conflict)?.repository;
    let row = tracked.finding(finding).ok_or(TriageError::UnknownFinding(finding))?;
    let said = row.said_in(pull_request);
    if !said.triage.status.dismisses() {
        return Ok(None);
    }
    let authors = authors(lane, row, pull_request).await?;
    let authors: Vec<&str> = authors.iter().map(String::as_str).collect();
    let open = lane.workspace().worst_open(lane.repository(), finding).await?;
    Ok(policy.objection(said, row.worst.max(open.unwrap_or(Severity::Info)), &authors, now))
}

/// The authors of the pull requests that introduce a finding. A dismissal that applies everywhere
/// applies in them, too, so leaving out the pull request must not get around the policy.
async fn authors(lane: &Lane, finding: &Finding, pull_request: Option<u64>) -> Result<Vec<String>, Refused> {
    let tracked = &lane.loaded().ok_or(store::Error::Conflict)?.repository;
    let places = lane.workspace().occurrences_of(lane.repository(), finding.id).await?;
    let on = |branch| places.iter().map(|(_, place)| place).find(|place| place.branch == branch);
    let is_on = |branch| on(branch).is_some_and(|place| place.is_open());
    let brings = |row: &PullRequest| {
        pull_request == Some(row.number)
            || (row.state == PullRequestState::Open && row.source.is_some_and(is_on) && !is_on(row.destination))
    };
    let brought = tracked.main().and_then(on).and_then(|place| place.introduced_by);
    let all = tracked.pull_requests().filter(|row| brings(row) || brought == Some(row.number));
    Ok(all.map(|row| row.author.clone()).filter(|author| !author.is_empty()).collect())
}

/// Writes the changes of a decision and of the list of approvals, and the audit entry of `act`, if
/// that is more than the end of an approval; queues the re-evaluation of the verdicts that depend
/// on it. The lane accepted the changes before.
async fn write(
    state: &State,
    lane: &mut Lane,
    wish: &Judge,
    changes: Changes,
    step: Step<'_>,
    act: Option<Act>,
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
    if let Some((approval, ending)) = step.ended {
        if !write.end_approval(repository, approval.new.approval, ending, &wish.decision.account, now).await? {
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
    if let Some(new) = &step.proposed
        && !write.propose(new, now).await?
    {
        return Err(store::Error::Conflict.into());
    }
    if let Some(act) = act {
        write.audit(&wish.entry(repository, act)).await?;
    }
    let log = write.changes(lane, &changes, &Default::default(), now).await?;
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

/// The jobs that re-evaluate one branch: as the main branch, as the source of pull requests, or on
/// its own.
pub fn of_branch(tracked: &Repository, repository: Uuid, branch: BranchId) -> Vec<Subject> {
    let subject = |kind, subject| Subject { repository: Some(repository), kind, subject };
    let open = tracked.pull_requests().filter(|row| row.state == PullRequestState::Open && row.source == Some(branch));
    let mut jobs: Vec<_> = open.map(|row| subject(kind::PULL_REQUEST, row.number.to_string())).collect();
    if tracked.main() == Some(branch) {
        jobs.push(subject(kind::MAIN_BRANCH, String::new()));
    } else if jobs.is_empty() {
        jobs.push(subject(kind::BRANCH, branch.to_string()));
    }
    jobs
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
