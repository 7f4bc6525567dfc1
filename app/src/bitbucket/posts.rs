//! What is posted.
//!
//! Owns sending what `common::decorate` made, so that doing it twice comes to the same. What is posted, and whether, is decided in `publish`.

use penstock_common::bitbucket::comments::NewComment;
use penstock_common::bitbucket::statuses::BuildStatus;
use penstock_common::decorate::report::Insight;

use super::{Error, InRepository};
use crate::track::Commit;

impl InRepository {
    /// Puts a report with its annotations in place of the one with the same id (`…/commit/{commit}/reports/{id}`). 3 to 13 requests.
    pub async fn put_report(&self, commit: Commit, insight: &Insight) -> Result<(), Error> {
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
        let lost = match self.calls.create_comment(pull_request, comment).await {
            Ok(posted) => return Ok(posted.id),
            Err(error) if error.is_uncertain() => error,
            Err(error) => return Err(error.into()),
        };
        // If it cannot be looked for, that it was lost is what matters.
        let Ok(me) = self.bitbucket.client.user().await else { return Err(lost.into()) };
        let Ok(there) = self.calls.comments(pull_request).await else { return Err(lost.into()) };
        let posted = there.iter().rev().find(|one| {
            let author = one.user.as_ref().and_then(|user| user.uuid.as_deref());
            let is_ours = author.is_some() && author == me.uuid.as_deref();
            is_ours && !one.deleted && one.inline == comment.inline && one.text().trim() == comment.content.raw.trim()
        });
        match posted {
            Some(posted) => Ok(posted.id),
            None => Ok(self.calls.create_comment(pull_request, comment).await?.id),
        }
    }

    /// `GET …/pullrequests/{number}/comments`: the number of a comment of ours that holds `marker`; `None` if there is none. Anybody can write the
    /// marker, so that of others counts for nothing.
    pub async fn find_comment(&self, pull_request: u64, marker: &str) -> Result<Option<u64>, Error> {
        let me = self.bitbucket.client.user().await?;
        let there = self.calls.comments(pull_request).await?;
        let ours = there.iter().find(|one| {
            let author = one.user.as_ref().and_then(|user| user.uuid.as_deref());
            let is_ours = author.is_some() && author == me.uuid.as_deref();
            is_ours && !one.deleted && one.inline.is_none() && one.text().contains(marker)
        });
        Ok(ours.map(|one| one.id))
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
