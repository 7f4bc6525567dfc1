//! A log in which nothing can be changed, left out or put in between unnoticed.
//!
//! Owns the chain of hashes over a repository's events, or a workspace's audit entries: each link's hash covers its number, the hash before it and its very bytes. The
//! store keeps links as they are (the body as text, never as a parsed document) and the [`Head`] apart, which also shows whether links
//! are missing at the end. Somebody who may rewrite the whole log and its head is not stopped; a head that was exported before tells.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SHA-256.
pub type Hash = [u8; 32];

/// One event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Counts from 1 without a gap.
    pub number: u64,
    /// The event as JSON text.
    pub body: String,
    /// Covers the number, the hash of the link before it and the body.
    pub hash: Hash,
}

/// The end of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How many links there are before it.
    pub number: u64,
    /// The hash of the last; zeros if there is none.
    pub hash: Hash,
}

/// Why a log cannot be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The link is not what was written, or not in its place.
    #[error("entry {0} of the log was changed")]
    Changed(u64),
    /// A link is missing, or there is one too many.
    #[error("the log has an entry {found} where {expected} should be")]
    Gap {
        /// The number that comes next.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// It does not end where it should.
    #[error("the log ends at entry {found}, and {expected} were written")]
    End {
        /// How many were written.
        expected: u64,
        /// How many there are.
        found: u64,
    },
}

/// An event that has no JSON form.
#[derive(Debug, thiserror::Error)]
#[error("an event cannot be written")]
pub struct Unwritable(#[from] serde_json::Error);

/// Appends events to the log that ends with `head`.
///
/// # Errors
///
/// If an event cannot be written, which none of ours is.
pub fn append<E: Serialize>(head: Head, events: &[E]) -> Result<(Vec<Link>, Head), Unwritable> {
    let mut end = head;
    let mut links = Vec::with_capacity(events.len());
    for event in events {
        let body = serde_json::to_string(event)?;
        end = Head { number: end.number + 1, hash: hash(&end, &body) };
        links.push(Link { number: end.number, body, hash: end.hash });
    }
    Ok((links, end))
}

/// Checks that `links` lead from `start` to `end`. A part of the log is checked with the heads at its borders.
///
/// # Errors
///
/// The first link that cannot be believed.
pub fn verify<'l>(start: Head, links: impl IntoIterator<Item = &'l Link>, end: Head) -> Result<(), Broken> {
    let mut at = start;
    for link in links {
        if link.number != at.number + 1 {
            return Err(Broken::Gap { expected: at.number + 1, found: link.number });
        }
        if link.hash != hash(&at, &link.body) {
            return Err(Broken::Changed(link.number));
        }
        at = Head { number: link.number, hash: link.hash };
    }
    match at {
        at if at == end => Ok(()),
        at if at.number == end.number => Err(Broken::Changed(at.number)),
        at => Err(Broken::End { expected: end.number, found: at.number }),
    }
}

/// Of a link that comes after `previous`.
fn hash(previous: &Head, body: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"penstock log 1\0");
    hash.update((previous.number + 1).to_le_bytes());
    hash.update(previous.hash);
    hash.update(body.as_bytes());
    hash.finalize().into()
}
