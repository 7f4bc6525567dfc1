//! May it pass, and who hears of it?
//!
//! Owns the one verdict on a branch or pull request as it is now: the destination's policy is read, the verdict is evaluated by `track`, and what shall
//! stand in Bitbucket is made of it by `common::decorate`. It posts nothing: wishes go to the outbox with the state that causes them.

mod conclusion;
mod destinations;
mod kept;
mod policy;
mod report;
mod telling;

use std::collections::HashMap;

use penstock_common::Notice;
use penstock_common::gate::{Condition, Measures};
use penstock_common::upload::answer::Counts;

pub use conclusion::{Conclusion, Evidence, Inconclusive, conclude, json, wish, without_verdict};
pub use destinations::{Destinations, Names};
pub use kept::{Kept, LISTED, Tool};
pub use policy::Standing as PolicyStanding;
pub use report::{ReportWish, is_judged, report, report_key};
use telling::status_without_verdict;
pub use telling::{CommentWish, StatusWish, Told, Wishes, shown, wishes};

use crate::bitbucket::{Error, InRepository};
use crate::store::workspace::State as Tracked;
use crate::track::{
    BranchId, Chosen, Commit, Doubt, Judgement, Policy, Print, Question, base_of_branch, base_of_pull_request, verdict,
};

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
        let number = |list: &[crate::track::FindingId]| list.len() as u64;
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
        return Ok(Asked { merge_base: None, policy, notices });
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
    Ok(Asked { merge_base, policy, notices })
}

/// Judges what is open now. The occurrences on the branch and on its destination must be loaded.
pub fn judge(
    tracked: &Tracked,
    about: &About,
    asked: &Asked,
    floor: &[Condition],
    measured: Measures,
    doubt: Option<Doubt>,
    now: i64,
) -> Verdict {
    let chosen: Chosen = match about.pull_request.and_then(|number| tracked.repository.pull_request(number)) {
        Some(pull_request) => base_of_pull_request(&tracked.repository, pull_request, asked.merge_base),
        None => base_of_branch(&tracked.repository, about.branch, about.commit, asked.merge_base),
    };
    let question =
        Question { branch: about.branch, pull_request: about.pull_request, base: &chosen, measured, doubt, now };
    let judgement = verdict(&tracked.repository, &question, &asked.policy, floor);
    Verdict { judgement, notices: asked.notices.clone() }
}

/// What is shown of findings, by what stands for it.
pub type Contents = HashMap<Print, String>;
