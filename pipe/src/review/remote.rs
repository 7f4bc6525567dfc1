//! What only Bitbucket can tell or give.
//!
//! Owns the questions, not how they are asked: who answers them has the connection, its credentials and its time-outs. Without anybody to
//! answer, a review goes on with what the clone holds.

use std::io::Read;

/// Answers questions about the repository of the build. Every answer comes within bounded time.
pub trait Remote {
    /// The name of the main branch.
    fn main_branch(&self) -> Result<String, RemoteError>;

    /// The full id of a commit by a shortened one.
    fn commit(&self, id: &str) -> Result<String, RemoteError>;

    /// The pull request's changes in the unified format, from where it left its destination to its source; at most `limit` bytes, a
    /// longer one is an error.
    fn pull_request_diff(&self, id: u64, limit: u64) -> Result<Vec<u8>, RemoteError>;

    /// Whether the commit bears our own build status, and it is a successful one.
    fn passed(&self, commit: &str) -> Result<bool, RemoteError>;

    /// Asks the repository's git server, in version 2 of its protocol: what it can do, or what `request` says. The answer is read as it comes, and
    /// only if the server says that all is well.
    fn git<'a>(&'a self, request: Option<Vec<u8>>) -> Result<Box<dyn Read + Send + 'a>, RemoteError>;
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RemoteError(
    /// In one sentence that may be shown: what happened, and what to do.
    pub String,
);
