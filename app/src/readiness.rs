//! Whether this copy can serve.
//!
//! Owns the probes of what it needs: they run in the background, so that the question is answered
//! soon whatever is broken, and it is answered from what they found last. Neither the load of
//! tenants nor Bitbucket counts: a copy that gets no more requests does not work faster.

use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::state::State;

/// How often something is probed without a request for it.
const EVERY: Duration = Duration::from_secs(5);
/// How long a question waits for a probe that begins after it. Later, what was found last is the
/// answer.
const WAIT: Duration = Duration::from_millis(500);
/// A probe whose last answer is older does not work itself. Each has a limit far below.
const STALE: Duration = Duration::from_secs(30);
/// How far the clock may be off before webhooks and frames are refused, in seconds.
const SKEW_MAX: i64 = 30;

/// What is probed.
#[derive(Debug, Default)]
pub struct Readiness {
    database: Probe,
    clock: Probe,
}

#[derive(Debug)]
struct Probe {
    asked: Notify,
    last: watch::Sender<Outcome>,
}

/// What a probe found.
#[derive(Clone, Debug)]
struct Outcome {
    began: Instant,
    /// In words; absent if all is well.
    fault: Option<String>,
}

impl Default for Probe {
    fn default() -> Self {
        // The program starts only if the database works.
        Self { asked: Notify::new(), last: watch::Sender::new(Outcome { began: Instant::now(), fault: None }) }
    }
}

impl Probe {
    /// What is wrong, as far as it can be known soon.
    async fn fault(&self) -> Option<String> {
        let mut last = self.last.subscribe();
        let now = Instant::now();
        self.asked.notify_one();
        let _ = timeout(WAIT, last.wait_for(|outcome| outcome.began >= now)).await;
        let outcome = self.last.borrow().clone();
        let age = outcome.began.elapsed();
        let is_stale = outcome.fault.is_none() && age > STALE;
        if is_stale { Some(format!("nothing was found out for {} s", age.as_secs())) } else { outcome.fault }
    }

    /// Probes until everything comes to an end.
    async fn run<F: Future<Output = Option<String>>>(&self, state: &State, what: &str, probe: impl Fn(State) -> F) {
        while !state.is_stopping() {
            let began = Instant::now();
            let fault = probe(state.clone()).await;
            let outcome = Outcome { began, fault: fault.clone() };
            match (self.last.send_replace(outcome).fault, fault) {
                (None, Some(fault)) => tracing::warn!(what, fault, "not ready"),
                (Some(_), None) => tracing::info!(what, "ready again"),
                _ => {}
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = self.asked.notified() => {}
                () = state.stopped() => {}
            }
        }
    }
}

impl Readiness {
    /// What is wrong, one line each; nothing if this copy can serve.
    pub async fn faults(&self) -> Vec<String> {
        let (database, clock) = tokio::join!(self.database.fault(), self.clock.fault());
        database.into_iter().chain(clock).collect()
    }
}

/// Probes until everything comes to an end.
pub async fn probes(state: State) {
    let Readiness { database, clock } = &state.readiness;
    tokio::join!(database.run(&state, "database", database_fault), clock.run(&state, "clock", clock_fault));
}

async fn database_fault(state: State) -> Option<String> {
    state.store.probe(state.now()).await.err().map(|error| error.to_string())
}

async fn clock_fault(state: State) -> Option<String> {
    let seconds = state.skew.measure(&state.api, || state.now(), SKEW_MAX).await;
    state.metrics.skew(seconds);
    let is_wrong = seconds.abs() > SKEW_MAX;
    is_wrong.then(|| format!("this server's clock and Bitbucket's differ by {seconds} s: set the clock right"))
}
