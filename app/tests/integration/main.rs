//! All integration tests of the crate in one binary, so that it links once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bitbucket;
mod browser;
mod docs;
mod door;
mod double;
mod oracle;
mod pages;
mod program;
mod store;
mod track;
