//! Runs that the pipe sends.
//!
//! Owns the way of an upload: read within bounds (`document`), hidden once more (`redact`), reduced to what is tracked (`reduce`), confirmed with
//! Bitbucket (`confirm`), applied and judged (`settle`). An upload is hostile until the end: its texts, its paths, and what it says it is about. Who
//! sent it was decided at the door.

mod confirm;
mod document;
mod handlers;
mod redact;
mod reduce;
mod settle;

pub use document::{Encoding, FINDINGS_MAX, read};
pub use handlers::router;
pub use reduce::{Reduced, reduce};
pub use settle::{Unsettled, settle, upload_of};
