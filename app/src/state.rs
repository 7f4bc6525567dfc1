//! What every request and job may use.
//!
//! Owns the wiring: who is handed to whom. It decides nothing.

use std::sync::Arc;

use penstock_common::bitbucket::client::{Client, Patience, SetupError};
use tokio::sync::{Semaphore, watch};

use penstock_common::Uuid;

use crate::bitbucket::{Network, Reach, Submitter, Tenants, patience};
use crate::clock::Clock;
use crate::config::Config;
use crate::door::connect::directory::Directory;
use crate::door::connect::exchange::Exchange;
use crate::door::connect::install_keys::HttpInstallKeys;
use crate::door::connect::prover::HttpProver;
use crate::door::pipelines::StepTokens;
use crate::door::rights::ReadRights;
use crate::limits::Limits;
use crate::readiness::Readiness;
use crate::skew::Skew;
use crate::source::Source;
use crate::store::Store;
use crate::tasks::Tasks;
use crate::telemetry::Metrics;
use crate::upload::{Settling, UploadMemory};

/// Webhooks of one hook in a minute, and at once. A push to Bitbucket sends one, a pull request two
/// or three.
const HOOK_A_MINUTE: u32 = 120;
const HOOK_BURST: u32 = 60;

/// Unsigned callbacks from one source in a minute, and at once. Bitbucket sends all of its own from
/// a few addresses.
const INSTALLS_A_MINUTE: u32 = 30;
const INSTALLS_BURST: u32 = 30;
/// First proofs of unsigned callbacks at a time.
const FIRST_PROOFS: usize = 16;

/// Maximum KiB of compressed runs that are stored for a tenant in a day.
pub const DOCUMENTS_A_DAY: u32 = 1 << 20;
const DAY: i64 = 86_400_000;

/// Views that one person opens in a minute, and at once. A page of Bitbucket opens two.
const VISITS_A_MINUTE: u32 = 60;
const VISITS_BURST: u32 = 60;
/// Pages that one person looks at in a minute, and at once.
const PAGES_A_MINUTE: u32 = 300;
const PAGES_BURST: u32 = 200;
/// Requests of one step or token in a minute, and at once.
const CALLS_A_MINUTE: u32 = 300;
const CALLS_BURST: u32 = 100;

/// Questions to Bitbucket about the maker of one API token in a minute, and at once: several
/// requests may come when one is due.
const MAKERS_A_MINUTE: u32 = 1;
const MAKERS_BURST: u32 = 10;

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
    /// Bitbucket's API, without credentials.
    pub api: Client,
    /// Whether the clock is right.
    pub skew: Skew,
    /// Whether this copy can serve.
    pub readiness: Readiness,
    /// How much each tenant may ask for.
    pub limits: Limits,
    /// How many unsigned callbacks each source may send.
    pub installers: Limits<Source>,
    /// Places to prove unsigned callbacks in while their senders wait.
    pub first_proofs: Semaphore,
    /// How many webhooks each hook may send that was set up by hand.
    pub hooks: Limits,
    /// How many KiB of compressed runs are stored for each tenant.
    pub documents: Limits,
    /// How much of uploads is in memory.
    pub uploads: UploadMemory,
    /// How often each person of a tenant may come.
    pub visits: Limits<(Uuid, Uuid)>,
    /// How many pages each person of a tenant may look at.
    pub page_views: Limits<(Uuid, Uuid)>,
    /// How much each step and each token of a tenant may ask for.
    pub callers: Limits<(Uuid, Submitter)>,
    /// How often Bitbucket is asked about the maker of each API token.
    pub makers: Limits,
    /// Who was found to be allowed to read what.
    pub rights: ReadRights,
    /// The runs that are being settled.
    pub settling: Settling,
    /// What a stop waits for.
    pub tasks: Tasks,
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
        let metrics = Metrics::default();
        let limited = metrics.limited_counter();
        let refused = Arc::new(move |purpose| limited("bitbucket_requests", purpose));
        let shared = Shared {
            bitbucket: Tenants::new(reach.api.clone(), directory).telling(refused),
            install_keys: HttpInstallKeys::new(reach.install_keys, Arc::clone(&clock)),
            prover: HttpProver::new(exchange, reach.api.clone()),
            api: reach.api,
            step_tokens,
            metrics,
            skew: Skew::default(),
            readiness: Readiness::default(),
            limits: Limits::default(),
            installers: Limits::new(INSTALLS_A_MINUTE, INSTALLS_BURST),
            first_proofs: Semaphore::new(FIRST_PROOFS),
            hooks: Limits::new(HOOK_A_MINUTE, HOOK_BURST),
            documents: Limits::over(DAY, DOCUMENTS_A_DAY, DOCUMENTS_A_DAY),
            uploads: UploadMemory::default(),
            visits: Limits::new(VISITS_A_MINUTE, VISITS_BURST),
            page_views: Limits::new(PAGES_A_MINUTE, PAGES_BURST),
            callers: Limits::new(CALLS_A_MINUTE, CALLS_BURST),
            makers: Limits::new(MAKERS_A_MINUTE, MAKERS_BURST),
            rights: ReadRights::default(),
            settling: Settling::default(),
            tasks: Tasks::default(),
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
