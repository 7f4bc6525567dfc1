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
        self.read(&request.json(status).repeatable()).await
    }

    /// The status with this key; `None` if there is none.
    pub async fn status(&self, commit: &str, key: &str) -> Result<Option<PostedStatus>, Error> {
        self.read_if_found(&self.request(Method::GET, &["commit", commit, "statuses", "build", key])?).await
    }

    /// All statuses of a commit.
    pub async fn statuses(&self, commit: &str) -> Result<Vec<PostedStatus>, Error> {
        let request = self.request(Method::GET, &["commit", commit, "statuses"])?;
        self.client.list(request.query("pagelen", PAGE), STATUSES_MAX).await
    }
}
