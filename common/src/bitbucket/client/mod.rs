//! The REST client.
//!
//! Owns sending: authentication, retries, paging, bounds, and what becomes of errors. Credentials go to the configured scheme, host and port
//! only. The client reads neither environment nor clock; whoever makes it says how the API is reached and as who ([`Access`]). What the calls
//! mean is not known here.
//!
//! ```no_run
//! # async fn example(access: penstock_common::bitbucket::client::Access) -> Result<(), Box<dyn std::error::Error>> {
//! use penstock_common::bitbucket::client::{Client, Options};
//!
//! let client = Client::new(&access, Options::new(std::sync::Arc::new(|| 0.5)))?;
//! let repository = client.in_repository("workspace", "slug");
//! let main = repository.get().await?.mainbranch;
//! # Ok(())
//! # }
//! ```

mod address;
mod allowance;
mod auth;
mod calls;
mod error;
mod git;
mod page;
mod refusal;
mod request;
mod retry;
mod send;
mod transport;
mod words;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

pub use address::{ApiUrl, BadAddress, SiteUrl};
pub use allowance::Allowance;
pub use auth::{Auth, Consumer, Grant, Granted, Granting};
pub use calls::{InRepository, Missing};
pub use error::{Error, SetupError};
pub use refusal::Refusal;
pub use request::{Answer, JSON_MAX, Request};
pub use reqwest::Method;
pub use retry::{Jitter, Patience};
pub use transport::{Access, AuthProxy, CorporateProxy, ExtraRoots, webhook_client};
pub use url::Url;
pub use words::{Redact, WORDS_MAX};

use address::Home;
use auth::Authorization;
use send::Pace;
use words::Words;

use crate::Secret;

/// How a client behaves.
#[derive(Clone)]
pub struct Options {
    /// When to try again.
    pub patience: Patience,
    /// Randomness for waits.
    pub jitter: Jitter,
    /// Hides further secrets in what servers say; tokens are hidden anyway.
    pub redact: Option<Redact>,
    /// What the client calls itself.
    pub agent: String,
    /// Who counts the requests, if anybody does.
    pub allowance: Option<Arc<dyn Allowance>>,
}

impl Options {
    /// The usual.
    pub fn new(jitter: Jitter) -> Self {
        let agent = concat!("penstock/", env!("CARGO_PKG_VERSION")).to_owned();
        Self { patience: Patience::default(), jitter, redact: None, agent, allowance: None }
    }
}

/// A client of the REST API. Clones share connections, tokens and what was learned of the server.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    deadline: Option<Instant>,
    allowance: Option<Arc<dyn Allowance>>,
}

struct Shared {
    http: reqwest::Client,
    home: Home,
    authorization: Authorization,
    words: Words,
    patience: Patience,
    jitter: Jitter,
    pace: Pace,
}

impl Client {
    /// Makes a client. Nothing is sent yet.
    pub fn new(access: &Access, options: Options) -> Result<Self, SetupError> {
        let words = Words::new(options.redact);
        let auth = match access {
            Access::Direct { auth, .. } => auth.clone(),
            Access::AuthProxy(_) => Auth::Anonymous,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                http: access.connect(&options.agent, &words)?,
                home: access.home(),
                authorization: Authorization::new(auth, &words)?,
                words,
                patience: options.patience,
                jitter: options.jitter,
                pace: Pace::default(),
            }),
            deadline: None,
            allowance: options.allowance,
        })
    }

    /// Another client of the same host, which shares connections with this one and nothing else: as somebody else, with an allowance of its own.
    /// Neither learns of the other's tokens, nor of what the server said to him.
    pub fn for_another(&self, auth: Auth, allowance: Option<Arc<dyn Allowance>>) -> Result<Self, SetupError> {
        let words = self.shared.words.without_secrets();
        Ok(Self {
            shared: Arc::new(Shared {
                http: self.shared.http.clone(),
                home: self.shared.home.clone(),
                authorization: Authorization::new(auth, &words)?,
                words,
                patience: self.shared.patience,
                jitter: Arc::clone(&self.shared.jitter),
                pace: Pace::default(),
            }),
            deadline: None,
            allowance,
        })
    }

    /// The same client with one deadline over all calls from now on: waits included, no call goes on after `time`.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        let deadline = Instant::now() + time;
        let deadline = self.deadline.map_or(deadline, |earlier| earlier.min(deadline));
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// The same client, whose requests are counted by `allowance` from now on.
    #[must_use]
    pub fn counted_by(&self, allowance: Arc<dyn Allowance>) -> Self {
        Self { allowance: Some(allowance), ..self.clone() }
    }

    /// Scheme, host and port that this client asks.
    pub fn host(&self) -> String {
        self.shared.home.host()
    }

    /// A call by the parts of its path, such as `["user"]`. Each is encoded, so that none can lead to another resource.
    pub fn request<'s>(&self, method: Method, path: impl IntoIterator<Item = &'s str>) -> Result<Request, Error> {
        Ok(Request::new(method, self.shared.home.resource(path)?))
    }

    /// A call by an address as a user writes it: a path below the API with or without a query, or a whole URL, which must lead to the
    /// configured host.
    pub fn request_to(&self, method: Method, address: &str) -> Result<Request, Error> {
        Ok(Request::new(method, self.shared.home.typed(address)?))
    }

    /// Reads an answer in JSON.
    pub fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Error> {
        answer.read(&self.shared.words)
    }

    /// Has `secrets` hidden in all that servers say from now on, as the tokens of this client are.
    pub fn hide<'s>(&self, secrets: impl IntoIterator<Item = &'s str>) {
        self.shared.words.hide_all(secrets);
    }

    /// The same for a secret that is not used for long: it is masked until many others came after it.
    pub fn hide_for_now(&self, secret: &Secret) {
        self.shared.words.hide_for_now(secret.expose());
    }

    /// `text` without tokens and what else is hidden.
    pub fn mask(&self, text: &str) -> String {
        self.shared.words.mask(text)
    }

    /// Method and path, as they are told.
    fn call(&self, request: &Request) -> String {
        let path = self.shared.home.told(&request.url);
        self.shared.words.line(&format!("{} {path}", request.method))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client of {}", self.host())
    }
}
