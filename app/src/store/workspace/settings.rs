//! What people set, for the workspace and for one repository.

use penstock_common::Uuid;
use sqlx::FromRow;

use super::{Workspace, Write};
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value, as JSON.
    pub value: String,
    /// When it was set.
    pub updated_at: i64,
    /// By whom, an account id.
    pub updated_by: String,
}

impl Workspace {
    /// What is set for a repository, or for the workspace.
    pub async fn settings(&self, repository: Option<Uuid>) -> Result<Vec<Setting>> {
        let mut tx = self.read().await?;
        Ok(on!(&mut tx, connection => {
            sqlx::query_as(
                "select name, value, updated_at, updated_by from settings where workspace = $1 and repository = $2 order by name",
            )
            .bind(self.key())
            .bind(repository.map_or(Key::ZERO, Key::from))
            .fetch_all(connection)
            .await
        })?)
    }
}

impl Write {
    /// Sets it; without a value, what holds above it holds again. What was set before, which nobody else changes until this transaction is over.
    pub async fn setting(
        &mut self,
        repository: Option<Uuid>,
        name: &str,
        value: Option<&str>,
        by: &str,
        now: i64,
    ) -> Result<Option<String>> {
        self.audit_end().await?;
        let (key, repository) = (self.key(), repository.map_or(Key::ZERO, Key::from));
        let old: Option<String> = on!(&mut self.tx, connection => {
            sqlx::query_scalar("select value from settings where workspace = $1 and repository = $2 and name = $3")
                .bind(key)
                .bind(repository)
                .bind(name)
                .fetch_optional(connection)
                .await
        })?;
        let Some(value) = value else {
            on!(&mut self.tx, connection => {
                sqlx::query("delete from settings where workspace = $1 and repository = $2 and name = $3")
                    .bind(key)
                    .bind(repository)
                    .bind(name)
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
            return Ok(old);
        };
        on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into settings (workspace, repository, name, value, updated_at, updated_by) values ($1, $2, $3, $4, $5, $6) \
                 on conflict (workspace, repository, name) do update set value = excluded.value, updated_at = excluded.updated_at, \
                 updated_by = excluded.updated_by",
            )
            .bind(key)
            .bind(repository)
            .bind(name)
            .bind(value)
            .bind(now)
            .bind(by)
            .execute(connection)
            .await
            .map(drop)
        })?;
        Ok(old)
    }
}
