//! Runs that are being settled.
//!
//! Owns that a run that begins to be applied is applied to its end, in a task of its own: a client
//! that hangs up and the time limit of a request end only the waiting. The task holds the memory
//! that the run takes. A repeated request joins the task that is under way instead of starting
//! another one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use penstock_common::Uuid;
use penstock_common::upload::answer::Answer;
use tokio::sync::watch;
use tracing::Instrument as _;

use super::work::Room;
use super::{Reduced, Unsettled, settle};
use crate::state::State;
use crate::store;
use crate::store::workspace::{Workspace, restored};
use crate::track::RunId;

/// The runs, each with a channel that closes when its task ends.
type Running = HashMap<(Uuid, RunId), watch::Receiver<()>>;

/// The runs whose tasks have not ended.
#[derive(Clone, Debug, Default)]
pub struct Settling(Arc<Mutex<Running>>);

/// The right to settle a run. It ends with the task that has it, however that ends.
struct Turn {
    all: Settling,
    of: (Uuid, RunId),
    _end: watch::Sender<()>,
}

impl Settling {
    /// The right to settle a run, or the end of the task that has it.
    fn begin(&self, of: (Uuid, RunId)) -> Result<Turn, watch::Receiver<()>> {
        match self.all().entry(of) {
            Entry::Occupied(running) => Err(running.get().clone()),
            Entry::Vacant(place) => {
                let (end, ended) = watch::channel(());
                place.insert(ended);
                Ok(Turn { all: self.clone(), of, _end: end })
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.all.all().remove(&self.of);
    }
}

/// Settles a run in a task of its own, or waits for the task that does so already. Dropping this
/// ends only the waiting. `reduced` is the run, with the room that it takes, where the request that
/// brought it has it in memory.
///
/// # Errors
/// As [`settle()`]; [`Unsettled::Interrupted`] if the task that was joined did not settle the run.
pub async fn settle_to_end(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    run: RunId,
    reduced: Option<(Reduced, Room)>,
) -> Result<Answer, Unsettled> {
    let turn = match state.settling.begin((workspace.id(), run)) {
        Ok(turn) => turn,
        Err(mut ended) => {
            // Nothing is ever sent: this waits until the channel closes.
            while ended.changed().await.is_ok() {}
            let row = workspace.run(repository, run).await?.ok_or(store::Error::NotFound("run"))?;
            return row.answer.as_deref().and_then(restored).ok_or(Unsettled::Interrupted);
        }
    };
    let (work, workspace) = (state.clone(), workspace.clone());
    let task = async move {
        let settled = settle(&work, &workspace, repository, run, reduced).await;
        drop(turn);
        settled
    };
    state.tasks.spawn(task.in_current_span()).await.unwrap_or(Err(Unsettled::Interrupted))
}
