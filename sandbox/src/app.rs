//! What all doors share.

use std::collections::HashMap;
use std::net::TcpListener;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::StatusCode;
use tokio::runtime::Handle;

use crate::companion::Runs;
use crate::connect::outgoing::Outgoing;
use crate::connect::webhooks::Webhooks;
use crate::contract::Contract;
use crate::fault::Faults;
use crate::journal::Journal;
use crate::oidc::Issuer;
use crate::pipelines::Pipe;
use crate::state::World;
use crate::wire::{Cut, Gate};

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
    /// Calls to apps.
    pub(crate) outgoing: Outgoing,
    pub(crate) webhooks: Webhooks,
    /// Where it stands what there is, if that is kept.
    pub(crate) kept: Option<PathBuf>,
    /// What runs in the steps of pipelines, if they run by themselves.
    pub(crate) pipe: Mutex<Option<Pipe>>,
    runtime: Handle,
    /// Requests an hour that a token may make.
    pub(crate) rate_limit: Mutex<u32>,
    /// What apps are answered at `/user`, if they are refused there.
    pub(crate) user_refusal: Mutex<Option<StatusCode>>,
    /// Requests made so far, by who is counted.
    pub(crate) rates: Mutex<HashMap<String, u32>>,
    /// The repository whose step the proxy works for; without one, the only repository there is.
    pub(crate) step: Mutex<Option<String>>,
    /// Proxies that work for one repository each, by its UUID.
    pub(crate) proxies: Mutex<HashMap<String, String>>,
}

impl App {
    /// What apps are answered at `/user`, if they are refused there.
    pub(crate) fn user_refusal(&self) -> Option<StatusCode> {
        *self.user_refusal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn new(
        world: World,
        kept: Option<PathBuf>,
        contract: Contract,
        rate_limit: u32,
        outgoing: Outgoing,
        webhooks: Webhooks,
        runtime: Handle,
    ) -> Self {
        Self(Arc::new(Shared {
            world: Mutex::new(world),
            journal: Journal::default(),
            faults: Faults::default(),
            contract,
            issuer: Issuer::default(),
            runs: Runs::default(),
            outgoing,
            webhooks,
            kept,
            pipe: Mutex::default(),
            runtime,
            rate_limit: Mutex::new(rate_limit),
            user_refusal: Mutex::default(),
            rates: Mutex::default(),
            step: Mutex::default(),
            proxies: Mutex::default(),
        }))
    }

    /// Runs something on the sandbox's own threads and waits for it on this one.
    pub(crate) fn wait_for<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            // Nobody waits any more if the caller is gone.
            let _ = tell.send(work.await);
        });
        told.recv().expect("the sandbox runs as long as somebody holds it")
    }

    /// Serves until the sandbox ends.
    pub(crate) fn serve(&self, listener: TcpListener, routes: Router) -> std::io::Result<()> {
        let _inside = self.runtime.enter();
        let gate = Gate::new(listener)?;
        let service = routes.into_make_service_with_connect_info::<Cut>();
        self.runtime.spawn(async move { axum::serve(gate, service).await });
        Ok(())
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
