//! Commits and how they are related.

use reqwest::Method;

use super::super::error::Error;
use super::super::page::PAGE;
use super::InRepository;
use crate::bitbucket::commits::{Commit, CommitName};

impl InRepository {
    /// A commit by its hash, also shortened; `None` if Bitbucket does not know it, or no access.
    pub async fn commit(&self, hash: &str) -> Result<Option<Commit>, Error> {
        self.read_if_found(&self.request(Method::GET, &["commit", hash])?).await
    }

    /// At most `most` commits that `revision` reaches, newest first.
    pub async fn commits(&self, revision: &str, most: usize) -> Result<Vec<Commit>, Error> {
        let request = self.request(Method::GET, &["commits", revision])?;
        self.client.first(request.query("pagelen", PAGE), most).await
    }

    /// The newest commit that both reach; `None` if there is none, or no access.
    pub async fn merge_base(&self, one: &str, other: &str) -> Result<Option<Commit>, Error> {
        self.read_if_found(&self.request(Method::GET, &["merge-base", &format!("{one}..{other}")])?).await
    }

    /// `GET /repositories/…/commits?include=…&exclude=…`: the commits that one of `include` reaches and `exclude` does not, newest first, each
    /// with its full hash; at most `most`, and whether there are more. It is an error if one of those named is not known.
    pub async fn commits_beyond(
        &self,
        include: &[String],
        exclude: &str,
        most: usize,
    ) -> Result<(Vec<CommitName>, bool), Error> {
        let mut request = self.request(Method::GET, &["commits"])?.query("exclude", exclude);
        for include in include {
            request = request.query("include", include);
        }
        let page = most.clamp(1, 100).to_string();
        self.client.pages(request.query("pagelen", &page).query("fields", "values.hash,next"), most).await
    }
}
