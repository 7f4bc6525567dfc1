//! Whose is a secret? Asked over HTTP.
//!
//! Owns the calls of a proof. The exchange for a token proves that the secret is the
//! installation's. If it is not known yet which workspace that is, the token has to open what only
//! admins of the claimed workspace may see: `GET
//! /2.0/workspaces/{workspace}/permissions/repositories`, 403 for everyone else. The workspace
//! itself would prove nothing, because a public one is open to all. `GET /2.0/user` names the
//! account, but Bitbucket refuses access tokens there and may refuse apps: it comes last, and a
//! refusal only means that nothing was confirmed. The token is discarded afterwards.

use std::sync::Arc;
use std::time::Duration;

use penstock_common::bitbucket::client::{Auth, Client, Error};
use penstock_common::{Secret, Uuid};

use super::lifecycle::{Expected, Principal, ProofFailure, Prover};
use super::{ClientKey, Exchange};

/// How long the calls after the exchange may take. Bitbucket waits for the answer to a callback
/// while a user waits in the browser.
const TIME: Duration = Duration::from_secs(6);
/// How long to wait for the name of a workspace. If it does not come, a repository provides it
/// later.
const NAME_TIME: Duration = Duration::from_secs(2);

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
    async fn principal(
        &self,
        installation: &ClientKey,
        secret: &Secret,
        expected: Expected,
    ) -> Result<Principal, ProofFailure> {
        let granted = self.exchange.token(installation, secret).await;
        let granted = granted.map_err(|error| match is_clear_no(&error) {
            true => ProofFailure::Rejected,
            false => ProofFailure::Unavailable,
        })?;
        let api = self.api.for_another(Auth::AccessToken(granted.token), None);
        let api = api.map_err(|_| ProofFailure::Unavailable)?.within(TIME);
        let mut failure = ProofFailure::Unconfirmed;
        match expected {
            Expected::Known(workspace) => return Ok(named(&api, workspace).await),
            Expected::Claimed(workspace) => match api.may_list_permissions(&workspace.braced()).await {
                Ok(()) => return Ok(named(&api, workspace).await),
                Err(error) if is_clear_no(&error) => {}
                Err(_) => failure = ProofFailure::Unavailable,
            },
            Expected::Nothing => {}
        }
        match api.user().await {
            Ok(account) => {
                let uuid = account.uuid.as_deref().and_then(|uuid| uuid.parse().ok());
                Ok(Principal { uuid: uuid.ok_or(ProofFailure::Unavailable)?, slug: account.username })
            }
            Err(error) if is_clear_no(&error) => Err(failure),
            Err(_) => Err(ProofFailure::Unavailable),
        }
    }
}

/// The workspace with its slug, if Bitbucket returns it soon.
async fn named(api: &Client, uuid: Uuid) -> Principal {
    let told = api.within(NAME_TIME).workspace(&uuid.braced()).await.ok();
    let told = told.filter(|told| told.uuid.as_deref().and_then(|told| told.parse().ok()) == Some(uuid));
    Principal { uuid, slug: told.map(|told| told.slug) }
}

/// A request to wait, or an answer of our own proxy, proves nothing about the secret.
fn is_clear_no(error: &Error) -> bool {
    error.status().is_some_and(|status| (400..500).contains(&status) && !matches!(status, 407 | 408 | 429))
}
