//! Findings on a branch: filtered, in an order, and page by page.
//!
//! Owns the statement that lists. Each filter has an index in which the branch's findings stand in the order that is asked for, so a page costs the
//! same however many there are. Only one index can be gone through: [`Filter::driver`] chooses which, and what else is asked for is written so
//! that neither database takes another.

use penstock_common::{Category, Severity, Uuid};
use sqlx::{AssertSqlSafe, FromRow};

use super::Workspace;
use super::codes::{self, from_json};
use crate::store::db::on;
use crate::store::error::Result;
use crate::store::key::Key;
use crate::track::{BranchId, FindingId, How, Print, Status, Triage};

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
    /// In a file of these owners: all that one rule names.
    pub owner: Option<String>,
    /// Whose path begins like this.
    pub path: Option<String>,
    /// With this fingerprint, the newest of ours.
    pub fingerprint: Option<Print>,
    /// Of which people say this.
    pub status: Option<Status>,
    /// Known since this moment or later, in unix milliseconds.
    pub since: Option<i64>,
    /// Known since before this moment.
    pub before: Option<i64>,
    /// Found by one of these pairs of tool and `NAME`.
    pub series: Option<Vec<(String, String)>>,
    /// With this in its path, its rule or what is told of it, in any case. For sets that are small: each row is read.
    pub text: Option<String>,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The worst first.
    #[default]
    Worst,
    /// The newest first.
    Newest,
    /// By path.
    Path,
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
    /// The same with reason, author and expiry.
    pub triage: Triage,
    /// Tool family.
    pub tool: String,
    /// `NAME` of the run.
    pub name: String,
    /// Who owns its file; empty if nobody was told.
    pub owner: String,
    /// Path from the root.
    pub path: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether the code itself says that it does not count.
    pub allowed: bool,
    /// How it is gone; absent while it is open.
    pub gone: Option<How>,
    /// How often it came back.
    pub reopened: u64,
    /// The pull request that brought it.
    pub introduced_by: Option<u64>,
    /// Since when it is known here, in unix milliseconds: when the run ended that first saw it.
    pub since: i64,
    /// What is shown of it; absent if that was never told.
    pub shown: Option<penstock_common::Finding>,
}

impl Found {
    /// Whether people can read this in it, in lower case.
    fn says(&self, text: &str) -> bool {
        let shown = self.shown.as_ref();
        let title = shown.map(|shown| shown.title.as_str()).unwrap_or_default();
        let message = shown.map(|shown| shown.message.as_str()).unwrap_or_default();
        [&self.path, &self.rule, title, message].iter().any(|one| one.to_lowercase().contains(text))
    }
}

/// Where a page ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// In [`Order::Worst`].
    Worst(Severity, FindingId),
    /// In [`Order::Newest`].
    Newest(i64, FindingId),
    /// In [`Order::Path`].
    Path(String, FindingId),
}

impl Order {
    /// Where a page ends whose last finding is this one.
    pub fn after(self, found: &Found) -> Cursor {
        match self {
            Self::Worst => Cursor::Worst(found.severity, found.finding),
            Self::Newest => Cursor::Newest(found.since, found.finding),
            Self::Path => Cursor::Path(found.path.clone(), found.finding),
        }
    }

    const fn sql(self) -> &'static str {
        match self {
            Self::Worst => "o.severity desc, o.finding",
            Self::Newest => "o.since desc, o.finding",
            Self::Path => "o.path, o.finding",
        }
    }
}

/// Rows that are read at once where words are looked for.
const SEARCHED: i64 = 200;

/// The column whose index is gone through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Driver {
    Order,
    Fingerprint,
    Rule,
    Category,
    Status,
    Owner,
    Tool,
}

impl Filter {
    /// The filter that leaves least, as far as that can be known without counting. Other orders than by severity have an index each, and no filter
    /// has one in them.
    fn driver(&self, order: Order) -> Driver {
        let judged = self.status.is_some_and(|status| status != Status::NeedsTriage);
        match order {
            _ if self.fingerprint.is_some() => Driver::Fingerprint,
            Order::Newest | Order::Path => Driver::Order,
            Order::Worst if self.rule.is_some() => Driver::Rule,
            Order::Worst if judged => Driver::Status,
            Order::Worst if self.owner.is_some() => Driver::Owner,
            Order::Worst if self.category.is_some() => Driver::Category,
            Order::Worst if self.tool.is_some() => Driver::Tool,
            Order::Worst => Driver::Order,
        }
    }
}

#[derive(FromRow)]
struct Row {
    finding: Key,
    category: String,
    rule: String,
    ours: Key,
    path_free: Key,
    status: String,
    triage: Option<String>,
    tool: String,
    name: String,
    owner: String,
    path: String,
    severity: i64,
    allowed: Option<String>,
    gone_how: Option<String>,
    reopened: i64,
    introduced_by: Option<i64>,
    since: i64,
    body: Option<String>,
}

impl TryFrom<Row> for Found {
    type Error = crate::store::Error;

    fn try_from(row: Row) -> Result<Self> {
        let status = codes::status(&row.status)?;
        Ok(Self {
            finding: FindingId(row.finding.number()),
            category: codes::category(&row.category)?,
            rule: row.rule,
            ours: Print(row.ours.number()),
            path_free: Print(row.path_free.number()),
            status,
            triage: match row.triage.as_deref() {
                // What cannot be read counts for nothing, and is `check`'s to report.
                Some(text) => from_json(text, "findings.triage").unwrap_or_default(),
                None => Triage { status, ..Triage::default() },
            },
            tool: row.tool,
            name: row.name,
            owner: row.owner,
            path: row.path,
            severity: codes::severity(row.severity)?,
            allowed: row.allowed.is_some(),
            gone: row.gone_how.as_deref().map(codes::how).transpose()?,
            reopened: row.reopened.unsigned_abs(),
            introduced_by: row.introduced_by.map(i64::unsigned_abs),
            since: row.since,
            shown: row.body.as_deref().and_then(|body| from_json(body, "contents.body").ok()),
        })
    }
}

/// A value on its way into a statement.
enum Value {
    Key(Key),
    Integer(i64),
    Text(String),
}

/// A condition as it grows. Nothing of the text comes from outside: values are bound.
struct Statement {
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    fn bind(&mut self, value: Value) -> usize {
        self.values.push(value);
        self.values.len()
    }

    /// `condition` with `$` for the value.
    fn and(&mut self, condition: &str, value: Value) {
        let at = self.bind(value);
        self.sql.push_str(" and ");
        self.sql.push_str(&condition.replace('$', &format!("${at}")));
    }

    /// Equality of a text column, out of reach of any index unless it is the one that drives.
    fn equal(&mut self, column: &str, value: &str, drives: bool) {
        let value = Value::Text(value.to_owned());
        if drives {
            self.and(&format!("o.{column} = $"), value);
        } else {
            self.and(&format!("o.{column} || '' = $"), value);
        }
    }
}

/// What stands in a row of the list; `o` holds the occurrences that were chosen.
const COLUMNS: &str = "o.finding, o.category, o.rule, f.ours, f.path_free, o.status, f.triage, o.tool, o.name, o.owner, o.path, o.severity, o.allowed, \
                       o.gone_how, o.reopened, o.introduced_by, o.since, c.body";
const BESIDE: &str = "join findings f on f.workspace = o.workspace and f.repository = o.repository and f.finding = o.finding \
                      left join contents c on c.workspace = o.workspace and c.repository = o.repository and c.finding = o.finding and c.content = o.content";

/// Binds the values in their order.
macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Key(key) => query.bind(key),
                Value::Integer(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
            };
        }
        query
    }};
}

impl Workspace {
    /// Findings on a branch in an order, after `after`, at most `limit`.
    pub async fn find(
        &self,
        repository: Uuid,
        branch: BranchId,
        filter: &Filter,
        order: Order,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Vec<Found>> {
        let Some(text) = filter.text.as_ref().map(|text| text.to_lowercase()) else {
            return self.rows(repository, branch, filter, order, after, limit).await;
        };
        // The database looks into all that is kept of a finding, its fingerprints and the names of fields too; people mean what they can read.
        let (mut all, mut after) = (Vec::new(), after.cloned());
        loop {
            let rows = self.rows(repository, branch, filter, order, after.as_ref(), limit.max(SEARCHED)).await?;
            let last = (rows.len() as i64) < limit.max(SEARCHED);
            after = rows.last().map(|row| order.after(row));
            all.extend(rows.into_iter().filter(|row| row.says(&text)));
            if last || all.len() as i64 >= limit {
                all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                return Ok(all);
            }
        }
    }

    async fn rows(
        &self,
        repository: Uuid,
        branch: BranchId,
        filter: &Filter,
        order: Order,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Vec<Found>> {
        let Statement { sql, mut values } = self.chosen(repository, branch, filter, order, after);
        values.push(Value::Integer(limit));
        let (by, end) = (order.sql(), values.len());
        let sql = format!(
            "select {COLUMNS} from (select o.* from occurrences o where {sql} order by {by} limit ${end}) o {BESIDE} order by {by}"
        );
        let mut tx = self.read_findings(repository).await?;
        let rows: Vec<Row> = on!(&mut tx, connection => {
            bound!(sqlx::query_as(AssertSqlSafe(sql)), values).fetch_all(connection).await
        })?;
        rows.into_iter().map(Found::try_from).collect()
    }

    /// How many there are, as far as `most`.
    pub async fn count(&self, repository: Uuid, branch: BranchId, filter: &Filter, most: i64) -> Result<i64> {
        if filter.text.is_some() {
            return Ok(self.find(repository, branch, filter, Order::Worst, None, most).await?.len() as i64);
        }
        let Statement { sql, mut values } = self.chosen(repository, branch, filter, Order::Worst, None);
        values.push(Value::Integer(most));
        let sql =
            format!("select count(*) from (select 1 as one from occurrences o where {sql} limit ${}) o", values.len());
        let mut tx = self.read_findings(repository).await?;
        Ok(on!(&mut tx, connection => {
            bound!(sqlx::query_scalar(AssertSqlSafe(sql)), values).fetch_one(connection).await
        })?)
    }

    /// These findings as they are on a branch, in the order of the list. What is not there is left out.
    pub async fn these(&self, repository: Uuid, branch: BranchId, findings: &[FindingId]) -> Result<Vec<Found>> {
        let mut found = Vec::with_capacity(findings.len());
        let sql = format!(
            "select {COLUMNS} from occurrences o {BESIDE} where o.workspace = $1 and o.repository = $2 and o.branch = $3 and o.finding = $4"
        );
        let mut tx = self.read_findings(repository).await?;
        for finding in findings {
            let row: Option<Row> = on!(&mut tx, connection => {
                sqlx::query_as(AssertSqlSafe(sql.clone()))
                    .bind(self.key())
                    .bind(Key::from(repository))
                    .bind(Key::from(branch))
                    .bind(Key::from(*finding))
                    .fetch_optional(connection)
                    .await
            })?;
            found.extend(row.map(Found::try_from).transpose()?);
        }
        Ok(found)
    }

    fn chosen(
        &self,
        repository: Uuid,
        branch: BranchId,
        filter: &Filter,
        order: Order,
        after: Option<&Cursor>,
    ) -> Statement {
        let driver = filter.driver(order);
        let sql = "o.workspace = $1 and o.repository = $2 and o.branch = $3".to_owned();
        let values = vec![Value::Key(self.key()), Value::Key(repository.into()), Value::Key(branch.into())];
        let mut statement = Statement { sql, values };
        if let Some(gone) = filter.gone {
            statement.and("o.state = $", Value::Integer(codes::state_code(gone)));
        }
        if let Some(print) = filter.fingerprint {
            let at = statement.bind(Value::Key(print.into()));
            statement.sql.push_str(&format!(
                " and o.finding in (select f.finding from findings f where f.workspace = $1 and f.repository = $2 and f.ours = ${at})"
            ));
        }
        if let Some(severity) = filter.severity {
            statement.and("o.severity = $", Value::Integer(codes::severity_code(severity)));
        }
        for (column, value, of) in [
            ("rule", filter.rule.as_deref(), Driver::Rule),
            ("category", filter.category.map(Category::name), Driver::Category),
            ("status", filter.status.map(Status::name), Driver::Status),
            ("owner", filter.owner.as_deref(), Driver::Owner),
            ("tool", filter.tool.as_deref(), Driver::Tool),
        ] {
            if let Some(value) = value {
                statement.equal(column, value, driver == of);
            }
        }
        // Two indexes have only rows with an owner, or a judgement, and both databases want to be told that these are meant.
        statement.sql.push_str(match driver {
            Driver::Owner => " and o.owner <> ''",
            Driver::Status => " and o.status <> 'needs_triage'",
            _ => "",
        });
        if let Some(path) = &filter.path {
            // A prefix is a range: the end is the first text after all that begin like it.
            statement.and("o.path >= $", Value::Text(path.clone()));
            statement.and("o.path < $", Value::Text(format!("{path}\u{10ffff}")));
        }
        if let Some(since) = filter.since {
            statement.and("o.since >= $", Value::Integer(since));
        }
        if let Some(before) = filter.before {
            statement.and("o.since < $", Value::Integer(before));
        }
        if let Some(series) = &filter.series {
            let pairs: Vec<String> = series
                .iter()
                .map(|(tool, name)| {
                    let tool = statement.bind(Value::Text(tool.clone()));
                    let name = statement.bind(Value::Text(name.clone()));
                    format!("(o.tool || '' = ${tool} and o.name = ${name})")
                })
                .collect();
            let any = if pairs.is_empty() { "1 = 0".to_owned() } else { pairs.join(" or ") };
            statement.sql.push_str(&format!(" and ({any})"));
        }
        if let Some(text) = &filter.text {
            let at = statement.bind(Value::Text(format!("%{}%", like(text))));
            statement.sql.push_str(&format!(
                " and (lower(o.path) like ${at} escape '!' or lower(o.rule) like ${at} escape '!' or exists (select 1 from contents c \
                 where c.workspace = o.workspace and c.repository = o.repository and c.finding = o.finding and c.content = o.content \
                 and lower(c.body) like ${at} escape '!'))"
            ));
        }
        match after {
            Some(Cursor::Worst(severity, finding)) => {
                let severity = statement.bind(Value::Integer(codes::severity_code(*severity)));
                let finding = statement.bind(Value::Key((*finding).into()));
                statement.sql.push_str(&format!(
                    " and o.severity <= ${severity} and (o.severity < ${severity} or o.finding > ${finding})"
                ));
            }
            Some(Cursor::Newest(since, finding)) => {
                let since = statement.bind(Value::Integer(*since));
                let finding = statement.bind(Value::Key((*finding).into()));
                statement
                    .sql
                    .push_str(&format!(" and o.since <= ${since} and (o.since < ${since} or o.finding > ${finding})"));
            }
            Some(Cursor::Path(path, finding)) => {
                let path = statement.bind(Value::Text(path.clone()));
                let finding = statement.bind(Value::Key((*finding).into()));
                statement
                    .sql
                    .push_str(&format!(" and o.path >= ${path} and (o.path > ${path} or o.finding > ${finding})"));
            }
            None => {}
        }
        statement
    }
}

/// A text as a part of a pattern, in lower case.
fn like(text: &str) -> String {
    text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_")
}
