//! What findings mean: may this pass?
//!
//! Owns the decision. Pure: no I/O, no clock, no environment.

pub mod fail_on;

pub use fail_on::FailOn;
