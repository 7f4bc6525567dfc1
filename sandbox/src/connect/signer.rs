//! Tokens of Connect: HS256, and the hash that ties a token to one request.
//!
//! Written from Atlassian's documentation alone (<https://developer.atlassian.com/cloud/bitbucket/query-string-hash/>, RFC 7515), with no
//! library for tokens and no look at how the app does it: so that the two can disagree. Knows nothing of who may sign what.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::random::hex;

/// What is hashed of a request, by the documented rules: a method, a raw path below the base URL, and a raw query without `?`.
pub fn canonical(method: &str, path: &str, query: &str) -> String {
    let path = match path {
        "" | "/" => "/".to_owned(),
        path => format!("/{}", path.strip_prefix('/').unwrap_or(path)),
    };
    let path = if path == "/" { path.as_str() } else { path.strip_suffix('/').unwrap_or(&path) };
    let mut pairs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), decoded(value));
        if name != b"jwt" {
            pairs.entry(encoded(&name)).or_default().push(encoded(&value));
        }
    }
    let joined = pairs.into_iter().map(|(name, mut values)| {
        values.sort();
        format!("{name}={}", values.join(","))
    });
    let query = joined.collect::<Vec<_>>().join("&");
    format!("{}&{}&{query}", method.to_uppercase(), path.replace('&', "%26"))
}

/// The `qsh` of a request.
pub(crate) fn hash(method: &str, path: &str, query: &str) -> String {
    hex(&Sha256::digest(canonical(method, path, query)))
}

fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |place: usize| bytes.get(place).and_then(|byte| char::from(*byte).to_digit(16));
    let mut plain = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        match (bytes[place], digit(place + 1), digit(place + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.extend(u8::try_from(high * 16 + low));
                place += 3;
            }
            (byte, ..) => {
                plain.push(if byte == b'+' { b' ' } else { byte });
                place += 1;
            }
        }
    }
    plain
}

/// Everything but `A-Za-z0-9-._~` as `%` and two capital digits.
pub(crate) fn encoded(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, &byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push_str(&hex(&[byte]).to_uppercase());
        }
        text
    })
}

fn mac(secret: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key may have any length");
    mac.update(message);
    mac
}

/// HMAC-SHA256, as `X-Hub-Signature` and tokens hold it.
pub(crate) fn signature(secret: &str, message: &[u8]) -> Vec<u8> {
    mac(secret.as_bytes(), message).finalize().into_bytes().to_vec()
}

/// A token with these claims.
pub(crate) fn sign(claims: &Value, secret: &str) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature(secret, message.as_bytes()));
    format!("{message}.{signature}")
}

/// A token that nobody vouches for yet.
#[derive(Debug)]
pub(crate) struct Unverified<'a> {
    /// What it claims.
    pub(crate) claims: Map<String, Value>,
    /// How it says that it is signed.
    pub(crate) algorithm: String,
    message: &'a str,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart. `None` if it is none.
    pub(crate) fn read(token: &'a str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let open = |part: &str| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice::<Map<String, Value>>(&bytes).ok()
        };
        let algorithm = open(header)?.get("alg")?.as_str()?.to_owned();
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { claims: open(claims)?, algorithm, message, signature })
    }

    /// Did this secret sign it, with HS256?
    pub(crate) fn is_signed_by(&self, secret: &str) -> bool {
        self.algorithm == "HS256"
            && mac(secret.as_bytes(), self.message.as_bytes()).verify_slice(&self.signature).is_ok()
    }

    /// A claim that is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// A claim that is a whole number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.claims.get(name)?.as_i64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From Atlassian's documentation, and from its reference implementation (npm `atlassian-jwt` 2.0.3).
    #[test]
    fn hashes_as_atlassian_does() {
        for (method, path, query, canon, hashed) in [
            (
                "get",
                "/path/to/service",
                "zee_last=param&repeated=parameter 1&first=param&repeated=parameter 2",
                "GET&/path/to/service&first=param&repeated=parameter%201,parameter%202&zee_last=param",
                "e52bb281606c3bd9ca16cfe96fe2df78f5d9ffa126f06befd750dfa10fa1a897",
            ),
            ("GET", "", "", "GET&/&", "c88caad15a1c1a900b8ac08aa9686f4e8184539bea1deda36e2f649430df3239"),
            (
                "GET",
                "p/",
                "a=2&a=1&a=10&jwt=x",
                "GET&/p&a=1,10,2",
                "9725faf4cba19fa4be23573c7b107a214637e17243e82b5d938c90ad7053d961",
            ),
            (
                "GET",
                "/p",
                "q=a+b&r=a%20b",
                "GET&/p&q=a%20b&r=a%20b",
                "bee60060a58f02df38d5a126e99a5278f1e42d8567df4bfafecf3bfa05c102e4",
            ),
            (
                "GET",
                "/p",
                "x=!'()*~-._",
                "GET&/p&x=%21%27%28%29%2A~-._",
                "309a306de9d4a4db93a12ee68a46949d6df0948da63bac4a017b081ccf9878e7",
            ),
            ("GET", "/p", "e=&f", "GET&/p&e=&f=", "5e6e42e791c0b3d8d72e3a513f19aea0418cf9f45018ccd28cf2641527621b9e"),
        ] {
            assert_eq!(canonical(method, path, query), canon);
            assert_eq!(hash(method, path, query), hashed);
        }
        assert_eq!(canonical("POST", "//a&b//c/", "x=%2c&X=1&%6Awt=2&z=%zz"), "POST&//a%26b//c&X=1&x=%2C&z=%25zz");
    }

    /// RFC 4231, test case 2.
    #[test]
    fn signs_as_the_rfc_does() {
        let signed = hex(&signature("Jefe", b"what do ya want for nothing?"));
        assert_eq!(signed, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_token_is_its_signer_s() {
        let (ours, theirs) = (crate::random::token(""), crate::random::token(""));
        let token = sign(&json!({"iss": "a", "exp": 7}), &ours);
        let read = Unverified::read(&token).unwrap();
        assert_eq!((read.text("iss"), read.number("exp"), read.text("exp")), (Some("a"), Some(7), None));
        assert!(read.is_signed_by(&ours) && !read.is_signed_by(&theirs));
        // Another library reads it, too.
        let key = jsonwebtoken::DecodingKey::from_secret(ours.as_bytes());
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
        validation.validate_exp = false;
        assert!(jsonwebtoken::decode::<Map<String, Value>>(&token, &key, &validation).is_ok());
        let none = json!({"alg": "none"}).to_string();
        let token = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(none), token.split_once('.').unwrap().1);
        assert!(!Unverified::read(&token).unwrap().is_signed_by(&ours));
        assert!(Unverified::read("a.b").is_none() && Unverified::read("a.b.c").is_none());
    }
}
