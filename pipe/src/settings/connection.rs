//! How Bitbucket is reached, and as who.
//!
//! Owns the variables for it: credentials and their precedence, the API's address, proxies, certificates. They come from flags and the environment
//! only: a repository must not choose where credentials go. Nothing is connected here.

use std::path::PathBuf;

use penstock_common::Secret;
use penstock_common::bitbucket::client::{
    Access, ApiUrl, Auth, AuthProxy, BadAddress, Consumer, CorporateProxy, ExtraRoots, SetupError, SiteUrl,
};
use serde::Deserialize;

use super::environment::{Unreadable, Variables};
use super::small_file::{self, FileError};
use crate::pipelines_env::PipelinesEnv;

/// Where the authentication proxy listens for a container that is a pipe.
const PROXY_OF_PIPES: &str = "host.docker.internal:29418";
/// Where it listens for the commands of a step.
const PROXY_OF_STEPS: &str = "localhost:29418";

/// The checked connection. Its `Debug` shows no credentials.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Where the API is.
    pub api: ApiUrl,
    /// Where its pages are.
    pub site: SiteUrl,
    /// As who.
    pub auth: Auth,
    /// The proxy of the network.
    pub proxy: CorporateProxy,
    /// Certificates to believe beside the system's.
    pub roots: ExtraRoots,
    /// Pipelines' authentication proxy: where there should be one, or where somebody says that there is.
    pub auth_proxy: Option<AuthProxy>,
}

/// A connection that cannot be used. No value of a variable is told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A variable that is no text of the expected kind.
    #[error(transparent)]
    Environment(#[from] Unreadable),
    /// Half of a pair.
    #[error("`{set}` is set, but `{missing}` is not: they belong together")]
    HalfSet {
        /// The half that is there.
        set: &'static str,
        /// The half that is not.
        missing: &'static str,
    },
    /// Credentials that Bitbucket no longer takes.
    #[error("`BITBUCKET_APP_PASSWORD` is set, but Bitbucket removed app passwords on 28 July 2026")]
    AppPassword,
    /// An address to which credentials cannot go.
    #[error("`{variable}` cannot be used")]
    Address {
        /// Its variable.
        variable: &'static str,
        /// What is wrong with it.
        source: BadAddress,
    },
    /// `AUTH_PROXY` is no address.
    #[error("`AUTH_PROXY` must be `HOST:PORT`")]
    AuthProxy,
    /// The file with certificates cannot be had.
    #[error("`CA_BUNDLE` cannot be used")]
    Bundle(#[from] FileError),
    /// The file with certificates holds none.
    #[error("`CA_BUNDLE` cannot be used: {0}")]
    Certificates(SetupError),
}

impl Error {
    /// What to do, if something can be done.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::AppPassword => Some(
                "create a repository access token with the scopes `repository` and `pullrequest`, and set `BITBUCKET_ACCESS_TOKEN` to it",
            ),
            Self::Certificates(_) => Some("it must be a text file with `-----BEGIN CERTIFICATE-----`"),
            _ => None,
        }
    }
}

/// The variables as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Raw {
    atlassian_account_email: Option<String>,
    atlassian_api_token: Option<Secret>,
    bitbucket_access_token: Option<Secret>,
    bitbucket_oauth_client_id: Option<String>,
    bitbucket_oauth_client_secret: Option<Secret>,
    bitbucket_app_password: Option<Secret>,
    bitbucket_api_url: Option<String>,
    bitbucket_site_url: Option<String>,
    auth_proxy: Option<String>,
    ca_bundle: Option<PathBuf>,
}

impl Connection {
    /// Reads and checks. Flags come first: [`Variables::with`].
    pub fn read(variables: &Variables, pipelines: &PipelinesEnv) -> Result<Self, Error> {
        let raw: Raw = variables.read()?;
        let bad = |variable| move |source| Error::Address { variable, source };
        let api = raw.bitbucket_api_url.as_deref().map(ApiUrl::parse).transpose();
        let api = api.map_err(bad("BITBUCKET_API_URL"))?.unwrap_or_default();
        let site = raw.bitbucket_site_url.as_deref().map(SiteUrl::parse).transpose();
        let site = site.map_err(bad("BITBUCKET_SITE_URL"))?.unwrap_or_else(|| api.site());
        let auth_proxy = match (&raw.auth_proxy, pipelines.in_pipe(), pipelines.in_pipelines()) {
            (Some(given), _, _) => Some(given.as_str()),
            (None, true, _) => Some(PROXY_OF_PIPES),
            (None, false, true) => Some(PROXY_OF_STEPS),
            (None, false, false) => None,
        };
        let auth_proxy = auth_proxy.map(|address| AuthProxy::parse(address).ok_or(Error::AuthProxy)).transpose()?;
        let roots = match &raw.ca_bundle {
            Some(path) => {
                let text = small_file::text_of(path)?;
                ExtraRoots::from_pem(text.as_bytes(), &path.display().to_string()).map_err(Error::Certificates)?
            }
            None => ExtraRoots::default(),
        };
        // Both ways of writing are usual, also at once; like curl, the lower one comes first.
        let either = |lower, upper| variables.get(lower).or_else(|| variables.get(upper));
        let proxy = CorporateProxy {
            url: either("https_proxy", "HTTPS_PROXY").map(Secret::new),
            except: either("no_proxy", "NO_PROXY").map(str::to_owned),
        };
        Ok(Self { auth: raw.auth(&site)?, api, site, proxy, roots, auth_proxy })
    }

    /// Whether there are credentials of our own.
    pub fn has_credentials(&self) -> bool {
        !matches!(self.auth, Auth::Anonymous)
    }

    /// By a connection of our own, with the credentials, if there are any.
    pub fn direct(&self) -> Access {
        Access::Direct {
            api: self.api.clone(),
            auth: self.auth.clone(),
            proxy: self.proxy.clone(),
            roots: self.roots.clone(),
        }
    }

    /// Through the authentication proxy, if there is one.
    pub fn through_auth_proxy(&self) -> Option<Access> {
        self.auth_proxy.clone().map(Access::AuthProxy)
    }

    /// With credentials directly; without, through the authentication proxy, if there is one.
    pub fn usual(&self) -> Access {
        let proxied = if self.has_credentials() { None } else { self.through_auth_proxy() };
        proxied.unwrap_or_else(|| self.direct())
    }
}

impl Raw {
    /// The first complete credentials, in the order of the official pipes. A half is a mistake only if nothing is complete: workspaces hold
    /// variables for many tools.
    fn auth(self, site: &SiteUrl) -> Result<Auth, Error> {
        let pairs = [
            (
                ("ATLASSIAN_ACCOUNT_EMAIL", self.atlassian_account_email.is_some()),
                ("ATLASSIAN_API_TOKEN", self.atlassian_api_token.is_some()),
            ),
            (
                ("BITBUCKET_OAUTH_CLIENT_ID", self.bitbucket_oauth_client_id.is_some()),
                ("BITBUCKET_OAUTH_CLIENT_SECRET", self.bitbucket_oauth_client_secret.is_some()),
            ),
        ];
        let api_token = self.atlassian_account_email.zip(self.atlassian_api_token);
        let api_token = api_token.map(|(email, token)| Auth::ApiToken { email, token });
        let access_token = self.bitbucket_access_token.map(Auth::AccessToken);
        let consumer = self.bitbucket_oauth_client_id.zip(self.bitbucket_oauth_client_secret);
        let consumer = consumer.map(|(id, secret)| Auth::OAuth(Consumer { id, secret, token_url: site.token_url() }));
        if let Some(complete) = api_token.or(access_token).or(consumer) {
            return Ok(complete);
        }
        for (one, other) in pairs {
            match (one, other) {
                ((set, true), (missing, false)) | ((missing, false), (set, true)) => {
                    return Err(Error::HalfSet { set, missing });
                }
                _ => {}
            }
        }
        if self.bitbucket_app_password.is_some() {
            return Err(Error::AppPassword);
        }
        Ok(Auth::Anonymous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(pairs: &[(&str, &str)]) -> Result<Connection, Error> {
        let variables: Variables =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let pipelines = variables.read().expect("readable");
        Connection::read(&variables, &pipelines)
    }

    #[test]
    fn the_first_complete_credentials_count() {
        let all = [
            ("ATLASSIAN_ACCOUNT_EMAIL", "me@example.org"),
            ("ATLASSIAN_API_TOKEN", "canary-1"),
            ("BITBUCKET_ACCESS_TOKEN", "canary-2"),
            ("BITBUCKET_OAUTH_CLIENT_ID", "id"),
            ("BITBUCKET_OAUTH_CLIENT_SECRET", "canary-3"),
            ("BITBUCKET_APP_PASSWORD", "canary-4"),
        ];
        let name = |pairs: &[(&str, &str)]| connection(pairs).expect("usable").auth.name();
        assert_eq!(name(&all), "an API token");
        assert_eq!(name(&all[1..]), "an access token", "half of another pair does not matter");
        assert_eq!(name(&all[3..]), "an OAuth consumer");
        assert_eq!(name(&[]), "no credentials");
        assert!(!format!("{:?}", connection(&all)).contains("canary"));
    }

    #[test]
    fn what_is_missing_is_named_and_no_value() {
        for (set, missing) in [
            ("ATLASSIAN_API_TOKEN", "ATLASSIAN_ACCOUNT_EMAIL"),
            ("ATLASSIAN_ACCOUNT_EMAIL", "ATLASSIAN_API_TOKEN"),
            ("BITBUCKET_OAUTH_CLIENT_SECRET", "BITBUCKET_OAUTH_CLIENT_ID"),
            ("BITBUCKET_OAUTH_CLIENT_ID", "BITBUCKET_OAUTH_CLIENT_SECRET"),
        ] {
            let error = connection(&[(set, "canary")]).expect_err("half").to_string();
            assert_eq!(error, format!("`{set}` is set, but `{missing}` is not: they belong together"));
        }
        let password = [("BITBUCKET_USERNAME", "me"), ("BITBUCKET_APP_PASSWORD", "canary")];
        assert!(matches!(connection(&password), Err(Error::AppPassword)));
        for pair in [
            ("BITBUCKET_API_URL", "http://canary.example"),
            ("BITBUCKET_API_URL", "https://name:canary@host/"),
            ("AUTH_PROXY", "https://canary"),
            ("CA_BUNDLE", "/nowhere"),
        ] {
            let error = connection(&[pair]).expect_err("unusable");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }

    #[test]
    fn the_authentication_proxy_is_where_the_step_finds_it() {
        let proxy = |pairs: &[_]| connection(pairs).expect("usable").auth_proxy.map(|proxy| proxy.to_string());
        let build = ("BITBUCKET_BUILD_NUMBER", "7");
        assert_eq!(proxy(&[]), None);
        assert_eq!(proxy(&[build]).as_deref(), Some("http://localhost:29418"));
        let pipe = ("BITBUCKET_PIPE_STORAGE_DIR", "/x");
        assert_eq!(proxy(&[build, pipe]).as_deref(), Some("http://host.docker.internal:29418"));
        assert_eq!(proxy(&[build, pipe, ("AUTH_PROXY", "[::1]:1")]).as_deref(), Some("http://[::1]:1"));
    }

    #[test]
    fn both_ways_to_write_a_proxy_may_be_set_at_once() {
        let both =
            connection(&[("HTTPS_PROXY", "upper"), ("https_proxy", "lower"), ("NO_PROXY", "a,b")]).expect("usable");
        assert_eq!(both.proxy.url.as_ref().map(Secret::expose), Some("lower"));
        assert_eq!(both.proxy.except.as_deref(), Some("a,b"));
    }
}
