//! Installing an app, again or for the first time, and uninstalling it.
//!
//! Owns the callbacks: what they say, who signs them, and what follows from the app's answer. As they were recorded, and as
//! <https://developer.atlassian.com/cloud/bitbucket/authentication-for-apps/> says: the first one is not signed, every later one is signed with the
//! secret of the preceding one, also after the app was uninstalled.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::descriptor::Descriptor;
use super::installation::Terms;
use super::outgoing::{Answered, Call, Unanswered};
use super::signer;
use crate::app::App;
use crate::clock;
use crate::random;
use crate::state::account::User;
use crate::state::{self, World};

/// Most characters of an app's answer that are told.
const WORDS_MAX: usize = 500;

/// Why an app was not installed, or could not be told that it no longer is.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no descriptor at the address.
    #[error("no descriptor at {url}: {why}")]
    Fetch {
        /// Where.
        url: String,
        /// What came instead.
        why: String,
    },
    /// Bitbucket would not take it.
    #[error("the descriptor is not one that Bitbucket takes: {}", .0.join("; "))]
    Descriptor(Vec<String>),
    /// The app is not for this kind of account.
    #[error("the app cannot be installed for {0}: `contexts` in its descriptor leaves that out")]
    Context(&'static str),
    /// It did not answer the callback.
    #[error("the app did not answer `{callback}`: {why}")]
    Silent {
        /// `installed` or `uninstalled`.
        callback: &'static str,
        /// Why not.
        why: Unanswered,
    },
    /// It answered otherwise than 200 or 204.
    #[error("the app answered `{callback}` with {status}: {words}")]
    Refused {
        /// `installed` or `uninstalled`.
        callback: &'static str,
        /// The status.
        status: u16,
        /// The beginning of what it said.
        words: String,
    },
    /// It is not installed there.
    #[error("no app `{app}` is installed in `{workspace}`")]
    NotInstalled {
        /// Its key.
        app: String,
        /// Slug or UUID.
        workspace: String,
    },
    /// The app has no such module.
    #[error("the app has no module `{0}` that is shown")]
    NoModule(String),
    /// No such workspace, repository or person.
    #[error(transparent)]
    World(#[from] state::Error),
}

/// An installation to be made.
#[derive(Clone, Debug)]
pub struct Install {
    workspace: String,
    descriptor: String,
    is_registered: bool,
    app_secret: Option<String>,
    shares_secret: bool,
    is_known_late: bool,
}

impl Install {
    /// Of the app whose descriptor is at `descriptor_url`, into a workspace: as somebody does who follows a link with `descriptor_uri`. In
    /// somebody's personal workspace the account that it acts for is that person, else the team.
    pub fn new(workspace: &str, descriptor_url: &str) -> Self {
        Self {
            workspace: workspace.to_owned(),
            descriptor: descriptor_url.to_owned(),
            is_registered: false,
            app_secret: None,
            shares_secret: false,
            is_known_late: false,
        }
    }

    /// Of an app that is registered: the installation is called `ari:cloud:bitbucket::app/{…}/key` instead of `connection:1`. Counts for the
    /// first installation; later ones keep their name.
    #[must_use]
    pub fn registered(mut self) -> Self {
        self.is_registered = true;
        self
    }

    /// Of a registered app with a secret of its own: that signs the first callback, which is not signed otherwise.
    #[must_use]
    pub fn with_app_secret(mut self, secret: &str) -> Self {
        self.is_registered = true;
        self.app_secret = Some(secret.to_owned());
        self
    }

    /// The app's own secret is the only one: the callback brings none. For nothing without [`Install::with_app_secret`].
    #[must_use]
    pub fn sharing_secret(mut self) -> Self {
        self.shares_secret = true;
        self
    }

    /// Bitbucket knows the new secret only after the app has answered. Otherwise it does before: an app may use it while it answers.
    #[must_use]
    pub fn known_late(mut self) -> Self {
        self.is_known_late = true;
        self
    }
}

/// An app that is installed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Installed {
    /// The app's key.
    pub app: String,
    /// What the installation is called.
    pub client_key: String,
    /// Slug of the workspace.
    pub workspace: String,
    /// Its UUID, in braces.
    pub workspace_uuid: String,
}

/// A callback that is to be made.
struct Callback {
    event: &'static str,
    url: Url,
    body: Value,
    /// By what it is signed.
    secret: Option<String>,
    descriptor: Descriptor,
    client_key: String,
}

/// Installs an app, or tells it a new secret.
pub(crate) async fn install(app: &App, wish: &Install) -> Result<Installed, ConnectError> {
    let descriptor = fetch(app, &wish.descriptor).await?;
    let (installed, callback, terms) = {
        let mut world = app.world();
        begin(&mut world, wish, descriptor)?
    };
    let answered = call(app, callback).await;
    let mut world = app.world();
    let known = world.apps.get_mut(&installed.app, &installed.workspace_uuid);
    if let Some(known) = known {
        known.candidate = None;
        if answered.is_ok() {
            known.last_secret = Some(terms.secret.clone());
            known.active = Some(terms);
        }
    }
    answered.map(|()| installed)
}

fn begin(
    world: &mut World,
    wish: &Install,
    descriptor: Descriptor,
) -> Result<(Installed, Callback, Terms), ConnectError> {
    let workspace = world.workspace(&wish.workspace)?.clone();
    let (context, words) =
        if workspace.owner.is_some() { ("personal", "a person") } else { ("account", "a workspace") };
    if !descriptor.contexts.iter().any(|known| known == context) {
        return Err(ConnectError::Context(words));
    }
    let own = wish.app_secret.clone().filter(|_| wish.shares_secret);
    let told = own.is_none().then(|| random::token(""));
    let secret = own.or_else(|| told.clone()).unwrap_or_default();
    let terms = Terms { descriptor: descriptor.clone(), secret };
    let known = world.apps.entry(&descriptor.key, &workspace.uuid, wish.is_registered);
    known.candidate = (!wish.is_known_late).then(|| terms.clone());
    let client_key = known.client_key.clone();
    let signing = known.last_secret.clone().or_else(|| wish.app_secret.clone());
    let installed = Installed {
        app: descriptor.key.clone(),
        client_key: client_key.clone(),
        workspace: workspace.slug.clone(),
        workspace_uuid: workspace.uuid.clone(),
    };
    let mut body = body(world, "installed", &descriptor.key, &client_key, &workspace.uuid);
    if let Some(told) = told {
        body["sharedSecret"] = told.into();
    }
    let actor = User::somebody();
    // Without braces, and so it was recorded.
    let uuid = actor.uuid.trim_matches(['{', '}']);
    body["actor"] = json!({"type": "user", "uuid": uuid, "account_id": actor.account_id()});
    let url = descriptor.installed.clone();
    let callback = Callback { event: "installed", url, body, secret: signing, descriptor, client_key };
    Ok((installed, callback, terms))
}

/// Uninstalls an app. It is gone, whatever it answers.
pub(crate) async fn uninstall(app: &App, key: &str, workspace: &str) -> Result<(), ConnectError> {
    let callback = {
        let mut world = app.world();
        let uuid = world.workspace(workspace)?.uuid.clone();
        let known = world.apps.get_mut(key, &uuid);
        let ended = known.and_then(|known| Some((known.active.take()?, known.client_key.clone())));
        let Some((terms, client_key)) = ended else {
            return Err(ConnectError::NotInstalled { app: key.to_owned(), workspace: workspace.to_owned() });
        };
        world.tokens.revoke_of(&client_key);
        let body = body(&world, "uninstalled", key, &client_key, &uuid);
        let url = terms.descriptor.uninstalled.clone();
        let secret = Some(terms.secret);
        Callback { event: "uninstalled", url, body, secret, descriptor: terms.descriptor, client_key }
    };
    call(app, callback).await
}

async fn fetch(app: &App, address: &str) -> Result<Descriptor, ConnectError> {
    let failed = |why: String| ConnectError::Fetch { url: address.to_owned(), why };
    let url = Url::parse(address).map_err(|error| failed(error.to_string()))?;
    let headers = vec![("accept", "application/json".to_owned())];
    let call = Call { method: Method::GET, url, headers, body: Vec::new() };
    let Answered { status, media, text } = app.outgoing.make(call).await.map_err(|why| failed(why.to_string()))?;
    if status != 200 {
        return Err(failed(format!("the app answered {status}")));
    }
    if media != "application/json" {
        return Err(failed("the answer is not `application/json`".to_owned()));
    }
    let json: Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    Descriptor::read(&json).map_err(ConnectError::Descriptor)
}

/// What every callback says.
fn body(world: &World, event: &str, app: &str, client_key: &str, workspace: &str) -> Value {
    let principal = world.account(workspace).map(|account| account.json(&world.urls)).unwrap_or_default();
    json!({
        "key": app,
        "clientKey": client_key,
        "eventType": event,
        "productType": "bitbucket",
        "baseUrl": "https://bitbucket.org",
        "baseApiUrl": "https://api.bitbucket.org",
        // It is of no use any more, and an app that uses it is to find out.
        "publicKey": BASE64_STANDARD.encode(random::token("")),
        "principal": principal,
        "user": principal,
    })
}

async fn call(app: &App, callback: Callback) -> Result<(), ConnectError> {
    let Callback { event, url, body, secret, descriptor, client_key } = callback;
    let mut headers =
        vec![("content-type", "application/json".to_owned()), ("user-agent", "python-requests/2.32.3".to_owned())];
    if let Some(secret) = secret {
        let token = token(&client_key, &secret, "POST", descriptor.path_of(&url), url.query().unwrap_or_default());
        headers.push(("authorization", format!("JWT {token}")));
    }
    let call = Call { method: Method::POST, url, headers, body: body.to_string().into_bytes() };
    match app.outgoing.make(call).await {
        Ok(Answered { status: 200 | 204, .. }) => Ok(()),
        Ok(Answered { status, text, .. }) => {
            Err(ConnectError::Refused { callback: event, status, words: text.chars().take(WORDS_MAX).collect() })
        }
        Err(why) => Err(ConnectError::Silent { callback: event, why }),
    }
}

/// A token as Bitbucket makes them: for an hour, and naming nobody but the installation.
pub(crate) fn token(client_key: &str, secret: &str, method: &str, path: &str, query: &str) -> String {
    let now = clock::now().as_second();
    let claims = json!({
        "iss": client_key,
        "aud": client_key,
        "iat": now,
        "exp": now + 3600,
        "qsh": signer::hash(method, path, query),
    });
    signer::sign(&claims, secret)
}
