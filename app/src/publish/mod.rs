//! From the outbox to Bitbucket.
//!
//! Owns posting what a wish says, and noting what came of it. Posting is an upsert: a status by its key, a comment by the number it was given, reports by
//! their ids. A wish
//! that was replaced meanwhile is not posted; the newer one has a job of its own.

use penstock::analyze::secrets::mask;
use penstock_common::bitbucket::comments::NewComment;
use penstock_common::delivery::Outcome;
use penstock_common::{Delivery, Destination, Masked, Uuid, masked, plain};

use crate::audit::{Act, Entry};
use crate::bitbucket::{Error, InRepository};
use crate::jobs::{Failed, kind};
use crate::review::{CommentWish, ReportWish, StatusWish};
use crate::state::State;
use crate::store;
use crate::store::system::Subject;
use crate::store::workspace::{Place, Wish, Workspace, restored};
use crate::track::Commit;

/// Most characters of a reason in the delivery log.
const REASON_MAX: usize = 500;

/// Posts what shall stand in a place, unless it stands there already.
///
/// # Errors
/// When it could not be posted: then it is tried again, and the delivery log says why it is late.
pub async fn post(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    kind: &str,
    subject: &str,
) -> Result<(), Failed> {
    let place = Place { repository, kind: kind.to_owned(), subject: subject.to_owned() };
    let Some(wish) = workspace.wish(&place).await? else { return Ok(()) };
    if wish.posted == wish.generation {
        return Ok(());
    }
    let there = state.bitbucket.of(workspace.id()).await?.in_repository(repository);
    let (destination, posted) = match kind {
        "status" => (Destination::BuildStatus, status(&there, subject, &wish).await),
        "comment" => (Destination::PrComment, comment(&there, subject, &wish).await),
        "report" => (Destination::CodeInsights, report(&there, subject, &wish).await),
        "reply" => {
            let number = subject.split_once('/').map_or(subject, |(number, _)| number);
            (Destination::PrComment, comment(&there, number, &wish).await)
        }
        _ => return Err(Failed::Senseless("nothing of this kind is posted")),
    };
    let now = state.now();
    let mut write = workspace.write().await?;
    let outcome = match posted {
        Ok(Posted { id, detail }) => {
            write.posted(&place, wish.generation, id.as_deref()).await?;
            write
                .delivered(
                    repository,
                    "app",
                    subject,
                    &Delivery { destination, outcome: Outcome::Published { detail } },
                    now,
                )
                .await?;
            Ok(())
        }
        Err(failed) => {
            // What will be tried again is noted once it is given up; a refusal is noted at once, so that the pipe posts instead.
            if !failed.is_passing() {
                let reason = mask(&failed.to_string()).cut(REASON_MAX);
                let outcome = Outcome::Failed { reason, remedy: remedy(&failed) };
                write.delivered(repository, "app", subject, &Delivery { destination, outcome }, now).await?;
            }
            Err(failed)
        }
    };
    write.commit().await?;
    outcome
}

/// Tries something once more that was not posted, or stands no more; `false` if nothing of the kind was ever to be posted. `by` is an account id.
///
/// # Errors
/// When the database does not answer.
pub async fn retry(workspace: &Workspace, place: &Place, by: &str, now: i64) -> store::Result<bool> {
    let mut write = workspace.write().await?;
    if !write.wish_again(place, now).await? {
        return Ok(false);
    }
    let Place { repository, kind, subject } = place.clone();
    let job = Subject { repository: Some(repository), kind: kind::PUBLISH, subject: format!("{kind}/{subject}") };
    write.job(&job, now, now).await?;
    let act = Act::DeliveryRetried { kind, subject };
    write.audit(&Entry { at: now, by: by.to_owned(), through: None, repository: Some(repository), act }).await?;
    write.commit().await?;
    Ok(true)
}

struct Posted {
    id: Option<String>,
    detail: Masked,
}

fn remedy(failed: &Failed) -> Masked {
    match failed {
        Failed::Bitbucket(Error::Denied(_)) => {
            "install the app again, so that it gets its scopes, and check that the workspace may write here".into()
        }
        _ => Masked::EMPTY,
    }
}

async fn status(there: &InRepository, subject: &str, wish: &Wish) -> Result<Posted, Failed> {
    // One from before pull requests and branches had a status each names the commit alone.
    let commit = subject.split_once('/').map_or(subject, |(commit, _)| commit);
    let commit: Commit = commit.parse().map_err(|_| Failed::Senseless("the status names no commit"))?;
    let StatusWish { status } = restored(&wish.body).ok_or(Failed::Senseless("the saved status cannot be read"))?;
    there.put_status(commit, &status).await?;
    Ok(Posted { id: None, detail: mask(&format!("status {} {:?}", status.key, status.state)) })
}

async fn report(there: &InRepository, subject: &str, wish: &Wish) -> Result<Posted, Failed> {
    let commit = subject.split_once('/').and_then(|(commit, _)| commit.parse::<Commit>().ok());
    let commit = commit.ok_or(Failed::Senseless("the report names no commit"))?;
    let ReportWish { insights } = restored(&wish.body).ok_or(Failed::Senseless("the saved report cannot be read"))?;
    let (mut missing, mut why) = (0, None);
    for insight in &insights {
        let refused = there.put_report(commit, insight).await?;
        missing += refused.annotations;
        why = why.or(refused.why.map(Error::from));
    }
    let annotations = insights.iter().map(|insight| insight.annotations.len()).sum::<usize>().saturating_sub(missing);
    let (reports, annotations) =
        (plain::count(insights.len() as u64, "report"), plain::count(annotations as u64, "annotation"));
    let lacks = match why {
        // The whole report is posted again then, and what is there already stays.
        Some(why) if why.is_passing() => return Err(Failed::Bitbucket(why)),
        Some(why) => {
            let missing = plain::count(missing as u64, "annotation");
            format!("; {missing} could not be posted: {}", plain::cut(&why.to_string(), REASON_MAX))
        }
        None => String::new(),
    };
    Ok(Posted { id: None, detail: mask(&format!("{reports} with {annotations}, re-evaluated{lacks}")) })
}

async fn comment(there: &InRepository, number: &str, wish: &Wish) -> Result<Posted, Failed> {
    let number: u64 = number.parse().map_err(|_| Failed::Senseless("the comment names no pull request"))?;
    let CommentWish { marker, body, has_news } =
        restored(&wish.body).ok_or(Failed::Senseless("the saved comment cannot be read"))?;
    let comment = NewComment::general(body.as_str());
    let updated = match wish.external_id.as_deref().and_then(|id| id.parse::<u64>().ok()) {
        Some(id) => there.update_comment(number, id, &comment).await?.then_some(id),
        // The program may have died between posting and noting it.
        None => there.replace_comment(number, &marker, &comment).await?,
    };
    if let Some(id) = updated {
        return Ok(Posted { id: Some(id.to_string()), detail: masked!["comment ", id, " was updated"] });
    }
    if !has_news {
        return Ok(Posted { id: None, detail: "there is nothing to say, and nothing was said before".into() });
    }
    let id = there.create_comment(number, &comment).await?;
    Ok(Posted { id: Some(id.to_string()), detail: masked!["comment ", id, " was posted"] })
}
