//! Webhooks by their headers: which wait to be looked at, and whose they are.

use penstock_common::Uuid;

use super::System;
use crate::store::News;
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;

/// A webhook that waits. What it tells stands with the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its id.
    pub id: u128,
    /// Whose.
    pub workspace: Uuid,
    /// When it came.
    pub received_at: i64,
}

impl System {
    /// Keeps a webhook; `false` if the same news came before. Durable when this returns.
    pub async fn keep_news(&self, news: News) -> Result<bool> {
        let new = self.store.shared.inbox_writer.keep(news).await?;
        if new {
            self.store.shared.jobs.notify_one();
        }
        Ok(new)
    }

    /// Unhandled webhooks, about `limit`. The oldest of each tenant are among them, so that a
    /// tenant with many delays only its own.
    pub async fn waiting_news(&self, limit: i64) -> Result<Vec<Header>> {
        let mut tx = self.store.shared.inbox.read(None).await?;
        let rows: Vec<(Key, Key, i64)> = on!(&mut tx, connection => {
            sqlx::query_as("select id, workspace, received_at from inbox where handled_at is null order by received_at, id limit $1")
                .bind(limit + 1)
                .fetch_all(connection)
                .await
        })?;
        if i64::try_from(rows.len()).is_ok_and(|count| count <= limit) {
            return Ok(rows.into_iter().map(header).collect());
        }
        let tenants: Vec<Key> = on!(&mut tx, connection => {
            sqlx::query_scalar("select distinct workspace from inbox where handled_at is null order by workspace limit $1")
                .bind(limit)
                .fetch_all(connection)
                .await
        })?;
        let share = (limit / i64::try_from(tenants.len()).unwrap_or(i64::MAX).max(1)).max(1);
        let mut waiting = Vec::new();
        for tenant in tenants {
            let rows: Vec<(Key, Key, i64)> = on!(&mut tx, connection => {
                sqlx::query_as(
                    "select id, workspace, received_at from inbox where workspace = $1 and handled_at is null \
                     order by received_at, id limit $2",
                )
                .bind(tenant)
                .bind(share)
                .fetch_all(connection)
                .await
            })?;
            waiting.extend(rows.into_iter().map(header));
        }
        Ok(waiting)
    }

    /// What they ask for was written to the queue. If that was lost with a crash it is written again, which changes nothing.
    pub async fn news_handled(&self, ids: &[u128], now: i64) -> Result<()> {
        let mut tx = self.store.shared.inbox.write(None).await?;
        for id in ids {
            on!(&mut tx, connection => {
                sqlx::query("update inbox set handled_at = $2 where id = $1")
                    .bind(Key::from(*id))
                    .bind(now)
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
        }
        tx.commit().await
    }

    /// Handled webhooks of a tenant from before `before`, for their end.
    pub async fn old_news(&self, workspace: Uuid, before: i64, limit: i64) -> Result<Vec<Header>> {
        let mut tx = self.store.shared.inbox.read(None).await?;
        let rows: Vec<(Key, Key, i64)> = on!(&mut tx, connection => {
            sqlx::query_as("select id, workspace, received_at from inbox where workspace = $1 and handled_at < $2 order by handled_at limit $3")
                .bind(Key::from(workspace))
                .bind(before)
                .bind(limit)
                .fetch_all(connection)
                .await
        })?;
        Ok(rows.into_iter().map(header).collect())
    }

    /// Forgets webhooks with what they tell.
    pub async fn forget_news(&self, headers: &[Header]) -> Result<()> {
        let mut tx = self.store.shared.inbox.write(None).await?;
        for header in headers {
            let id = Key::from(header.id);
            tx.serve(header.workspace).await?;
            on!(&mut tx, connection => {
                sqlx::query("delete from inbox_bodies where workspace = $1 and id = $2")
                    .bind(Key::from(header.workspace))
                    .bind(id)
                    .execute(connection)
                    .await
                    .map(drop)
            })?;
            on!(&mut tx, connection => {
                sqlx::query("delete from inbox where id = $1").bind(id).execute(connection).await.map(drop)
            })?;
        }
        tx.commit().await
    }
}

fn header((id, workspace, received_at): (Key, Key, i64)) -> Header {
    Header { id: id.number(), workspace: workspace.uuid(), received_at }
}
