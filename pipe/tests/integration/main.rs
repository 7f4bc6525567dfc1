//! All integration tests of the crate in one binary, so that it links once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agreement;
mod api;
mod archives;
mod bad_input;
mod base;
mod cli;
mod documents;
mod expand;
mod fingerprints;
mod folder;
mod masks;
mod pack;
mod pipeline;
mod publish;
mod renew;
mod rules;
mod run;
mod schema;
mod short_clone;
