//! Tokens that Bitbucket makes with an installation's secret: frames, webhooks, callbacks.
//!
//! Owns their check: HS256, `iss` and `aud` both the installation, times, and the hash of the request.

use jsonwebtoken::{Algorithm, DecodingKey};
use penstock_common::Secret;
use serde::Deserialize;

use super::claims::Audience;
use super::{Refusal, Verified, signed_claims};
use crate::base_url::BaseUrl;
use crate::door::connect::{ClientKey, Request};

/// The installation that a token claims to be of, with nothing verified: good for finding the secret to check it with, and for nothing else.
///
/// # Errors
/// When the token cannot be read.
pub fn claimed_installation(token: &Secret) -> Result<ClientKey, Refusal> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: Option<ClientKey>,
    }
    let claims: Issuer =
        jsonwebtoken::dangerous::insecure_decode_claims(token.expose()).map_err(|_| Refusal::Malformed)?;
    claims.iss.ok_or(Refusal::Claim("iss"))
}

/// Checks a token with the `secret` of `installation`, for one request, at `now` (unix milliseconds).
///
/// # Errors
/// The first reason why it does not hold.
pub fn verify(
    token: &Secret,
    installation: &ClientKey,
    secret: &Secret,
    request: &Request<'_>,
    base: &BaseUrl,
    now: i64,
) -> Result<Verified, Refusal> {
    if secret.expose().is_empty() {
        // Everybody can sign with it.
        return Err(Refusal::Signature);
    }
    let header = jsonwebtoken::decode_header(token.expose()).map_err(|_| Refusal::Malformed)?;
    if header.kid.is_some() || header.crit.is_some() {
        return Err(Refusal::Algorithm);
    }
    let claims = signed_claims(token, Algorithm::HS256, &DecodingKey::from_secret(secret.expose().as_bytes()))?;
    claims.check_issuer(installation)?;
    match &claims.aud {
        None => return Err(Refusal::Claim("aud")),
        Some(Audience::One(audience)) if audience == installation.as_str() => {}
        Some(_) => return Err(Refusal::Audience),
    }
    let issued_at = claims.check_times(now)?;
    claims.check_request(request, base)?;
    Ok(Verified { installation: installation.clone(), issued_at })
}
