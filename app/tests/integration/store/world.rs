//! A database for one test.

use std::time::Duration;

use penstock_app::crypto::MasterKeys;
use penstock_app::store::system::{Installation, Written};
use penstock_app::store::{Store, Workspace, migrate_postgres};
use penstock_common::{Secret, Uuid};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;

pub(crate) const NOW: i64 = 1_800_000_000_000;

pub(crate) struct World {
    pub store: Store,
    pub folder: TempDir,
    /// Address of the database as its owner; absent for SQLite.
    pub postgres: Option<String>,
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(folder.path(), keys(&folder), NOW).await.unwrap();
        Self { store, folder, postgres: None }
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let url = database().await?;
        migrate_postgres(&Secret::new(&url), Some(&login(&url))).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_postgres(&login(&url), keys(&folder), NOW).await.unwrap();
        Some(Self { store, folder, postgres: Some(url) })
    }

    /// The same database, opened by another copy of the program.
    pub(crate) async fn again(&self) -> Store {
        match &self.postgres {
            Some(url) => Store::open_postgres(&login(url), keys(&self.folder), NOW).await.unwrap(),
            None => Store::open_sqlite(self.folder.path(), keys(&self.folder), NOW).await.unwrap(),
        }
    }

    /// A tenant with something installed and one repository.
    pub(crate) async fn tenant(&self, number: u8) -> (Workspace, Uuid) {
        let (workspace, repository) = (Uuid::from([number; 16]), Uuid::from([number + 100; 16]));
        let written = self.store.system().write_installation(&installation(number), None, Some("team"), NOW).await;
        assert_eq!(written.unwrap(), Written::Yes);
        let workspace = self.store.for_workspace(workspace);
        let mut write = workspace.write().await.unwrap();
        write.repository(repository, &"repo".into(), &"Repo".into(), true, NOW).await.unwrap();
        write.commit().await.unwrap();
        (workspace, repository)
    }

    /// Whatever a query gives, as text, asked by the owner, before whom nothing is hidden.
    pub(crate) async fn ask(&self, sql: &str) -> Vec<String> {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        match &self.postgres {
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
            None => {
                let mut connection = self.raw("penstock.db").await;
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    /// Does something to the database behind the program's back.
    pub(crate) async fn tell(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        match &self.postgres {
            Some(url) => drop(PgConnection::connect(url).await.unwrap().execute(sql).await.unwrap()),
            None => drop(self.raw("penstock.db").await.execute(sql).await.unwrap()),
        }
    }

    pub(crate) async fn raw(&self, file: &str) -> SqliteConnection {
        let path = self.folder.path().join(file);
        SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap()
    }
}

/// The same database as the program sees it: by a login that owns nothing, which
/// `scripts/with-postgres` makes.
pub(crate) fn login(owner: &str) -> Secret {
    let mut url = url::Url::parse(owner).unwrap();
    url.set_username("penstock_run").unwrap();
    Secret::new(url.as_str())
}

pub(crate) fn keys(folder: &TempDir) -> MasterKeys {
    MasterKeys::read_or_create(&folder.path().join("master.key")).unwrap()
}

pub(crate) fn installation(number: u8) -> Installation {
    Installation {
        door: "test".to_owned(),
        name: format!("installation-{number}"),
        workspace: Uuid::from([number; 16]),
        active: true,
        state_since: NOW,
        as_of: NOW,
        secret: Secret::new(format!("canary-secret-of-{number}")),
    }
}

/// A new empty database, if there is a PostgreSQL.
#[expect(clippy::disallowed_methods, reason = "tests have no settings")]
pub(crate) async fn database() -> Option<String> {
    let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
        assert!(
            std::env::var("TESTS_MUST_BE_COMPLETE").is_err(),
            "there is no TEST_DATABASE_URL: scripts/with-postgres gives one"
        );
        return None;
    };
    let name = format!("test_{}", uuid::Uuid::now_v7().simple());
    for attempt in 0.. {
        let mut connection = PgConnection::connect(&server).await.unwrap();
        // Tests that make databases at the same time may meet in the template.
        match sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}"))).execute(&mut connection).await {
            Ok(_) => break,
            Err(error) if attempt == 20 => panic!("{error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    Some(server.replacen("/postgres?", &format!("/{name}?"), 1))
}
