//! Who looks at a page, by the hash of the handle in its address. On SQLite they stand beside the inbox, whose writer is never busy for long.

use penstock_common::Uuid;
use sqlx::FromRow;

use super::System;
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewerRow {
    /// Whose pages.
    pub workspace: Uuid,
    /// Of which repository; none for those of the whole workspace.
    pub repository: Option<Uuid>,
    /// Who looks.
    pub person: Uuid,
    /// His Atlassian account.
    pub account: String,
    /// When he came, in unix milliseconds.
    pub created_at: i64,
    /// When the host signed the address that opened the view.
    pub signed_at: i64,
    /// When he was last seen.
    pub used_at: i64,
}

#[derive(FromRow)]
struct Row {
    workspace: Key,
    repository: Key,
    person: Key,
    account: String,
    created_at: i64,
    signed_at: i64,
    used_at: i64,
}

/// Signed addresses, and how long they and their views are valid.
#[derive(Clone, Copy, Debug)]
pub struct AddressUse {
    /// SHA-256 of the token in the address.
    pub address: [u8; 32],
    /// Views whose address was signed before this expired, and are deleted. Unix milliseconds.
    pub over: i64,
    /// An address whose first use was before this works no more. Unix milliseconds.
    pub first_use: i64,
}

impl From<Row> for ViewerRow {
    fn from(row: Row) -> Self {
        let Row { workspace, repository, person, account, created_at, signed_at, used_at } = row;
        let repository = (repository != Key::ZERO).then(|| repository.uuid());
        Self { workspace: workspace.uuid(), repository, person: person.uuid(), account, created_at, signed_at, used_at }
    }
}

impl System {
    /// Admits a viewer; `false` if the signed address was used too long ago. Views of the same
    /// tenant that expired are deleted.
    pub async fn admit_viewer(&self, hash: &[u8; 32], row: &ViewerRow, at: &AddressUse) -> Result<bool> {
        let mut tx = self.store.shared.inbox.write(None).await?;
        let first: Option<i64> = on!(&mut tx, connection => {
            sqlx::query_scalar("select min(created_at) from viewers where workspace = $1 and address = $2")
                .bind(Key::from(row.workspace))
                .bind(at.address.as_slice())
                .fetch_one(connection)
                .await
        })?;
        if first.is_some_and(|first| first < at.first_use) {
            return Ok(false);
        }
        on!(&mut tx, connection => {
            sqlx::query("delete from viewers where workspace = $1 and signed_at < $2")
                .bind(Key::from(row.workspace))
                .bind(at.over)
                .execute(connection)
                .await
                .map(drop)
        })?;
        on!(&mut tx, connection => {
            sqlx::query(
                "insert into viewers (hash, workspace, repository, person, account, created_at, used_at, signed_at, address) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(hash.as_slice())
            .bind(Key::from(row.workspace))
            .bind(row.repository.map_or(Key::ZERO, Key::from))
            .bind(Key::from(row.person))
            .bind(&row.account)
            .bind(row.created_at)
            .bind(row.used_at)
            .bind(row.signed_at)
            .bind(at.address.as_slice())
            .execute(connection)
            .await
            .map(drop)
        })?;
        tx.commit().await?;
        Ok(true)
    }

    /// Who came with a handle of this hash.
    pub async fn viewer(&self, hash: &[u8; 32]) -> Result<Option<ViewerRow>> {
        let mut tx = self.store.shared.inbox.read(None).await?;
        let row: Option<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select workspace, repository, person, account, created_at, signed_at, used_at from viewers where hash = $1",
            )
            .bind(hash.as_slice())
            .fetch_optional(connection)
            .await
        })?;
        Ok(row.map(ViewerRow::from))
    }

    /// He was seen again.
    pub async fn viewer_seen(&self, hash: &[u8; 32], now: i64) -> Result<()> {
        let mut tx = self.store.shared.inbox.write(None).await?;
        on!(&mut tx, connection => {
            sqlx::query("update viewers set used_at = $2 where hash = $1")
                .bind(hash.as_slice())
                .bind(now)
                .execute(connection)
                .await
                .map(drop)
        })?;
        tx.commit().await
    }

    /// Shows everybody of a tenant out.
    pub async fn dismiss_viewers(&self, workspace: Uuid) -> Result<()> {
        let mut tx = self.store.shared.inbox.write(None).await?;
        on!(&mut tx, connection => {
            sqlx::query("delete from viewers where workspace = $1")
                .bind(Key::from(workspace))
                .execute(connection)
                .await
                .map(drop)
        })?;
        tx.commit().await
    }
}
