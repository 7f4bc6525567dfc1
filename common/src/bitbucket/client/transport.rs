//! The way to the server.
//!
//! Owns the only place that builds an HTTP client: TLS, root certificates, proxies, time-outs. Nothing is taken from the environment here, but
//! that the system's root certificates are found where `SSL_CERT_FILE` says. Redirects are never followed by the library.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{NoProxy, Proxy};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::address::{ApiUrl, Home};
use super::auth::Auth;
use super::error::SetupError;
use super::words::Words;
use crate::Secret;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(60);

/// How the API is reached, and as who.
#[derive(Clone, Debug)]
pub enum Access {
    /// By a connection of our own, with our own credentials.
    Direct {
        /// Where the API is.
        api: ApiUrl,
        /// As who.
        auth: Auth,
        /// The proxy of the network.
        proxy: CorporateProxy,
        /// Certificates to believe beside the system's.
        roots: ExtraRoots,
    },
    /// Through the authentication proxy of Bitbucket Pipelines, which adds credentials of its own. It takes plain HTTP only, signs calls of
    /// reports only, and no credentials of ours may be sent to it; the proxy of the network does not count.
    AuthProxy(AuthProxy),
}

/// The address of the authentication proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthProxy {
    pub(super) url: Url,
    /// The git server behind it, if that is what is asked and not the API.
    pub(super) git: Option<ApiUrl>,
}

impl AuthProxy {
    /// Takes `http://HOST:PORT` or `HOST:PORT`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&text).ok()?;
        let plain = url.scheme() == "http" && url.host().is_some() && url.path() == "/" && url.query().is_none();
        (plain && url.username().is_empty() && url.password().is_none()).then_some(Self { url, git: None })
    }
}

impl fmt::Display for AuthProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

/// The proxy that a network wants to be used for https. Plain requests go to loopback only, and never through it.
#[derive(Clone, Debug, Default)]
pub struct CorporateProxy {
    /// What `HTTPS_PROXY` says; may hold a password.
    pub url: Option<Secret>,
    /// What `NO_PROXY` says: hosts to be asked directly.
    pub except: Option<String>,
}

impl CorporateProxy {
    /// The rule for the HTTP library, if any host is to be reached through it. `words` hides its password.
    fn rule(&self, words: &Words) -> Result<Option<Proxy>, SetupError> {
        let Some(given) = self.url.as_ref().map(Secret::expose) else { return Ok(None) };
        let except = self.except.as_deref().unwrap_or_default();
        // The library takes this for a name, so that it would not fit an address.
        if except.split(',').any(|host| host.trim() == "*") {
            return Ok(None);
        }
        let url = Url::parse(given).ok().filter(Url::has_host);
        let url = url.or_else(|| Url::parse(&format!("http://{given}")).ok()).ok_or(SetupError::Proxy)?;
        if let Some(password) = url.password() {
            // In the address it is encoded, in the header it is not.
            words.hide(password, None);
            words.hide(&decoded(password), Some(&decoded(url.username())));
        }
        let proxy = Proxy::https(url.as_str()).map_err(|_| SetupError::Proxy)?;
        Ok(Some(proxy.no_proxy(NoProxy::from_string(except))))
    }
}

/// Root certificates to believe beside the system's.
#[derive(Clone, Default)]
pub struct ExtraRoots(Vec<CertificateDer<'static>>);

impl ExtraRoots {
    /// Reads certificates in PEM. `name` is what the file is called in errors.
    pub fn from_pem(pem: &[u8], name: &str) -> Result<Self, SetupError> {
        let bad = || SetupError::Certificates(name.to_owned());
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| bad())?;
        let mut store = RootCertStore::empty();
        let usable = certificates.iter().all(|certificate| store.add(certificate.clone()).is_ok());
        if certificates.is_empty() || !usable {
            return Err(bad());
        }
        Ok(Self(certificates))
    }
}

impl fmt::Debug for ExtraRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} certificates", self.0.len())
    }
}

impl Access {
    pub(super) fn home(&self) -> Home {
        match self {
            Self::Direct { api, .. } => Home::of(api),
            Self::AuthProxy(AuthProxy { git: Some(git), .. }) => Home::of(git),
            Self::AuthProxy(AuthProxy { git: None, .. }) => Home::proxied(),
        }
    }

    /// The client of the HTTP library.
    pub(super) fn connect(&self, agent: &str, words: &Words) -> Result<reqwest::Client, SetupError> {
        let home = self.home();
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("application/json, */*;q=0.5"));
        let mut builder = reqwest::Client::builder()
            .user_agent(HeaderValue::from_str(agent).map_err(|_| SetupError::Client("its name".to_owned()))?)
            .default_headers(headers)
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            // Nothing from the environment: whoever sets up this client says which proxy counts.
            .no_proxy();
        match self {
            Self::Direct { proxy, .. } if !home.is_loopback() || home.is_encrypted() => {
                if let Some(proxy) = proxy.rule(words)? {
                    builder = builder.proxy(proxy);
                }
            }
            Self::Direct { .. } => {}
            Self::AuthProxy(AuthProxy { url, .. }) => {
                builder = builder.proxy(Proxy::http(url.as_str()).map_err(|_| SetupError::Proxy)?);
            }
        }
        let roots = match self {
            Self::Direct { roots, .. } if home.is_encrypted() => Some(roots),
            _ => None,
        };
        builder
            .tls_backend_preconfigured(tls(roots)?)
            .build()
            .map_err(|error| SetupError::Client(words.line(&error.without_url().to_string())))
    }
}

/// A client for an address that is not Bitbucket's and that the operator names: without credentials
/// of ours, redirects, or proxies of the environment.
///
/// # Errors
/// When TLS cannot be set up.
pub fn webhook_client(url: &Url, agent: &str) -> Result<reqwest::Client, SetupError> {
    let roots = ExtraRoots::default();
    reqwest::Client::builder()
        .user_agent(HeaderValue::from_str(agent).map_err(|_| SetupError::Client("its name".to_owned()))?)
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT)
        .no_proxy()
        .tls_backend_preconfigured(tls((url.scheme() == "https").then_some(&roots))?)
        .build()
        .map_err(|error| SetupError::Client(error.without_url().to_string()))
}

/// A part of an address as it was meant.
fn decoded(text: &str) -> String {
    let pair = format!("={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

/// TLS that believes the system's roots and `extra`; without them, nobody: plain connections need no certificates to be read.
fn tls(extra: Option<&ExtraRoots>) -> Result<ClientConfig, SetupError> {
    let failed = |error: rustls::Error| SetupError::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let mut config = match extra {
        Some(ExtraRoots(extra)) => {
            let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(extra.iter().cloned(), provider);
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier.map_err(failed)?))
                .with_no_client_auth()
        }
        None => builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
