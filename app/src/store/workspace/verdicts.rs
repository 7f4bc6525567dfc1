//! The last verdict on a branch or a pull request.

use penstock_common::Uuid;
use sqlx::FromRow;

use super::codes;
use super::{Workspace, Write};
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;
use crate::track::{BranchId, Commit};

/// A verdict as it was last told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictRow {
    /// About which branch; of a pull request its source.
    pub branch: BranchId,
    /// On which commit.
    pub commit: Commit,
    /// When it was told, in unix milliseconds.
    pub at: i64,
    /// It, as JSON.
    pub body: String,
}

#[derive(FromRow)]
struct Row {
    branch: Key,
    commit_id: Vec<u8>,
    at: i64,
    body: String,
}

impl TryFrom<Row> for VerdictRow {
    type Error = crate::store::Error;

    fn try_from(row: Row) -> Result<Self> {
        let (branch, commit) = (BranchId(row.branch.number()), codes::commit(&row.commit_id)?);
        Ok(Self { branch, commit, at: row.at, body: row.body })
    }
}

impl Workspace {
    /// The last verdict on a branch.
    pub async fn branch_verdict(&self, repository: Uuid, branch: BranchId) -> Result<Option<VerdictRow>> {
        let mut tx = self.read().await?;
        let row: Option<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select branch, commit_id, at, body from verdicts \
                 where workspace = $1 and repository = $2 and pull_request = 0 and branch = $3",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(branch))
            .fetch_optional(connection)
            .await
        })?;
        row.map(VerdictRow::try_from).transpose()
    }

    /// The last verdict on a pull request.
    pub async fn pull_request_verdict(&self, repository: Uuid, number: u64) -> Result<Option<VerdictRow>> {
        let mut tx = self.read().await?;
        let row: Option<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select branch, commit_id, at, body from verdicts \
                 where workspace = $1 and repository = $2 and pull_request = $3 order by at desc limit 1",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(number as i64)
            .fetch_optional(connection)
            .await
        })?;
        row.map(VerdictRow::try_from).transpose()
    }
}

impl Write {
    /// Keeps the last verdict on a branch, or on a pull request.
    pub async fn verdict(&mut self, repository: Uuid, pull_request: Option<u64>, row: &VerdictRow) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into verdicts (workspace, repository, pull_request, branch, commit_id, at, body) values ($1, $2, $3, $4, $5, $6, $7) \
                 on conflict (workspace, repository, pull_request, branch) do update set commit_id = excluded.commit_id, at = excluded.at, \
                 body = excluded.body",
            )
            .bind(key)
            .bind(Key::from(repository))
            .bind(pull_request.map_or(0, |number| number as i64))
            .bind(Key::from(row.branch))
            .bind(codes::commit_bytes(row.commit))
            .bind(row.at)
            .bind(&row.body)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }
}
