//! Opening a database.
//!
//! Owns what a connection is set to, and what is refused: a database that is sealed with another key, or a role that could see every tenant.

use std::path::Path;

use penstock_common::Secret;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Executor, PgPool, SqlitePool};

use super::connect::Server;
use super::db::{Db, on};
use super::error::{Error, Result};
use super::key::Key;
use super::probe::Probe;
use super::transaction::{Occupancy, WAIT};
use super::{Store, log_keys, migrate};
use crate::crypto::{KeyId, MasterKeys};
use crate::data_folder::require_database;
use crate::private_files;

/// Readers of SQLite.
const READERS: u32 = 4;
/// Connections to PostgreSQL of one copy of the program.
const CONNECTIONS: u32 = 12;
/// What a session of PostgreSQL is set to. A copy that is cut off in the middle of a transaction
/// must not hold its locks for longer.
pub(super) const SESSION: &str =
    "set role penstock_app; set lock_timeout = '5s'; set idle_in_transaction_session_timeout = '20s'";
const NO_LOGIN: &str = "the login that DATABASE_URL names does not exist: make it with `createuser NAME`, and run `penstock-app migrate` again";
/// The files of the embedded database.
pub(crate) const MAIN_FILE: &str = "penstock.db";
const INBOX_FILE: &str = "inbox.db";
pub(crate) const FILES: [&str; 2] = [MAIN_FILE, INBOX_FILE];

impl Store {
    /// Opens the embedded database in `folder`, and makes or upgrades its tables.
    ///
    /// # Errors
    /// When the files cannot be used, or are sealed with another key.
    pub async fn open_sqlite(folder: &Path, keys: MasterKeys, now: i64) -> Result<Self> {
        private_files::secure_folder(folder)?;
        let files = EmbeddedFiles::open(folder).await?;
        let is_first = files.upgrade().await?;
        let store = files.into_store(keys, now).await?;
        if is_first {
            store.seal_logs().await?;
        }
        Ok(store)
    }

    /// Opens the embedded database in `folder` as it is.
    ///
    /// # Errors
    /// When a file is missing, a table is not that of this version, or as [`Store::open_sqlite`].
    pub async fn open_existing_sqlite(folder: &Path, keys: MasterKeys, now: i64) -> Result<Self> {
        // Before anything is created, or rights are taken from a folder of another owner.
        require_database(folder).map_err(|error| Error::Setup(error.to_string()))?;
        private_files::secure_folder(folder)?;
        let files = EmbeddedFiles::open(folder).await?;
        files.check_version().await?;
        files.into_store(keys, now).await
    }

    /// Opens a database of PostgreSQL, whose tables [`migrate_postgres`] made.
    ///
    /// # Errors
    /// When it does not answer, is older than the program, is sealed with another key, or the role may see more than it should.
    pub async fn open_postgres(url: &Secret, keys: MasterKeys, now: i64) -> Result<Self> {
        let options = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(WAIT)
            // The begin of a transaction shows whether the server is still there.
            .test_before_acquire(false)
            .after_connect(|connection, _| Box::pin(async move { connection.execute(SESSION).await.map(drop) }));
        let server = Server::new("DATABASE_URL", url)?;
        server.try_out(Some(SESSION)).await?;
        let pool = options.connect_with(server.options.clone()).await?;
        migrate::check_postgres(&pool).await.map_err(|error| match error {
            Error::Setup(why) => server.wrong(&why),
            other => other,
        })?;
        check_role(&pool).await?;
        check_login(&pool).await?;
        let db = Db::Postgres(pool);
        check_keys(&db, &keys, now).await?;
        log_keys::keep(&db, &keys).await?;
        Ok(Self::new(db.clone(), db, Probe::postgres(server.options), keys, Vec::new()))
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
        private_files::create_new_folder(folder)?;
        for (pool, name) in [(main, MAIN_FILE), (inbox, INBOX_FILE)] {
            let path = folder.join(name);
            // SQLite writes into an empty file, and leaves its mode as it is.
            private_files::secure_database(&path)?;
            sqlx::query("vacuum into $1").bind(path.display().to_string()).execute(pool).await?;
        }
        Ok(())
    }
}

/// Makes or upgrades the tables of PostgreSQL, as their owner, and lets the login of another
/// address work with them. Whether logs were not sealed before.
///
/// # Errors
/// When the database does not answer, the owner may not make tables and roles, or there is no such login.
pub async fn migrate_postgres(owner: &Secret, login: Option<&Secret>) -> Result<bool> {
    let server = Server::new(if login.is_some() { "MIGRATE_DATABASE_URL" } else { "DATABASE_URL" }, owner)?;
    let login = login.map(|login| Server::new("DATABASE_URL", login)).transpose()?;
    server.try_out(None).await?;
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(WAIT).connect_with(server.options).await?;
    let outcome = migrate_as_owner(&pool, login.as_ref().map(|login| login.options.get_username())).await;
    pool.close().await;
    outcome
}

async fn migrate_as_owner(pool: &PgPool, login: Option<&str>) -> Result<bool> {
    let is_first = migrate::postgres(pool).await?;
    if let Some(login) = login {
        let is_member: Option<bool> = sqlx::query_scalar(
            "select pg_has_role(rolname, 'penstock_app', 'MEMBER') from pg_roles where rolname = $1",
        )
        .bind(login)
        .fetch_optional(pool)
        .await?;
        if !is_member.ok_or_else(|| Error::Setup(NO_LOGIN.to_owned()))? {
            let name = login.replace('"', "\"\"");
            sqlx::query(AssertSqlSafe(format!("grant penstock_app to \"{name}\""))).execute(pool).await?;
        }
    }
    Ok(is_first)
}

/// The embedded database, whose tables may be missing or old.
struct EmbeddedFiles {
    main: Db,
    inbox: Db,
    logs: Vec<SqlitePool>,
}

impl EmbeddedFiles {
    async fn open(folder: &Path) -> Result<Self> {
        let (main, main_log) = sqlite(&folder.join(MAIN_FILE)).await?;
        let (inbox, inbox_log) = sqlite(&folder.join(INBOX_FILE)).await?;
        Ok(Self { main, inbox, logs: vec![main_log, inbox_log] })
    }

    /// Makes or upgrades the tables; whether logs were not sealed before.
    async fn upgrade(&self) -> Result<bool> {
        match (&self.main, &self.inbox) {
            (Db::Sqlite { writer: main, .. }, Db::Sqlite { writer: inbox, .. }) => migrate::sqlite(main, inbox).await,
            _ => Ok(false),
        }
    }

    async fn check_version(&self) -> Result<()> {
        match (&self.main, &self.inbox) {
            (Db::Sqlite { writer: main, .. }, Db::Sqlite { writer: inbox, .. }) => {
                migrate::check_sqlite(main, inbox).await
            }
            _ => Ok(()),
        }
    }

    async fn into_store(self, keys: MasterKeys, now: i64) -> Result<Store> {
        check_keys(&self.main, &keys, now).await?;
        log_keys::keep(&self.main, &keys).await?;
        let probe = Probe::Sqlite([self.main.clone(), self.inbox.clone()]);
        Ok(Store::new(self.main, self.inbox, probe, keys, self.logs))
    }
}

/// The database, and a connection by which its log is looked after.
async fn sqlite(path: &Path) -> Result<(Db, SqlitePool)> {
    private_files::secure_database(path)?;
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
    let pool = |most: u32| {
        let options = SqlitePoolOptions::new().max_connections(most).min_connections(1).acquire_timeout(WAIT);
        // A connection is a thread of this process: it is there as long as it is in the pool.
        options.test_before_acquire(false)
    };
    let open = |error: sqlx::Error| Error::Setup(format!("the database `{}` cannot be used: {error}", path.display()));
    let writer: SqlitePool = pool(1).connect_with(writes).await.map_err(open)?;
    let log: SqlitePool = pool(1).connect_with(options.clone()).await.map_err(open)?;
    let readers: SqlitePool = pool(READERS).connect_with(options.read_only(true)).await.map_err(open)?;
    Ok((Db::Sqlite { readers, writer, occupancy: Occupancy::default() }, log))
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

/// The login, which can become the role and itself again, must have no other rights: only then are
/// logs safe from anyone who has its password.
async fn check_login(pool: &PgPool) -> Result<()> {
    let (superuser, bypass, creates, owner): (bool, bool, bool, bool) = sqlx::query_as(
        "select r.rolsuper, r.rolbypassrls, r.rolcreaterole, exists ( \
            select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace \
            where c.relname in ('events', 'audit') and n.nspname = any (current_schemas(false)) and pg_has_role(session_user, c.relowner, 'MEMBER')) \
         from pg_roles r where r.rolname = session_user",
    )
    .fetch_one(pool)
    .await?;
    let (changes, erases): (bool, bool) = sqlx::query_as(
        "select bool_or(has_table_privilege(who, log, 'UPDATE, DELETE, TRUNCATE')), \
            bool_and(has_function_privilege(current_user, 'penstock_erase_logs(bytea)', 'EXECUTE')) \
         from (values (session_user::text), (current_user::text)) roles (who), (values ('events'), ('audit')) logs (log)",
    )
    .fetch_one(pool)
    .await?;
    if superuser || bypass || creates || owner {
        return Err(Error::Setup(
            "the database login can change the logs (it is superuser, BYPASSRLS, CREATEROLE, or owns the tables): give DATABASE_URL a login that is a member of \
             `penstock_app` and nothing else, and the owner's address to `penstock-app migrate` as MIGRATE_DATABASE_URL"
                .to_owned(),
        ));
    }
    if changes || !erases {
        return Err(Error::Setup(
            "the role `penstock_app` has other rights on the logs than `penstock-app migrate` gives it: it may add to `events` and `audit` and read them, and run \
             `penstock_erase_logs`"
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
