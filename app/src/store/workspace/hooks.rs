//! Hooks that repositories set up by hand: which there are. What they sign with is read by the other door only.

use penstock_common::{Secret, Uuid};

use super::{Workspace, Write};
use crate::store::db::on;
use crate::store::error::{Error, Result};
use crate::store::key::Key;

/// A hook as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookRow {
    /// Its id, which stands in its address.
    pub hook: Uuid,
    /// Of which repository.
    pub repository: Uuid,
    /// When it was made.
    pub created_at: i64,
}

impl Workspace {
    /// The hooks of a repository, or all.
    pub async fn hooks(&self, repository: Option<Uuid>) -> Result<Vec<HookRow>> {
        let mut tx = self.read().await?;
        let rows: Vec<(Key, Key, i64)> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select id, repository, created_at from hooks where workspace = $1 and ($2 is null or repository = $2) order by created_at, id",
            )
            .bind(self.key())
            .bind(repository.map(Key::from))
            .fetch_all(connection)
            .await
        })?;
        let row = |(hook, repository, created_at): (Key, Key, i64)| HookRow {
            hook: hook.uuid(),
            repository: repository.uuid(),
            created_at,
        };
        Ok(rows.into_iter().map(row).collect())
    }
}

impl Write {
    /// Keeps a hook that a repository sets up by hand; the one before it is forgotten.
    pub async fn new_hook(&mut self, id: Uuid, repository: Uuid, secret: &Secret, now: i64) -> Result<()> {
        let key = self.key();
        let sealed = self.data_key().await?.seal("hooks.secret", id.as_bytes(), secret)?;
        on!(&mut self.tx, connection => {
            sqlx::query("delete from hooks where workspace = $1 and repository = $2")
                .bind(key)
                .bind(Key::from(repository))
                .execute(connection)
                .await
                .map(drop)
        })?;
        Ok(on!(&mut self.tx, connection => {
            sqlx::query("insert into hooks (id, workspace, repository, secret, created_at) values ($1, $2, $3, $4, $5)")
                .bind(Key::from(id))
                .bind(key)
                .bind(Key::from(repository))
                .bind(sealed)
                .bind(now)
                .execute(connection)
                .await
                .map(drop)
        })?)
    }

    /// Forgets a hook; `false` if the repository has no such one.
    pub async fn remove_hook(&mut self, repository: Uuid, id: Uuid) -> Result<bool> {
        let key = self.key();
        let rows = on!(&mut self.tx, connection => {
            sqlx::query("delete from hooks where workspace = $1 and repository = $2 and id = $3")
                .bind(key)
                .bind(Key::from(repository))
                .bind(Key::from(id))
                .execute(connection)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }

    async fn data_key(&mut self) -> Result<crate::crypto::DataKey> {
        let key = self.key();
        let sealed: Option<Vec<u8>> = on!(&mut self.tx, connection => {
            sqlx::query_scalar("select data_key from tenants where workspace = $1").bind(key).fetch_optional(connection).await
        })?;
        let sealed = sealed.ok_or(Error::NotFound("workspace"))?;
        Ok(self.store.shared.keys.data_key(self.id, &sealed)?)
    }
}
