//! What shall stand in Bitbucket.
//!
//! Owns one row for each place. A newer wish replaces an older one that was not posted yet; what was posted is known by its generation.

use penstock_common::Uuid;
use sqlx::FromRow;

use super::{Workspace, Write};
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;

/// A place in Bitbucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// In which repository.
    pub repository: Uuid,
    /// `status`, `comment`, `report`.
    pub kind: String,
    /// The commit, the number of the pull request.
    pub subject: String,
}

/// What shall stand there.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Wish {
    /// Counts the wishes for this place.
    pub generation: i64,
    /// The one that stands there.
    pub posted: i64,
    /// What it is, as JSON.
    pub body: String,
    /// What Bitbucket calls it, once it is there.
    pub external_id: Option<String>,
    /// When it was wished for.
    pub wished_at: i64,
}

impl Workspace {
    /// What shall stand in a place.
    pub async fn wish(&self, place: &Place) -> Result<Option<Wish>> {
        let mut tx = self.read().await?;
        Ok(on!(&mut tx, connection => {
            sqlx::query_as(
                "select generation, posted, body, external_id, wished_at from outbox \
                 where workspace = $1 and repository = $2 and kind = $3 and subject = $4",
            )
            .bind(self.key())
            .bind(Key::from(place.repository))
            .bind(&place.kind)
            .bind(&place.subject)
            .fetch_optional(connection)
            .await
        })?)
    }

    /// Places of one kind whose wish was not posted, or `open` ones by what they say, the oldest first.
    pub async fn wishes(&self, kind: &str, limit: i64) -> Result<Vec<(Place, Wish)>> {
        #[derive(FromRow)]
        struct Row {
            repository: Key,
            kind: String,
            subject: String,
            #[sqlx(flatten)]
            wish: Wish,
        }
        let mut tx = self.read().await?;
        let rows: Vec<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select repository, kind, subject, generation, posted, body, external_id, wished_at from outbox \
                 where workspace = $1 and kind = $2 order by wished_at limit $3",
            )
            .bind(self.key())
            .bind(kind)
            .bind(limit)
            .fetch_all(connection)
            .await
        })?;
        let place =
            |row: Row| (Place { repository: row.repository.uuid(), kind: row.kind, subject: row.subject }, row.wish);
        Ok(rows.into_iter().map(place).collect())
    }
}

impl Write {
    /// Wishes for something in a place. The same as what was wished for last changes nothing; `false` if it stands there already.
    pub async fn wish(&mut self, place: &Place, body: &str, now: i64) -> Result<bool> {
        let key = self.key();
        let rows = on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into outbox (workspace, repository, kind, subject, generation, posted, body, wished_at) \
                 values ($1, $2, $3, $4, 1, 0, $5, $6) \
                 on conflict (workspace, repository, kind, subject) do update \
                 set generation = outbox.generation + 1, body = excluded.body, wished_at = excluded.wished_at \
                 where outbox.body <> excluded.body",
            )
            .bind(key)
            .bind(Key::from(place.repository))
            .bind(&place.kind)
            .bind(&place.subject)
            .bind(body)
            .bind(now)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
        })?;
        if rows == 1 {
            return Ok(true);
        }
        let waits: i64 = on!(&mut self.tx, connection => {
            sqlx::query_scalar(
                "select cast(count(*) as bigint) from outbox \
                 where workspace = $1 and repository = $2 and kind = $3 and subject = $4 and posted < generation",
            )
            .bind(key)
            .bind(Key::from(place.repository))
            .bind(&place.kind)
            .bind(&place.subject)
            .fetch_one(connection)
            .await
        })?;
        Ok(waits > 0)
    }

    /// Wishes once more for what was wished for last, whether it stands there or not; `false` if nothing ever was.
    pub async fn wish_again(&mut self, place: &Place, now: i64) -> Result<bool> {
        let key = self.key();
        let rows = on!(&mut self.tx, connection => {
            sqlx::query(
                "update outbox set generation = generation + 1, wished_at = $5 \
                 where workspace = $1 and repository = $2 and kind = $3 and subject = $4",
            )
            .bind(key)
            .bind(Key::from(place.repository))
            .bind(&place.kind)
            .bind(&place.subject)
            .bind(now)
            .execute(connection)
            .await
            .map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }

    /// The wish of this generation stands there now, under this name.
    pub async fn posted(&mut self, place: &Place, generation: i64, external_id: Option<&str>) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "update outbox set posted = $5, external_id = $6 \
                 where workspace = $1 and repository = $2 and kind = $3 and subject = $4 and posted <= $5",
            )
            .bind(key)
            .bind(Key::from(place.repository))
            .bind(&place.kind)
            .bind(&place.subject)
            .bind(generation)
            .bind(external_id)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }
}
