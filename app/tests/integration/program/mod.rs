//! The whole program, over real HTTP, with a Bitbucket on loopback.

mod story;
pub(crate) mod world;
