//! One sealed value.
//!
//! Owns its form: version, id of the key, nonce, ciphertext with its tag.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{CryptoError, random};

const VERSION: u8 = 1;
const ID: usize = 16;

/// Where a sealed value stands. It opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Table and column, such as `installations.secret`.
    pub column: &'a str,
    /// The row's key.
    pub row: &'a [u8],
    /// Whose it is; empty before that is known.
    pub tenant: &'a [u8],
}

impl Place<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [self.column.as_bytes(), self.row, self.tenant] {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// A key for sealing.
#[derive(Clone)]
pub(super) struct SealingKey {
    id: [u8; ID],
    key: LessSafeKey,
}

impl SealingKey {
    pub(super) fn new(id: [u8; ID], key: &[u8; 32]) -> Result<Self, CryptoError> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| CryptoError::NotOurs)?;
        Ok(Self { id, key: LessSafeKey::new(key) })
    }

    pub(super) const fn id(&self) -> [u8; ID] {
        self.id
    }

    pub(super) fn seal(&self, place: &Place<'_>, value: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut text = value.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.bytes()), &mut text)
            .map_err(|_| CryptoError::NoRandomness)?;
        Ok([&[VERSION][..], &self.id, &nonce, &text].concat())
    }

    pub(super) fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (id, rest) = split(sealed)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or(CryptoError::NotOurs)?;
        if id != self.id {
            return Err(CryptoError::NotOurs);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CryptoError::NotOurs)?;
        let mut text = text.to_vec();
        let length =
            self.key.open_in_place(nonce, Aad::from(place.bytes()), &mut text).map_err(|_| CryptoError::NotOurs)?.len();
        text.truncate(length);
        Ok(text)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
    }
}

/// The id of the key that a value was sealed with, and the rest.
pub(super) fn split(sealed: &[u8]) -> Result<([u8; ID], &[u8]), CryptoError> {
    let rest = sealed.strip_prefix(&[VERSION]).ok_or(CryptoError::NotOurs)?;
    let (id, rest) = rest.split_first_chunk::<ID>().ok_or(CryptoError::NotOurs)?;
    Ok((*id, rest))
}
