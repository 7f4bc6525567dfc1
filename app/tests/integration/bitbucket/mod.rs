//! What the app asks of Bitbucket: of the sandbox, and of doubles where it must be told something odd.

mod ancestry;
mod answers;
mod posts;
mod questions;
mod tenants;
pub(crate) mod world;
