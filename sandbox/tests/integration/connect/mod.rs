//! Connect, with an app that is as small as can be.

mod double;

mod frames;
mod install;
mod rest;
mod scripts;
mod token;
mod webhooks;
