//! Bitbucket Cloud's REST API 2.0, as far as Penstock calls it.
//!
//! Owns the shapes of requests and answers (always compiled: `decorate` makes them) and, with the feature `client`, the client that
//! sends them. What a verdict looks like in them is decided in `decorate`, when they are sent in the programs.

pub mod accounts;
#[cfg(feature = "client")]
pub mod client;
pub mod comments;
pub mod commits;
pub mod diffs;
pub mod pipelines;
pub mod pull_requests;
pub mod reports;
pub mod repositories;
pub mod statuses;
pub mod workspaces;
