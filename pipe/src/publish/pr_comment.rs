//! The one comment on the pull request.
//!
//! Owns finding ours again, and when there is none to be made. A comment is ours if it has our marker and we wrote it: anybody can write the marker.

use penstock_common::Run;
use penstock_common::bitbucket::client::{Client, Error, InRepository, SetupError};
use penstock_common::bitbucket::comments::{Comment, NewComment};
use penstock_common::bitbucket::pull_requests::{PullRequest, PullRequestState};
use penstock_common::decorate::comment::{self, Step};

use super::moved::following;
use super::{Ended, Plan, Stop, inline_comments, own};

/// Most comments with our marker that are tried when we do not know who we are.
const CANDIDATES_MAX: usize = 5;

/// What came of it.
enum Posted {
    Kept,
    Updated(u64),
    Created(u64),
    Nothing(String),
}

pub(super) async fn publish(plan: &Plan, run: &Run, direct: Option<&Result<Client, SetupError>>) -> Ended {
    let Some(number) = plan.subject.pull_request.as_ref().map(|pull_request| pull_request.id) else {
        return Err(Stop::skipped("this is no build of a pull request", ""));
    };
    let repository = plan.repository(own(direct, "a comment")?);
    let act = async |repository: &InRepository| post(plan, run, repository, number).await;
    let ((posted, inline), moved) = following(&repository, act).await.map_err(explained)?;
    match posted {
        Posted::Nothing(why) => Err(Stop::skipped(format!("{why}{moved}"), "")),
        Posted::Kept => Ok(format!("the comment stands there word by word{inline}{moved}")),
        Posted::Updated(id) => Ok(format!("comment {id} was updated{inline}{moved}")),
        Posted::Created(id) => Ok(format!("comment {id} was posted{inline}{moved}")),
    }
}

/// Not every server names the scope that is missing.
fn explained(error: Error) -> Stop {
    match (error.status(), error.remedy()) {
        (Some(403), Some(remedy)) => {
            Stop::from(error).remedied(format!("{remedy} (comments need the scope `pullrequest`)"))
        }
        _ => error.into(),
    }
}

async fn post(plan: &Plan, run: &Run, repository: &InRepository, number: u64) -> Result<(Posted, String), Error> {
    let Some(pull_request) = repository.pull_request(number).await? else {
        let why = format!("pull request {number} was deleted, or the token may not see it");
        return Ok((Posted::Nothing(why), String::new()));
    };
    if let Some(why) = unwelcome(&pull_request, &plan.subject.commit) {
        return Ok((Posted::Nothing(why), String::new()));
    }
    let comment = comment::comment(run, &plan.context());
    let there = repository.comments(number).await?;
    let me = identity(repository).await?;
    let ours = Ours { marker: &comment.marker, me: me.as_deref() };
    let posted = post_one(repository, number, &comment, &ours, &there).await?;
    let inline = if plan.inline_comments {
        inline_comments::post(plan, run, repository, number, &there, &ours).await?
    } else {
        String::new()
    };
    Ok((posted, inline))
}

async fn post_one(
    repository: &InRepository,
    number: u64,
    comment: &comment::Comment,
    ours: &Ours<'_>,
    there: &[Comment],
) -> Result<Posted, Error> {
    let text = NewComment::general(comment.body.as_str());
    let general = || there.iter().filter(|one| one.inline.is_none() && ours.is(one));
    let posted = match comment.step(general().next().map(Comment::text)) {
        Step::StaySilent => {
            return Ok(Posted::Nothing("there is nothing to say, and nothing was said before".to_owned()));
        }
        Step::Keep => return Ok(Posted::Kept),
        Step::Create => Posted::Created(create(repository, number, ours, &text).await?),
        Step::Update => match update(repository, number, general(), &text).await? {
            Some(id) => Posted::Updated(id),
            // Nobody let us change one, so none of them is ours.
            None if comment.has_news => Posted::Created(create(repository, number, ours, &text).await?),
            None => {
                let why = "there is nothing to say, and what was said before belongs to somebody else";
                return Ok(Posted::Nothing(why.to_owned()));
            }
        },
    };
    if let (Posted::Updated(id) | Posted::Created(id), Some(_)) = (&posted, ours.me) {
        // Two runs at once may both have found none. A comment too many is no reason to call this failed.
        for double in general().filter(|one| one.id != *id) {
            let _ = repository.delete_comment(number, double.id).await;
        }
    }
    Ok(posted)
}

/// Why this pull request gets no comment.
fn unwelcome(pull_request: &PullRequest, commit: &str) -> Option<String> {
    let number = pull_request.id;
    if pull_request.state != PullRequestState::Open {
        return Some(format!("pull request {number} is closed"));
    }
    if pull_request.is_from_fork() {
        return Some(format!("pull request {number} comes from a fork"));
    }
    let head = pull_request.source.commit.as_ref().map(|head| head.hash.to_ascii_lowercase())?;
    let commit = commit.to_ascii_lowercase();
    let same = !head.is_empty() && (commit.starts_with(&head) || head.starts_with(&commit));
    (!same).then(|| "superseded: the pull request has got further commits by now".to_owned())
}

/// The UUID of the account that we act as. Not every token may ask.
async fn identity(repository: &InRepository) -> Result<Option<String>, Error> {
    match repository.client().user().await {
        Ok(account) => Ok(account.uuid),
        Err(error) if error.is_denied() || error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What makes a comment ours.
pub(super) struct Ours<'a> {
    pub(super) marker: &'a str,
    /// Our own UUID, if we know it. If not, whoever wrote the marker may be us.
    pub(super) me: Option<&'a str>,
}

impl Ours<'_> {
    pub(super) fn is(&self, comment: &Comment) -> bool {
        let author = comment.user.as_ref().and_then(|user| user.uuid.as_deref());
        let is_ours = self.me.is_none_or(|me| author == Some(me));
        !comment.deleted && is_ours && comment.text().lines().any(|line| line.trim_end() == self.marker)
    }
}

/// Replaces the first of `comments` that we may change, and tells which that was.
async fn update<'c>(
    repository: &InRepository,
    number: u64,
    comments: impl Iterator<Item = &'c Comment>,
    text: &NewComment,
) -> Result<Option<u64>, Error> {
    for comment in comments.take(CANDIDATES_MAX) {
        match repository.update_comment(number, comment.id, text).await {
            Ok(_) => return Ok(Some(comment.id)),
            // Somebody else's, or deleted in between.
            Err(error) if matches!(error.status(), Some(403 | 404 | 410)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Posts a comment once, also when the answer is lost, and tells its number.
pub(super) async fn create(
    repository: &InRepository,
    number: u64,
    ours: &Ours<'_>,
    text: &NewComment,
) -> Result<u64, Error> {
    let lost = match repository.create_comment(number, text).await {
        Ok(posted) => return Ok(posted.id),
        Err(error) if error.is_uncertain() => error,
        Err(error) => return Err(error),
    };
    let there = repository.comments(number).await.map_err(|_| lost)?;
    let same =
        |one: &&Comment| ours.is(one) && one.inline == text.inline && one.text().trim() == text.content.raw.trim();
    match there.iter().rev().find(same) {
        Some(posted) => Ok(posted.id),
        None => repository.create_comment(number, text).await.map(|posted| posted.id),
    }
}
