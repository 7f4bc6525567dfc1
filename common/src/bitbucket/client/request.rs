//! One call, and its answer.
//!
//! Owns what is sent and what comes back, as values. How it is sent, and how often, is decided in `send`.

use std::fmt;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::Error;
use super::words::Words;
use crate::Secret;

/// Most bytes of an answer in JSON.
pub const JSON_MAX: usize = 10 << 20;

/// A call to be made.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<Body>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) repeat: bool,
    pub(super) limit: usize,
    /// The commit that it is about, if Bitbucket knows that for sure.
    pub(super) commit: Option<String>,
}

/// What is sent along.
#[derive(Clone)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) kind: HeaderValue,
}

impl Request {
    /// A call that is repeated when its answer was lost if its method says that this does no harm (RFC 9110, 9.2.2).
    pub(super) fn new(method: Method, url: Url) -> Self {
        let repeat = method.is_idempotent();
        Self { method, url, body: None, headers: Vec::new(), repeat, limit: JSON_MAX, commit: None }
    }

    /// Adds to the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Sends JSON along.
    #[must_use]
    pub fn json(self, value: &impl Serialize) -> Self {
        // What is sent are our own types and values that were JSON before.
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        self.body(bytes)
    }

    /// Sends bytes along that are JSON already.
    #[must_use]
    pub fn body(self, bytes: Vec<u8>) -> Self {
        self.body_of_kind(bytes, "application/json")
    }

    /// Sends bytes along that are `kind`, a media type.
    #[must_use]
    pub fn body_of_kind(mut self, bytes: Vec<u8>, kind: &'static str) -> Self {
        self.body = Some(Body { bytes, kind: HeaderValue::from_static(kind) });
        self
    }

    /// Sends a header along. `name` is lower case; what no header can carry as `value` is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).map(|value| (HeaderName::from_static(name), value)));
        self
    }

    /// Sends credentials of this one call along, in place of the client's. What no header can carry is left out.
    #[must_use]
    pub fn authorization(mut self, value: &Secret) -> Self {
        self.headers.extend(HeaderValue::from_str(value.expose()).map(|mut value| {
            value.set_sensitive(true);
            (AUTHORIZATION, value)
        }));
        self
    }

    /// Says that the call does no harm when it is made twice, although its method does not say so.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeat = true;
        self
    }

    /// Says that the call is about a commit that is there for sure, such as that of a build. Just
    /// after a push some parts of Bitbucket do not know it yet: a 404 is tried again for a while
    /// ([`super::Patience::late`]).
    #[must_use]
    pub fn about_commit(mut self, commit: &str) -> Self {
        self.commit = Some(commit.to_owned());
        self
    }

    /// Most bytes of the answer; [`JSON_MAX`] otherwise.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url.path())
    }
}

/// An answer that says yes.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// What the body is, as the server says.
    pub kind: Option<String>,
    /// The body.
    pub body: Vec<u8>,
    /// Method and path.
    pub(super) call: String,
    /// Where it came from in the end.
    pub(super) url: Url,
}

impl Answer {
    /// Whether the server says that it is JSON.
    pub fn is_json(&self) -> bool {
        let kind = self.kind.as_deref().unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "application/json" || kind.ends_with("+json")
    }

    pub(super) fn read<T: DeserializeOwned>(&self, words: &Words) -> Result<T, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::Unreadable { call: self.call.clone(), words: words.line(&error.to_string()) })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {} bytes", self.call, self.status, self.body.len())
    }
}
