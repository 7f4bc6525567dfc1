//! Build statuses of a commit.

use reqwest::Method;

use super::super::error::Error;
use super::super::page::PAGE;
use super::InRepository;
use crate::bitbucket::statuses::{BuildStatus, PostedStatus};

/// Most statuses of a list.
const STATUSES_MAX: usize = 1000;

impl InRepository {
    /// Posts a status, or replaces the one with the same key, so it may be repeated. Only the identity that posted a status may replace it:
    /// others are denied.
    pub async fn post_status(&self, commit: &str, status: &BuildStatus) -> Result<PostedStatus, Error> {
        let request = self.request(Method::POST, &["commit", commit, "statuses", "build"])?;
        self.read(&request.json(status).repeatable().about_commit(commit)).await
    }

    /// The statuses with this key: one for each `refname` that it was posted with. Asking for the
    /// key alone answers with any one of them.
    pub async fn statuses_with_key(&self, commit: &str, key: &str) -> Result<Vec<PostedStatus>, Error> {
        let all = match self.statuses(commit).await {
            Err(error) if error.is_not_found() => Vec::new(),
            all => all?,
        };
        Ok(all.into_iter().filter(|status| status.key == key).collect())
    }

    /// All statuses of a commit.
    pub async fn statuses(&self, commit: &str) -> Result<Vec<PostedStatus>, Error> {
        let request = self.request(Method::GET, &["commit", commit, "statuses"])?;
        self.client.list(request.query("pagelen", PAGE), STATUSES_MAX).await
    }
}
