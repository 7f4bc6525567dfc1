//! Commits and how they are related.

use reqwest::Method;

use super::super::error::Error;
use super::super::page::PAGE;
use super::InRepository;
use crate::bitbucket::commits::Commit;

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
}
