//! What findings mean: may this pass?
//!
//! Owns what follows from findings and from what was said about them: which are suppressed, which conditions are in force. How findings
//! are compared, counted and judged is in `penstock-common`, because the app does the same. Pure: no I/O, no clock, no environment.

pub mod conditions;
pub mod fail_on;
pub mod suppress;

pub use conditions::{Conditions, Layers, conditions};
pub use fail_on::FailOn;
pub use suppress::Suppress;
