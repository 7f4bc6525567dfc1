//! What was told in Bitbucket, by whom, and what was not and why.

use penstock_common::Uuid;
use penstock_common::delivery::{Delivery, Destination, Outcome};
use sqlx::FromRow;

use super::{Workspace, Write};
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;
use crate::store::new_id;

/// One entry of the delivery log.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Delivered {
    /// When.
    pub at: i64,
    /// By whom: `pipe` or `app`.
    pub sender: String,
    /// Where.
    pub destination: String,
    /// About what: a commit, a pull request.
    pub subject: String,
    /// `published`, `skipped` or `failed`.
    pub outcome: String,
    /// What stands there, or why not.
    pub detail: String,
    /// What to do about it; empty if there is nothing to do.
    pub remedy: String,
}

impl Workspace {
    /// The newest entries of a repository's delivery log.
    pub async fn deliveries(&self, repository: Uuid, limit: i64) -> Result<Vec<Delivered>> {
        let mut tx = self.read().await?;
        Ok(on!(&mut tx, connection => {
            sqlx::query_as(
                "select at, sender, destination, subject, outcome, detail, remedy from deliveries \
                 where workspace = $1 and repository = $2 order by delivery desc limit $3",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(limit)
            .fetch_all(connection)
            .await
        })?)
    }
}

impl Workspace {
    /// What last came of one destination for one subject, as one of the two programs told it.
    pub async fn last_delivery(
        &self,
        repository: Uuid,
        sender: &str,
        destination: Destination,
        subject: &str,
    ) -> Result<Option<Delivered>> {
        let mut tx = self.read().await?;
        Ok(on!(&mut tx, connection => {
            sqlx::query_as(
                "select at, sender, destination, subject, outcome, detail, remedy from deliveries \
                 where workspace = $1 and repository = $2 and sender = $3 and destination = $4 and subject = $5 \
                 order by delivery desc limit 1",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(sender)
            .bind(destination.name())
            .bind(subject)
            .fetch_optional(connection)
            .await
        })?)
    }
}

impl Write {
    /// Notes what came of a destination.
    pub async fn delivered(
        &mut self,
        repository: Uuid,
        sender: &str,
        subject: &str,
        delivery: &Delivery,
        now: i64,
    ) -> Result<()> {
        let (outcome, detail, remedy) = match &delivery.outcome {
            Outcome::Published { detail } => ("published", detail.as_str(), ""),
            Outcome::Skipped { reason, remedy } => ("skipped", reason.as_str(), remedy.as_str()),
            Outcome::Failed { reason, remedy } => ("failed", reason.as_str(), remedy.as_str()),
        };
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into deliveries (workspace, repository, delivery, at, sender, destination, subject, outcome, detail, remedy) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(key)
            .bind(Key::from(repository))
            .bind(Key::from(new_id()))
            .bind(now)
            .bind(sender)
            .bind(delivery.destination.name())
            .bind(subject)
            .bind(outcome)
            .bind(detail)
            .bind(remedy)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }
}
