//! All integration tests of the crate in one binary, so that it links once.

mod expand;
mod rules;
mod schema;
