//! The companion app of Penstock, as a library: the program `penstock-app` will be a thin shell around it.
//!
//! The flow goes one way: `door` (who is calling) → `upload` and `inbox` → `track` (what a run means) → `publish`; `pages` read.
#![forbid(unsafe_code)]

pub mod api;
pub mod audit;
pub mod audit_export;
pub mod base_url;
pub mod bitbucket;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod connections;
pub mod crypto;
pub mod data_folder;
pub mod door;
mod hex;
pub mod hosts;
pub mod inbox;
pub mod jobs;
pub mod judgement;
pub mod limits;
pub mod pages;
mod private_files;
pub mod problem;
pub mod publish;
pub mod readiness;
pub mod repair;
pub mod review;
pub mod router;
mod run_to_end;
pub mod serve;
pub mod settings;
pub mod skew;
pub mod source;
pub mod state;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod track;
pub mod upload;
pub mod verify;
