//! Work that makes more work, shared by a few threads.
//!
//! Owns the queue and the threads; knows nothing of files or commits. The last task in is the first out, so that a walk goes
//! deep before it goes wide and the queue stays short.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Tasks that wait, and how many are being worked on.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: Vec<T>,
    busy: usize,
    /// Threads that sleep. Waking costs a call to the system even if nobody sleeps, and a walk adds tasks for every folder.
    asleep: usize,
}

impl<T> Queue<T> {
    /// Adds tasks. Called by a worker for what its own task brought up.
    pub(super) fn add(&self, tasks: impl IntoIterator<Item = T>) {
        let mut state = self.lock();
        let before = state.waiting.len();
        state.waiting.extend(tasks);
        let wake = state.asleep.min(state.waiting.len() - before);
        drop(state);
        for _ in 0..wake {
            self.changed.notify_one();
        }
    }

    /// The next task; none when nothing waits and nobody can bring up more.
    fn next(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.waiting.pop() {
                state.busy += 1;
                return Some(task);
            }
            if state.busy == 0 {
                return None;
            }
            state.asleep += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.asleep -= 1;
        }
    }

    // A panic never happens while the lock is held, so a poisoned state is whole.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the task off the count when it is done, also when it panics: the others must not wait for it for ever.
struct Done<'q, T>(&'q Queue<T>);

impl<T> Drop for Done<'_, T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.busy -= 1;
        if state.busy == 0 && state.waiting.is_empty() {
            self.0.changed.notify_all();
        }
    }
}

/// Works through `tasks` and what they bring up. Each of up to `threads` threads makes itself a worker; all workers are handed
/// back. One thread is the calling one, so a small scan starts none.
pub(super) fn run<T: Send, W: Send>(
    threads: NonZeroUsize,
    tasks: Vec<T>,
    make: impl Fn() -> W + Sync,
    step: impl Fn(&mut W, T, &Queue<T>) + Sync,
) -> Vec<W> {
    let queue = Queue { state: Mutex::new(State { waiting: tasks, busy: 0, asleep: 0 }), changed: Condvar::new() };
    let work = || {
        let mut worker = make();
        while let Some(task) = queue.next() {
            let _done = Done(&queue);
            step(&mut worker, task, &queue);
        }
        worker
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads.get())
            // A system that grants no more threads still gets its scan, with fewer.
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let mut workers = vec![work()];
        for other in others {
            workers.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        workers
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_what_tasks_bring_up_once() {
        for threads in 1..5 {
            let counts = run(
                NonZeroUsize::new(threads).unwrap(),
                vec![10_u32],
                || 0_u64,
                |count, task, queue| {
                    *count += 1;
                    if task > 0 {
                        queue.add([task - 1, task - 1]);
                    }
                },
            );
            assert_eq!(counts.iter().sum::<u64>(), (1 << 11) - 1);
        }
    }

    #[test]
    fn a_panic_ends_the_run_instead_of_hanging_it() {
        let outcome = std::panic::catch_unwind(|| {
            run(NonZeroUsize::new(3).unwrap(), vec![0, 1, 2, 3], || (), |(), task, _| assert_ne!(task, 2));
        });
        assert!(outcome.is_err());
    }
}
