//! Asking Bitbucket whose a secret is.
//!
//! Owns the question and the possible answers. The question goes to the fixed host of the
//! configuration, never to one that a callback names: a token made with the secret is exchanged for
//! an access token. That proves the secret. Where only the callback names its workspace, Bitbucket
//! has to confirm that, too.

use penstock_common::{Secret, Uuid};

use crate::door::connect::ClientKey;

/// The account that an installation acts for, as Bitbucket names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The workspace: the tenant.
    pub uuid: Uuid,
    /// Its name in addresses. Bitbucket gives none for personal accounts.
    pub slug: Option<String>,
}

/// What is known of the workspace of an installation before its secret is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// From the installation's name, or from an earlier proof: if Bitbucket accepts the secret for
    /// this installation, there is nothing more to ask.
    Known(Uuid),
    /// From the body of a callback, which anyone may have written: the secret has to give access to
    /// something that Bitbucket shows to admins of the workspace only.
    Claimed(Uuid),
    /// Not known.
    Nothing,
}

/// Why Bitbucket named no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFailure {
    /// It does not know the secret, or not yet.
    #[error("Bitbucket does not accept the installation's secret")]
    Rejected,
    /// It accepts the secret, and does not confirm the workspace.
    #[error(
        "Bitbucket accepts the installation's secret, but refuses to confirm its workspace: the app needs the scopes `repository` and `account`"
    )]
    Unconfirmed,
    /// It could not be asked.
    #[error("Bitbucket could not be asked for the installation")]
    Unavailable,
}

impl ProofFailure {
    const ALL: [Self; 3] = [Self::Rejected, Self::Unconfirmed, Self::Unavailable];

    /// Its name in the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Unconfirmed => "unconfirmed",
            Self::Unavailable => "unavailable",
        }
    }

    /// The failure of this name.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.code() == code)
    }
}

/// Bitbucket, asked with a secret.
pub trait Prover {
    /// The account that the secret of this installation acts for.
    fn principal(
        &self,
        installation: &ClientKey,
        secret: &Secret,
        expected: Expected,
    ) -> impl Future<Output = Result<Principal, ProofFailure>> + Send;
}
