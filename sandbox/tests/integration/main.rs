//! The sandbox from outside: over HTTP and with the real git.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;

mod auth;
mod comments;
mod companion;
mod connect;
mod contract;
mod faults;
mod git;
mod journal;
mod oidc;
mod proxy;
mod pull_requests;
mod reports;
mod repositories;
mod statuses;
mod step;
