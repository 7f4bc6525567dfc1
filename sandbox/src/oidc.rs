//! The identity provider of Pipelines: its keys, and the tokens of steps.
//!
//! Keys are made when first needed, once per process and never written anywhere: making one takes a moment.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::random::hex;
use crate::state::Urls;

/// Seconds that a token is valid.
const LIFETIME: i64 = 3600;

/// A key pair.
struct Key {
    id: String,
    modulus: String,
    exponent: String,
    signing: EncodingKey,
}

impl Key {
    fn new() -> Self {
        let private = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("2048 bits are enough for a key");
        let der = private.to_pkcs1_der().expect("a key that was just made can be written");
        let encode = |number: &BigUint| BASE64_URL_SAFE_NO_PAD.encode(number.to_bytes_be());
        let modulus = encode(private.n());
        let id = hex(&Sha256::digest(modulus.as_bytes())[..8]);
        Self { id, modulus, exponent: encode(private.e()), signing: EncodingKey::from_rsa_der(der.as_bytes()) }
    }

    fn json(&self) -> Value {
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "n": self.modulus, "e": self.exponent})
    }
}

/// The key of this generation; all sandboxes of a process share them.
fn key(generation: usize) -> Arc<Key> {
    static KEYS: Mutex<Vec<Arc<Key>>> = Mutex::new(Vec::new());
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    while keys.len() <= generation {
        keys.push(Arc::new(Key::new()));
    }
    Arc::clone(&keys[generation])
}

/// Which keys are in use: the newest signs, all that were not withdrawn are published.
#[derive(Debug, Default)]
pub(crate) struct Issuer(Mutex<Generations>);

#[derive(Clone, Copy, Debug, Default)]
struct Generations {
    oldest: usize,
    newest: usize,
}

impl Issuer {
    fn generations(&self) -> Generations {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on another key signs. The former one stays published, unless it is withdrawn.
    pub(crate) fn rotate(&self, withdraw: bool) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.newest += 1;
        if withdraw {
            generations.oldest = generations.newest;
        }
    }

    /// As `keys.json` shows them.
    pub(crate) fn keys(&self) -> Value {
        let Generations { oldest, newest } = self.generations();
        let keys: Vec<Value> = (oldest..=newest).map(|generation| key(generation).json()).collect();
        json!({"keys": keys})
    }

    /// A token with these claims, and with the time it is valid.
    pub(crate) fn sign(&self, mut claims: Map<String, Value>, now: i64) -> String {
        claims.insert("iat".to_owned(), now.into());
        claims.insert("exp".to_owned(), (now + LIFETIME).into());
        let key = key(self.generations().newest);
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, &claims, &key.signing).expect("claims are JSON and the key fits")
    }

    /// The claims of a token that one of the published keys signed for this audience, and that is valid.
    pub(crate) fn verify(&self, token: &str, audience: &str) -> Option<Map<String, Value>> {
        let id = jsonwebtoken::decode_header(token).ok()?.kid?;
        let Generations { oldest, newest } = self.generations();
        let key = (oldest..=newest).map(key).find(|key| key.id == id)?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[audience]);
        let key = DecodingKey::from_rsa_components(&key.modulus, &key.exponent).ok()?;
        Some(jsonwebtoken::decode(token, &key, &validation).ok()?.claims)
    }
}

/// The issuer of a workspace, by its slug.
pub(crate) fn issuer(urls: &Urls, workspace: &str) -> String {
    format!("{}/workspaces/{workspace}/pipelines-config/identity/oidc", urls.api)
}

/// The audience of a workspace's tokens, if a step names no other.
pub(crate) fn default_audience(workspace_uuid: &str) -> String {
    format!("ari:cloud:bitbucket::workspace/{}", workspace_uuid.trim_matches(['{', '}']))
}
