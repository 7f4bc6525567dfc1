//! Opening a database.
//!
//! Owns what a connection is set to, and what is refused: a database that is sealed with another key, or a role that could see every tenant.

use std::path::Path;
use std::time::Duration;

use penstock_common::Secret;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Executor, PgPool, SqlitePool};

use super::db::{Db, on};
use super::error::{Error, Result};
use super::key::Key;
use super::{Store, migrate};
use crate::crypto::{KeyId, MasterKeys};

/// How long a statement waits for a lock, and a caller for a connection.
const WAIT: Duration = Duration::from_secs(5);
/// Readers of SQLite.
const READERS: u32 = 4;
/// Connections to PostgreSQL of one copy of the program.
const CONNECTIONS: u32 = 12;
const MAIN: &str = "penstock.db";
const INBOX: &str = "inbox.db";

impl Store {
    /// Opens the embedded database in `folder`, and makes or upgrades its tables.
    ///
    /// # Errors
    /// When the files cannot be used, or are sealed with another key.
    pub async fn open_sqlite(folder: &Path, keys: MasterKeys, now: i64) -> Result<Self> {
        let ((main, main_log), (inbox, inbox_log)) =
            (sqlite(&folder.join(MAIN)).await?, sqlite(&folder.join(INBOX)).await?);
        if let (Db::Sqlite { writer: main, .. }, Db::Sqlite { writer: inbox, .. }) = (&main, &inbox) {
            migrate::sqlite(main, inbox).await?;
        }
        check_keys(&main, &keys, now).await?;
        Ok(Self::new(main, inbox, keys, vec![main_log, inbox_log]))
    }

    /// Opens a database of PostgreSQL, whose tables [`migrate_postgres`] made.
    ///
    /// # Errors
    /// When it does not answer, is older than the program, is sealed with another key, or the role may see more than it should.
    pub async fn open_postgres(url: &Secret, keys: MasterKeys, now: i64) -> Result<Self> {
        let options =
            PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(WAIT).after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute("set role penstock_app").await?;
                    connection.execute("set lock_timeout = '5s'").await?;
                    Ok(())
                })
            });
        let pool = options.connect_with(postgres(url)?).await.map_err(|error| match &error {
            sqlx::Error::Database(told) => Error::Setup(format!(
                "the database does not let Penstock in ({}): was `penstock-app migrate` run with this user?",
                told.message()
            )),
            _ => Error::from(error),
        })?;
        migrate::check_postgres(&pool).await?;
        check_role(&pool).await?;
        let db = Db::Postgres(pool);
        check_keys(&db, &keys, now).await?;
        Ok(Self::new(db.clone(), db, keys, Vec::new()))
    }
}

impl Store {
    /// Copies the embedded database into a new folder, while it is in use. Each file is one moment; the inbox is copied last, so that nothing that
    /// was acknowledged is in neither.
    ///
    /// # Errors
    /// When there is no embedded database, or the folder exists or cannot be made.
    pub async fn backup(&self, folder: &Path) -> Result<()> {
        let (Db::Sqlite { writer: main, .. }, Db::Sqlite { writer: inbox, .. }) = (&self.shared.db, &self.shared.inbox)
        else {
            return Err(Error::Setup(
                "PostgreSQL is copied with its own means: `pg_dump`, or archiving its log".to_owned(),
            ));
        };
        std::fs::create_dir(folder)
            .map_err(|error| Error::Setup(format!("the folder `{}` cannot be made: {error}", folder.display())))?;
        for (pool, name) in [(main, MAIN), (inbox, INBOX)] {
            let path = folder.join(name).display().to_string();
            sqlx::query("vacuum into $1").bind(path).execute(pool).await?;
        }
        Ok(())
    }
}

/// Makes or upgrades the tables of PostgreSQL, as their owner.
///
/// # Errors
/// When the database does not answer, or the user may not make tables and roles.
pub async fn migrate_postgres(url: &Secret) -> Result<()> {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(WAIT).connect_with(postgres(url)?).await?;
    let outcome = migrate::postgres(&pool).await;
    pool.close().await;
    outcome
}

fn postgres(url: &Secret) -> Result<PgConnectOptions> {
    // What the library says of a wrong address may quote its password.
    url.expose().parse().map_err(|_| Error::Setup("`DATABASE_URL` is no address of PostgreSQL".to_owned()))
}

/// The database, and a connection by which its log is looked after.
async fn sqlite(path: &Path) -> Result<(Db, SqlitePool)> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What was acknowledged survives a loss of power.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(WAIT)
        .foreign_keys(true)
        // `checkpoint` does it.
        .pragma("wal_autocheckpoint", "0")
        .pragma("temp_store", "memory");
    // What a large run changes stays in memory until it is written once.
    let writes = options.clone().pragma("cache_size", "-64000");
    let options = options.pragma("cache_size", "-16000");
    let pool = |most: u32| SqlitePoolOptions::new().max_connections(most).min_connections(1).acquire_timeout(WAIT);
    let open = |error: sqlx::Error| Error::Setup(format!("the database `{}` cannot be used: {error}", path.display()));
    let writer: SqlitePool = pool(1).connect_with(writes).await.map_err(open)?;
    let log: SqlitePool = pool(1).connect_with(options.clone()).await.map_err(open)?;
    let readers: SqlitePool = pool(READERS).connect_with(options.read_only(true)).await.map_err(open)?;
    Ok((Db::Sqlite { readers, writer }, log))
}

/// The role must be one for which the borders between tenants hold.
async fn check_role(pool: &PgPool) -> Result<()> {
    let (superuser, bypass, owned): (bool, bool, i64) = sqlx::query_as(
        "select r.rolsuper, r.rolbypassrls, \
            (select count(*) from pg_class c where c.relowner = r.oid and c.relkind = 'r') \
         from pg_roles r where r.rolname = current_user",
    )
    .fetch_one(pool)
    .await?;
    if superuser || bypass || owned > 0 {
        return Err(Error::Setup(
            "the database role can see every tenant (it is superuser, owner or BYPASSRLS): Penstock serves only as the role \
             `penstock_app`, which `penstock-app migrate` makes"
                .to_owned(),
        ));
    }
    Ok(())
}

/// The database must be sealed with a key that we have; a new one is sealed with our newest.
async fn check_keys(db: &Db, keys: &MasterKeys, now: i64) -> Result<()> {
    const PROOF: &str = "master_keys.proof";
    let mut tx = db.write(None).await?;
    let known: Vec<(Key, Vec<u8>)> = on!(&mut tx, connection => {
        sqlx::query_as("select id, proof from master_keys").fetch_all(connection).await
    })?;
    let newest = keys.newest();
    for (id, proof) in &known {
        if keys.has(KeyId(id.0))? {
            keys.open_secret(PROOF, &id.0, proof)?;
        }
    }
    let ours = known.iter().any(|(id, _)| keys.has(KeyId(id.0)).unwrap_or(false));
    if !known.is_empty() && !ours {
        return Err(Error::Setup(
            "the database is sealed with another master key: give the key file that belongs to it".to_owned(),
        ));
    }
    if !known.iter().any(|(id, _)| id.0 == newest.0) {
        let proof = keys.seal_secret(PROOF, &newest.0, &Secret::new("penstock"))?;
        on!(&mut tx, connection => {
            sqlx::query("insert into master_keys (id, proof, created_at) values ($1, $2, $3)")
                .bind(Key(newest.0))
                .bind(proof)
                .bind(now)
                .execute(connection)
                .await
                .map(drop)
        })?;
    }
    tx.commit().await
}
