//! What is posted.
//!
//! Owns sending what `common::decorate` made, so that doing it twice comes to the same. What is posted, and whether, is decided in `publish`.

use penstock_common::bitbucket::client::Missing;
use penstock_common::bitbucket::comments::{Comment, NewComment};
use penstock_common::bitbucket::statuses::BuildStatus;
use penstock_common::decorate::report::Insight;

use super::{Error, InRepository};
use crate::track::Commit;

impl InRepository {
    /// Replaces the report with the same id, and its annotations
    /// (`…/commit/{commit}/reports/{id}`). 3 to 15 requests. Returns what the server did not
    /// accept.
    pub async fn put_report(&self, commit: Commit, insight: &Insight) -> Result<Missing, Error> {
        let (pending, Insight { report, annotations }) = (insight.pending(), insight);
        Ok(self.calls.replace_report(&commit.to_string(), &pending, report, annotations).await?)
    }

    /// `POST …/commit/{commit}/statuses/build`, in place of the one with the same key.
    ///
    /// # Errors
    /// [`Error::Denied`] also if somebody else posted the status with this key: only he may replace it.
    pub async fn put_status(&self, commit: Commit, status: &BuildStatus) -> Result<(), Error> {
        self.calls.post_status(&commit.to_string(), status).await?;
        Ok(())
    }

    /// `POST …/pullrequests/{number}/comments`, once, also when the answer is lost: then it is looked for before it is sent again. Tells its number.
    pub async fn create_comment(&self, pull_request: u64, comment: &NewComment) -> Result<u64, Error> {
        // Who we are counts only where the answer is lost, and is found out then.
        Ok(self.calls.create_comment_once(pull_request, None, comment).await?.id)
    }

    /// Replaces our newest comment that has a line `marker` with `comment`, and returns its number;
    /// `None` if there is none. Anyone can write the marker, so comments of others are ignored,
    /// however many there are.
    pub async fn replace_comment(
        &self,
        pull_request: u64,
        marker: &str,
        comment: &NewComment,
    ) -> Result<Option<u64>, Error> {
        let is_marked = |one: &Comment| one.inline.is_none() && one.is_marked(marker);
        let there = self.calls.comments_where(pull_request, is_marked).await?;
        // Bitbucket may refuse `/user` to an app. Which comment we may change shows who we are.
        let updated = self.calls.update_own_comment(pull_request, &there, None, comment).await?;
        Ok(updated.map(|comment| comment.id))
    }

    /// `PUT …/pullrequests/{number}/comments/{id}`. False if that comment is gone, or is not ours: another one has to be made.
    pub async fn update_comment(&self, pull_request: u64, id: u64, comment: &NewComment) -> Result<bool, Error> {
        match self.calls.update_comment(pull_request, id, comment).await {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.status(), Some(404 | 410)) => Ok(false),
            // A scope that is missing is named; that somebody else's comment may not be changed has no scope.
            Err(error) if error.status() == Some(403) && !error.names_scopes() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// `DELETE …/pullrequests/{number}/comments/{id}`, if it is there.
    pub async fn delete_comment(&self, pull_request: u64, id: u64) -> Result<(), Error> {
        Ok(self.calls.delete_comment(pull_request, id).await?)
    }
}
