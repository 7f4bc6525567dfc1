//! Our comment among others with our marker.
//!
//! Owns the distinction between ours and copies: anyone can read a marker and write it again, any
//! number of times. A comment is ours if we wrote it. If our UUID is unknown, this is found out by
//! changing a comment, which only its author may do. The caller decides which comments have a
//! marker.

use reqwest::Method;

use super::super::error::Error;
use super::super::page::PAGE;
use super::InRepository;
use crate::bitbucket::comments::{Comment, NewComment};

impl InRepository {
    /// The comments that `wanted` chooses, the newest first, deleted ones too, however many others
    /// there are. 100 of all cost a request.
    pub async fn comments_where(
        &self,
        pull_request: u64,
        wanted: impl Fn(&Comment) -> bool,
    ) -> Result<Vec<Comment>, Error> {
        let request = self.request(Method::GET, &["pullrequests", &pull_request.to_string(), "comments"])?;
        let request = request.query("pagelen", PAGE).query("sort", "-created_on");
        let mut chosen = self.client.choose(request, wanted).await?;
        // What comes while pages are read moves the others on.
        chosen.sort_by_key(|comment| std::cmp::Reverse(comment.id));
        chosen.dedup_by_key(|comment| comment.id);
        Ok(chosen)
    }

    /// Replaces the text of the first of `comments` that we wrote, and returns that comment; `None`
    /// if none is ours. Without `me`, our UUID, one comment of each author is tried: a refusal
    /// means that none of this author's comments is ours.
    pub async fn update_own_comment(
        &self,
        pull_request: u64,
        comments: &[Comment],
        me: Option<&str>,
        text: &NewComment,
    ) -> Result<Option<Comment>, Error> {
        let mut strangers: Vec<Option<&str>> = Vec::new();
        for comment in comments {
            let author = comment.author();
            if me.is_some_and(|me| author != Some(me)) || strangers.contains(&author) {
                continue;
            }
            match self.update_comment(pull_request, comment.id, text).await {
                Ok(updated) => return Ok(Some(updated)),
                Err(error) if matches!(error.status(), Some(404 | 410)) => {}
                // A refusal for a missing scope names it. The refusal to change a comment of
                // another author names none.
                Err(error) if error.status() == Some(403) && !error.names_scopes() => strangers.push(author),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Posts a comment once, also when the answer is lost: then it is looked for before it is sent
    /// again.
    pub async fn create_comment_once(
        &self,
        pull_request: u64,
        me: Option<&str>,
        text: &NewComment,
    ) -> Result<Comment, Error> {
        let lost = match self.create_comment(pull_request, text).await {
            Err(error) if error.is_uncertain() => error,
            outcome => return outcome,
        };
        let is_same =
            |one: &Comment| !one.deleted && one.inline == text.inline && one.text().trim() == text.content.raw.trim();
        // If it cannot be looked for, the lost answer is the error to report.
        let there = self.comments_where(pull_request, is_same).await.map_err(|_| lost)?;
        let ours = match me {
            Some(_) => there.into_iter().find(|one| one.author() == me),
            // Writing the same text again changes nothing, and shows whether it is ours.
            None => self.update_own_comment(pull_request, &there, None, text).await?,
        };
        match ours {
            Some(posted) => Ok(posted),
            None => self.create_comment(pull_request, text).await,
        }
    }
}
