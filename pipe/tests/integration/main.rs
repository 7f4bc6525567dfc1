//! All integration tests of the crate in one binary, so that it links once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agreement;
mod allow;
mod api;
mod archives;
mod bad_input;
mod base;
mod cli;
mod documents;
mod expand;
mod fingerprints;
mod folder;
mod git_environment;
mod init;
mod masked;
mod masks;
mod nothing;
mod pack;
mod pairs;
mod paths;
mod pipeline;
mod publish;
mod renew;
mod rules;
mod run;
mod schema;
mod short_clone;
mod sparse;
mod unread;
mod writes;
