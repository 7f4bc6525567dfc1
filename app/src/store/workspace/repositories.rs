//! The workspace and its repositories by name and age.

use penstock_common::{Masked, Uuid};
use sqlx::FromRow;

use super::{Workspace, Write, codes};
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;
use crate::track::{BranchId, Commit, FindingId, Timeline};

/// A workspace as REST last told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceRow {
    /// Its name in addresses; absent for a personal account that nobody asked for yet.
    pub slug: Option<Masked>,
    /// Its name for people.
    pub name: Masked,
    /// When that was told.
    pub refreshed_at: i64,
}

/// A repository as REST last told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryRow {
    /// Its id.
    pub repository: Uuid,
    /// Its name in addresses.
    pub slug: Masked,
    /// Its name for people.
    pub name: Masked,
    /// Whether only members see it.
    pub is_private: bool,
    /// When it was first heard of.
    pub created_at: i64,
    /// When REST told this.
    pub refreshed_at: i64,
    /// When the last run came that was confirmed.
    pub trusted_run_at: Option<i64>,
    /// Since when it is deleted, or another workspace's.
    pub gone_at: Option<i64>,
}

#[derive(FromRow)]
struct Row {
    repository: Key,
    slug: String,
    name: String,
    is_private: i64,
    created_at: i64,
    refreshed_at: i64,
    trusted_run_at: Option<i64>,
    gone_at: Option<i64>,
}

impl From<Row> for RepositoryRow {
    fn from(row: Row) -> Self {
        let Row { repository, slug, name, is_private, created_at, refreshed_at, trusted_run_at, gone_at } = row;
        let (repository, is_private) = (repository.uuid(), is_private != 0);
        let (slug, name) = (codes::text(slug), codes::text(name));
        Self { repository, slug, name, is_private, created_at, refreshed_at, trusted_run_at, gone_at }
    }
}

impl Workspace {
    /// The workspace itself.
    pub async fn row(&self) -> Result<Option<WorkspaceRow>> {
        let mut tx = self.read().await?;
        let row: Option<(Option<String>, String, i64)> = on!(&mut tx, connection => {
            sqlx::query_as("select slug, name, refreshed_at from workspaces where workspace = $1")
                .bind(self.key())
                .fetch_optional(connection)
                .await
        })?;
        Ok(row.map(|(slug, name, refreshed_at)| WorkspaceRow {
            slug: slug.map(codes::text),
            name: codes::text(name),
            refreshed_at,
        }))
    }

    /// A repository.
    pub async fn repository(&self, repository: Uuid) -> Result<Option<RepositoryRow>> {
        let mut tx = self.read().await?;
        let row: Option<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select repository, slug, name, is_private, created_at, refreshed_at, trusted_run_at, gone_at \
                 from repositories where workspace = $1 and repository = $2",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .fetch_optional(connection)
            .await
        })?;
        Ok(row.map(RepositoryRow::from))
    }

    /// All repositories that were heard of, by name.
    pub async fn repositories(&self) -> Result<Vec<RepositoryRow>> {
        let mut tx = self.read().await?;
        let rows: Vec<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select repository, slug, name, is_private, created_at, refreshed_at, trusted_run_at, gone_at \
                 from repositories where workspace = $1 order by slug",
            )
            .bind(self.key())
            .fetch_all(connection)
            .await
        })?;
        Ok(rows.into_iter().map(RepositoryRow::from).collect())
    }
}

impl Workspace {
    /// A living branch by its name, or the main one, with its name.
    pub async fn branch(&self, repository: Uuid, name: Option<&str>) -> Result<Option<(BranchId, String)>> {
        let mut tx = self.read().await?;
        let row: Option<(Key, String)> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select b.branch, b.name from branches b join repositories r on r.workspace = b.workspace and r.repository = b.repository \
                 where b.workspace = $1 and b.repository = $2 and b.deleted_at is null \
                 and ((b.name = $3) or ($3 is null and b.branch = r.main_branch))",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(name)
            .fetch_optional(connection)
            .await
        })?;
        Ok(row.map(|(branch, name)| (BranchId(branch.number()), name)))
    }

    /// The living branches on which a finding is open.
    pub async fn branches_with(&self, repository: Uuid, finding: FindingId) -> Result<Vec<BranchId>> {
        let mut tx = self.read_findings(repository).await?;
        let found: Vec<Key> = on!(&mut tx, connection => {
            sqlx::query_scalar(
                "select b.branch from occurrences o join branches b on b.workspace = o.workspace and b.repository = o.repository \
                 and b.branch = o.branch where o.workspace = $1 and o.repository = $2 and o.finding = $3 and o.gone is null \
                 and b.deleted_at is null order by b.branch",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(finding))
            .fetch_all(connection)
            .await
        })?;
        Ok(found.into_iter().map(|branch| BranchId(branch.number())).collect())
    }

    /// The commit that last moved a branch.
    pub async fn branch_commit(&self, repository: Uuid, branch: BranchId) -> Result<Option<Commit>> {
        let mut tx = self.read().await?;
        let timeline: Option<String> = on!(&mut tx, connection => {
            sqlx::query_scalar("select timeline from branches where workspace = $1 and repository = $2 and branch = $3")
                .bind(self.key())
                .bind(Key::from(repository))
                .bind(Key::from(branch))
                .fetch_optional(connection)
                .await
        })?;
        let timeline: Option<Timeline> =
            timeline.map(|text| codes::from_json(&text, "branches.timeline")).transpose()?;
        Ok(timeline.and_then(|timeline| timeline.last()))
    }
}

impl Write {
    /// The workspace as REST tells it.
    pub async fn workspace(&mut self, slug: &Masked, name: &Masked, now: i64) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into workspaces (workspace, slug, name, refreshed_at) values ($1, $2, $3, $4) \
                 on conflict (workspace) do update set slug = excluded.slug, name = excluded.name, refreshed_at = excluded.refreshed_at",
            )
            .bind(key)
            .bind(slug.as_str())
            .bind(name.as_str())
            .bind(now)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }

    /// Gives a repository a row, if it has none. What REST says of it is still to be written.
    pub async fn new_repository(
        &mut self,
        repository: Uuid,
        slug: &Masked,
        name: &Masked,
        is_private: bool,
        now: i64,
    ) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into repositories (workspace, repository, slug, name, is_private, version, log_number, log_hash, created_at, refreshed_at) \
                 values ($1, $2, $3, $4, $5, 0, 0, $6, $7, 0) on conflict (workspace, repository) do nothing",
            )
            .bind(key)
            .bind(Key::from(repository))
            .bind(slug.as_str())
            .bind(name.as_str())
            .bind(i64::from(is_private))
            .bind([0_u8; 32].as_slice())
            .bind(now)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }

    /// A repository as REST tells it, new or known.
    pub async fn repository(
        &mut self,
        repository: Uuid,
        slug: &Masked,
        name: &Masked,
        is_private: bool,
        now: i64,
    ) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "insert into repositories (workspace, repository, slug, name, is_private, version, log_number, log_hash, created_at, refreshed_at) \
                 values ($1, $2, $3, $4, $5, 0, 0, $6, $7, $7) \
                 on conflict (workspace, repository) do update set slug = excluded.slug, name = excluded.name, \
                 is_private = excluded.is_private, refreshed_at = excluded.refreshed_at, gone_at = null",
            )
            .bind(key)
            .bind(Key::from(repository))
            .bind(slug.as_str())
            .bind(name.as_str())
            .bind(i64::from(is_private))
            .bind([0_u8; 32].as_slice())
            .bind(now)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }

    /// A confirmed run came.
    pub async fn trusted_run(&mut self, repository: Uuid, now: i64) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query("update repositories set trusted_run_at = $3 where workspace = $1 and repository = $2")
                .bind(key)
                .bind(Key::from(repository))
                .bind(now)
                .execute(connection)
                .await
                .map(drop)
        })?)
    }

    /// It was deleted, or belongs to another workspace now.
    pub async fn repository_gone(&mut self, repository: Uuid, now: i64) -> Result<()> {
        let key = self.key();
        Ok(on!(&mut self.tx, connection => {
            sqlx::query(
                "update repositories set gone_at = $3, version = version + 1 where workspace = $1 and repository = $2 and gone_at is null",
            )
            .bind(key)
            .bind(Key::from(repository))
            .bind(now)
            .execute(connection)
            .await
            .map(drop)
        })?)
    }
}
