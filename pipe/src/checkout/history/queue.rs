//! The work of one walk over the objects, shared by its threads.
//!
//! Owns the list of what is still to be done. Threads that run out of work say so, and those that still have a large family of
//! objects before them give away branches of it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Some of a pack's roots, with all that builds upon them.
    Roots { pack: usize, from: usize, to: usize },
    /// A difference, with all that builds upon it.
    Branch { pack: usize, slot: u32 },
    /// Some of the loose objects.
    Loose { from: usize, to: usize },
}

/// The list of what is to be done.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    hungry: AtomicUsize,
    alone: Mutex<()>,
}

struct State {
    jobs: VecDeque<Job>,
    busy: usize,
}

impl Queue {
    pub(super) fn new(jobs: impl IntoIterator<Item = Job>) -> Self {
        let state = State { jobs: jobs.into_iter().collect(), busy: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new(), hungry: AtomicUsize::new(0), alone: Mutex::default() }
    }

    /// Lets one thread take work. The work ends when no thread has any and none can come.
    pub(super) fn work(&self, mut job: impl FnMut(Job)) {
        let busy = Busy::new(self);
        while let Some(next) = busy.next() {
            job(next);
        }
    }

    /// Whether a thread waits for work.
    pub(super) fn is_hungry(&self) -> bool {
        self.hungry.load(Ordering::Relaxed) > 0
    }

    /// For what would take too much memory if all threads did it at once.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        self.alone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives away a piece of work.
    pub(super) fn give(&self, job: Job) {
        self.lock().jobs.push_back(job);
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that has work or is taking some. If it panics, the others are not left waiting for it.
struct Busy<'a>(&'a Queue);

impl<'a> Busy<'a> {
    fn new(queue: &'a Queue) -> Self {
        queue.lock().busy += 1;
        Self(queue)
    }

    fn next(&self) -> Option<Job> {
        let queue = self.0;
        let mut state = queue.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.busy <= 1 {
                return None;
            }
            state.busy -= 1;
            queue.hungry.fetch_add(1, Ordering::Relaxed);
            state = queue.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            queue.hungry.fetch_sub(1, Ordering::Relaxed);
            if state.jobs.is_empty() && state.busy == 0 {
                state.busy += 1;
                return None;
            }
            state.busy += 1;
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.lock().busy -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn all_work_is_done_once_also_what_is_given_away() {
        let queue = Queue::new((0..10).map(|from| Job::Loose { from, to: 0 }));
        let done = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    queue.work(|job| {
                        done.fetch_add(1, Ordering::Relaxed);
                        if let Job::Loose { from, .. } = job {
                            (0..from as u32).for_each(|slot| queue.give(Job::Branch { pack: 0, slot }));
                        }
                    });
                });
            }
        });
        assert_eq!(done.load(Ordering::Relaxed), 10 + 45);
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let queue = Queue::new((0..3).map(|from| Job::Loose { from, to: 0 }));
        let panicked = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| queue.work(|job| assert_ne!(job, Job::Loose { from: 1, to: 0 }))))
                .collect();
            workers.into_iter().filter_map(|worker| worker.join().err()).count()
        });
        assert_eq!(panicked, 1);
    }
}
