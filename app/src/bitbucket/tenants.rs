//! One client for each tenant.
//!
//! Owns that tokens are never shared between tenants, and that they are forgotten when the installation changes. Who is installed, and how a token
//! is come by, is known to whoever keeps the directory.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use penstock_common::Uuid;
use penstock_common::bitbucket::client::{self, Allowance, Auth, Client, Grant};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::budget::{Budget, Purpose, REQUESTS_MAX, Spending};
use super::memory::Memory;
use super::{Bitbucket, Error};

/// Most tenants whose clients are kept. Those that were asked for longest ago make room.
const TENANTS_MAX: usize = 1000;

/// The directory of installations.
pub trait Credentials: Send + Sync {
    /// What a workspace's installation asks with. It is asked before every job: an answer must be as fresh as the directory is.
    fn credentials(&self, workspace: Uuid) -> impl Future<Output = Result<Credential, NoCredential>> + Send;
}

/// A way to tokens for one installation.
#[derive(Clone)]
pub struct Credential {
    /// Tells one state of the installation from every other.
    pub revision: Revision,
    /// Gets tokens, by a door that is not known here.
    pub grant: Arc<dyn Grant>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a credential")
    }
}

/// A state of an installation: who it is, and with what it signs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Revision([u8; 32]);

impl Revision {
    /// Of everything that makes a token another one. The parts may be secret: only a digest is kept, in memory.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

/// Why there is no credential.
#[derive(Debug, thiserror::Error)]
pub enum NoCredential {
    /// Nothing is installed, or not any more.
    #[error("the app is not installed in this workspace")]
    NotInstalled,
    /// The directory cannot be read.
    #[error("the directory of installations cannot be read: {0}")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
}

/// The clients of all tenants.
pub struct Tenants<C> {
    api: Client,
    credentials: C,
    requests_max: u32,
    refused: Arc<dyn Fn(&'static str) + Send + Sync>,
    known: Mutex<HashMap<Uuid, Known>>,
}

struct Known {
    revision: Option<Revision>,
    bitbucket: Option<Bitbucket>,
    /// Stays when the installation changes: the server counts on.
    budget: Arc<Budget>,
    used: Instant,
}

impl<C: Credentials> Tenants<C> {
    /// `api` is a client without credentials: [`super::Reach::api`].
    pub fn new(api: Client, credentials: C) -> Self {
        Self { api, credentials, requests_max: REQUESTS_MAX, refused: Arc::new(|_| {}), known: Mutex::default() }
    }

    /// Called with the purpose of each request that a budget refuses.
    #[must_use]
    pub fn telling(self, refused: Arc<dyn Fn(&'static str) + Send + Sync>) -> Self {
        Self { refused, ..self }
    }

    /// With another number of requests an hour for each tenant than [`REQUESTS_MAX`].
    #[must_use]
    pub fn allowing(self, requests: u32) -> Self {
        Self { requests_max: requests, ..self }
    }

    /// Bitbucket as this tenant may use it now, for verdicts; callers with another purpose switch
    /// to it ([`Bitbucket::on_behalf_of`]). The directory is read every time; tokens are reused as
    /// long as its answer stays the same.
    ///
    /// # Errors
    /// [`Error::NotInstalled`], [`Error::Directory`].
    pub async fn of(&self, workspace: Uuid) -> Result<Bitbucket, Error> {
        let credential = match self.credentials.credentials(workspace).await {
            Ok(credential) => credential,
            Err(NoCredential::NotInstalled) => {
                self.forget(workspace);
                return Err(Error::NotInstalled);
            }
            Err(NoCredential::Unavailable(error)) => return Err(Error::Directory(error)),
        };
        let mut known = self.known();
        make_room(&mut known, workspace);
        let entry = known.entry(workspace).or_insert_with(|| Known {
            revision: None,
            bitbucket: None,
            budget: Arc::new(Budget::new(self.requests_max)),
            used: Instant::now(),
        });
        entry.used = Instant::now();
        if let Some(bitbucket) = entry.bitbucket.as_ref().filter(|_| entry.revision == Some(credential.revision)) {
            return Ok(bitbucket.clone());
        }
        let budget = Arc::clone(&entry.budget);
        let (purpose, refused) = (Purpose::Verdict, Arc::clone(&self.refused));
        let spending = Spending { budget: Arc::clone(&budget), purpose, refused: Arc::clone(&refused) };
        let allowance: Arc<dyn Allowance> = Arc::new(spending);
        let client = self
            .api
            .for_another(Auth::Granted(credential.grant), Some(allowance))
            .map_err(|error| Error::Directory(Box::new(error)))?;
        let memory = Arc::new(Memory::default());
        let bitbucket = Bitbucket { workspace, client, budget, purpose, refused, memory };
        entry.revision = Some(credential.revision);
        entry.bitbucket = Some(bitbucket.clone());
        Ok(bitbucket)
    }

    /// What this tenant's installation may do, as Bitbucket says when it gives a token; empty if it does not say. A token is got for it and let go.
    ///
    /// # Errors
    /// [`Error::NotInstalled`], [`Error::Directory`], and [`Error::Rejected`] if Bitbucket does not know the installation.
    pub async fn scopes(&self, workspace: Uuid) -> Result<Vec<String>, Error> {
        let credential = self.credentials.credentials(workspace).await.map_err(|error| match error {
            NoCredential::NotInstalled => Error::NotInstalled,
            NoCredential::Unavailable(error) => Error::Directory(error),
        })?;
        let granted = credential.grant.grant().await;
        Ok(granted.map_err(|error| client::Error::NotGranted(Box::new(error)))?.scopes)
    }

    /// Whether the API answers at all, to somebody whom it does not know.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn reaches_api(&self) -> Result<(), Error> {
        match self.api.user().await.map_err(Error::from) {
            Err(error @ Error::Unavailable(_)) => Err(error),
            // Any answer is one.
            _ => Ok(()),
        }
    }

    /// Forgets the tokens of a tenant: its installation has ended or changed.
    pub fn forget(&self, workspace: Uuid) {
        if let Some(known) = self.known().get_mut(&workspace) {
            (known.revision, known.bitbucket) = (None, None);
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Uuid, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(known: &mut HashMap<Uuid, Known>, workspace: Uuid) {
    if known.len() < TENANTS_MAX || known.contains_key(&workspace) {
        return;
    }
    let longest_ago = known.iter().min_by_key(|(_, one)| one.used).map(|(workspace, _)| *workspace);
    longest_ago.and_then(|workspace| known.remove(&workspace));
}

impl<C> fmt::Debug for Tenants<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").finish_non_exhaustive()
    }
}
