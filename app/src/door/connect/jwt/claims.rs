//! What a token says, and whether that holds now and here.
//!
//! Owns the checks that all inbound tokens share: times and the hash of the request. It sees claims only after the signature held.

use serde::Deserialize;

use super::{AGE_MAX_SECONDS, LEEWAY_SECONDS, Refusal};
use crate::base_url::BaseUrl;
use crate::door::connect::{ClientKey, Request};

/// Beyond this (the year 5138), a time is not in seconds.
const SECONDS_MAX: i64 = 100_000_000_000;

/// The claims that count. Others are not read: Bitbucket names no user in a token.
#[derive(Deserialize)]
pub(super) struct Claims {
    iss: Option<String>,
    pub(super) aud: Option<Audience>,
    iat: Option<i64>,
    exp: Option<i64>,
    nbf: Option<i64>,
    qsh: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Claims {
    /// Whether it speaks for `installation`.
    pub(super) fn check_issuer(&self, installation: &ClientKey) -> Result<(), Refusal> {
        let issuer = self.iss.as_deref().ok_or(Refusal::Claim("iss"))?;
        if issuer == installation.as_str() { Ok(()) } else { Err(Refusal::Installation) }
    }

    /// When it was made, in unix milliseconds, if it may be used at `now` (unix milliseconds).
    pub(super) fn check_times(&self, now: i64) -> Result<i64, Refusal> {
        let seconds =
            |claim: Option<i64>, name| claim.filter(|at| (0..SECONDS_MAX).contains(at)).ok_or(Refusal::Claim(name));
        let now = now.div_euclid(1000);
        let issued = seconds(self.iat, "iat")?;
        let expires = seconds(self.exp, "exp")?;
        let begins = self.nbf.map_or(Ok(issued), |nbf| seconds(Some(nbf), "nbf"))?.max(issued);
        if expires <= issued {
            return Err(Refusal::Claim("exp"));
        }
        if begins > now + LEEWAY_SECONDS {
            return Err(Refusal::Early { seconds: begins - now });
        }
        let ends = expires.min(issued + AGE_MAX_SECONDS);
        if now > ends + LEEWAY_SECONDS {
            return Err(Refusal::Expired { seconds: now - ends });
        }
        Ok(issued * 1000)
    }

    /// Whether it was made for `request`. A fixed text in place of the hash, as other products allow, is no hash.
    pub(super) fn check_request(&self, request: &Request<'_>, base: &BaseUrl) -> Result<(), Refusal> {
        let qsh = self.qsh.as_deref().ok_or(Refusal::Claim("qsh"))?;
        if request.is_hashed_as(qsh, base) { Ok(()) } else { Err(Refusal::OtherRequest) }
    }
}
