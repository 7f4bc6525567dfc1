//! The whole program, over real HTTP, with a Bitbucket on loopback.

mod api;
mod commands;
mod crash;
mod story;
pub(crate) mod uploads;
mod webhooks;
pub(crate) mod world;
