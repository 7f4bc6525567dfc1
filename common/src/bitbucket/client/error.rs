//! Why a call came to nothing.
//!
//! Owns the client's errors and what to do about them. Words of servers in here went through `words` before.

use std::fmt;
use std::time::Duration;

use super::refusal::Refusal;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server, or a proxy before it, said no.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// Nobody answered: no such host, no connection, no network. Nothing was sent.
    #[error("{host} cannot be reached: {words}")]
    Unreachable {
        /// Scheme, host and port.
        host: String,
        /// What the system says.
        words: String,
    },
    /// The server's certificate is not believed. Nothing was sent.
    #[error("{host} cannot be trusted: {words}")]
    Untrusted {
        /// Scheme, host and port.
        host: String,
        /// What is wrong with it.
        words: String,
    },
    /// The connection broke before the answer was complete. The server may have done what was asked.
    #[error("{call}: the connection broke before the answer was complete: {words}")]
    Lost {
        /// Method and path.
        call: String,
        /// What the system says.
        words: String,
    },
    /// The answer took too long. The server may have done what was asked.
    #[error("{call}: no complete answer within {} s", .after.as_secs_f32())]
    TimedOut {
        /// Method and path.
        call: String,
        /// How long was waited.
        after: Duration,
    },
    /// The time for all calls together is over.
    #[error("{call}: given up because the time for all calls is over{}", Last(.last))]
    Deadline {
        /// Method and path.
        call: String,
        /// What the last attempt came to, if there was one.
        last: Option<Box<Error>>,
    },
    /// The answer is larger than what was asked for may be.
    #[error("{call}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// Method and path.
        call: String,
        /// Bytes.
        limit: usize,
    },
    /// A list has more entries or pages than are read.
    #[error("{call}: the list has more than {limit} entries")]
    TooMany {
        /// Method and path.
        call: String,
        /// Entries.
        limit: usize,
    },
    /// The answer is not what the API promises.
    #[error("{call}: the answer is not what was expected: {words}")]
    Unreadable {
        /// Method and path.
        call: String,
        /// What is wrong with it.
        words: String,
    },
    /// An address leads away from the configured host, where credentials must not go.
    #[error("the address leads to {to}, which is not the configured host")]
    Elsewhere {
        /// Scheme, host and port.
        to: String,
    },
    /// What was to be changed is now elsewhere on the same host.
    #[error("{call}: moved to {to}")]
    Moved {
        /// Method and path.
        call: String,
        /// The path.
        to: String,
    },
    /// Redirects go in a circle.
    #[error("{call}: redirected too often")]
    Circle {
        /// Method and path.
        call: String,
    },
    /// There is no token to call with. That a token is refused says nothing of what was to be called.
    #[error("no token was granted: {0}")]
    NotGranted(Box<Error>),
    /// A call cannot be made at all.
    #[error("the call cannot be made: {0}")]
    NotMade(&'static str),
    /// Whoever counts the requests allows no more of them now. Nothing was sent.
    #[error("{call}: not sent, because the requests of this hour are used up; again in {} s", .after.as_secs_f32().ceil())]
    NotAllowed {
        /// Method and path.
        call: String,
        /// When there will be room again.
        after: Duration,
    },
    /// A name that cannot be part of a path.
    #[error("`{0}` cannot be part of an address")]
    Segment(String),
}

/// ": the last attempt …", or nothing.
struct Last<'e>(&'e Option<Box<Error>>);

impl fmt::Display for Last<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(error) => write!(f, "; the last attempt: {error}"),
            None => Ok(()),
        }
    }
}

impl Error {
    /// The status that the server answered with, if it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::Deadline { last: Some(last), .. } => last.status(),
            _ => None,
        }
    }

    /// Whether what was asked for is not there, or not for these credentials.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether these credentials may not do this: missing, expired, or without the scope. A 404 may mean the same.
    pub fn is_denied(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }

    /// Whether other calls of the same kind would fail in the same way now: there is no answer, the
    /// credentials are not allowed to make them, or the requests or the time are used up.
    pub fn stays(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(refusal.status, 401 | 403 | 404 | 407 | 410 | 429),
            Self::Lost { .. } | Self::TimedOut { .. } | Self::TooLarge { .. } | Self::TooMany { .. } => false,
            Self::Unreadable { .. } | Self::NotMade(_) | Self::Segment(_) => false,
            Self::Unreachable { .. } | Self::Untrusted { .. } | Self::Deadline { .. } | Self::Elsewhere { .. } => true,
            Self::Moved { .. } | Self::Circle { .. } | Self::NotGranted(_) | Self::NotAllowed { .. } => true,
        }
    }

    /// Whether the server names scopes that are missing.
    pub fn names_scopes(&self) -> bool {
        matches!(self, Self::Refused(refusal) if !refusal.required.is_empty())
    }

    /// Whether the credentials are no (longer) good for any call: the server does not take them, or grants no token for them.
    pub fn is_unknown_to_server(&self) -> bool {
        match self {
            Self::NotGranted(error) => {
                error.status().is_some_and(|status| (400..500).contains(&status) && !matches!(status, 408 | 429))
            }
            error => error.status() == Some(401),
        }
    }

    /// How long to wait before the next call, if the server or whoever counts says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            Self::NotAllowed { after, .. } => Some(*after),
            Self::NotGranted(error) | Self::Deadline { last: Some(error), .. } => error.retry_after(),
            _ => None,
        }
    }

    /// Whether the server may have done what was asked, although no answer arrived.
    pub fn is_uncertain(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::TimedOut { .. } | Self::TooLarge { .. } | Self::Unreadable { .. } => true,
            Self::Refused(refusal) => refusal.status >= 500,
            Self::Deadline { last, .. } => last.as_ref().is_some_and(|last| last.is_uncertain()),
            _ => false,
        }
    }

    /// What to do, if something can be done.
    pub fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::Refused(refusal) => return refusal.remedy(),
            Self::Untrusted { .. } => "if a proxy of yours signs connections, name the file with its root certificate",
            Self::Unreachable { .. } => "check the network, the name of the host and the proxy that is configured",
            Self::Elsewhere { .. } => {
                "credentials go to the configured host only; ask that other host without this program"
            }
            Self::Moved { .. } => "use the new name",
            Self::NotGranted(error) | Self::Deadline { last: Some(error), .. } => return error.remedy(),
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file that should hold certificates does not.
    #[error("`{0}` holds no certificate that can be used")]
    Certificates(String),
    /// TLS cannot be set up.
    #[error("secure connections cannot be set up: {0}")]
    Tls(String),
    /// The address of a proxy is none.
    #[error("the address of the proxy cannot be used")]
    Proxy,
    /// A token or name with characters that no header can carry.
    #[error("the credentials hold characters that cannot be sent, such as line ends")]
    Credentials,
    /// Anything else.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
}
