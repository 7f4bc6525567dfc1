//! Names of people, kept apart from what they did: the log knows account ids only, so that a name can be erased without touching it.

use penstock_common::Masked;
use sqlx::FromRow;

use super::{Workspace, Write};
use crate::store::db::on;
use crate::store::error::Result;

/// Somebody by name.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Person {
    /// His account id.
    pub account: String,
    /// His name as Bitbucket last told it.
    pub name: String,
}

impl Workspace {
    /// All names.
    pub async fn people(&self) -> Result<Vec<Person>> {
        let mut tx = self.read().await?;
        Ok(on!(&mut tx, connection => {
            sqlx::query_as("select account, name from people where workspace = $1 order by account")
                .bind(self.key())
                .fetch_all(connection)
                .await
        })?)
    }

    /// Somebody's name, if it is kept.
    pub async fn name_of(&self, account: &str) -> Result<Option<String>> {
        let mut tx = self.read().await?;
        Ok(on!(&mut tx, connection => {
            sqlx::query_scalar("select name from people where workspace = $1 and account = $2")
                .bind(self.key())
                .bind(account)
                .fetch_optional(connection)
                .await
        })?)
    }
}

impl Write {
    /// Somebody's name.
    pub async fn person(&mut self, account: &str, name: &Masked, now: i64) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into people (workspace, account, name, seen_at) values ($1, $2, $3, $4) \
                 on conflict (workspace, account) do update set name = excluded.name, seen_at = excluded.seen_at",
            )
            .bind(key)
            .bind(account)
            .bind(name.as_str())
            .bind(now)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }

    /// Forgets somebody's name. What he did stays, under his account id.
    pub async fn erase_person(&mut self, account: &str) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query("delete from people where workspace = $1 and account = $2")
                .bind(key)
                .bind(account)
                .execute(connection)
                .await
                .map(drop)
        })?)
    }
}
