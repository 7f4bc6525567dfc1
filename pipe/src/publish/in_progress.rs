//! The build status of a run that is under way, on request.
//!
//! Owns that it is closed: by the final status, else when the run ends early (an error, a panic, a signal). What is killed without a word is closed by
//! the next run of the same kind and name on the commit, because the key is the same.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use penstock_common::decorate::status;
use penstock_common::delivery::Outcome;

use super::interrupt::Watch;
use super::{Plan, Stop, build_status, own};
use crate::bitbucket;

/// How long opening may take. It is a courtesy.
const OPENING: Duration = Duration::from_millis(2500);
/// How long closing may take. Ten seconds after it asked a step to stop, Pipelines kills it.
const CLOSING: Duration = Duration::from_secs(8);

/// A status that says `INPROGRESS`. Dropped without [`OpenStatus::close`], it becomes `STOPPED`.
pub struct OpenStatus {
    shared: Arc<Shared>,
    /// Dropped, it no longer ends the program at a signal.
    _watch: Option<Watch>,
}

struct Shared {
    plan: Plan,
    /// Whether somebody has closed it, or is about to: a signal may come at any time.
    closed: Mutex<bool>,
}

impl OpenStatus {
    /// Posts it, and closes it if a signal ends the program. What keeps it from being posted is no reason to stop.
    ///
    /// # Errors
    ///
    /// Skipped or failed, as a destination ends.
    pub fn open(plan: &Plan) -> Result<Self, Outcome> {
        let direct = plan.direct();
        let posted = bitbucket::block_on(async {
            let client = own(direct.as_ref(), "a build status")?;
            build_status::post(plan, &client.within(OPENING), &status::in_progress(&plan.context())).await
        });
        match posted {
            Ok(Ok(_)) => {}
            // It may stand there.
            Ok(Err(stop)) if stop.uncertain => {}
            Ok(Err(stop)) => return Err(stop.outcome),
            Err(error) => return Err(Stop::failed(error.to_string(), "").outcome),
        }
        let shared = Arc::new(Shared { plan: plan.clone(), closed: Mutex::new(false) });
        let watched = Arc::clone(&shared);
        // Without a watch a signal ends the program as ever, and the next run closes the status.
        let watch = Watch::start(move || watched.stop("The step was stopped")).ok();
        Ok(Self { shared, _watch: watch })
    }

    /// The final status stands in its place.
    pub fn close(self) {
        *self.shared.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

impl Drop for OpenStatus {
    fn drop(&mut self) {
        let why = if std::thread::panicking() { "A fault in Penstock ended the run" } else { "The run ended early" };
        self.shared.stop(why);
    }
}

impl fmt::Debug for OpenStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStatus").finish_non_exhaustive()
    }
}

impl Shared {
    fn stop(&self, why: &'static str) {
        // Held until it is posted: whoever else wants to close it waits for that.
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *closed, true) {
            return;
        }
        if let Some(Ok(client)) = self.plan.direct() {
            let status = status::stopped(&self.plan.context(), &why.into());
            // There is nobody left to tell what came of it.
            let _ = bitbucket::block_on(build_status::post(&self.plan, &client.within(CLOSING), &status));
        }
    }
}
