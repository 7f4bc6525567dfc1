//! Bitbucket, as a review asks it.
//!
//! Owns which credentials each question goes with: git through the authentication proxy, which signs it for the step's own repository, else with a
//! token; everything else with a token only, because the proxy signs no such calls. Nothing is connected before it is asked.

use std::cell::OnceCell;
use std::io::{Cursor, Read};
use std::time::Duration;

use penstock_common::Subject;
use penstock_common::bitbucket::client::{self, Access, Client, InRepository};
use penstock_common::bitbucket::statuses::StatusState;
use tokio::runtime::Runtime;

use crate::checkout::fetch;
use crate::review::{Remote, RemoteError};
use crate::settings::Connection;

/// How long one question may take; a base that takes longer is not worth the wait.
const TIME: Duration = Duration::from_secs(10);

/// What to do where only a token helps.
const TOKEN: &str =
    "set `BITBUCKET_ACCESS_TOKEN` to a repository access token with the scopes `repository` and `pullrequest`";

/// The repository of a build.
pub struct Bitbucket<'a> {
    connection: &'a Connection,
    subject: &'a Subject,
    /// Key of our own build status.
    status_key: String,
    runtime: OnceCell<Result<Runtime, RemoteError>>,
    rest: OnceCell<Result<InRepository, RemoteError>>,
    git: OnceCell<Vec<Client>>,
}

impl<'a> Bitbucket<'a> {
    /// The repository that `subject` names.
    pub fn new(connection: &'a Connection, subject: &'a Subject, status_key: String) -> Self {
        let (runtime, rest, git) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { connection, subject, status_key, runtime, rest, git }
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> Result<T, RemoteError> {
        let runtime = self.runtime.get_or_init(|| super::runtime().map_err(|error| RemoteError(error.to_string())));
        Ok(runtime.as_ref().map_err(Clone::clone)?.block_on(work))
    }

    /// The REST API, with our own credentials.
    fn rest(&self) -> Result<InRepository, RemoteError> {
        let made = self.rest.get_or_init(|| {
            if !self.connection.has_credentials() {
                return Err(RemoteError(format!("Bitbucket tells it to nobody without a token; {TOKEN}")));
            }
            let client = super::client(&self.connection.direct()).map_err(|error| RemoteError(error.to_string()))?;
            Ok(client.in_repository(self.subject.workspace.as_str(), self.subject.repository.as_str()))
        });
        let rest = made.as_ref().map_err(Clone::clone)?;
        let (workspace, slug) = rest.names();
        Ok(rest.client().within(TIME).in_repository(workspace, slug))
    }

    /// Clients of the git server, the one that needs nothing first.
    fn git_clients(&self) -> &[Client] {
        self.git.get_or_init(|| {
            let ways = self.connection.through_auth_proxy().into_iter().chain([self.connection.direct()]);
            let ways = ways.filter_map(|way: Access| {
                way.to_git(&self.connection.site, &self.subject.workspace, &self.subject.repository)
            });
            ways.filter_map(|way| super::client(&way).ok()).map(|client| client.within(fetch::TIME)).collect()
        })
    }
}

/// An error with what to do about it.
fn told(error: &client::Error) -> RemoteError {
    RemoteError(match error.remedy() {
        Some(remedy) => format!("{error}; {remedy}"),
        None => error.to_string(),
    })
}

fn unknown(what: &str) -> RemoteError {
    RemoteError(format!("Bitbucket knows no {what}, or does not tell us"))
}

impl Remote for Bitbucket<'_> {
    fn main_branch(&self) -> Result<String, RemoteError> {
        let rest = self.rest()?;
        let repository = self.block_on(rest.get())?.map_err(|error| told(&error))?;
        repository.mainbranch.map(|branch| branch.name).ok_or_else(|| unknown("main branch of this repository"))
    }

    fn commit(&self, id: &str) -> Result<String, RemoteError> {
        let rest = self.rest()?;
        let commit = self.block_on(rest.commit(id))?.map_err(|error| told(&error))?;
        commit.map(|commit| commit.hash).ok_or_else(|| unknown("commit of that id"))
    }

    fn pull_request_diff(&self, id: u64, limit: u64) -> Result<Vec<u8>, RemoteError> {
        let rest = self.rest()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.block_on(rest.diff(id, limit))?.map_err(|error| told(&error))
    }

    fn passed(&self, commit: &str) -> Result<bool, RemoteError> {
        let rest = self.rest()?;
        let all = self.block_on(rest.statuses_with_key(commit, &self.status_key))?.map_err(|error| told(&error))?;
        // Builds of one commit on several branches post one status each. A commit that failed in
        // one of them did not pass.
        Ok(!all.is_empty() && all.iter().all(|status| status.state == StatusState::Successful))
    }

    fn git<'a>(&'a self, request: Option<Vec<u8>>) -> Result<Box<dyn Read + Send + 'a>, RemoteError> {
        let limit = usize::try_from(fetch::BYTES).unwrap_or(usize::MAX);
        let mut failure = RemoteError(format!("there is no way to the git server; {TOKEN}"));
        for client in self.git_clients() {
            match self.block_on(client.ask_git(request.clone(), limit))? {
                Ok(answer) => return Ok(Box::new(Cursor::new(answer))),
                Err(error) => failure = told(&error),
            }
        }
        Err(failure)
    }
}
