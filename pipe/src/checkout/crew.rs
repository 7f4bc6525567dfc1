//! Workers that outlive one batch.
//!
//! Owns who is idle between two runs of the pool, so that each thread keeps its visitor and what it has unpacked.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use super::added::Worker;
use super::{Coverage, Visitor, pool};

/// Workers between two batches.
pub(super) struct Crew<W, F> {
    idle: Mutex<Vec<W>>,
    make: F,
}

impl<'a, V: Visitor, F: Fn() -> Worker<'a, V>> Crew<Worker<'a, V>, F> {
    pub(super) fn new(make: F) -> Self {
        Self { idle: Mutex::new(Vec::new()), make }
    }

    pub(super) fn take(&self) -> Worker<'a, V> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(&self.make)
    }

    pub(super) fn give(&self, worker: Worker<'a, V>) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }

    /// Works through `tasks` with up to `threads` workers, which are idle again when it returns.
    pub(super) fn work<T: Send>(
        &self,
        threads: NonZeroUsize,
        tasks: Vec<T>,
        step: impl Fn(&mut Worker<'a, V>, T) + Sync,
    ) where
        F: Sync,
    {
        let workers = pool::run(threads, tasks, || self.take(), |worker, task, _| step(worker, task));
        workers.into_iter().for_each(|worker| self.give(worker));
    }

    /// The visitors; what the workers went through is added to `coverage`.
    pub(super) fn disband(self, coverage: &mut Coverage) -> Vec<V> {
        let idle = self.idle.into_inner().unwrap_or_else(PoisonError::into_inner);
        let visitors = idle
            .into_iter()
            .map(|worker| {
                coverage.merge(worker.coverage);
                worker.visitor
            })
            .collect();
        coverage.skipped.sort();
        coverage.skipped.dedup();
        visitors
    }
}
