//! The one comment on the pull request.
//!
//! Owns when not to post one, and that there is only one of ours. A comment is ours if it has our
//! marker and we wrote it: anyone can write the marker.

use penstock_common::Run;
use penstock_common::bitbucket::client::{Client, Error, InRepository, SetupError};
use penstock_common::bitbucket::comments::{Comment, NewComment};
use penstock_common::bitbucket::pull_requests::{PullRequest, PullRequestState};
use penstock_common::decorate::comment::{self, Step};

use super::moved::following;
use super::{Ended, Plan, Stop, inline_comments, own};

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
    let act = async |repository: &InRepository| post(plan, run, repository, number).await;
    let ((posted, inline), moved) = match following(plan, own(direct, "a comment")?, act).await {
        Err(error) if error.is_not_found() => {
            let why = format!("pull request {number} was deleted, or the token may not see it");
            return Err(Stop::skipped(why, ""));
        }
        outcome => outcome.map_err(explained)?,
    };
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
    let pull_request = repository.known_pull_request(number).await?;
    if let Some(why) = unwelcome(&pull_request, &plan.subject.commit) {
        return Ok((Posted::Nothing(why), String::new()));
    }
    let comment = comment::comment(run, &plan.context());
    let mut marked = repository.comments_where(number, |one| one.is_marked(&comment.marker)).await?;
    let mut me = repository.identity().await?;
    if let Some(me) = me.as_deref() {
        marked.retain(|one| one.author() == Some(me));
    }
    let (inline, general): (Vec<Comment>, Vec<Comment>) = marked.into_iter().partition(|one| one.inline.is_some());
    let posted = post_one(repository, number, &comment, &general, &mut me).await?;
    let at_lines = if plan.inline_comments {
        inline_comments::post(plan, run, repository, number, &inline, me.as_deref()).await
    } else {
        String::new()
    };
    Ok((posted, at_lines))
}

/// Posts the summary comment, or replaces ours, which is one of `marked` (newest first). Sets `me`
/// to our account once it is known.
async fn post_one(
    repository: &InRepository,
    number: u64,
    comment: &comment::Comment,
    marked: &[Comment],
    me: &mut Option<String>,
) -> Result<Posted, Error> {
    let text = NewComment::general(comment.body.as_str());
    let step = match (me.as_deref(), marked.first()) {
        // It may be from any author, so its text is not trusted.
        (None, Some(_)) => Step::Update,
        (_, first) => comment.step(first.map(Comment::text)),
    };
    let updated = match step {
        Step::StaySilent => {
            return Ok(Posted::Nothing("there is nothing to say, and nothing was said before".to_owned()));
        }
        Step::Keep => return Ok(Posted::Kept),
        Step::Create => None,
        Step::Update => repository.update_own_comment(number, marked, me.as_deref(), &text).await?,
    };
    let (posted, outcome) = match updated {
        Some(updated) => {
            // If our account is unknown, the same text was sent once more to find out.
            let before = marked.iter().find(|one| one.id == updated.id).map(|one| one.text().trim());
            let is_same = before == Some(text.content.raw.trim());
            let outcome = if is_same { Posted::Kept } else { Posted::Updated(updated.id) };
            (updated, outcome)
        }
        None if comment.has_news => {
            let created = repository.create_comment_once(number, me.as_deref(), &text).await?;
            let outcome = Posted::Created(created.id);
            (created, outcome)
        }
        None => {
            let why = "there is nothing to report, and the existing comment belongs to another user";
            return Ok(Posted::Nothing(why.to_owned()));
        }
    };
    // Only its author may post or change a comment.
    *me = posted.author().map(str::to_owned).or(me.take());
    // Two concurrent runs may both have found none. A duplicate comment is not a failure.
    let is_double = |one: &&Comment| one.id != posted.id && me.is_some() && one.author() == me.as_deref();
    for double in marked.iter().filter(is_double) {
        let _ = repository.delete_comment(number, double.id).await;
    }
    Ok(outcome)
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
