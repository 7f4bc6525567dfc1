//! What the pipe sends to the companion app.
//!
//! Owns the versions of the wire format. A version never changes its meaning: what is not compatible becomes the next one.

pub mod answer;
pub mod v1;
