//! Pull requests.

use penstock::analyze::secrets::mask;
use penstock_common::bitbucket::pull_requests::{self as told, PullRequestState};
use penstock_common::{Masked, Uuid};

use super::{Author, Error, InRepository};
use crate::track::Commit;

/// A pull request as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// Hostile text.
    pub title: Masked,
    /// How it stands.
    pub state: State,
    /// Who opened it.
    pub author: Author,
    /// Where the change comes from.
    pub source: Source,
    /// The branch of this repository that it shall go to.
    pub destination: Masked,
}

/// How a pull request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Open.
    Open,
    /// Its change is in the destination.
    Merged {
        /// The commit that brought it, if Bitbucket tells it and this repository (still) has it.
        commit: Option<Commit>,
    },
    /// Closed without: declined, superseded, or in a state that this version does not know.
    Closed,
}

/// Where a change comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The repository; none if it was deleted.
    pub repository: Option<Uuid>,
    /// The branch, which may be deleted.
    pub branch: Option<Masked>,
    /// Its tip, or what that was. None if this repository does not have it.
    pub head: Option<Commit>,
}

impl PullRequest {
    /// Whether the change comes from another repository, or from one that is gone.
    pub fn is_from_fork(&self, repository: Uuid) -> bool {
        self.source.repository != Some(repository)
    }
}

impl InRepository {
    /// `GET …/pullrequests/{number}`, and `GET …/commit/{hash}` for commits that it names by 12 digits and that are not known yet; `None` if
    /// there is none of this number.
    pub async fn pull_request(&self, number: u64) -> Result<Option<PullRequest>, Error> {
        match self.calls.pull_request(number).await? {
            Some(told) if told.id == number => Ok(Some(self.read(told).await?)),
            Some(_) => Err(Error::unreadable("another pull request was told than was asked for")),
            None => Ok(None),
        }
    }

    /// `GET …/pullrequests?state=OPEN`: those that are open, the newest first, `most` at most, and whether there are more. 50 cost a request, and
    /// each whose head was not seen before one more.
    pub async fn open_pull_requests(&self, most: usize) -> Result<(Vec<PullRequest>, bool), Error> {
        let (told, more) = self.calls.all_open_pull_requests(most).await?;
        let mut all = Vec::with_capacity(told.len());
        for one in told {
            all.push(self.read(one).await?);
        }
        Ok((all, more))
    }

    async fn read(&self, told: told::PullRequest) -> Result<PullRequest, Error> {
        let destination = told.destination.branch.map(|branch| mask(&branch.name));
        let state = match told.state {
            PullRequestState::Open => State::Open,
            PullRequestState::Merged => {
                let commit = match &told.merge_commit {
                    Some(commit) => self.full(&commit.hash).await?,
                    None => None,
                };
                State::Merged { commit }
            }
            PullRequestState::Declined | PullRequestState::Superseded | PullRequestState::Other => State::Closed,
        };
        let head = match &told.source.commit {
            Some(commit) => self.full(&commit.hash).await?,
            None => None,
        };
        let repository = told.source.repository.and_then(|repository| repository.uuid?.parse().ok());
        Ok(PullRequest {
            number: told.id,
            title: told.title.as_deref().map(mask).unwrap_or_default(),
            state,
            author: told.author.map(Author::from).unwrap_or_default(),
            source: Source { repository, branch: told.source.branch.map(|branch| mask(&branch.name)), head },
            destination: destination.ok_or_else(|| Error::unreadable("the pull request has no destination"))?,
        })
    }
}
