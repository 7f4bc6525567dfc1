//! Webhooks that an admin sets up by hand.
//!
//! Owns the proof that one comes from Bitbucket: an HMAC over the body as it was received, with a secret that was shown to the admin once. The id in
//! the address only says which secret counts; it proves nothing, and neither do the headers that Bitbucket adds.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use penstock_common::Secret;
use sha2::Sha256;

use super::token::NoRandomness;
use crate::hex;

/// The header that carries the proof.
pub const SIGNATURE_HEADER: &str = "x-hub-signature";
/// How the value of the header begins.
const ALGORITHM: &str = "sha256=";
/// Bytes of an HMAC.
const MAC: usize = 32;
/// Random bytes of a secret.
const SECRET: usize = 32;

/// Names a hook in its address: 128 random bits, as 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HookId([u8; 16]);

/// A text that is no hook's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no hook")]
pub struct NotAHook;

/// Why a webhook is not believed. Nothing of it is in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not signed.
    #[error("the webhook is not signed: enter the secret that the settings of the app showed")]
    Unsigned,
    /// Signed several times.
    #[error("the webhook carries several signatures")]
    Ambiguous,
    /// By another algorithm, such as SHA-1.
    #[error("the webhook is not signed by HMAC-SHA-256")]
    Algorithm,
    /// Not a signature.
    #[error("the webhook's signature cannot be read")]
    Malformed,
    /// Made with another secret, or for another body.
    #[error(
        "the webhook's signature does not hold: it was made with another secret, or the body was changed on its way"
    )]
    Signature,
}

impl HookId {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(bytes))
    }

    /// As it is stored.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl From<[u8; 16]> for HookId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for HookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl FromStr for HookId {
    type Err = NotAHook;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        hex::decode(text).map(Self).ok_or(NotAHook)
    }
}

/// A new secret for a hook, as it is shown once and kept sealed: 256 random bits, as 64 hex digits.
///
/// # Errors
/// When the system has no randomness.
pub fn new_secret() -> Result<Secret, NoRandomness> {
    let mut bytes = [0; SECRET];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(Secret::new(hex::encode(&bytes)))
}

/// Whether a webhook comes from who has the secret. `signatures` are the values of all headers [`SIGNATURE_HEADER`], `body` is what was received,
/// before anything was done to it. Compares in a time that tells nothing.
///
/// # Errors
/// The first reason why not.
pub fn verify(secret: &Secret, signatures: &[&str], body: &[u8]) -> Result<(), Refusal> {
    let signature = match signatures {
        [] => return Err(Refusal::Unsigned),
        [one] => one.trim(),
        _ => return Err(Refusal::Ambiguous),
    };
    let digits = match signature.strip_prefix(ALGORITHM) {
        Some(digits) => digits,
        None if signature.contains('=') => return Err(Refusal::Algorithm),
        None => return Err(Refusal::Malformed),
    };
    let told: [u8; MAC] = hex::decode(digits).ok_or(Refusal::Malformed)?;
    if secret.expose().is_empty() {
        // Everybody can sign with it.
        return Err(Refusal::Signature);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).map_err(|_| Refusal::Signature)?;
    mac.update(body);
    mac.verify_slice(&told).map_err(|_| Refusal::Signature)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sign(secret: &Secret, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).unwrap();
        mac.update(body);
        format!("{ALGORITHM}{}", hex::encode(&mac.finalize().into_bytes()))
    }

    /// RFC 4231, test case 2.
    #[test]
    fn the_published_example() {
        let secret = Secret::new("Jefe");
        // penstock: allow[generic-key-material] the published vector
        let signature = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(verify(&secret, &[signature], b"what do ya want for nothing?"), Ok(()));
        assert_eq!(verify(&secret, &[&signature.replace("5bdc", "5BDC")], b"what do ya want for nothing?"), Ok(()));
    }

    #[test]
    fn mistake_15_unsigned_weak_and_malformed() {
        let (secret, body) = (new_secret().unwrap(), b"{\"a\": 1}");
        let good = sign(&secret, body);
        assert_eq!(verify(&secret, &[&good], body), Ok(()));
        assert_eq!(verify(&secret, &[], body), Err(Refusal::Unsigned));
        assert_eq!(verify(&secret, &[&good, &good], body), Err(Refusal::Ambiguous));
        assert_eq!(verify(&secret, &[&good.replace("sha256", "sha1")], body), Err(Refusal::Algorithm));
        assert_eq!(verify(&secret, &[&good.replace("sha256", "SHA256")], body), Err(Refusal::Algorithm));
        for bad in ["", "sha256=", "sha256=00", &good[7..], &good[..good.len() - 1], &format!("{good}0"), "sha256=é"] {
            assert_eq!(verify(&secret, &[bad], body), Err(Refusal::Malformed), "{bad}");
        }
        assert_eq!(verify(&secret, &[&good], b"{\"a\":1}"), Err(Refusal::Signature), "the same JSON, other bytes");
        assert_eq!(verify(&new_secret().unwrap(), &[&good], body), Err(Refusal::Signature));
        let empty = Secret::new("");
        assert_eq!(verify(&empty, &[&sign(&empty, body)], body), Err(Refusal::Signature));
    }

    #[test]
    fn ids_are_random_and_read_back() {
        let (one, other) = (HookId::generate().unwrap(), HookId::generate().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.to_string().parse(), Ok(one));
        for bad in ["", "00", &one.to_string()[1..], &format!("{one}0"), &"g".repeat(32)] {
            assert_eq!(bad.parse::<HookId>(), Err(NotAHook), "{bad}");
        }
        assert_ne!(new_secret().unwrap().expose(), new_secret().unwrap().expose());
    }

    proptest! {
        #[test]
        fn a_changed_byte_of_body_or_signature_is_noticed(body: Vec<u8>, at: usize, bit in 0_u8..8) {
            let secret = new_secret().unwrap();
            let signature = sign(&secret, &body);
            prop_assert_eq!(verify(&secret, &[&signature], &body), Ok(()));
            let mut changed = body.clone();
            match changed.len() {
                0 => changed.push(0),
                length => changed[at % length] ^= 1 << bit,
            }
            prop_assert_eq!(verify(&secret, &[&signature], &changed), Err(Refusal::Signature));
            let mut digits = signature.into_bytes();
            let place = ALGORITHM.len() + at % 64;
            digits[place] = if digits[place] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(digits).unwrap();
            prop_assert_eq!(verify(&secret, &[&changed], &body), Err(Refusal::Signature));
        }
    }
}
