//! Secrets at rest.
//!
//! Owns sealing: AES-256-GCM (NIST SP 800-38D) under a random nonce, bound to the row and column of
//! the sealed value, so that it cannot be moved to another one; and the keys that logs are written
//! with. Each tenant has a data key; data keys are sealed with the master key, which is never in
//! the database. It stores nothing but the keys that it was given.

mod data_key;
mod log_key;
mod master;
mod seal;

pub use data_key::DataKey;
pub use log_key::LogKey;
pub use master::{KeyId, MasterKeys};
pub use seal::Place;

use std::path::PathBuf;

/// Why a secret cannot be sealed or opened. Nothing of it is in here.
#[derive(Debug, thiserror::Error)]
pub enum CryptoError {
    /// The system has none.
    #[error("the system gives no random bytes")]
    NoRandomness,
    /// It was changed, moved, or sealed with another key.
    #[error("a sealed secret in the database cannot be opened: it was changed, or sealed with another key")]
    NotOurs,
    /// The key that it was sealed with is not in the key file.
    #[error("a secret in the database is sealed with the master key {0}, which is not in the key file")]
    UnknownKey(KeyId),
    /// The key file cannot be read or written.
    #[error("the key file `{path}` cannot be used: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The key file holds something else.
    #[error(
        "line {line} of the key file `{path}` is no key: a key is 64 hex digits, one in each line, the newest first"
    )]
    NotAKey {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// Others may read the key file.
    #[error("the key file `{path}` can be read by others: run `chmod 600 {path}`")]
    Open {
        /// Which.
        path: PathBuf,
    },
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| CryptoError::NoRandomness)?;
    Ok(bytes)
}
