//! Asking Bitbucket whose a secret is.
//!
//! Owns the question and the answers that count. Who asks goes to the fixed host of the configuration, never to one that a callback names:
//! a token made with the secret is exchanged for an access token, and with that the account is read that it acts for.

use penstock_common::{Secret, Uuid};

use crate::door::connect::ClientKey;

/// The account that an installation acts for, as Bitbucket names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The workspace: the tenant.
    pub uuid: Uuid,
    /// Its name in addresses. Personal accounts are told without one.
    pub slug: Option<String>,
}

/// Why Bitbucket named no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFailure {
    /// It does not know the secret, or not yet.
    #[error("Bitbucket does not accept the installation's secret")]
    Rejected,
    /// It could not be asked.
    #[error("Bitbucket could not be asked for the installation")]
    Unavailable,
}

/// Bitbucket, asked with a secret.
pub trait Prover {
    /// The account that the secret of this installation acts for.
    fn principal(
        &self,
        installation: &ClientKey,
        secret: &Secret,
    ) -> impl Future<Output = Result<Principal, ProofFailure>> + Send;
}
