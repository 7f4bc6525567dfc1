//! Who we are.
//!
//! Owns the kinds of credentials and the header that each becomes. Tokens that end are fetched when they are first needed, by one call at a
//! time, renewed before they expire, and forgotten when the server does not take them. Which credentials are in force is decided by whoever makes
//! the client; how such a token is come by may be his too ([`Grant`]).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::error::{Error, SetupError};
use super::words::Words;
use crate::Secret;

/// Kinds of credentials.
#[derive(Clone, Default)]
pub enum Auth {
    /// None: what everybody may see.
    #[default]
    Anonymous,
    /// An API token of a user.
    ApiToken {
        /// The e-mail address of the Atlassian account.
        email: String,
        /// The token.
        token: Secret,
    },
    /// An access token of a repository, project or workspace.
    AccessToken(Secret),
    /// An OAuth consumer with the grant `client_credentials`.
    OAuth(Consumer),
    /// Tokens that are got in a way that this crate does not know.
    Granted(Arc<dyn Grant>),
}

/// A way to get tokens.
pub trait Grant: Send + Sync {
    /// Gets a new one. It is called by one request at a time, when there is none or the last one is about to end; if it fails, the next
    /// request tries again.
    fn grant(&self) -> Granting<'_>;
}

/// A token on its way.
pub type Granting<'a> = Pin<Box<dyn Future<Output = Result<Granted, Error>> + Send + 'a>>;

/// A token that ends.
#[derive(Clone, Debug)]
pub struct Granted {
    /// It.
    pub token: Secret,
    /// How long it is good for. A day at most is believed.
    pub expires_in: Duration,
    /// What it may be used for, if the server says so.
    pub scopes: Vec<String>,
}

/// An OAuth consumer.
#[derive(Clone)]
pub struct Consumer {
    /// Its key.
    pub id: String,
    /// Its secret. It is sent to `token_url` only.
    pub secret: Secret,
    /// Where it gets tokens: [`super::SiteUrl::token_url`].
    pub token_url: Url,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Auth {
    /// What it is, in words.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Anonymous => "no credentials",
            Self::ApiToken { .. } => "an API token",
            Self::AccessToken(_) => "an access token",
            Self::OAuth(_) => "an OAuth consumer",
            Self::Granted(_) => "tokens that are granted",
        }
    }
}

/// What is sent for an [`Auth`].
pub(super) enum Authorization {
    Nothing,
    Always(HeaderValue),
    Fetched(Box<Fetched>),
}

/// What is fetched when it is needed, and how.
pub(super) struct Fetched {
    source: Source,
    token: Mutex<Option<Token>>,
}

enum Source {
    /// `basic` is sent to `token_url` only.
    Consumer {
        token_url: Url,
        basic: HeaderValue,
    },
    Granted(Arc<dyn Grant>),
}

/// A token of OAuth.
#[derive(Clone)]
pub(super) struct Token {
    header: HeaderValue,
    renew: Instant,
}

/// The answer of the token's address.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Secret,
    /// Seconds.
    #[serde(default = "an_hour")]
    expires_in: u64,
    /// Names with blanks between.
    #[serde(default)]
    scopes: Option<String>,
}

/// What Bitbucket documents.
const fn an_hour() -> u64 {
    3600
}

/// Most scopes that are read.
const SCOPES_MAX: usize = 64;
/// Longest life of a token that is believed.
const A_DAY: Duration = Duration::from_secs(86_400);

impl Granted {
    /// Reads the answer of an OAuth server; `None` if it holds no token. Why is not told: the words could quote one.
    pub fn read(body: &[u8]) -> Option<Self> {
        let answer: TokenAnswer = serde_json::from_slice(body).ok()?;
        let scopes = answer.scopes.unwrap_or_default().split_whitespace().take(SCOPES_MAX).map(str::to_owned).collect();
        Some(Self { token: answer.access_token, expires_in: Duration::from_secs(answer.expires_in), scopes })
    }
}

impl Authorization {
    /// Prepares the header, and has `words` hide everything in it.
    pub(super) fn new(auth: Auth, words: &Words) -> Result<Self, SetupError> {
        Ok(match auth {
            Auth::Anonymous => Self::Nothing,
            Auth::ApiToken { email, token } => {
                words.hide(token.expose(), Some(&email));
                Self::Always(basic(&email, &token)?)
            }
            Auth::AccessToken(token) => {
                words.hide(token.expose(), None);
                Self::Always(bearer(&token)?)
            }
            Auth::OAuth(consumer) => {
                words.hide(consumer.secret.expose(), Some(&consumer.id));
                let basic = basic(&consumer.id, &consumer.secret)?;
                Self::fetched(Source::Consumer { token_url: consumer.token_url, basic })
            }
            Auth::Granted(grant) => Self::fetched(Source::Granted(grant)),
        })
    }

    fn fetched(source: Source) -> Self {
        Self::Fetched(Box::new(Fetched { source, token: Mutex::default() }))
    }

    /// The header for the next request. `ask` sends a prepared request for a token and hands back the body of the answer.
    pub(super) async fn header<F>(
        &self,
        words: &Words,
        ask: impl FnOnce(TokenRequest) -> F,
    ) -> Result<Option<HeaderValue>, Error>
    where
        F: Future<Output = Result<Vec<u8>, Error>>,
    {
        match self {
            Self::Nothing => Ok(None),
            Self::Always(header) => Ok(Some(header.clone())),
            Self::Fetched(fetched) => {
                // Whoever comes while a token is fetched waits for that one.
                let mut token = fetched.token.lock().await;
                if let Some(token) = token.as_ref().filter(|token| Instant::now() < token.renew) {
                    return Ok(Some(token.header.clone()));
                }
                let (granted, call) = fetched.source.fetch(ask).await?;
                words.hide_for_now(granted.token.expose());
                let unsendable = |_| Error::Unreadable { call, words: "the token cannot be sent".to_owned() };
                let header = bearer(&granted.token).map_err(unsendable)?;
                // A tenth of its life is left for clocks and slow requests.
                let renew = Instant::now() + granted.expires_in.min(A_DAY) * 9 / 10;
                *token = Some(Token { header: header.clone(), renew });
                Ok(Some(header))
            }
        }
    }

    /// The server did not take `used`. Whether another one can be had.
    pub(super) async fn renew(&self, used: Option<&HeaderValue>) -> bool {
        let Self::Fetched(fetched) = self else { return false };
        let mut token = fetched.token.lock().await;
        if token.as_ref().is_some_and(|token| Some(&token.header) == used) {
            *token = None;
        }
        true
    }
}

impl Source {
    /// A new token, and the call that it came by.
    async fn fetch<F>(&self, ask: impl FnOnce(TokenRequest) -> F) -> Result<(Granted, String), Error>
    where
        F: Future<Output = Result<Vec<u8>, Error>>,
    {
        match self {
            Self::Consumer { token_url, basic } => {
                let request = TokenRequest { url: token_url.clone(), basic: basic.clone() };
                let call = request.call();
                let granted = Granted::read(&ask(request).await?);
                let nothing = || Error::Unreadable { call: call.clone(), words: "it holds no token".to_owned() };
                Ok((granted.ok_or_else(nothing)?, call))
            }
            Self::Granted(grant) => {
                let granted = grant.grant().await.map_err(|error| Error::NotGranted(Box::new(error)))?;
                Ok((granted, "the token that was granted".to_owned()))
            }
        }
    }
}

/// What is sent for a token: a form with the grant, by Basic.
pub(super) struct TokenRequest {
    pub(super) url: Url,
    pub(super) basic: HeaderValue,
}

impl TokenRequest {
    pub(super) const BODY: &str = "grant_type=client_credentials";

    pub(super) fn call(&self) -> String {
        format!("{} {}", Method::POST, self.url.path())
    }
}

fn basic(name: &str, secret: &Secret) -> Result<HeaderValue, SetupError> {
    // The name ends at the first colon, and neither may smuggle in a line.
    let whole = !name.is_empty() && !name.contains(':') && !name.contains(char::is_control);
    if !whole || secret.expose().is_empty() || secret.expose().contains(char::is_control) {
        return Err(SetupError::Credentials);
    }
    sensitive(&format!("Basic {}", STANDARD.encode(format!("{name}:{}", secret.expose()))))
}

fn bearer(token: &Secret) -> Result<HeaderValue, SetupError> {
    if token.expose().is_empty() || !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SetupError::Credentials);
    }
    sensitive(&format!("Bearer {}", token.expose()))
}

fn sensitive(text: &str) -> Result<HeaderValue, SetupError> {
    let mut header = HeaderValue::from_str(text).map_err(|_| SetupError::Credentials)?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_credentials() {
        let canary = "canary-value";
        let auth = Auth::ApiToken { email: "me@example.org".to_owned(), token: Secret::new(canary) };
        assert_eq!(format!("{auth:?}"), "an API token");
        let words = Words::default();
        let Ok(Authorization::Always(header)) = Authorization::new(auth, &words) else { panic!("a header") };
        assert!(!format!("{header:?}").contains(&STANDARD.encode(format!("me@example.org:{canary}"))));
        assert!(header.is_sensitive());
    }

    #[test]
    fn what_no_header_can_carry_is_refused() {
        for token in ["", "a\r\nX-Evil: 1", "a b", "ä"] {
            assert!(Authorization::new(Auth::AccessToken(Secret::new(token)), &Words::default()).is_err(), "{token:?}");
        }
        let auth = Auth::ApiToken { email: "a:b".to_owned(), token: Secret::new("x") };
        assert!(Authorization::new(auth, &Words::default()).is_err());
    }
}
