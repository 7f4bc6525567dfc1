//! Who we are.
//!
//! Owns the kinds of credentials and the header that each becomes. Tokens of OAuth are fetched when they are first needed, by one call at a
//! time, and renewed before they expire. Which credentials are in force is decided by whoever makes the client.

use std::fmt;
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
        }
    }
}

/// What is sent for an [`Auth`].
pub(super) enum Authorization {
    Nothing,
    Always(HeaderValue),
    Fetched(Box<Fetched>),
}

/// What is fetched when it is needed, and what for.
pub(super) struct Fetched {
    token_url: Url,
    /// Sent to `token_url` only.
    basic: HeaderValue,
    token: Mutex<Option<Token>>,
}

/// A token of OAuth.
#[derive(Clone)]
pub(super) struct Token {
    header: HeaderValue,
    renew: Instant,
}

/// The answer of the token's address.
#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    /// Seconds.
    #[serde(default = "an_hour")]
    expires_in: u64,
}

/// What Bitbucket documents.
const fn an_hour() -> u64 {
    3600
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
                Self::Fetched(Box::new(Fetched { token_url: consumer.token_url, basic, token: Mutex::default() }))
            }
        })
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
                let Fetched { token_url, basic, token } = &**fetched;
                // Whoever comes while a token is fetched waits for that one.
                let mut token = token.lock().await;
                if let Some(token) = token.as_ref().filter(|token| Instant::now() < token.renew) {
                    return Ok(Some(token.header.clone()));
                }
                let request = TokenRequest { url: token_url.clone(), basic: basic.clone() };
                let call = request.call();
                let body = ask(request).await?;
                let unreadable = |words: &str| Error::Unreadable { call: call.clone(), words: words.to_owned() };
                // What the library says of a wrong answer may quote the token.
                let granted: Granted = serde_json::from_slice(&body).map_err(|_| unreadable("it holds no token"))?;
                words.hide(granted.access_token.expose(), None);
                let header = bearer(&granted.access_token).map_err(|_| unreadable("the token cannot be sent"))?;
                // A tenth of its life is left for clocks and slow requests.
                let renew = Instant::now() + Duration::from_secs(granted.expires_in.min(86_400)) * 9 / 10;
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
