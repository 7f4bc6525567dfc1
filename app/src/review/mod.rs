//! May it pass, and who hears of it?
//!
//! Owns the one verdict on a branch or pull request as it is now: the destination's policy is read, the verdict is evaluated by `track`, and what shall
//! stand in Bitbucket is made of it by `common::decorate`. It posts nothing: wishes go to the outbox with the state that causes them.

mod conclusion;
mod destinations;
mod kept;
mod policy;
mod report;
mod runs;
mod telling;

use std::collections::{BTreeSet, HashMap};

use penstock::analyze::secrets::mask;
use penstock_common::gate::{Condition, Measures};
use penstock_common::upload::answer::Counts;
use penstock_common::{Base, BaseKind, Masked, Notice, masked};

pub use conclusion::{Conclusion, Evidence, Inconclusive, conclude, json, status_place, wish, without_verdict};
pub use destinations::{Destinations, Names};
pub use kept::{Kept, LISTED, Tool};
pub use policy::Standing as PolicyStanding;
pub use report::{ReportWish, is_judged, report, report_key};
use runs::number;
pub use runs::{RunFacts, Together, facts_of_run, leaked, together};
use telling::status_without_verdict;
pub use telling::{CommentWish, StatusWish, Told, Wishes, shown, wishes};

use crate::bitbucket::{Error, InRepository};
use crate::store::workspace::State as Tracked;
use crate::track::{
    BranchId, Chosen, Commit, DismissalPolicy, Doubt, Finding, FindingId, Judgement, Objection, Policy, Print,
    Question, Repository, base_of_branch, base_of_pull_request, base_of_tree, verdict,
};

/// Digits of a commit in a text.
const COMMIT_DIGITS: usize = 10;
/// Maximum number of dismissals that do not count of which each is named.
const PENDING_MAX: usize = 10;

/// About what a verdict is asked.
#[derive(Clone, Debug)]
pub struct About {
    /// The branch that is judged.
    pub branch: BranchId,
    /// Its commit.
    pub commit: Commit,
    /// The pull request, if it is about one.
    pub pull_request: Option<u64>,
}

/// What must be asked of Bitbucket beforehand.
#[derive(Clone, Debug)]
pub struct Asked {
    merge_base: Option<Commit>,
    /// The head of the destination.
    head: Option<Commit>,
    policy: Policy,
    /// What there is to know of the policy.
    pub notices: Vec<Notice>,
}

/// A verdict, and with what it was compared.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// It.
    pub judgement: Judgement,
    /// What there is to know of how it came about.
    pub notices: Vec<Notice>,
}

impl Verdict {
    /// Findings in numbers.
    pub fn counts(&self) -> Counts {
        let number = |list: &[FindingId]| list.len() as u64;
        Counts {
            new: number(&self.judgement.new),
            existing: number(&self.judgement.existing),
            dismissed: number(&self.judgement.dismissed),
            fixed: number(&self.judgement.fixed),
        }
    }
}

/// The branch whose policy and findings count as the base: of a pull request its destination, else the main branch.
pub fn destination(tracked: &Tracked, about: &About) -> Option<BranchId> {
    match about.pull_request {
        Some(number) => tracked.repository.pull_request(number).map(|pull_request| pull_request.destination),
        None => tracked.repository.main(),
    }
}

/// Asks Bitbucket what the verdict needs: the destination's policy, and where the change began. With `own_policy`, a pull request is judged by the
/// policy that it brings itself.
///
/// # Errors
/// When Bitbucket does not say.
pub async fn ask(
    repository: &InRepository,
    tracked: &Tracked,
    about: &About,
    own_policy: bool,
) -> Result<Asked, Error> {
    let Some(destination) = destination(tracked, about).and_then(|id| tracked.repository.branch(id)) else {
        let policy::Standing { policy, notices } = policy::Standing::default();
        return Ok(Asked { merge_base: None, head: None, policy, notices });
    };
    // What a branch changes in its own policy counts from there on; what a pull request changes counts after the merge.
    let at =
        if destination.id == about.branch { Some(about.commit) } else { repository.branch(&destination.name).await? };
    let (by, name) = match tracked.repository.branch(about.branch).filter(|_| own_policy) {
        Some(branch) => (Some(about.commit), &branch.name),
        None => (at, &destination.name),
    };
    let policy::Standing { policy, notices } = match by {
        Some(commit) => policy::at(repository, commit, name).await?,
        None => policy::Standing::default(),
    };
    let merge_base = match at {
        Some(head) if destination.id != about.branch => repository.merge_base(head, about.commit).await?,
        _ => None,
    };
    Ok(Asked { merge_base, head: at, policy, notices })
}

/// Judges what is open now. The occurrences on the branch and on its destination must be loaded.
/// `compared` is the base of the pipe's own comparison: it is used if the destination was never
/// scanned, and only if Bitbucket confirms it.
#[expect(clippy::too_many_arguments, reason = "all that a verdict depends on, at a glance")]
pub fn judge(
    tracked: &Tracked,
    about: &About,
    asked: &Asked,
    compared: Option<&Base>,
    dismissals: &DismissalPolicy,
    floor: &[Condition],
    measured: Measures,
    doubt: Option<Doubt>,
    now: i64,
) -> Verdict {
    let mut chosen: Chosen = match about.pull_request.and_then(|number| tracked.repository.pull_request(number)) {
        Some(pull_request) => base_of_pull_request(&tracked.repository, pull_request, asked.merge_base),
        None => base_of_branch(&tracked.repository, about.branch, about.commit, asked.merge_base),
    };
    if let Some(base) = compared.filter(|base| chosen.base.kind == BaseKind::Unknown && base.kind.is_known()) {
        let commit = base.commit.as_deref().and_then(|commit| commit.parse().ok());
        let name = destination(tracked, about).and_then(|id| tracked.repository.branch(id)).map(|row| &row.name);
        if let (Some(commit), Some(name)) = (commit, name) {
            chosen = base_of_tree(commit, asked.merge_base, asked.head, name).unwrap_or(chosen);
        }
    }
    let question = Question {
        branch: about.branch,
        pull_request: about.pull_request,
        base: &chosen,
        measured,
        doubt,
        dismissals,
        now,
    };
    let judgement = verdict(&tracked.repository, &question, &asked.policy, floor);
    let mut notices = asked.notices.clone();
    notices.extend(contradiction(tracked, about, &judgement));
    notices.extend(pending(tracked, about, &judgement));
    Verdict { judgement, notices }
}

/// Which dismissals do not count, and why: the first few, and how many there are.
fn pending(tracked: &Tracked, about: &About, judgement: &Judgement) -> Vec<Notice> {
    let notice = |(id, objection): &(FindingId, Objection)| {
        let row = tracked.repository.occurrence(about.branch, *id)?;
        let finding = tracked.repository.finding(*id)?;
        let why = why_pending(*objection, critical_in(&tracked.repository, finding));
        let text = masked!["`", finding.rule, "` is dismissed, and that does not count yet: ", why];
        Some(Notice { subject: row.path.clone(), text })
    };
    let mut notices: Vec<Notice> = judgement.pending.iter().take(PENDING_MAX).filter_map(notice).collect();
    let more = judgement.pending.len().saturating_sub(PENDING_MAX);
    if more > 0 {
        notices.push(Notice { subject: "approvals".into(), text: masked![more, " more dismissals do not count yet"] });
    }
    notices
}

/// The commit of the run that reported a finding as critical, if that is still known.
pub fn critical_in(repository: &Repository, finding: &Finding) -> Option<Commit> {
    let accounts = repository.branches().flat_map(|branch| branch.timeline.accounts());
    let run = finding.critical_in?;
    accounts.filter(|account| account.stamp.run == run).map(|account| account.stamp.commit).next()
}

/// Why a dismissal does not count, with the run that reported it as critical.
pub fn why_pending(objection: Objection, critical_in: Option<Commit>) -> Masked {
    match (objection, critical_in) {
        (Objection::SecondPerson, Some(commit)) => {
            masked!["it needs a second person, because it was critical in the run of commit ", short(commit)]
        }
        _ => mask(&objection.to_string()),
    }
}

/// The first digits of a commit.
fn short(commit: Commit) -> Masked {
    mask(commit.to_string().get(..COMMIT_DIGITS).unwrap_or_default())
}

/// That runs of the commit contradict each other.
fn contradiction(tracked: &Tracked, about: &About, judgement: &Judgement) -> Option<Notice> {
    let repository = &tracked.repository;
    let rows = judgement.contradicted.iter().filter_map(|id| repository.occurrence(about.branch, *id));
    let rows = rows.filter(|row| row.denied != Some(row.seen.run));
    let (denier, reporter) = rows.clone().filter_map(|row| Some((row.denied?, row.seen.run))).max()?;
    let accounts = repository.branches().flat_map(|branch| branch.timeline.accounts());
    let runs: BTreeSet<_> = accounts.filter(|one| one.stamp.commit == about.commit).map(|one| one.stamp.run).collect();
    let number = |run| runs.iter().position(|one| *one == run).map(|at| masked!["run ", at + 1]);
    let denier = number(denier).unwrap_or_else(|| "a later run".into());
    let reporter = number(reporter).unwrap_or_else(|| "an earlier run".into());
    let count = rows.count();
    let text = masked![
        denier,
        " of this commit no longer reports ",
        count,
        if count == 1 { " finding" } else { " findings" },
        " that ",
        reporter,
        " reported, or reports less of it. What was reported counts until a new commit is scanned or a person dismisses it"
    ];
    Some(Notice { subject: short(about.commit), text })
}

/// What is shown of findings, by what stands for it.
pub type Contents = HashMap<Print, String>;
