//! A tenant's own key.
//!
//! Owns the key that his secrets are sealed with. Without it they are noise, so that deleting it deletes them.

use penstock_common::{Secret, Uuid};

use super::seal::{Place, SealingKey};
use super::{CryptoError, random};

/// A tenant's key.
#[derive(Clone, Debug)]
pub struct DataKey {
    tenant: Uuid,
    key: SealingKey,
}

impl DataKey {
    /// New key material.
    pub(super) fn material() -> Result<[u8; 32], CryptoError> {
        random()
    }

    pub(super) fn new(tenant: Uuid, material: &[u8; 32]) -> Result<Self, CryptoError> {
        // There is one data key for each tenant, so the tenant is the id.
        Ok(Self { tenant, key: SealingKey::new(*tenant.as_bytes(), material)? })
    }

    /// Seals a secret for `column` of the row `row`.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn seal(&self, column: &str, row: &[u8], secret: &Secret) -> Result<Vec<u8>, CryptoError> {
        self.key.seal(&self.place(column, row), secret.expose().as_bytes())
    }

    /// Opens what [`DataKey::seal`] made for the same place.
    ///
    /// # Errors
    /// When it was changed, or made for another place or with another key.
    pub fn open(&self, column: &str, row: &[u8], sealed: &[u8]) -> Result<Secret, CryptoError> {
        let text = self.key.open(&self.place(column, row), sealed)?;
        String::from_utf8(text).map(Secret::new).map_err(|_| CryptoError::NotOurs)
    }

    fn place<'a>(&'a self, column: &'a str, row: &'a [u8]) -> Place<'a> {
        Place { column, row, tenant: self.tenant.as_bytes() }
    }
}
