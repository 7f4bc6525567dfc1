//! What every request and job may use.
//!
//! Owns the wiring: who is handed to whom. It decides nothing.

use std::sync::Arc;

use penstock_common::bitbucket::client::{Patience, SetupError};
use tokio::sync::watch;

use crate::bitbucket::{Network, Reach, Tenants, patience};
use crate::clock::Clock;
use crate::config::Config;
use crate::door::connect::directory::Directory;
use crate::door::connect::exchange::Exchange;
use crate::door::connect::install_keys::HttpInstallKeys;
use crate::door::connect::prover::HttpProver;
use crate::door::pipelines::StepTokens;
use crate::limits::Limits;
use crate::skew::Skew;
use crate::store::Store;
use crate::telemetry::Metrics;

/// The running program. Clones share it.
#[derive(Clone)]
pub struct State {
    shared: Arc<Shared>,
}

/// What is shared.
pub struct Shared {
    /// What the operator set.
    pub config: Config,
    /// What the app remembers.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// The numbers.
    pub metrics: Metrics,
    /// Bitbucket, as each tenant may ask it.
    pub bitbucket: Tenants<Directory>,
    /// Atlassian's keys.
    pub install_keys: HttpInstallKeys,
    /// Bitbucket, asked whose a secret is.
    pub prover: HttpProver,
    /// Tokens of pipelines' steps.
    pub step_tokens: StepTokens,
    /// Whether the clock is right.
    pub skew: Skew,
    /// How much each tenant may ask for.
    pub limits: Limits,
    /// How often each tenant's people may come.
    pub visits: Limits,
    stop: watch::Sender<bool>,
}

impl std::ops::Deref for State {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl State {
    /// Puts everything together. Nothing is asked yet.
    ///
    /// # Errors
    /// When no client can be made, such as without root certificates.
    pub fn new(config: Config, store: Store, clock: Clock) -> Result<Self, SetupError> {
        Self::with_patience(config, store, clock, patience())
    }

    /// The same with another patience for Bitbucket.
    ///
    /// # Errors
    /// As [`State::new`].
    pub fn with_patience(config: Config, store: Store, clock: Clock, patience: Patience) -> Result<Self, SetupError> {
        let reach = Reach::new(&config.hosts, &Network::default(), patience)?;
        let exchange = Arc::new(Exchange::new(reach.site.clone(), config.app.key.clone(), Arc::clone(&clock)));
        let directory = Directory::new(store.clone(), Arc::clone(&exchange));
        let step_tokens = StepTokens::new(config.hosts.api().clone(), reach.api.clone(), config.base.clone());
        let shared = Shared {
            bitbucket: Tenants::new(reach.api.clone(), directory),
            install_keys: HttpInstallKeys::new(reach.install_keys, Arc::clone(&clock)),
            prover: HttpProver::new(exchange, reach.api),
            step_tokens,
            metrics: Metrics::default(),
            skew: Skew::default(),
            limits: Limits::default(),
            visits: Limits::default(),
            config,
            store,
            clock,
            stop: watch::Sender::new(false),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Now, in unix milliseconds.
    pub fn now(&self) -> i64 {
        (self.clock)()
    }

    /// Tells everything to come to an end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Whether everything is to come to an end.
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until everything is to come to an end.
    pub async fn stopped(&self) {
        // The sender lives as long as this does.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }
}
