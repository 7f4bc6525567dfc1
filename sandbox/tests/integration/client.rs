//! A plain HTTP client, and a small world to use it on.

use std::sync::OnceLock;

use penstock_sandbox::{Bitbucket, Commit, Sandbox};
use reqwest::{Method, Proxy, redirect};
use serde_json::Value;
use tokio::runtime::Runtime;

/// The repository that most tests are about.
pub(crate) const SHOP: &str = "acme/shop";

/// A repository with a pull request from `feature` to `main`.
pub(crate) fn shop() -> Sandbox {
    let sandbox = Sandbox::new().unwrap();
    sandbox.repository(SHOP).unwrap();
    let first = Commit::new("first\n").write("README.md", "# Shop\n").write("src/lib.rs", "one\ntwo\n");
    sandbox.push(SHOP, "main", &first).unwrap();
    sandbox.branch(SHOP, "feature", "main").unwrap();
    let second = Commit::new("second\n").write("src/lib.rs", "one\n2\n").write("src/new.rs", "new\n");
    sandbox.push(SHOP, "feature", &second).unwrap();
    sandbox.open_pull_request(SHOP, "A feature", "feature", "main").unwrap();
    sandbox
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The message of an error, in either shape.
    pub(crate) fn message(&self) -> String {
        let json = self.json();
        let message = json.pointer("/error/message").or(json.pointer("/message"));
        message.and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// A client with credentials.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    credentials: Credentials,
}

#[derive(Clone)]
enum Credentials {
    None,
    Bearer(String),
    Basic(String, String),
    Header(String),
}

pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        // Nothing here speaks TLS, but a client is not built without.
        rustls::crypto::ring::default_provider().install_default().unwrap();
        Runtime::new().unwrap()
    })
}

fn http(proxy: Option<&str>) -> reqwest::Client {
    runtime();
    let builder = reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy();
    let builder = match proxy {
        Some(proxy) => builder.proxy(Proxy::all(format!("http://{proxy}")).unwrap()),
        None => builder,
    };
    builder.build().unwrap()
}

impl Client {
    /// Of the API, without credentials.
    pub(crate) fn new(sandbox: &Bitbucket) -> Self {
        Self { http: http(None), base: sandbox.api_url(), credentials: Credentials::None }
    }

    /// As a step calls the API.
    pub(crate) fn by_proxy(sandbox: &Sandbox) -> Self {
        let base = "http://api.bitbucket.org/2.0".to_owned();
        Self { http: http(Some(sandbox.proxy_addr())), base, credentials: Credentials::None }
    }

    /// With an access token of [`SHOP`] that may do what the pipe needs.
    pub(crate) fn with_token(sandbox: &Sandbox) -> Self {
        Self::new(sandbox).bearer(&sandbox.repository_token(SHOP, &["repository", "pullrequest"]).unwrap())
    }

    pub(crate) fn bearer(mut self, token: &str) -> Self {
        self.credentials = Credentials::Bearer(token.to_owned());
        self
    }

    pub(crate) fn basic(mut self, name: &str, password: &str) -> Self {
        self.credentials = Credentials::Basic(name.to_owned(), password.to_owned());
        self
    }

    /// With a whole Authorization header.
    pub(crate) fn authorized(mut self, header: &str) -> Self {
        self.credentials = Credentials::Header(header.to_owned());
        self
    }

    pub(crate) fn at(mut self, base: &str) -> Self {
        base.clone_into(&mut self.base);
        self
    }

    /// A request to be built further. A path begins with a slash; anything else is a whole URL.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        let request = self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        match &self.credentials {
            Credentials::None => request,
            Credentials::Bearer(token) => request.bearer_auth(token),
            Credentials::Basic(name, password) => request.basic_auth(name, Some(password)),
            Credentials::Header(value) => request.header("authorization", value),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        send(self.request("GET", path)).unwrap()
    }

    pub(crate) fn delete(&self, path: &str) -> Reply {
        send(self.request("DELETE", path)).unwrap()
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Reply {
        send(self.request("PUT", path).json(body)).unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        send(self.request("POST", path).json(body)).unwrap()
    }

    /// All items of a list, page by page.
    pub(crate) fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = path.to_owned();
        loop {
            let page = self.get(&next).json();
            items.extend(page["values"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(link) => next = link.to_owned(),
                None => return items,
            }
        }
    }
}

/// Sends a request and reads the whole answer.
pub(crate) fn send(request: reqwest::RequestBuilder) -> reqwest::Result<Reply> {
    runtime().block_on(async {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Reply { status, headers, text: response.text().await? })
    })
}

/// The path of a commit's part of the API.
pub(crate) fn commit_path(sandbox: &Sandbox, branch: &str) -> String {
    format!("/repositories/{SHOP}/commit/{}", sandbox.tip(SHOP, branch).unwrap())
}
