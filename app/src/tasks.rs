//! Tasks that run to their end.
//!
//! Owns the count of tasks that must not be cancelled, so that a stop can wait for them. What they
//! do is not known here.

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The tasks. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    running: watch::Sender<usize>,
}

/// One of them. It is counted until this is dropped.
struct Running(watch::Sender<usize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

impl Tasks {
    /// Starts a task. Dropping the handle does not end it.
    pub fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.running.send_modify(|running| *running += 1);
        let running = Running(self.running.clone());
        tokio::spawn(async move {
            let _until_it_ends = running;
            work.await
        })
    }

    /// Waits until none runs.
    pub async fn ended(&self) {
        // The sender lives as long as this does.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_is_waited_for_however_it_ends() {
        let tasks = Tasks::default();
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        drop(tasks.spawn(async move { gone.await.is_ok() }));
        let panics = tasks.spawn(async { panic!("a test") });
        let ended = tasks.clone();
        let mut ended = std::pin::pin!(ended.ended());
        assert!(panics.await.is_err());
        tokio::select! {
            biased;
            () = &mut ended => panic!("one still runs"),
            () = tokio::task::yield_now() => {}
        }
        go.send(()).unwrap();
        ended.await;
    }
}
