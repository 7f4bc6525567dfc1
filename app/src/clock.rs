//! What time it is.
//!
//! Owns the form in which the clock is handed to whoever needs it again and again; it is read elsewhere.

use std::sync::Arc;

/// Tells unix milliseconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;
