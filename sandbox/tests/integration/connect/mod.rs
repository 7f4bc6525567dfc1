//! Connect, with an app that is as small as can be.

mod double;

mod frames;
mod host;
mod install;
mod kept;
mod rest;
mod scripts;
mod token;
mod webhooks;
