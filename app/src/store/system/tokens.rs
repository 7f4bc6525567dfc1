//! API tokens and hooks by what their bearer shows: a hash, a random id.

use penstock_common::{Secret, Uuid};

use super::System;
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;

const HOOK: &str = "hooks.secret";

/// What the hash of an API token leads to. What it may do stands with the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownToken {
    /// Whose.
    pub workspace: Uuid,
    /// Its id there.
    pub token: u128,
}

/// A hook that a repository set up by hand.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Whose.
    pub workspace: Uuid,
    /// Of which repository.
    pub repository: Uuid,
    /// What its messages are signed with.
    pub secret: Secret,
}

impl System {
    /// The token with this hash, if it holds at `now`.
    pub async fn token_by_hash(&self, hash: &[u8; 32], now: i64) -> Result<Option<KnownToken>> {
        let mut tx = self.store.shared.db.read(None).await?;
        let row: Option<(Key, Key)> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select workspace, token from token_hashes where hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)",
            )
            .bind(hash.as_slice())
            .bind(now)
            .fetch_optional(connection)
            .await
        })?;
        Ok(row.map(|(workspace, token)| KnownToken { workspace: workspace.uuid(), token: token.number() }))
    }

    /// The hook with this id.
    pub async fn hook(&self, id: Uuid) -> Result<Option<Hook>> {
        let mut tx = self.store.shared.db.read(None).await?;
        let row: Option<(Key, Key, Vec<u8>)> = on!(&mut tx, connection => {
            sqlx::query_as("select workspace, repository, secret from hooks where id = $1")
                .bind(Key::from(id))
                .fetch_optional(connection)
                .await
        })?;
        drop(tx);
        let Some((workspace, repository, sealed)) = row else { return Ok(None) };
        let secret = self.store.data_key(workspace.uuid()).await?.open(HOOK, id.as_bytes(), &sealed)?;
        Ok(Some(Hook { workspace: workspace.uuid(), repository: repository.uuid(), secret }))
    }
}
