//! What a run is about, confirmed by Bitbucket.
//!
//! Owns that nothing is believed which a token does not prove: a step's token proves repository and step; commit, branch and pull request are those
//! of the step's pipeline.

use penstock_common::{Masked, Subject, Uuid, masked};

use crate::bitbucket::{Error, InRepository, PullRequest, Ref};
use crate::track::Commit;

/// What a run is about.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) commit: Commit,
    pub(super) branch: Option<Masked>,
    pub(super) pull_request: Option<PullRequest>,
}

/// What came of it.
pub(super) enum Confirmed {
    /// It is so.
    Yes(Box<About>),
    /// It is otherwise; why.
    No(Masked),
    /// It comes from a fork, which is never scanned here.
    Fork(u64),
}

/// Asks what a run is about that says it is about `subject`. `trusted` runs need no pipeline.
pub(super) async fn confirm(
    repository: &InRepository,
    subject: &Subject,
    pipeline: Option<Uuid>,
    trusted: bool,
) -> Result<Confirmed, Error> {
    let Ok(commit) = subject.commit.parse::<Commit>() else {
        return Ok(Confirmed::No("the run names no full commit".into()));
    };
    let number = subject.pull_request.as_ref().map(|pull_request| pull_request.id);
    let branch = match (pipeline, trusted) {
        (_, true) => subject.branch.clone(),
        (None, false) => {
            return Ok(Confirmed::No(
                "the run names no pipeline that could confirm it: use a token with the scope `upload:any-ref`, or send it from a pipeline"
                    .into(),
            ));
        }
        (Some(id), false) => {
            let Some(pipeline) = repository.pipeline(id).await? else {
                return Ok(Confirmed::No("the repository has no such pipeline".into()));
            };
            if pipeline.commit != commit {
                return Ok(Confirmed::No("the pipeline was started for another commit".into()));
            }
            if number.is_some() && pipeline.pull_request != number {
                return Ok(Confirmed::No("the pipeline was not started for this pull request".into()));
            }
            match pipeline.on {
                Ref::Branch(name) if subject.branch.as_ref().is_none_or(|told| *told == name) => Some(name),
                Ref::Branch(_) => return Ok(Confirmed::No("the pipeline was started for another branch".into())),
                // A tag or a lone commit belongs to no branch, whatever the run says.
                Ref::Tag(_) | Ref::Commit => None,
            }
        }
    };
    let Some(number) = number else {
        return Ok(Confirmed::Yes(Box::new(About { commit, branch, pull_request: None })));
    };
    let Some(pull_request) = repository.pull_request(number).await? else {
        return Ok(Confirmed::No(masked!["the repository has no pull request ", number]));
    };
    if pull_request.is_from_fork(repository.id()) {
        return Ok(Confirmed::Fork(number));
    }
    if branch.is_some() && branch != pull_request.source.branch {
        return Ok(Confirmed::No(masked!["pull request ", number, " has another source branch"]));
    }
    let branch = pull_request.source.branch.clone();
    // With further commits, the run is about the pull request's past: it tells of its branch, and nothing of what it is now.
    let current = pull_request.source.head == Some(commit);
    let pull_request = Some(pull_request).filter(|_| current);
    Ok(Confirmed::Yes(Box::new(About { commit, branch, pull_request })))
}
