//! Calls from Bitbucket to apps.
//!
//! The only place where the sandbox opens a connection. It reaches loopback and nothing else: a sandbox is not to send anything to anybody.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, redirect};
use rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

/// How long an app may take to answer (documented).
const TIME_MAX: Duration = Duration::from_secs(10);
/// Most bytes of an answer that are read.
const ANSWER_MAX: usize = 1 << 20;

/// What an app answered.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// Without parameters.
    pub(crate) media: String,
    pub(crate) text: String,
}

/// A call to be made.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// Why a call got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Another machine.
    #[error("the sandbox calls nothing but loopback over http")]
    NotLoopback,
    /// It took longer than Bitbucket waits.
    #[error("no answer within 10 seconds")]
    Late,
    /// No connection, or one that broke.
    #[error("no connection: {0}")]
    Broken(String),
    /// More than anybody wants to read.
    #[error("the answer is longer than 1 MiB")]
    TooLong,
}

/// Makes the calls.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing(reqwest::Client);

impl Outgoing {
    /// Without proxies, redirects and trust: what it calls speaks plain HTTP on this machine.
    pub(crate) fn new() -> std::io::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(std::io::Error::other)?;
        let tls = tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(TIME_MAX)
            .build();
        client.map(Self).map_err(std::io::Error::other)
    }

    /// Makes a call and reads the answer.
    pub(crate) async fn make(&self, call: Call) -> Result<Answered, Unanswered> {
        if !is_loopback(&call.url) {
            return Err(Unanswered::NotLoopback);
        }
        let failed = |error: reqwest::Error| {
            if error.is_timeout() { Unanswered::Late } else { Unanswered::Broken(error.without_url().to_string()) }
        };
        let mut request = self.0.request(call.method, call.url).body(call.body);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(failed)?;
        let media = response.headers().get("content-type").and_then(|media| media.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim().to_owned();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_MAX {
                return Err(Unanswered::TooLong);
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answered { status: response.status().as_u16(), media, text })
    }
}

/// Plain HTTP on this machine?
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}
