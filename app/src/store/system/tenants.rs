//! Tenants by their ids.

use penstock_common::Uuid;

use super::System;
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;
use crate::store::log_keys;

/// A tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// His workspace.
    pub workspace: Uuid,
    /// How he stands.
    pub state: TenantState,
    /// Since when, in unix milliseconds.
    pub since: i64,
}

/// How a tenant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantState {
    /// Something is installed.
    Active,
    /// Nothing is installed any more; what he has waits for its end.
    Ending,
}

impl System {
    /// One tenant.
    pub async fn tenant(&self, workspace: Uuid) -> Result<Option<Tenant>> {
        let mut tx = self.store.shared.db.read(None).await?;
        let row: Option<(Key, i64, i64)> = on!(&mut tx, connection => {
            sqlx::query_as("select workspace, state, state_since from tenants where workspace = $1")
                .bind(Key::from(workspace))
                .fetch_optional(connection)
                .await
        })?;
        Ok(row.map(tenant))
    }

    /// All tenants.
    pub async fn tenants(&self) -> Result<Vec<Tenant>> {
        let mut tx = self.store.shared.db.read(None).await?;
        let rows: Vec<(Key, i64, i64)> = on!(&mut tx, connection => {
            sqlx::query_as("select workspace, state, state_since from tenants order by workspace").fetch_all(connection).await
        })?;
        Ok(rows.into_iter().map(tenant).collect())
    }

    /// Seals every data key, and every key of logs, with the newest master key. Returns how many
    /// were resealed.
    pub async fn reseal(&self, now: i64) -> Result<u64> {
        let newest = self.store.shared.keys.newest();
        let proof = self.store.shared.keys.seal_secret(
            "master_keys.proof",
            &newest.0,
            &penstock_common::Secret::new("penstock"),
        )?;
        let mut tx = self.store.shared.db.write(None).await?;
        on!(&mut tx, connection => {
            sqlx::query("insert into master_keys (id, proof, created_at) values ($1, $2, $3) on conflict (id) do nothing")
                .bind(Key(newest.0))
                .bind(proof)
                .bind(now)
                .execute(connection)
                .await
                .map(drop)
        })?;
        log_keys::reseal(&mut tx, &self.store.shared.keys).await?;
        let rows: Vec<(Key, Vec<u8>)> = on!(&mut tx, connection => {
            sqlx::query_as("select workspace, data_key from tenants").fetch_all(connection).await
        })?;
        let mut count = 0;
        for (workspace, sealed) in rows {
            let Some(anew) = self.store.shared.keys.reseal(workspace.uuid(), &sealed)? else { continue };
            on!(&mut tx, connection => {
                sqlx::query("update tenants set data_key = $2 where workspace = $1")
                    .bind(workspace)
                    .bind(anew)
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
            count += 1;
        }
        tx.commit().await?;
        Ok(count)
    }
}

fn tenant((workspace, state, since): (Key, i64, i64)) -> Tenant {
    let state = if state == 0 { TenantState::Active } else { TenantState::Ending };
    Tenant { workspace: workspace.uuid(), state, since }
}
