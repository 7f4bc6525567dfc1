//! Callbacks that Atlassian signs with a key of its own instead of an installation's secret.
//!
//! Owns their check: RS256, a key of Atlassian's fixed host, `aud` our own address, `iss` the installation. Bitbucket is not known to do
//! this; Jira and Confluence do.

use jsonwebtoken::{Algorithm, DecodingKey};
use penstock_common::Secret;

use super::claims::Audience;
use super::{Refusal, Verified, signed_claims};
use crate::base_url::BaseUrl;
use crate::door::connect::{ClientKey, Request};

/// Most characters of a key's name. Those of Atlassian are UUIDs.
const KEY_ID_MAX: usize = 64;
/// Most bytes of a key in PEM form.
pub const KEY_MAX: usize = 16 * 1024;

/// The name of a key: letters, digits, `-` and `_`, so that it is one harmless segment of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The key that a token names; `None` if it names none, and so must be signed with a secret.
    ///
    /// # Errors
    /// When the token cannot be read, or the name is none that Atlassian would give.
    pub fn of(token: &Secret) -> Result<Option<Self>, Refusal> {
        let header = jsonwebtoken::decode_header(token.expose()).map_err(|_| Refusal::Malformed)?;
        let Some(id) = header.kid else { return Ok(None) };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=KEY_ID_MAX).contains(&id.len()) || !id.bytes().all(plain) {
            return Err(Refusal::UnknownKey);
        }
        Ok(Some(Self(id)))
    }

    /// As it stands in the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A public key of Atlassian's.
#[derive(Clone)]
pub struct InstallKey(DecodingKey);

impl InstallKey {
    /// Reads a key in PEM form, at most 16 KiB; `None` if it is none.
    pub fn from_pem(pem: &[u8]) -> Option<Self> {
        (pem.len() <= KEY_MAX).then(|| DecodingKey::from_rsa_pem(pem).ok()).flatten().map(Self)
    }
}

/// Atlassian's host of keys, which is fixed and never taken from a token.
pub trait InstallKeys {
    /// The key of that name; `None` if there is none.
    fn key(&self, id: &KeyId) -> impl Future<Output = Result<Option<InstallKey>, KeysUnavailable>> + Send;
}

/// The host of keys did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host of Atlassian's installation keys does not answer: try again later")]
pub struct KeysUnavailable;

/// Checks a token with the key that it names, for one callback of `installation`, at `now` (unix milliseconds).
///
/// # Errors
/// The first reason why it does not hold.
pub fn verify(
    token: &Secret,
    installation: &ClientKey,
    key: &InstallKey,
    request: &Request<'_>,
    base: &BaseUrl,
    now: i64,
) -> Result<Verified, Refusal> {
    let claims = signed_claims(token, Algorithm::RS256, &key.0)?;
    claims.check_issuer(installation)?;
    let ours = match &claims.aud {
        None => return Err(Refusal::Claim("aud")),
        Some(Audience::One(audience)) => audience == base.as_str(),
        Some(Audience::Several(audiences)) => audiences.iter().any(|audience| audience == base.as_str()),
    };
    if !ours {
        return Err(Refusal::Audience);
    }
    let issued_at = claims.check_times(now)?;
    claims.check_request(request, base)?;
    Ok(Verified { installation: installation.clone(), issued_at })
}
