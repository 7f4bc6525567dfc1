//! Findings on a branch, filtered and page by page.

use penstock_common::{Category, Severity, Uuid};
use sqlx::FromRow;

use super::Workspace;
use super::codes::{self, from_json};
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;
use crate::track::{BranchId, FindingId, How, Print, Status};

/// Which findings.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// `Some(None)`: what is open; `Some(Some(how))`: what is gone that way; `None`: all.
    pub gone: Option<Option<How>>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// Of this kind.
    pub category: Option<Category>,
    /// Of this tool.
    pub tool: Option<String>,
    /// Of this rule.
    pub rule: Option<String>,
    /// Whose path begins like this.
    pub path: Option<String>,
    /// With this fingerprint, the newest of ours.
    pub fingerprint: Option<Print>,
    /// Of which people say this.
    pub status: Option<Status>,
}

/// A finding on a branch.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its id.
    pub finding: FindingId,
    /// What kind of thing it is.
    pub category: Category,
    /// The rule's id.
    pub rule: String,
    /// Our fingerprint.
    pub ours: Print,
    /// Ours without the path.
    pub path_free: Print,
    /// What people say of it.
    pub status: Status,
    /// Tool family.
    pub tool: String,
    /// `NAME` of the run.
    pub name: String,
    /// Path from the root.
    pub path: String,
    /// How bad it is.
    pub severity: Severity,
    /// How it is gone; absent while it is open.
    pub gone: Option<How>,
    /// How often it came back.
    pub reopened: u64,
    /// The pull request that brought it.
    pub introduced_by: Option<u64>,
    /// When it was first written here, in unix milliseconds.
    pub since: i64,
    /// What is shown of it; absent if that was never told.
    pub shown: Option<penstock_common::Finding>,
}

/// Where a page ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Severity of its last finding.
    pub severity: Severity,
    /// That finding.
    pub finding: FindingId,
}

#[derive(FromRow)]
struct Row {
    finding: Key,
    category: String,
    rule: String,
    ours: Key,
    path_free: Key,
    status: String,
    tool: String,
    name: String,
    path: String,
    severity: i64,
    gone_how: Option<String>,
    reopened: i64,
    introduced_by: Option<i64>,
    since: i64,
    body: Option<String>,
}

impl TryFrom<Row> for Found {
    type Error = crate::store::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            finding: FindingId(row.finding.number()),
            category: codes::category(&row.category)?,
            rule: row.rule,
            ours: Print(row.ours.number()),
            path_free: Print(row.path_free.number()),
            status: codes::status(&row.status)?,
            tool: row.tool,
            name: row.name,
            path: row.path,
            severity: codes::severity(row.severity)?,
            gone: row.gone_how.as_deref().map(codes::how).transpose()?,
            reopened: row.reopened.unsigned_abs(),
            introduced_by: row.introduced_by.map(i64::unsigned_abs),
            since: row.since,
            shown: row.body.as_deref().map(|body| from_json(body, "contents.body")).transpose()?,
        })
    }
}

impl Workspace {
    /// Findings on a branch, the worst first, after `after`, at most `limit`.
    pub async fn find(
        &self,
        repository: Uuid,
        branch: BranchId,
        filter: &Filter,
        after: Option<Cursor>,
        limit: i64,
    ) -> Result<Vec<Found>> {
        let how = match filter.gone {
            None => None,
            Some(None) => Some("open"),
            Some(Some(how)) => Some(codes::how_name(how)),
        };
        // A prefix is a range: the end is the first text after all that begin like it.
        let below = filter.path.as_deref().map(|path| format!("{path}\u{10ffff}"));
        let mut tx = self.read().await?;
        let rows: Vec<Row> = on!(&mut tx, connection => {
            sqlx::query_as(
                "select f.finding, f.category, f.rule, f.ours, f.path_free, f.status, o.tool, o.name, o.path, o.severity, o.gone_how, \
                 o.reopened, o.introduced_by, o.since, c.body \
                 from occurrences o \
                 join findings f on f.workspace = o.workspace and f.repository = o.repository and f.finding = o.finding \
                 left join contents c on c.workspace = o.workspace and c.repository = o.repository and c.content = o.content \
                 where o.workspace = $1 and o.repository = $2 and o.branch = $3 \
                 and ($4 is null or coalesce(o.gone_how, 'open') = $4) \
                 and ($5 is null or o.severity = $5) \
                 and ($6 is null or f.category = $6) \
                 and ($7 is null or o.tool = $7) \
                 and ($8 is null or f.rule = $8) \
                 and ($9 is null or (o.path >= $9 and o.path < $10)) \
                 and ($11 is null or f.ours = $11) \
                 and ($12 is null or f.status = $12) \
                 and ($13 is null or o.severity < $13 or (o.severity = $13 and o.finding > $14)) \
                 order by o.severity desc, o.finding limit $15",
            )
            .bind(self.key())
            .bind(Key::from(repository))
            .bind(Key::from(branch))
            .bind(how)
            .bind(filter.severity.map(codes::severity_code))
            .bind(filter.category.map(Category::name))
            .bind(filter.tool.as_deref())
            .bind(filter.rule.as_deref())
            .bind(filter.path.as_deref())
            .bind(below.as_deref())
            .bind(filter.fingerprint.map(Key::from))
            .bind(filter.status.map(Status::name))
            .bind(after.map(|cursor| codes::severity_code(cursor.severity)))
            .bind(after.map(|cursor| Key::from(cursor.finding)))
            .bind(limit)
            .fetch_all(connection)
            .await
        })?;
        rows.into_iter().map(Found::try_from).collect()
    }
}
