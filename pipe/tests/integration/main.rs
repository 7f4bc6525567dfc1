//! All integration tests of the crate in one binary, so that it links once.

mod archives;
mod expand;
mod pack;
mod rules;
