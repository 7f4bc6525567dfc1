//! An app that writes down what Bitbucket sends, and answers as it is told. Its tokens are made with a library that the sandbox does not use for
//! them, and its hashes come from a line in each test.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use penstock_sandbox::{Bitbucket, Install, Installed};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::client::runtime;

/// A request that the app got.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The claims of its token, if this secret signed it; `None` also without a token.
    pub(super) fn claims(&self, secret: &str) -> Option<Map<String, Value>> {
        claims(self.header("authorization")?.strip_prefix("JWT ")?, secret)
    }
}

/// The claims of a token, if this secret signed it.
pub(super) fn claims(token: &str, secret: &str) -> Option<Map<String, Value>> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_aud = false;
    Some(jsonwebtoken::decode(token, &DecodingKey::from_secret(secret.as_bytes()), &validation).ok()?.claims)
}

/// The hash of a canonical request.
pub(super) fn hash(canonical: &str) -> String {
    Sha256::digest(canonical.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A token with these claims.
pub(super) fn token(claims: &Value, secret: &str) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

type Work = Box<dyn FnMut(&Got) + Send>;

#[derive(Default)]
struct Inner {
    got: Vec<Got>,
    answers: HashMap<String, VecDeque<(u16, String)>>,
    /// Asked when a request comes, before it is answered.
    meanwhile: Option<Work>,
}

/// The app.
#[derive(Clone)]
pub(super) struct AppDouble {
    inner: Arc<Mutex<Inner>>,
    pub(super) base: String,
    descriptor: Arc<Mutex<Value>>,
}

impl AppDouble {
    /// Starts one below a path.
    pub(super) fn start() -> Self {
        let listener = runtime().block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let base = format!("http://{}/base", listener.local_addr().unwrap());
        let panel = |key: &str, place: &str, query: &str| json!({"key": key, "name": {"value": key}, "url": format!("/{key}?{query}"), "location": place});
        let descriptor = json!({
            "key": "an-app", "name": "An app", "description": "Writes things down", "baseUrl": base,
            "authentication": {"type": "jwt"},
            "lifecycle": {"installed": "/installed/", "uninstalled": "/uninstalled"},
            "contexts": ["account", "personal"],
            "scopes": ["account", "repository:write", "pullrequest:write", "pipeline"],
            "modules": {
                "webPanels": [
                    panel("repo", "org.bitbucket.repository.overview.informationPanel", "r={repository.uuid}&u={user.uuid}"),
                    panel("pr", "org.bitbucket.pullrequest.overview.informationPanel",
                        "r={repository.uuid}&o={repository.owner.uuid}&p={pullrequest.id}&b={pullrequest.source.branch.name}&a={user.account_id}"),
                ],
                "generalPages": [{"key": "page", "name": {"value": "Page"}, "url": "/page?w={workspace.slug}&s={snippet.name}"}],
                "webhooks": [{"event": "*", "url": "/hooks?from=bitbucket"}],
            },
        });
        let app = Self { inner: Arc::default(), base, descriptor: Arc::new(Mutex::new(descriptor)) };
        let routes = Router::new().fallback(take).with_state(app.clone());
        runtime().spawn(async move { axum::serve(listener, routes).await });
        app
    }

    pub(super) fn descriptor_url(&self) -> String {
        format!("{}/descriptor.json", self.base)
    }

    /// Changes the descriptor.
    pub(super) fn describe(&self, pointer: &str, value: Value) {
        *self.descriptor.lock().unwrap().pointer_mut(pointer).unwrap() = value;
    }

    /// The next answers to requests below this path; thereafter, 200.
    pub(super) fn answer(&self, path: &str, answers: &[(u16, &str)]) {
        let answers = answers.iter().map(|(status, words)| (*status, (*words).to_owned())).collect();
        self.inner.lock().unwrap().answers.insert(path.to_owned(), answers);
    }

    /// Does something with a request before it is answered.
    pub(super) fn meanwhile(&self, work: impl FnMut(&Got) + Send + 'static) {
        self.inner.lock().unwrap().meanwhile = Some(Box::new(work));
    }

    /// All requests below this path.
    pub(super) fn got(&self, path: &str) -> Vec<Got> {
        let start = format!("/base{path}");
        self.inner.lock().unwrap().got.iter().filter(|got| got.target.starts_with(&start)).cloned().collect()
    }

    /// Installs it in `acme`.
    pub(super) fn install(&self, bitbucket: &Bitbucket) -> Installed {
        bitbucket.install(&Install::new("acme", &self.descriptor_url())).unwrap()
    }

    /// The secret that it was told last.
    pub(super) fn secret(&self) -> String {
        let body = self.got("/installed").last().unwrap().json();
        body["sharedSecret"].as_str().unwrap().to_owned()
    }

    /// The header of a request to Bitbucket, whose canonical form is given.
    pub(super) fn authorization(&self, installed: &Installed, canonical: &str) -> String {
        format!("JWT {}", token(&outbound(installed, canonical), &self.secret()))
    }
}

/// What a token of the app claims, when all is well.
pub(super) fn outbound(installed: &Installed, canonical: &str) -> Value {
    let now = now();
    json!({"iss": installed.app, "sub": installed.client_key, "iat": now, "exp": now + 180, "qsh": hash(canonical)})
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "a token has a time")]
pub(super) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

async fn take(State(app): State<AppDouble>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if method == Method::GET && uri.path() == "/base/descriptor.json" {
        let descriptor = app.descriptor.lock().unwrap().clone();
        return axum::Json(descriptor).into_response();
    }
    let got = Got { target: uri.to_string(), headers, body: body.to_vec() };
    let (answer, meanwhile) = {
        let mut inner = app.inner.lock().unwrap();
        inner.got.push(got.clone());
        let answers = inner.answers.iter_mut().find(|(path, _)| uri.path().starts_with(&format!("/base{path}")));
        (answers.and_then(|(_, answers)| answers.pop_front()), inner.meanwhile.take())
    };
    if let Some(mut work) = meanwhile {
        let run = move || {
            work(&got);
            work
        };
        let work = tokio::task::spawn_blocking(run).await.unwrap();
        app.inner.lock().unwrap().meanwhile = Some(work);
    }
    let (status, words) = answer.unwrap_or((200, String::new()));
    (StatusCode::from_u16(status).unwrap(), words).into_response()
}
