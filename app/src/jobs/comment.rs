//! Commands in comments: `/penstock ignore ID reason`.
//!
//! Owns what a comment may do. It is read again over REST, whatever the webhook said: who wrote it, and what it says now. Its author's right is asked at
//! this moment; the workspace's policy holds as everywhere. Each comment acts once and is answered.

use penstock::analyze::secrets::mask;
use penstock_common::Uuid;

use super::{Failed, follow};
use crate::bitbucket::{Error, InRepository, Permission, Purpose};
use crate::judgement::{Judge, Judged, Refused, judge};
use crate::review::{self, CommentWish};
use crate::state::State;
use crate::store::workspace::{Place, Workspace};
use crate::track::{Actor, Decision, FindingId, Objection, Status};

/// Fewest digits that name a finding.
const DIGITS_MIN: usize = 8;
/// Most characters of a command.
const COMMAND_MAX: usize = 2000;
/// How long what a comment ignores is ignored, in milliseconds: a year. After that somebody looks again.
const HOLDS: i64 = 365 * 86_400_000;
const USAGE: &str = "Write `/penstock ignore ID reason`. The ID stands beside each new finding in Penstock's comment.";

pub(super) async fn act_on_comment(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    number: u64,
    comment: u64,
) -> Result<(), Failed> {
    let place = Place { repository, kind: "reply".to_owned(), subject: format!("{number}/{comment}") };
    if workspace.wish(&place).await?.is_some() {
        return Ok(());
    }
    // Every reader may comment, so this uses nothing that verdicts need.
    let bitbucket = state.bitbucket.of(workspace.id()).await?.on_behalf_of(Purpose::Background);
    let Some(told) = bitbucket.in_repository(repository).comment(number, comment).await?.filter(|told| !told.deleted)
    else {
        return Ok(());
    };
    let Some(command) = command(&told.text) else { return Ok(()) };
    let author = told.author.uuid.map_or(Purpose::Background, Purpose::Person);
    let bitbucket = bitbucket.on_behalf_of(author);
    let there = bitbucket.in_repository(repository);
    let answer = match (command, &told.author.uuid, &told.author.account_id) {
        (Command::Help, ..) => USAGE.to_owned(),
        (Command::Ignore { id, reason }, Some(user), Some(account)) => match may_write(&there, *user).await? {
            Err(why) => why,
            Ok(()) => {
                follow::take_over_name(state, workspace, &told.author).await?;
                ignore(state, workspace, repository, number, &id, reason, account).await?
            }
        },
        _ => "Bitbucket does not say who wrote this, so it counts for nothing.".to_owned(),
    };
    let marker = format!("[//]: # (penstock.reply.{comment})");
    let wish = CommentWish { body: format!("{marker}\n\n{answer}"), marker, has_news: true };
    let now = state.now();
    let mut write = workspace.write().await?;
    review::wish(&mut write, &place, &review::json(&wish)?, now).await?;
    Ok(write.commit().await?)
}

enum Command {
    Help,
    Ignore { id: String, reason: String },
}

/// The command that a comment begins with. What is quoted begins otherwise.
fn command(text: &str) -> Option<Command> {
    let rest = text.trim_start().strip_prefix("/penstock")?;
    let line: String = rest.lines().next().unwrap_or_default().chars().take(COMMAND_MAX).collect();
    if !line.is_empty() && !line.starts_with(char::is_whitespace) {
        return None;
    }
    let mut words = line.split_whitespace();
    match (words.next(), words.next()) {
        (Some("ignore"), Some(id)) => {
            let reason = words.collect::<Vec<_>>().join(" ");
            Some(Command::Ignore { id: id.trim_matches('`').to_ascii_lowercase(), reason })
        }
        _ => Some(Command::Help),
    }
}

/// Whether somebody may write here now; if that is not known for sure he may not, and is told why.
async fn may_write(there: &InRepository, user: Uuid) -> Result<Result<(), String>, Failed> {
    match there.right(user).await.map(|right| right.permission) {
        Ok(Permission::Write | Permission::Admin) => Ok(Ok(())),
        Ok(_) => Ok(Err("Only who may write to this repository may dismiss findings.".to_owned())),
        Err(Error::Denied(_)) => Ok(Err(
            "Bitbucket does not tell the app what you may do here, so this counts for nothing: judge the finding through the API or on its page."
                .to_owned(),
        )),
        Err(error) => Err(error.into()),
    }
}

async fn ignore(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    number: u64,
    id: &str,
    reason: String,
    account: &str,
) -> Result<String, Failed> {
    let finding = match named(workspace, repository, number, id).await? {
        Ok(finding) => finding,
        Err(why) => return Ok(why),
    };
    let now = state.now();
    let decision = Decision {
        status: Status::AcceptedRisk,
        reason: mask(&reason),
        author: Actor::Account(account.to_owned()),
        account: account.to_owned(),
        expires: Some(now + HOLDS),
        now,
    };
    let wish = Judge { finding, pull_request: Some(number), decision };
    match judge(state, workspace, repository, &wish).await {
        Ok(Judged::Holds) => Ok(format!("`{id}` is ignored in this pull request, and after the merge for a year.")),
        Ok(Judged::Waits(Objection::SecondPerson)) => Ok(format!(
            "`{id}` is not ignored yet. It was reported as critical, so a second person has to agree: it is ignored once another person who may \
             write here writes the same, or approves it on the app's page."
        )),
        Ok(Judged::Waits(Objection::Author)) => Ok(format!(
            "`{id}` is not ignored yet. You opened this pull request, so another person who may write here has to write the same, or approve it \
             on the app's page."
        )),
        Ok(Judged::Waits(why)) => Ok(format!("`{id}` is not ignored: {why}.")),
        Err(Refused::Store(error)) => Err(error.into()),
        Err(why) => Ok(format!("`{id}` is not ignored: {why}.")),
    }
}

/// The open finding on the pull request's source that an ID means: the beginning of its fingerprint.
async fn named(
    workspace: &Workspace,
    repository: Uuid,
    number: u64,
    id: &str,
) -> Result<Result<FindingId, String>, Failed> {
    let digits = id.trim_start_matches("pf1:");
    if digits.len() < DIGITS_MIN || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Err(USAGE.to_owned()));
    }
    let mut lane = workspace.lane(repository).await;
    let source = lane.state(&[]).await?.repository.pull_request(number).and_then(|row| row.source);
    let Some(source) = source else { return Ok(Err("This pull request is not known yet.".to_owned())) };
    let tracked = lane.with_branches(&[source]).await?;
    let open = tracked.repository.open(source).filter_map(|row| tracked.repository.finding(row.finding));
    let is_meant = |finding: &&crate::track::Finding| {
        finding.prints.ours.iter().any(|print| print.to_string().starts_with(digits))
    };
    let meant: Vec<FindingId> = open.filter(is_meant).map(|finding| finding.id).collect();
    Ok(match meant[..] {
        [only] => Ok(only),
        [] => Err(format!("No open finding of this pull request has an ID that begins with `{digits}`.")),
        _ => Err(format!("Several findings have an ID that begins with `{digits}`: write more of it.")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_commands_only_by_its_beginning() {
        assert!(
            matches!(command(" /penstock ignore `AB12` it is a test\nmore"), Some(Command::Ignore { id, reason }) if id == "ab12" && reason == "it is a test")
        );
        for text in ["/penstock", "/penstock help", "/penstock ignore", "/penstock nonsense x"] {
            assert!(matches!(command(text), Some(Command::Help)), "{text}");
        }
        for text in ["", "> /penstock ignore x y", "see /penstock ignore x", "/penstocks ignore x"] {
            assert!(command(text).is_none(), "{text}");
        }
    }
}
