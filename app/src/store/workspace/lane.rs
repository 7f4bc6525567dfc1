//! One repository's findings, by one after the other.
//!
//! Owns the order of operations on a repository: within this program by a lock, between several copies by a version that must not have changed
//! when a result is written. What was loaded is kept for the next operation, as long as it is still true.
//!
//! The state in memory may be ahead of the database only while a [`Lane`] exists. A lane that is
//! dropped before its changes were committed discards the state, whatever ended it: an error, a
//! cancelled request, a panic.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex as PlainMutex, PoisonError};

use penstock_common::Uuid;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::tally::Tally;
use super::{Workspace, load};
use crate::store::error::{Error, Result};
use crate::track::chain::Head;
use crate::track::{BranchId, Changes, Repository};

/// Most findings and occurrences that are kept in memory for the next operation, over all repositories.
const KEPT: usize = 400_000;
/// Bytes of other things that count as one of them, and what an account of a branch counts for.
const ROW_BYTES: usize = 256;

/// A repository as far as it was loaded.
#[derive(Debug)]
pub struct State {
    /// What is tracked: all findings and branches, and the occurrences on the branches that were asked for.
    pub repository: Repository,
    pub(super) version: i64,
    pub(super) log: Head,
    pub(super) loaded: BTreeSet<BranchId>,
    pub(super) tally: Tally,
}

impl State {
    fn size(&self) -> usize {
        let timelines = self.repository.branches().map(|branch| &branch.timeline);
        let besides: usize =
            timelines.map(|timeline| 1 + timeline.accounts().len() + timeline.rules_bytes() / ROW_BYTES).sum();
        besides
            + self.repository.findings().count()
            + self.loaded.iter().map(|branch| self.repository.occurrences(*branch).count()).sum::<usize>()
    }
}

type Slot = Arc<Mutex<Option<State>>>;

/// States that were true when they were last used.
#[derive(Debug, Default)]
pub(in crate::store) struct StateCache {
    entries: PlainMutex<HashMap<(Uuid, Uuid), Entry>>,
}

#[derive(Debug, Default)]
struct Entry {
    slot: Slot,
    /// Greater was used later.
    used: u64,
    /// Rows in memory.
    size: usize,
}

impl StateCache {
    fn slot(&self, key: (Uuid, Uuid)) -> Slot {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let now = entries.values().map(|entry| entry.used + 1).max().unwrap_or(0);
        let entry = entries.entry(key).or_default();
        entry.used = now;
        Arc::clone(&entry.slot)
    }

    /// Notes the size of a state, and lets go of those that were not used for longest.
    fn note(&self, key: (Uuid, Uuid), size: usize) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(&key) {
            entry.size = size;
        }
        while entries.values().map(|entry| entry.size).sum::<usize>() > KEPT && entries.len() > 1 {
            // One that is in use stays in memory until its user is done.
            let others = entries.iter().filter(|(one, _)| **one != key);
            let Some(oldest) = others.min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key) else { break };
            entries.remove(&oldest);
        }
    }

    pub(in crate::store) fn forget_tenant(&self, tenant: Uuid) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).retain(|(one, _), _| *one != tenant);
    }
}

/// The right to work on a repository: nobody else in this program does at the same time.
#[derive(Debug)]
pub struct Lane {
    pub(super) workspace: Workspace,
    pub(super) repository: Uuid,
    slot: OwnedMutexGuard<Option<State>>,
    /// Whether the state has changes that are not committed.
    is_uncommitted: bool,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.discard_uncommitted();
    }
}

impl Workspace {
    /// Waits until nobody in this program works on the repository, and begins.
    pub async fn lane(&self, repository: Uuid) -> Lane {
        let slot = self.store.shared.states.slot((self.id, repository));
        Lane { workspace: self.clone(), repository, slot: slot.lock_owned().await, is_uncommitted: false }
    }
}

impl Lane {
    /// Which repository.
    pub const fn repository(&self) -> Uuid {
        self.repository
    }

    /// Whose.
    pub const fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// What is tracked, with the occurrences on these branches. A branch that is not there is
    /// passed over. Accepted changes that were not committed are discarded: this is how an
    /// operation begins, or begins again.
    ///
    /// # Errors
    /// When the database does not answer, or there is no such repository.
    pub async fn state(&mut self, branches: &[&str]) -> Result<&State> {
        self.discard_uncommitted();
        let fresh = match self.slot.take() {
            Some(state) if load::version(&self.workspace, self.repository).await? == state.version => Some(state),
            _ => None,
        };
        let state = match fresh {
            Some(state) => state,
            None => load::state(&self.workspace, self.repository).await?,
        };
        let state = self.slot.insert(state);
        let named = branches.iter().filter_map(|name| state.repository.branch_named(name)).map(|branch| branch.id);
        let missing: BTreeSet<BranchId> =
            named.chain(state.repository.main()).filter(|branch| !state.loaded.contains(branch)).collect();
        load::occurrences(&self.workspace, self.repository, state, &missing).await?;
        self.workspace.store.shared.states.note((self.workspace.id, self.repository), state.size());
        Ok(state)
    }

    /// As [`Lane::state`], for branches by their ids, deleted ones too.
    ///
    /// # Errors
    /// As [`Lane::state`].
    pub async fn with_branches(&mut self, branches: &[BranchId]) -> Result<&State> {
        self.state(&[]).await?;
        let state = self.slot.as_mut().ok_or(Error::NotFound("repository"))?;
        let missing = branches.iter().copied().filter(|branch| !state.loaded.contains(branch)).collect();
        load::occurrences(&self.workspace, self.repository, state, &missing).await?;
        Ok(state)
    }

    /// What was loaded last, with further branches by their ids. What was accepted in between and
    /// is not written yet stays.
    ///
    /// # Errors
    /// When nothing is loaded, or the database does not answer.
    pub async fn loaded_with(&mut self, branches: &[BranchId]) -> Result<&State> {
        let state = self.slot.as_mut().ok_or(Error::Conflict)?;
        let missing = branches.iter().copied().filter(|branch| !state.loaded.contains(branch)).collect();
        load::occurrences(&self.workspace, self.repository, state, &missing).await?;
        Ok(state)
    }

    /// What was loaded last.
    pub fn loaded(&self) -> Option<&State> {
        self.slot.as_ref()
    }

    /// Takes changes over in memory, before they are written. Unless [`super::Write::commit_in`]
    /// commits them, the state is discarded when the lane is dropped.
    pub fn accept(&mut self, changes: &Changes) {
        self.is_uncommitted = true;
        if let Some(state) = self.slot.as_mut() {
            // A branch that is new has no other occurrences than these.
            for branch in &changes.branches {
                if state.repository.branch(branch.id).is_none() {
                    state.loaded.insert(branch.id);
                    state.tally.count(&state.repository, branch.id);
                }
            }
            state.tally.accept(&mut state.repository, changes);
        }
    }

    fn discard_uncommitted(&mut self) {
        if self.is_uncommitted {
            *self.slot = None;
            self.is_uncommitted = false;
        }
    }

    /// The changes that were accepted are committed.
    pub(super) fn committed(&mut self, version: i64, log: Head) {
        if let Some(state) = self.slot.as_mut() {
            (state.version, state.log) = (version, log);
        }
        self.is_uncommitted = false;
    }
}
