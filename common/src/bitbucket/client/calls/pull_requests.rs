//! Pull requests and what they change.

use reqwest::Method;

use super::super::error::Error;
use super::InRepository;
use crate::bitbucket::diffs::DiffStat;
use crate::bitbucket::pull_requests::PullRequest;

/// Most files of a diffstat.
const FILES_MAX: usize = 50_000;
/// Most open pull requests of one branch.
const OPEN_MAX: usize = 100;

impl InRepository {
    /// One pull request; `None` if there is none, or no access.
    pub async fn pull_request(&self, number: u64) -> Result<Option<PullRequest>, Error> {
        self.read_if_found(&self.request(Method::GET, &["pullrequests", &number.to_string()])?).await
    }

    /// The same where there must be one: that there is none is an error.
    pub async fn known_pull_request(&self, number: u64) -> Result<PullRequest, Error> {
        self.read(&self.request(Method::GET, &["pullrequests", &number.to_string()])?).await
    }

    /// Open pull requests whose source is this branch.
    pub async fn open_pull_requests(&self, branch: &str) -> Result<Vec<PullRequest>, Error> {
        let quoted = branch.replace('\\', "\\\\").replace('"', "\\\"");
        let request = self.request(Method::GET, &["pullrequests"])?;
        let request = request.query("q", &format!(r#"source.branch.name="{quoted}" AND state="OPEN""#));
        self.client.first(request.query("pagelen", "50"), OPEN_MAX).await
    }

    /// All open pull requests, the newest first; at most `most`, and whether there are more.
    pub async fn all_open_pull_requests(&self, most: usize) -> Result<(Vec<PullRequest>, bool), Error> {
        let request = self.request(Method::GET, &["pullrequests"])?.query("state", "OPEN");
        self.client.pages(request.query("pagelen", "50"), most).await
    }

    /// What a pull request changes, as a unified diff of at most `limit` bytes. It may be in any encoding.
    pub async fn diff(&self, number: u64, limit: usize) -> Result<Vec<u8>, Error> {
        let request = self.request(Method::GET, &["pullrequests", &number.to_string(), "diff"])?;
        Ok(self.client.send(&request.limit(limit)).await?.body)
    }

    /// The files that a pull request changes.
    pub async fn diffstat(&self, number: u64) -> Result<Vec<DiffStat>, Error> {
        let request = self.request(Method::GET, &["pullrequests", &number.to_string(), "diffstat"])?;
        // It redirects to a list with large pages and takes no parameters itself.
        self.client.list(request, FILES_MAX).await
    }
}
