//! Connect's signed tokens.
//!
//! Owns what makes a token valid and how one is made. `inbound` checks what Bitbucket sends with an installation's secret, `install` what
//! Atlassian signs with its own key, `outbound` makes the app's. Which algorithm counts is fixed by the caller's choice of function and never by the
//! token. Signatures are compared in constant time by the library; the checks of claims are ours, because the library's ask the system's clock.

mod claims;
pub mod inbound;
pub mod install;
pub mod outbound;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use penstock_common::Secret;

use self::claims::Claims;
use super::ClientKey;

/// How far the clocks of Bitbucket and of this server may differ.
pub const LEEWAY_SECONDS: i64 = 30;
/// For how long after its making a token is accepted, whatever it says of itself. Bitbucket's live exactly so long.
pub const AGE_MAX_SECONDS: i64 = 3600;

/// A token that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The installation that it speaks for. Nothing else in a request may name it.
    pub installation: ClientKey,
    /// When it was made, by the clock of its maker; unix milliseconds.
    pub issued_at: i64,
}

/// Why a token does not hold. Nothing of the token is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// None came.
    #[error("the request carries no token: open this page inside Bitbucket")]
    Missing,
    /// Several came.
    #[error("the request carries two different tokens")]
    Ambiguous,
    /// Longer than any that Bitbucket makes.
    #[error("the token is too long")]
    TooLong,
    /// No token at all.
    #[error("the token cannot be read")]
    Malformed,
    /// Another algorithm than this request's, or none.
    #[error("the token is not signed in the way this request must be")]
    Algorithm,
    /// Made with another secret, or changed.
    #[error("the token's signature does not hold: it was made with another secret than this installation's")]
    Signature,
    /// The key that it names is not one of Atlassian's.
    #[error("the token names a key that Atlassian does not have")]
    UnknownKey,
    /// A claim that is missing or makes no sense.
    #[error("the token's claim `{0}` is missing or makes no sense")]
    Claim(&'static str),
    /// It speaks for another installation.
    #[error("the token is not this installation's")]
    Installation,
    /// It is meant for somebody else.
    #[error("the token is meant for another receiver")]
    Audience,
    /// Made in the future.
    #[error("the token is {seconds} s ahead of this server's clock: the clock must be set right")]
    Early {
        /// How far.
        seconds: i64,
    },
    /// Too old.
    #[error(
        "the token expired {seconds} s ago by this server's clock: reload the page, or set the clock right if it is wrong"
    )]
    Expired {
        /// How long ago.
        seconds: i64,
    },
    /// Made for another method, path or query.
    #[error("the token was made for another request: a proxy in front must hand on path and query unchanged")]
    OtherRequest,
}

/// Checks the signature, by one algorithm, and reads the claims, of which nothing is checked yet.
fn signed_claims(token: &Secret, algorithm: Algorithm, key: &DecodingKey) -> Result<Claims, Refusal> {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    use jsonwebtoken::errors::ErrorKind;
    jsonwebtoken::decode(token.expose(), key, &validation).map(|data| data.claims).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => Refusal::Algorithm,
        _ => Refusal::Malformed,
    })
}

#[cfg(test)]
mod tests;
