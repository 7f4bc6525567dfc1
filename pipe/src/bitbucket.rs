//! From the connection that is in force to clients of Bitbucket.
//!
//! Owns what every command that talks to Bitbucket needs beside the connection: a client that hides secrets in a server's words, randomness for its
//! waits, and the runtime, which is made here when it is needed and nowhere else.

mod remote;

use std::sync::Arc;

use penstock_common::bitbucket::client::{self, Access, Auth, Client, Options, SetupError};

pub use remote::Bitbucket;

use crate::error::{self, Error};

/// A client. What looks like a secret is hidden in a server's words, beside the credentials; secrets that are known are told it by
/// [`Client::hide`].
pub fn client(access: &Access) -> Result<Client, SetupError> {
    let mut options = Options::new(Arc::new(jitter));
    options.redact = Some(Arc::new(error::masked));
    Client::new(access, options)
}

/// A failed call as an error of the program, with what to do about it in the words of our variables.
pub fn failed(error: client::Error, access: &Access) -> Error {
    const TOKENS: &str = "`BITBUCKET_ACCESS_TOKEN`, or `ATLASSIAN_ACCOUNT_EMAIL` with `ATLASSIAN_API_TOKEN`";
    let is_denied = error.is_denied() || error.is_not_found();
    let hint = match (access, &error) {
        (Access::AuthProxy(_), _) if is_denied => Some(format!(
            "Pipelines' authentication proxy signs calls of reports only; everything else needs credentials: {TOKENS}"
        )),
        (Access::AuthProxy(proxy), client::Error::Unreachable { .. }) => Some(format!(
            "the call went through the authentication proxy at {proxy}: check `AUTH_PROXY`, or set {TOKENS}"
        )),
        (Access::Direct { auth: Auth::Anonymous, .. }, _) if is_denied => {
            Some(format!("no credentials are set: {TOKENS}"))
        }
        (_, client::Error::Untrusted { .. }) => Some(
            "if a proxy of yours signs connections, set `CA_BUNDLE` to a file with its root certificate".to_owned(),
        ),
        _ => error.remedy(),
    };
    Error::Bitbucket { error: Box::new(error), hint }
}

/// From 0 to 1. Without randomness waits are as long as they may be.
fn jitter() -> f64 {
    getrandom::u32().map_or(1.0, |drawn| f64::from(drawn) / (f64::from(u32::MAX) + 1.0))
}

/// What calls run on, on this thread.
fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(Error::Runtime)
}

/// Runs `work` to its end on this thread.
pub fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(work);
    // A name that is still being looked up must not keep the program.
    runtime.shutdown_background();
    Ok(outcome)
}
