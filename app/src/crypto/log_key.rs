//! Keys for logs.
//!
//! Owns how one is made of a master key, and how it authenticates bytes (HMAC-SHA256, RFC 2104).
//! Each master key has one, of the same id, so that entries name the key that made them and a
//! rotation leaves them as they are. It seals nothing.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use penstock_common::Secret;
use sha2::Sha256;

use super::master::KeyId;
use crate::hex;

/// A key for logs.
#[derive(Clone)]
pub struct LogKey {
    id: KeyId,
    /// Ready to begin a tag, so that each costs no more than its own blocks.
    mac: Hmac<Sha256>,
    material: [u8; 32],
}

impl LogKey {
    /// That of a master key: HMAC of a label and the id under the master key, the extract-free form
    /// of HKDF for a key that is uniform.
    pub(super) fn of(id: KeyId, master: &[u8; 32]) -> Self {
        let mut mac = keyed(master);
        mac.update(b"penstock log key 1\0");
        mac.update(&id.0);
        Self::new(id, mac.finalize().into_bytes().into())
    }

    fn new(id: KeyId, material: [u8; 32]) -> Self {
        Self { id, mac: keyed(&material), material }
    }

    /// Its id, which is that of its master key.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Authenticates the concatenated parts. The caller makes sure that their boundaries are
    /// unambiguous.
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }

    /// For sealing it.
    pub(crate) fn to_secret(&self) -> Secret {
        Secret::new(hex::encode(&self.material))
    }

    /// What [`LogKey::to_secret`] gave.
    pub(crate) fn from_secret(id: KeyId, secret: &Secret) -> Option<Self> {
        hex::decode(secret.expose()).map(|material| Self::new(id, material))
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("any length")
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_own_master_s_and_not_shown() {
        let (one, other) = (LogKey::of(KeyId([1; 16]), &[7; 32]), LogKey::of(KeyId([1; 16]), &[8; 32]));
        assert_ne!(one.tag(&[b"x"]), other.tag(&[b"x"]));
        assert_ne!(one.tag(&[b"x"]), LogKey::of(KeyId([2; 16]), &[7; 32]).tag(&[b"x"]), "the id is in it");
        assert_eq!(one.tag(&[b"a", b"b"]), one.tag(&[b"ab"]));
        let again = LogKey::from_secret(one.id(), &one.to_secret()).unwrap();
        assert_eq!(again.tag(&[b"x"]), one.tag(&[b"x"]));
        let debug = format!("{one:?}");
        assert!(!debug.contains(one.to_secret().expose()) && debug.contains("01010101"), "{debug}");
    }

    /// RFC 4231, test case 2, by the key that is derived: the construction is HMAC-SHA256 and
    /// nothing else.
    #[test]
    fn the_derivation_is_hmac() {
        let mut mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        mac.update(&[b"penstock log key 1\0".as_slice(), &[1; 16]].concat());
        let material: [u8; 32] = mac.finalize().into_bytes().into();
        assert_eq!(LogKey::of(KeyId([1; 16]), &[7; 32]).to_secret().expose(), hex::encode(&material));
    }
}
