//! What is posted to Bitbucket and to the companion app, against the sandbox.
//!
//! Every request in here is held against the sandbox's contract: a test fails when one does not fit.

mod canaries;
mod comment;
mod companion;
mod faults;
mod fixture;
mod open_status;
mod reports;
mod status;
#[cfg(unix)]
mod stopped;
