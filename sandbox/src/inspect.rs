//! What tests look at, past the API.

use serde_json::Value;

use crate::sandbox::Bitbucket;
use crate::state::Error;
use crate::state::report::Report;

/// A comment, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentSeen {
    /// Its number.
    pub id: u64,
    /// UUID of its author's account.
    pub author: String,
    /// Its text; empty if it is deleted.
    pub raw: String,
    /// Is it deleted?
    pub is_deleted: bool,
}

impl Bitbucket {
    /// The UUID of a repository, in braces.
    pub fn repository_uuid(&self, full_name: &str) -> Result<String, Error> {
        Ok(self.app.world().named(full_name)?.uuid.clone())
    }

    /// All reports on a commit, as Bitbucket shows them.
    pub fn reports(&self, full_name: &str, commit: &str) -> Result<Vec<Value>, Error> {
        Ok(self.app.world().named(full_name)?.reports.of(commit).iter().map(Report::json).collect())
    }

    /// All annotations of a report, as Bitbucket shows them.
    pub fn annotations(&self, full_name: &str, commit: &str, report: &str) -> Result<Vec<Value>, Error> {
        let world = self.app.world();
        let found = world.named(full_name)?.reports.get(commit, report);
        Ok(found.map(Report::annotations).unwrap_or_default())
    }

    /// All build statuses on a commit, as Bitbucket shows them, and with the author, whom it does not show.
    pub fn statuses(&self, full_name: &str, commit: &str) -> Result<Vec<Value>, Error> {
        let world = self.app.world();
        let repository = world.named(full_name)?;
        let (here, _) = repository.at(&world.urls);
        let statuses = repository.statuses.of(commit).iter();
        Ok(statuses.map(|status| status.with_author(&here, commit, &world.urls)).collect())
    }

    /// All comments on a pull request, also those that are deleted.
    pub fn comments(&self, full_name: &str, id: u64) -> Result<Vec<CommentSeen>, Error> {
        let world = self.app.world();
        let found = world.named(full_name)?.pull_requests.get(&id).ok_or(Error::NoPullRequest(id))?;
        let seen = found.comments.iter().map(|comment| CommentSeen {
            id: comment.id,
            author: comment.author.uuid.clone(),
            raw: comment.raw.clone(),
            is_deleted: comment.deleted,
        });
        Ok(seen.collect())
    }

    /// What the receiver was told of the destinations of runs, as it was sent.
    pub fn run_deliveries(&self) -> Vec<Value> {
        self.app.runs.deliveries()
    }

    /// All runs that the receiver accepted, as they were sent.
    pub fn runs(&self) -> Vec<Value> {
        self.app.runs.all()
    }
}
