//! Keys of logs.
//!
//! Owns which key an entry is written with, and that the keys of older entries stay known when
//! their master key leaves the key file: each is stored, sealed with the newest master key.

use std::collections::HashMap;

use super::Store;
use super::db::{Db, Tx, on};
use super::error::Result;
use super::key::Key;
use crate::crypto::{KeyId, LogKey, MasterKeys};
use crate::track::chain::{ChainId, LogKeys, Signer};

const SEALED: &str = "log_keys.sealed";

/// All keys that are known.
#[derive(Debug)]
pub(super) struct KnownLogKeys(HashMap<KeyId, LogKey>);

impl LogKeys for KnownLogKeys {
    fn log_key(&self, id: KeyId) -> Option<LogKey> {
        self.0.get(&id).cloned()
    }
}

impl Store {
    /// Who writes the next entry of a log.
    pub(super) fn signer(&self, chain: ChainId) -> Result<Signer> {
        Ok(Signer { chain, key: self.shared.keys.log_key()? })
    }

    /// The keys of the file, and those that were there once. One that cannot be opened is not
    /// known.
    pub(super) async fn log_keys(&self) -> Result<KnownLogKeys> {
        let mut tx = self.shared.db.read(None).await?;
        let rows = rows(&mut tx).await?;
        drop(tx);
        let keys = &self.shared.keys;
        let mut known: HashMap<KeyId, LogKey> = keys.log_keys().into_iter().map(|key| (key.id(), key)).collect();
        for (id, sealed) in rows {
            let Some(key) = open(keys, id, &sealed) else { continue };
            known.entry(id).or_insert(key);
        }
        Ok(KnownLogKeys(known))
    }
}

/// Stores the keys of the file.
pub(super) async fn keep(db: &Db, keys: &MasterKeys) -> Result<()> {
    let mut tx = db.write(None).await?;
    for key in keys.log_keys() {
        let sealed = keys.seal_secret(SEALED, &key.id().0, &key.to_secret())?;
        on!(&mut tx, connection => {
            sqlx::query("insert into log_keys (id, sealed) values ($1, $2) on conflict (id) do nothing")
                .bind(Key(key.id().0))
                .bind(sealed)
                .execute(connection)
                .await
                .map(drop)
        })?;
    }
    tx.commit().await
}

/// Seals all of them with the newest master key. One that cannot be opened stays as it is.
pub(super) async fn reseal(tx: &mut Tx, keys: &MasterKeys) -> Result<()> {
    for (id, sealed) in rows(tx).await? {
        let Some(key) = open(keys, id, &sealed) else { continue };
        let anew = keys.seal_secret(SEALED, &id.0, &key.to_secret())?;
        on!(&mut *tx, connection => {
            sqlx::query("update log_keys set sealed = $2 where id = $1")
                .bind(Key(id.0))
                .bind(anew)
                .execute(connection)
                .await
                .map(drop)
        })?;
    }
    Ok(())
}

async fn rows(tx: &mut Tx) -> Result<Vec<(KeyId, Vec<u8>)>> {
    let rows: Vec<(Key, Vec<u8>)> = on!(tx, connection => {
        sqlx::query_as("select id, sealed from log_keys").fetch_all(connection).await
    })?;
    Ok(rows.into_iter().map(|(id, sealed)| (KeyId(id.0), sealed)).collect())
}

fn open(keys: &MasterKeys, id: KeyId, sealed: &[u8]) -> Option<LogKey> {
    let secret = keys.open_secret(SEALED, &id.0, sealed);
    if let Err(error) = &secret {
        tracing::warn!(%error, key = %id, "a key of logs cannot be opened");
    }
    LogKey::from_secret(id, &secret.ok()?)
}
