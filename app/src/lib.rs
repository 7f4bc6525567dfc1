//! The companion app of Penstock, as a library: the program `penstock-app` will be a thin shell around it.
//!
//! The flow goes one way: `door` (who is calling) → `upload` and `inbox` → `track` (what a run means) → `publish`; `pages` read.
#![forbid(unsafe_code)]

pub mod base_url;
pub mod door;
pub mod track;
