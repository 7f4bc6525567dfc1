//! The time of the run.
//!
//! Owns the only place that asks the system's clock. `SOURCE_DATE_EPOCH` takes its place, so that a run can be repeated byte by byte.

use std::time::UNIX_EPOCH;

use super::Environment;

/// Unix seconds.
pub fn now(environment: &Environment) -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let system = || std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    environment.source_date_epoch.unwrap_or_else(system)
}
