//! Answers in the form that `track` wants them.
//!
//! Owns from which answers of Bitbucket the [`Facts`] of a run are made. They are asked within the order of operations on one repository, after the
//! run was confirmed: that a run is about the commit and branch it names is not decided here.

use super::{Error, InRepository};
use crate::track::{BaseCommit, Branch, BranchId, Commit, Facts, Standing};

/// What a confirmed run is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The commit.
    pub commit: Commit,
    /// The branch; none for a tag.
    pub branch: Option<&'a str>,
    /// The branch's [`crate::track::Timeline::commits`]; empty for one that is not known yet.
    pub timeline: &'a [Commit],
}

/// The facts of a run: where it stands, and what became of the commit that it was compared with, which belongs to a branch that is known.
/// At `now`, in unix milliseconds.
///
/// Usually one request for the branch; three or four more for a commit that is not its head, and two for a base that was not asked about before.
pub async fn facts(
    repository: &InRepository,
    about: About<'_>,
    base: Option<(&Branch, Commit)>,
    now: i64,
) -> Result<Facts, Error> {
    let standing = standing(repository, about).await?;
    let base = match base {
        Some((branch, commit)) => base_commit(repository, branch.id, branch.timeline.commits(), commit).await?,
        None => None,
    };
    Ok(Facts { standing, base, now, by_tree: false })
}

/// Where a commit stands in its branch now; [`Standing::Elsewhere`] also if it has none, or that is gone.
pub async fn standing(repository: &InRepository, about: About<'_>) -> Result<Standing, Error> {
    let head = match about.branch {
        Some(name) => repository.branch(name).await?,
        None => None,
    };
    let Some(head) = head else { return Ok(Standing::Elsewhere) };
    if head == about.commit {
        return Ok(Standing::Head);
    }
    if !repository.is_ancestor(about.commit, head).await? {
        return Ok(Standing::Elsewhere);
    }
    let after = repository.newest_ancestor(about.timeline, about.commit).await?;
    Ok(Standing::On { after })
}

/// The commit that a run was compared with, on the branch that it belongs to; `None` if the repository does not have it.
pub async fn base_commit(
    repository: &InRepository,
    branch: BranchId,
    timeline: &[Commit],
    commit: Commit,
) -> Result<Option<BaseCommit>, Error> {
    if !timeline.contains(&commit) && !repository.has_commit(commit).await? {
        return Ok(None);
    }
    let after = repository.newest_ancestor(timeline, commit).await?;
    Ok(Some(BaseCommit { branch, commit, after }))
}
