//! Starting and stopping.

use std::net::TcpListener;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::app::App;
use crate::connect::outgoing::Outgoing;
use crate::connect::webhooks::Webhooks;
use crate::contract::{self, Contract};
use crate::door;
use crate::environment;
use crate::fault::{Fault, Route};
use crate::journal::{Door, Entry, Violation};
use crate::state::Urls;
use crate::state::account::User;
use crate::{companion, control, host, kept, proxy, rest, site};

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No folder or no threads.
    #[error("the sandbox cannot start: {0}")]
    System(#[from] std::io::Error),
    /// No port.
    #[error("the sandbox cannot listen on port {port}: {source}")]
    Port {
        /// Which; 0 if any would have done.
        port: u16,
        /// Why not.
        source: std::io::Error,
    },
    /// What was kept is not of this version.
    #[error("{} cannot be read: {why}", .file.display())]
    Kept {
        /// Where it lies.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing to judge requests by.
    #[error(transparent)]
    Contract(#[from] contract::Error),
}

/// How a sandbox behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// A copy of Atlassian's OpenAPI document, to judge requests and answers by beside the sandbox's own contract.
    pub openapi: Option<PathBuf>,
    /// Requests an hour that a token may make.
    pub rate_limit: u32,
    /// The site's port; those of the API, the proxy and the receiver follow. Without it, all are chosen by the system.
    pub port: Option<u16>,
    /// A folder in which it stands what there is, for another start: see [`Bitbucket::keep`]. Without it, nothing outlives the sandbox.
    pub folder: Option<PathBuf>,
}

impl Default for Options {
    /// Without a document, with Bitbucket's limit.
    fn default() -> Self {
        Self { openapi: None, rate_limit: 1000, port: None, folder: None }
    }
}

impl Options {
    /// The defaults, and the document that `BITBUCKET_OPENAPI` names.
    pub fn from_environment() -> Self {
        Self { openapi: environment::openapi(), ..Self::default() }
    }
}

/// A Bitbucket on loopback. Stops when it is dropped; panics then, if a request did not fit the contract and nobody asked about it.
///
/// What can be done with it is said at [`Bitbucket`].
#[derive(Debug)]
pub struct Sandbox {
    bitbucket: Bitbucket,
    runtime: Option<Runtime>,
    _folder: Option<TempDir>,
}

/// A hold on a sandbox that runs: all that people, tests and scripts do with one. Cheap to clone, and for any thread.
#[derive(Clone, Debug)]
pub struct Bitbucket {
    pub(crate) app: App,
    /// Who does what is done.
    pub(crate) actor: User,
    /// When it is done; without it, now.
    pub(crate) time: Option<Timestamp>,
    pub(crate) proxy: Arc<str>,
}

impl Deref for Sandbox {
    type Target = Bitbucket;

    fn deref(&self) -> &Bitbucket {
        &self.bitbucket
    }
}

impl Sandbox {
    /// Starts an empty one, with the document that `BITBUCKET_OPENAPI` names.
    pub fn new() -> Result<Self, StartError> {
        Self::start(Options::from_environment())
    }

    /// Starts one: an empty one, or with what was kept in the folder of the options. It has threads of its own: tests need not be asynchronous, and
    /// may be.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let contract = Contract::load(options.openapi.as_deref())?;
        let temporary = match &options.folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                None
            }
            None => Some(tempfile::Builder::new().prefix("penstock-sandbox-").tempdir()?),
        };
        let folder = temporary.as_ref().map(|folder| folder.path().to_owned()).or(options.folder.clone());
        let folder = folder.unwrap_or_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build()?;
        let listen = |place: u16| -> Result<(TcpListener, String), StartError> {
            let port = options.port.map_or(0, |first| first.saturating_add(place));
            let listener =
                TcpListener::bind(("127.0.0.1", port)).map_err(|source| StartError::Port { port, source })?;
            let address = listener.local_addr()?.to_string();
            Ok((listener, address))
        };
        let (site, api, proxy, companion) = (listen(0)?, listen(1)?, listen(2)?, listen(3)?);
        let urls = Urls {
            api: format!("http://{}/2.0", api.1),
            site: format!("http://{}", site.1),
            companion: format!("http://{}", companion.1),
        };
        let (webhooks, queue) = Webhooks::new();
        let app = App::new(
            kept::world(urls, folder)?,
            options.folder,
            contract,
            options.rate_limit,
            Outgoing::new()?,
            webhooks,
            runtime.handle().clone(),
        );
        runtime.spawn(queue.serve(app.clone()));
        let bitbucket = Bitbucket { app: app.clone(), actor: User::somebody(), time: None, proxy: proxy.1.into() };
        let rest = rest::router(&app);
        let doors = [
            (Door::Proxy, proxy.0, proxy::router(&app, rest.clone())),
            (Door::Api, api.0, rest),
            (Door::Site, site.0, site::router(&app)),
            (Door::Companion, companion.0, companion::router(&app)),
        ];
        for (door, listener, routes) in doors {
            let mut routes = door::around(&app, door, routes);
            if door == Door::Site {
                // Beside the door, not behind it: what scripts do is nothing that Bitbucket sees.
                routes = routes.merge(control::router(bitbucket.clone())).merge(host::router(bitbucket.clone()));
            }
            app.serve(listener, routes)?;
        }
        Ok(Self { bitbucket, runtime: Some(runtime), _folder: temporary })
    }
}

impl Bitbucket {
    /// The REST API, with `/2.0`.
    pub fn api_url(&self) -> String {
        self.app.world().urls.api.clone()
    }

    /// The site, by the name under which people open it in a browser: another one than the app's, so that its frames are of another site.
    pub fn page_url(&self) -> String {
        self.site_url().replace("127.0.0.1", "localhost")
    }

    /// What is bitbucket.org otherwise.
    pub fn site_url(&self) -> String {
        self.app.world().urls.site.clone()
    }

    /// Host and port of the authentication proxy.
    pub fn proxy_addr(&self) -> &str {
        &self.proxy
    }

    /// The receiver of runs.
    pub fn companion_url(&self) -> String {
        self.app.world().urls.companion.clone()
    }

    /// All requests so far.
    pub fn journal(&self) -> Vec<Entry> {
        self.app.journal.entries()
    }

    /// All requests so far that did not fit.
    pub fn violations(&self) -> Vec<Violation> {
        self.app.journal.violations()
    }

    /// The same, and they are forgiven: for tests that send what does not fit on purpose.
    pub fn take_violations(&self) -> Vec<Violation> {
        self.app.journal.take_violations()
    }

    /// Plays a fault on the next `times` requests that fit the route.
    pub fn fault(&self, route: Route, fault: Fault, times: usize) {
        self.app.faults.plan(route, fault, times);
    }

    /// All is well again.
    pub fn clear_faults(&self) {
        self.app.faults.clear();
    }

    /// From now on a token may make this many requests in all.
    pub fn limit_rate(&self, requests: u32) {
        *self.app.rate_limit.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = requests;
    }

    /// From now on `GET /user` refuses apps and consumers with this status (401, 403), or answers
    /// them again.
    pub fn refuse_user_to_apps(&self, status: Option<u16>) {
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        *self.app.user_refusal.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = status;
    }

    /// # Panics
    ///
    /// If a request did not fit.
    pub fn assert_valid(&self) {
        let violations: Vec<String> = self.violations().iter().map(ToString::to_string).collect();
        assert!(violations.is_empty(), "requests did not fit the contract:\n{}", violations.join("\n"));
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        // A test that fails already says why.
        if !std::thread::panicking() {
            self.assert_valid();
        }
    }
}
