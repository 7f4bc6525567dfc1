//! A log in which nothing can be changed, left out or put in between unnoticed.
//!
//! Owns the chain over a repository's events, or a workspace's audit entries. Each link covers its
//! chain, its number, the link before it and its very bytes, with a key that is not in the database
//! ([`LogKey`]): who may write to the database alone cannot make a link, nor the [`Seal`] of the
//! log's end. The store keeps links as they are (the body as text, never as a parsed document) and
//! the [`Head`] apart. An older state of a whole log, with the end that it had then, is real and
//! verifies; only a head that was exported since then shows that something is missing.
//!
//! Links of version 1 have no key: they were written before there was one, and are held by the seal
//! of the log's end.

use penstock_common::Uuid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::crypto::{KeyId, LogKey};

/// SHA-256, or an HMAC with it.
pub type Hash = [u8; 32];

/// Which log. A link of one is none of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainId {
    /// The history of a repository's findings.
    Findings {
        /// The tenant.
        workspace: Uuid,
        /// The repository.
        repository: Uuid,
    },
    /// What people did in a workspace.
    Audit {
        /// The tenant.
        workspace: Uuid,
    },
}

impl ChainId {
    /// What links and seals cover of it: always as long.
    fn bytes(&self) -> [u8; 33] {
        let (kind, workspace, repository) = match self {
            Self::Findings { workspace, repository } => (1, workspace.as_bytes(), repository.as_bytes()),
            Self::Audit { workspace } => (2, workspace.as_bytes(), &[0; 16]),
        };
        let mut bytes = [0; 33];
        bytes[0] = kind;
        bytes[1..17].copy_from_slice(workspace);
        bytes[17..].copy_from_slice(repository);
        bytes
    }
}

/// One event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Counts from 1 without a gap.
    pub number: u64,
    /// The event as JSON text.
    pub body: String,
    /// Covers the chain, the number, the hash of the link before it and the body.
    pub hash: Hash,
    /// The key of the hash; none of version 1, whose hash covers neither key nor chain.
    pub key: Option<KeyId>,
}

/// The end of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How many links there are before it.
    pub number: u64,
    /// The hash of the last; zeros if there is none.
    pub hash: Hash,
}

/// That a log ended so once. Written with the head, and made with a key that is not in the
/// database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The key.
    pub key: KeyId,
    /// Covers the chain and the head.
    pub tag: Hash,
}

impl Seal {
    /// As it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.key.0[..], &self.tag].concat()
    }

    /// As it was stored; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (key, tag) = bytes.split_first_chunk::<16>()?;
        Some(Self { key: KeyId(*key), tag: tag.try_into().ok()? })
    }
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
    /// A key that neither the key file nor the database has.
    #[error("entry {number} of the log was made with the key {key}, which is not known")]
    UnknownKey {
        /// Of which link; of the end of the log, its last one.
        number: u64,
        /// Which key.
        key: KeyId,
    },
    /// The end of the log has another seal than it was given.
    #[error("the end of the log, entry {0}, was changed")]
    Seal(u64),
    /// The end of the log has no seal: an older version of the program wrote it, or another program
    /// did.
    #[error("the end of the log, entry {0}, has no seal")]
    Unsealed(u64),
}

/// An event that has no JSON form.
#[derive(Debug, thiserror::Error)]
#[error("an event cannot be written")]
pub struct Unwritable(#[from] serde_json::Error);

/// Who writes a log.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The log.
    pub chain: ChainId,
    /// The key.
    pub key: LogKey,
}

impl Signer {
    /// Appends events to the log that ends with `head`.
    ///
    /// # Errors
    ///
    /// If an event cannot be written, which none of ours is.
    pub fn append<E: Serialize>(&self, head: Head, events: &[E]) -> Result<(Vec<Link>, Head), Unwritable> {
        let mut end = head;
        let mut links = Vec::with_capacity(events.len());
        for event in events {
            let body = serde_json::to_string(event)?;
            end = Head { number: end.number + 1, hash: keyed(&self.chain, &self.key, &end, &body) };
            links.push(Link { number: end.number, body, hash: end.hash, key: Some(self.key.id()) });
        }
        Ok((links, end))
    }

    /// The seal of a log's end.
    pub fn seal(&self, head: Head) -> Seal {
        Seal { key: self.key.id(), tag: seal_tag(&self.chain, &self.key, head) }
    }
}

/// The keys with which logs were written.
pub trait LogKeys {
    /// The key with this id, if it is known.
    fn log_key(&self, id: KeyId) -> Option<LogKey>;
}

/// Checks that `links` of a log lead from `start` to `end`. A part of the log is checked with the
/// heads at its borders.
///
/// # Errors
///
/// The first link that cannot be believed.
pub fn verify<'l>(
    chain: &ChainId,
    keys: &impl LogKeys,
    start: Head,
    links: impl IntoIterator<Item = &'l Link>,
    end: Head,
) -> Result<(), Broken> {
    let mut at = start;
    // Neighbours have the same key.
    let mut last: Option<LogKey> = None;
    for link in links {
        if link.number != at.number + 1 {
            return Err(Broken::Gap { expected: at.number + 1, found: link.number });
        }
        let hash = match link.key {
            None => plain(&at, &link.body),
            Some(id) => {
                if last.as_ref().is_none_or(|key| key.id() != id) {
                    last = keys.log_key(id);
                }
                let key = last.as_ref().ok_or(Broken::UnknownKey { number: link.number, key: id })?;
                keyed(chain, key, &at, &link.body)
            }
        };
        if link.hash != hash {
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

/// Checks that the end of a log is one that the program wrote.
///
/// # Errors
///
/// When it has no seal, or another one. A log without entries needs none.
pub fn verify_seal(chain: &ChainId, keys: &impl LogKeys, head: Head, seal: Option<&Seal>) -> Result<(), Broken> {
    if head == Head::default() {
        return Ok(());
    }
    let seal = seal.ok_or(Broken::Unsealed(head.number))?;
    let key = keys.log_key(seal.key).ok_or(Broken::UnknownKey { number: head.number, key: seal.key })?;
    if seal.tag == seal_tag(chain, &key, head) { Ok(()) } else { Err(Broken::Seal(head.number)) }
}

/// The hash of a link that comes after `previous`.
fn keyed(chain: &ChainId, key: &LogKey, previous: &Head, body: &str) -> Hash {
    let number = (previous.number + 1).to_le_bytes();
    key.tag(&[b"penstock log 2\0", &chain.bytes(), &number, &previous.hash, body.as_bytes()])
}

/// The same in version 1.
fn plain(previous: &Head, body: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"penstock log 1\0");
    hash.update((previous.number + 1).to_le_bytes());
    hash.update(previous.hash);
    hash.update(body.as_bytes());
    hash.finalize().into()
}

fn seal_tag(chain: &ChainId, key: &LogKey, head: Head) -> Hash {
    key.tag(&[b"penstock log head 1\0", &chain.bytes(), &head.number.to_le_bytes(), &head.hash])
}
