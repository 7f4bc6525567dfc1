//! The gate for Bitbucket Cloud, as a library: the program `penstock` is a thin shell around it.
//!
//! The flow goes one way: `checkout` (what is looked at) → `analyze` (what is wrong with it) → `assess` (what that means) →
//! `render` (how it is told). `review` drives it up to the verdict, `commands` from the command line to the exit code, told what to do by `cli`
//! and `settings`.

pub mod analyze;
pub mod assess;
pub mod bitbucket;
pub mod checkout;
pub mod cli;
pub mod commands;
pub mod error;
pub mod mistake;
pub mod no_follow;
pub mod pipelines_env;
mod progress;
pub mod publish;
pub mod render;
pub mod review;
pub mod scan;
pub mod settings;
