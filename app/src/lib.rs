//! The companion app of Penstock, as a library: the program `penstock-app` will be a thin shell around it.
//!
//! The flow goes one way: `door` (who is calling) → `upload` and `inbox` → `track` (what a run means) → `publish`; `pages` read.

pub mod base_url;
pub mod bitbucket;
pub mod clock;
pub mod crypto;
pub mod door;
pub mod hosts;
pub mod store;
pub mod track;
