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

const SQLITE: [Step; 15] = steps!(
    "sqlite": 1 "0001_directory", 2 "0002_repositories", 3 "0003_runs", 5 "0005_borders", 6 "0006_pages", 7 "0007_approvals",
    8 "0008_owners", 9 "0009_contents", 10 "0010_journal", 11 "0011_verdict",
    13 "0013_views_and_tokens", 14 "0014_proofs", 16 "0016_people", 18 "0018_ledger",
    19 "0019_set_aside"
);
const SQLITE_INBOX: [Step; 4] =
    steps!("sqlite_inbox": 4 "0004_inbox", 6 "0006_pages", 12 "0012_inbox", 13 "0013_views_and_tokens");
const POSTGRES: [Step; 17] = steps!(
    "postgres": 1 "0001_directory", 2 "0002_repositories", 3 "0003_runs", 4 "0004_inbox", 5 "0005_borders", 6 "0006_pages",
    7 "0007_approvals", 8 "0008_owners", 9 "0009_contents", 10 "0010_journal", 11 "0011_verdict", 12 "0012_inbox",
    13 "0013_views_and_tokens", 14 "0014_proofs", 16 "0016_people", 18 "0018_ledger",
    19 "0019_set_aside"
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

/// From this step on logs have keys, and their ends seals.
const LEDGER: i64 = 18;

/// Whether logs that were there had no seals yet.
pub(super) async fn sqlite(main: &SqlitePool, inbox: &SqlitePool) -> Result<bool> {
    let before = sqlx::query_scalar("select version from _sqlx_migrations").fetch_all(main).await;
    migrator(&SQLITE).run(main).await.map_err(failed)?;
    migrator(&SQLITE_INBOX).run(inbox).await.map_err(failed)?;
    Ok(had_no_seals(before))
}

/// Whether both files have exactly the steps of this program.
pub(super) async fn check_sqlite(main: &SqlitePool, inbox: &SqlitePool) -> Result<()> {
    for (file, steps) in [(main, SQLITE.as_slice()), (inbox, SQLITE_INBOX.as_slice())] {
        // A file without tables is older than any.
        let done: Vec<i64> = sqlx::query_scalar("select version from _sqlx_migrations where success order by version")
            .fetch_all(file)
            .await
            .unwrap_or_default();
        if steps.iter().any(|step| !done.contains(&step.0)) {
            return Err(Error::Setup(
                "the database is older than this program: run `penstock-app migrate`, or `penstock-app serve`, which upgrade it".to_owned(),
            ));
        }
        if done.iter().any(|version| steps.iter().all(|step| step.0 != *version)) {
            return Err(Error::Setup(
                "the database is newer than this program: use the version that upgraded it, or a later one".to_owned(),
            ));
        }
    }
    Ok(())
}

/// As [`sqlite`].
pub(super) async fn postgres(pool: &PgPool) -> Result<bool> {
    let before = sqlx::query_scalar("select version from _sqlx_migrations").fetch_all(pool).await;
    migrator(&POSTGRES).run(pool).await.map_err(failed)?;
    Ok(had_no_seals(before))
}

/// A database without tables had no logs either.
fn had_no_seals(before: std::result::Result<Vec<i64>, sqlx::Error>) -> bool {
    before.is_ok_and(|steps| !steps.contains(&LEDGER))
}

/// Whether the database has every step, and none that this program does not know.
pub(super) async fn check_postgres(pool: &PgPool) -> Result<()> {
    let done: Vec<i64> = sqlx::query_scalar("select version from _sqlx_migrations where success order by version")
        .fetch_all(pool)
        .await
        .map_err(|_| {
            Error::Setup(
                "is not migrated: its database has no tables of Penstock; run `penstock-app migrate` first".to_owned(),
            )
        })?;
    let known: Vec<i64> = POSTGRES.iter().map(|step| step.0).collect();
    if known.iter().any(|step| !done.contains(step)) {
        return Err(Error::Setup(
            "is not migrated: it is older than this program; run `penstock-app migrate` first".to_owned(),
        ));
    }
    // Steps only add: a newer database serves an older program while copies are exchanged one by one.
    Ok(())
}
