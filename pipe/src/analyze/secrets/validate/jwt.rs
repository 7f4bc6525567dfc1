//! JSON Web Tokens: do header and claims parse, and is the token over?
//!
//! Owns reading `alg` and `exp` (RFC 7519). The signature cannot be checked without the key and is not.

use penstock_common::Validity;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::analyze::secrets::detect::base64;

#[derive(Deserialize)]
struct Header {
    #[expect(dead_code, reason = "a header without an algorithm is none")]
    alg: IgnoredAny,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    exp: Option<f64>,
}

pub(super) fn check(token: &[u8], now: i64) -> Option<Validity> {
    let mut parts = token.split(|&byte| byte == b'.');
    let header = base64(parts.next()?)?;
    serde_json::from_slice::<Header>(&header).ok()?;
    let claims: Claims = serde_json::from_slice(&base64(parts.next()?)?).ok()?;
    Some(match claims.exp {
        Some(expiry) if expiry < now as f64 => Validity::Expired,
        _ => Validity::ValidForm,
    })
}
