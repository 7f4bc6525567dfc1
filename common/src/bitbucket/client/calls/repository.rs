//! The repository itself, its branches and its files.

use reqwest::Method;

use super::super::error::Error;
use super::InRepository;
use crate::bitbucket::commits::Branch;
use crate::bitbucket::repositories::Repository;

/// Most branches of a list.
const BRANCHES_MAX: usize = 10_000;

impl InRepository {
    /// The repository. If it was moved, the redirect is followed and `full_name` is the new one.
    pub async fn get(&self) -> Result<Repository, Error> {
        self.read(&self.request(Method::GET, &[])?).await
    }

    /// One branch; `None` if there is none of that name, or no access.
    pub async fn branch(&self, name: &str) -> Result<Option<Branch>, Error> {
        self.read_if_found(&self.request(Method::GET, &["refs", "branches", name])?).await
    }

    /// All branches.
    pub async fn branches(&self) -> Result<Vec<Branch>, Error> {
        let request = self.request(Method::GET, &["refs", "branches"])?;
        self.client.list(request.query("pagelen", "100"), BRANCHES_MAX).await
    }

    /// A file at a commit, of at most `limit` bytes; `None` if there is none at that path, or no access.
    pub async fn file(&self, commit: &str, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Error> {
        let mut whole = vec!["src", commit];
        whole.extend(path.split('/'));
        let request = self.request(Method::GET, &whole)?.limit(limit);
        match self.client.send(&request).await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
