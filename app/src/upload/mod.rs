//! Runs that the pipe sends.
//!
//! Owns the way of an upload: read within bounds and masked before anything else (`document`),
//! reduced to what is tracked (`reduce`), confirmed with Bitbucket (`confirm`), applied and judged
//! (`settle`), in a task that is never cancelled (`settling`). An upload is hostile until the end:
//! its texts, its paths, and what it says it is about. Who sent it was decided at the door.

mod confirm;
mod cut;
mod document;
mod handlers;
mod reduce;
mod settle;
mod settling;
mod work;

pub use document::{Encoding, FINDINGS_MAX, read};
pub use handlers::router;
pub use reduce::{Reduced, reduce};
pub use settle::{Unsettled, settle, upload_of};
pub use settling::{Settling, settle_to_end};
pub use work::{Room, UploadMemory};
