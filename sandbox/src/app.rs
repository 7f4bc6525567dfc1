//! What all doors share.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::companion::Runs;
use crate::contract::Contract;
use crate::fault::Faults;
use crate::journal::Journal;
use crate::oidc::Issuer;
use crate::state::World;

/// What all doors share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct App(Arc<Shared>);

/// Behind [`App`].
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) contract: Contract,
    pub(crate) issuer: Issuer,
    pub(crate) runs: Runs,
    /// Requests an hour that a token may make.
    pub(crate) rate_limit: Mutex<u32>,
    /// Requests made so far, by who is counted.
    pub(crate) rates: Mutex<HashMap<String, u32>>,
    /// The repository whose step the proxy works for; without one, the only repository there is.
    pub(crate) step: Mutex<Option<String>>,
}

impl App {
    pub(crate) fn new(world: World, contract: Contract, rate_limit: u32) -> Self {
        Self(Arc::new(Shared {
            world: Mutex::new(world),
            journal: Journal::default(),
            faults: Faults::default(),
            contract,
            issuer: Issuer::default(),
            runs: Runs::default(),
            rate_limit: Mutex::new(rate_limit),
            rates: Mutex::default(),
            step: Mutex::default(),
        }))
    }

    /// The world, for as long as the guard lives. Handlers run git meanwhile: one thing happens after the other, as in a database.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
