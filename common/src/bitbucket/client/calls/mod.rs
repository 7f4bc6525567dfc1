//! The calls that Penstock makes.
//!
//! Owns paths, one file per resource. What is sent and answered are the types of `bitbucket`; when something is called, and what follows from the
//! answer, is decided by the programs.

mod comments;
mod commits;
mod own_comment;
mod pipelines;
mod pull_requests;
mod reports;
mod repository;
mod statuses;
mod workspaces;

pub use reports::Missing;

use reqwest::Method;
use serde::de::DeserializeOwned;

use super::Client;
use super::error::Error;
use super::request::Request;
use crate::bitbucket::accounts::Account;

/// A client's view of one repository.
#[derive(Clone, Debug)]
pub struct InRepository {
    client: Client,
    workspace: String,
    slug: String,
}

impl Client {
    /// The calls of one repository, by slug or by UUID in braces.
    pub fn in_repository(&self, workspace: impl Into<String>, slug: impl Into<String>) -> InRepository {
        InRepository { client: self.clone(), workspace: workspace.into(), slug: slug.into() }
    }

    /// `GET /user`: who the credentials belong to.
    pub async fn user(&self) -> Result<Account, Error> {
        let request = self.request(Method::GET, ["user"])?;
        let answer = self.send(&request).await?;
        self.read(&answer)
    }
}

impl InRepository {
    /// The client that this belongs to.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Workspace and slug.
    pub fn names(&self) -> (&str, &str) {
        (&self.workspace, &self.slug)
    }

    /// A call below this repository.
    fn request(&self, method: Method, path: &[&str]) -> Result<Request, Error> {
        let root = ["repositories", &self.workspace, &self.slug];
        self.client.request(method, root.iter().chain(path).copied())
    }

    /// The account that the credentials act as, by UUID; `None` if Bitbucket does not say: access
    /// tokens are refused there.
    pub async fn identity(&self) -> Result<Option<String>, Error> {
        match self.client.user().await {
            Ok(account) => Ok(account.uuid),
            Err(Error::Refused(refusal)) if refusal.status != 429 => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        let answer = self.client.send(request).await?;
        self.client.read(&answer)
    }

    /// What is there, or `None` if it is not.
    async fn read_if_found<T: DeserializeOwned>(&self, request: &Request) -> Result<Option<T>, Error> {
        match self.read(request).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes, if it is there.
    async fn delete(&self, path: &[&str]) -> Result<(), Error> {
        let request = self.request(Method::DELETE, path)?;
        match self.client.send(&request).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}
