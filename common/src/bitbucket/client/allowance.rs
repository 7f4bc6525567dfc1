//! How many requests may be sent.
//!
//! Owns the interface only: whoever makes a client may count what it sends. Every attempt counts, redirects and repetitions too, because the server
//! counts them. Calls for tokens do not: they go to another host's limit.

use std::time::Duration;

/// Counts requests.
pub trait Allowance: Send + Sync {
    /// Takes one request, just before it is sent.
    ///
    /// # Errors
    /// If there is none left: how long to wait for the next.
    fn take(&self) -> Result<(), Duration>;

    /// The server said that there were too many (429), and how long to wait, if it said so.
    fn exceeded(&self, retry_after: Option<Duration>);
}
