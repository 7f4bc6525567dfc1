//! Where an operation can be interrupted.
//!
//! Owns the points at which tests drop an operation or let it panic: before each statement, begin
//! and commit. Without a test that asks for it, and in a release, nothing happens there.

use std::cell::Cell;

use tokio::task::yield_now;

tokio::task_local! {
    static POINTS: Points;
}

struct Points {
    /// How many points are left until the one that panics.
    until_panic: Cell<Option<usize>>,
}

/// Lets an operation yield once at each point, and panic at point number `panic_at`, counted from
/// 0.
pub fn at_each_point<F: Future>(operation: F, panic_at: Option<usize>) -> impl Future<Output = F::Output> {
    POINTS.scope(Points { until_panic: Cell::new(panic_at) }, operation)
}

/// A point.
pub(in crate::store) async fn point() {
    if !cfg!(debug_assertions) {
        return;
    }
    let reached = POINTS.try_with(|points| {
        let left = points.until_panic.get();
        points.until_panic.set(left.and_then(|left| left.checked_sub(1)));
        left == Some(0)
    });
    let Ok(panics) = reached else { return };
    yield_now().await;
    assert!(!panics, "the operation was interrupted by a test");
}
