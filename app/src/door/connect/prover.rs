//! Whose is a secret? Asked over HTTP.
//!
//! Owns the two calls of a proof: the exchange for a token, and `GET /2.0/user` with it. The token is forgotten afterwards.

use std::sync::Arc;
use std::time::Duration;

use penstock_common::Secret;
use penstock_common::bitbucket::client::{Auth, Client, Error};

use super::lifecycle::{Principal, ProofFailure, Prover};
use super::{ClientKey, Exchange};

/// How long the second call may take. Bitbucket waits for the answer to a callback while somebody looks at his browser.
const TIME: Duration = Duration::from_secs(8);

/// Bitbucket, asked at its fixed hosts.
pub struct HttpProver {
    exchange: Arc<Exchange>,
    api: Client,
}

impl HttpProver {
    /// `api` is a client of the REST API, without credentials: [`crate::bitbucket::Reach::api`].
    pub fn new(exchange: Arc<Exchange>, api: Client) -> Self {
        Self { exchange, api }
    }
}

impl Prover for HttpProver {
    async fn principal(&self, installation: &ClientKey, secret: &Secret) -> Result<Principal, ProofFailure> {
        let granted = self.exchange.token(installation, secret).await.map_err(|error| failure(&error))?;
        let api = self.api.for_another(Auth::AccessToken(granted.token), None);
        let api = api.map_err(|_| ProofFailure::Unavailable)?.within(TIME);
        let account = api.user().await.map_err(|error| failure(&error))?;
        let uuid = account.uuid.as_deref().and_then(|uuid| uuid.parse().ok()).ok_or(ProofFailure::Unavailable)?;
        Ok(Principal { uuid, slug: account.username })
    }
}

/// Only a clear no is one. What asks for patience, or comes from a proxy of ours, says nothing about the secret.
fn failure(error: &Error) -> ProofFailure {
    match error.status() {
        Some(407 | 408 | 429) => ProofFailure::Unavailable,
        Some(400..500) => ProofFailure::Rejected,
        _ => ProofFailure::Unavailable,
    }
}
