//! The tables, step by step.
//!
//! Owns the order of migrations. Both databases have the same steps under the same names; a test compares what comes of them. A step that was
//! released is never edited.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlitePool};

use super::error::{Error, Result};

macro_rules! steps {
    ($folder:literal: $($number:literal $name:literal),*) => {
        [$(($number, $name, include_str!(concat!("migrations/", $folder, "/", $name, ".sql")))),*]
    };
}

type Step = (i64, &'static str, &'static str);

const SQLITE: [Step; 9] = steps!(
    "sqlite": 1 "0001_directory", 2 "0002_repositories", 3 "0003_runs", 5 "0005_borders", 6 "0006_pages", 7 "0007_approvals",
    8 "0008_owners", 9 "0009_contents", 10 "0010_journal"
);
const SQLITE_INBOX: [Step; 2] = steps!("sqlite_inbox": 4 "0004_inbox", 6 "0006_pages");
const POSTGRES: [Step; 10] = steps!(
    "postgres": 1 "0001_directory", 2 "0002_repositories", 3 "0003_runs", 4 "0004_inbox", 5 "0005_borders", 6 "0006_pages",
    7 "0007_approvals", 8 "0008_owners", 9 "0009_contents", 10 "0010_journal"
);

fn migrator(steps: &'static [Step]) -> Migrator {
    let migration = |&(number, name, sql): &Step| {
        let sql = sqlx::SqlSafeStr::into_sql_str(sql);
        Migration::new(number, Cow::Borrowed(name), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(steps.iter().map(migration).collect())
}

fn failed(error: sqlx::migrate::MigrateError) -> Error {
    Error::Setup(format!("the tables cannot be made or changed: {error}"))
}

pub(super) async fn sqlite(main: &SqlitePool, inbox: &SqlitePool) -> Result<()> {
    migrator(&SQLITE).run(main).await.map_err(failed)?;
    migrator(&SQLITE_INBOX).run(inbox).await.map_err(failed)
}

pub(super) async fn postgres(pool: &PgPool) -> Result<()> {
    migrator(&POSTGRES).run(pool).await.map_err(failed)
}

/// Whether the database has every step, and none that this program does not know.
pub(super) async fn check_postgres(pool: &PgPool) -> Result<()> {
    let done: Vec<i64> = sqlx::query_scalar("select version from _sqlx_migrations where success order by version")
        .fetch_all(pool)
        .await
        .map_err(|_| {
            Error::Setup("the database has no tables of Penstock: run `penstock-app migrate` first".to_owned())
        })?;
    let known: Vec<i64> = POSTGRES.iter().map(|step| step.0).collect();
    if known.iter().any(|step| !done.contains(step)) {
        return Err(Error::Setup(
            "the database is older than this program: run `penstock-app migrate` first".to_owned(),
        ));
    }
    // Steps only add: a newer database serves an older program while copies are exchanged one by one.
    Ok(())
}
