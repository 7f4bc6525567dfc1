//! All integration tests of the crate in one binary, so that it links once.

mod archives;
mod bad_input;
mod cli;
mod expand;
mod folder;
mod masks;
mod pack;
mod rules;
mod run;
