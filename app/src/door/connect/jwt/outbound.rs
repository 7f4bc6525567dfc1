//! Tokens that the app makes for Bitbucket.
//!
//! Owns their claims: `iss` is the app's key and `sub` the installation's. Without `sub`, Bitbucket answers with empty lists instead of an
//! error. They live for three minutes and are good for one request.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use penstock_common::Secret;
use serde::Serialize;

use crate::door::connect::ClientKey;
use crate::door::connect::app::AppKey;
use crate::door::connect::qsh::{self, Order};

/// How long a token lives.
const LIFE_SECONDS: i64 = 180;

/// One installation's way to sign.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// Who signs.
    pub app: &'a AppKey,
    /// For which installation.
    pub installation: &'a ClientKey,
    /// With what.
    pub secret: &'a Secret,
}

/// The token could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request to Bitbucket could not be signed")]
pub struct NotSigned;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    iat: i64,
    exp: i64,
    qsh: String,
}

impl Signer<'_> {
    /// The value of `Authorization` for one request: raw path and query (without `?`) as they are sent, at `now` (unix milliseconds).
    ///
    /// # Errors
    /// When there is no secret to sign with.
    pub fn authorization(&self, method: &str, path: &str, query: &str, now: i64) -> Result<Secret, NotSigned> {
        if self.secret.expose().is_empty() {
            return Err(NotSigned);
        }
        let iat = now.div_euclid(1000);
        let claims = Claims {
            iss: self.app.as_str(),
            sub: self.installation.as_str(),
            iat,
            exp: iat + LIFE_SECONDS,
            qsh: qsh::hash(method, path, query, Order::Encoded),
        };
        let key = EncodingKey::from_secret(self.secret.expose().as_bytes());
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(|_| NotSigned)?;
        Ok(Secret::new(format!("JWT {token}")))
    }
}
