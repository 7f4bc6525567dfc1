//! Findings that were damaged behind the program's back: they are faults of their own, and are
//! repaired.

use std::path::PathBuf;

use penstock_app::repair::{check, repair};

use penstock_common::{Severity, Uuid};
use penstock_sandbox::{Commit, Sandbox};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

use super::world::{App, REPOSITORY, WORKSPACE, finding, upload};
use crate::store::world::database;

const RULES: [&str; 3] = ["one", "two", "three"];

struct Damaged {
    sandbox: Sandbox,
    app: App,
    folder: tempfile::TempDir,
    postgres: Option<String>,
}

impl Damaged {
    /// A main branch with three findings, and what these statements do to them.
    async fn by(postgres: Option<String>, statements: &[&str]) -> Self {
        let sandbox = Sandbox::new().unwrap();
        sandbox.repository(REPOSITORY).unwrap();
        sandbox.push(REPOSITORY, "main", &Commit::new("Begin").write("a.rs", "1")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("master.key");
        penstock_app::crypto::MasterKeys::read_or_create(&key).unwrap();
        let app = App::start_with(&sandbox, postgres.as_deref(), folder.path(), &key).await;
        app.install(&sandbox, WORKSPACE).await;
        let damaged = Self { sandbox, app, folder, postgres };
        assert_eq!(damaged.scan().await, "applied");
        damaged.app.settle(&damaged.sandbox).await;
        assert_eq!(check(&damaged.app.state.store).await.unwrap(), Vec::<String>::new());
        let Self { sandbox, app, folder, postgres } = damaged;
        app.stop().await;
        for statement in statements {
            tell(postgres.as_deref(), folder.path().join("penstock.db"), statement).await;
        }
        let app = App::start_with(&sandbox, postgres.as_deref(), folder.path(), &key).await;
        Self { sandbox, app, folder, postgres }
    }

    /// Sends a run of all three findings, and hands back its state.
    async fn scan(&self) -> String {
        let step = self.sandbox.branch_step(REPOSITORY, "main").unwrap();
        let token = self.sandbox.oidc_token(&step, &[&self.app.base]);
        let findings = RULES.map(|rule| finding(rule, &format!("{rule}.rs"), Severity::High));
        let (status, body) = self.app.send(&token, &upload(&self.sandbox, &step, &findings)).await;
        assert_eq!(status, 201, "{body}");
        body["state"].as_str().unwrap().to_owned()
    }

    /// The same of a new commit, from a copy of the program that has nothing in memory.
    async fn scan_next(&self) -> String {
        self.sandbox.push(REPOSITORY, "main", &Commit::new("Next").write("b.rs", "1")).unwrap();
        self.app.settle(&self.sandbox).await;
        self.scan().await
    }

    async fn repair(&self) {
        let store = &self.app.state.store;
        assert_ne!(check(store).await.unwrap(), Vec::<String>::new(), "the damage is reported");
        let lines = repair(store, self.app.state.now()).await.unwrap();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(check(store).await.unwrap(), Vec::<String>::new(), "{lines:?}");
    }

    /// How many findings there are, how many are open on the main branch, and how many its numbers
    /// say.
    async fn counts(&self) -> (usize, usize, i64) {
        let tenant = self.sandbox.installed()[0].workspace_uuid.parse().unwrap();
        let workspace = self.app.state.store.for_workspace(tenant);
        let repository: Uuid = workspace.repositories().await.unwrap()[0].repository;
        let mut lane = workspace.lane(repository).await;
        let tracked = lane.state(&["main"]).await.unwrap();
        let main = tracked.repository.main().unwrap();
        let counts = (tracked.repository.findings().count(), tracked.repository.open(main).count());
        (counts.0, counts.1, workspace.open_on(repository, main).await.unwrap().total())
    }
}

async fn tell(postgres: Option<&str>, file: PathBuf, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    let rows = match postgres {
        Some(url) => PgConnection::connect(url).await.unwrap().execute(sql).await.unwrap().rows_affected(),
        None => {
            let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
            connection.execute(sql).await.unwrap().rows_affected()
        }
    };
    assert!(rows > 0, "nothing was damaged");
}

macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(None).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                if let Some(url) = super::database().await {
                    super::$test(Some(url)).await;
                }
            })*
        }
    };
}
on_both!(
    what_a_stored_run_reports_is_rebuilt,
    damage_is_no_fault_of_the_next_run,
    what_no_stored_run_reports_is_dropped,
);

const LOST: &str = "delete from findings where rule = 'one'";
const UNREADABLE: &str = "update findings set triage = '{' where rule = 'two'";
const UNREADABLE_PLACE: &str = "update occurrences set seen_in = '{' where rule = 'three'";

async fn what_a_stored_run_reports_is_rebuilt(postgres: Option<String>) {
    let damaged = Damaged::by(postgres, &[LOST, UNREADABLE]).await;
    assert_eq!(damaged.counts().await, (1, 1, 3), "what is damaged is left out");
    damaged.repair().await;
    assert_eq!(damaged.counts().await, (3, 3, 3));
    assert_eq!(damaged.scan_next().await, "applied");
    assert_eq!(damaged.counts().await, (3, 3, 3), "the next run knows them again");
}

async fn damage_is_no_fault_of_the_next_run(postgres: Option<String>) {
    let damaged = Damaged::by(postgres, &[LOST, UNREADABLE, UNREADABLE_PLACE]).await;
    assert_eq!(damaged.scan_next().await, "applied");
    damaged.repair().await;
    assert_eq!(damaged.counts().await, (3, 3, 3));
    assert_eq!(damaged.scan_next().await, "applied");
    assert_eq!(damaged.counts().await, (3, 3, 3));
}

async fn what_no_stored_run_reports_is_dropped(postgres: Option<String>) {
    let damaged = Damaged::by(postgres, &[LOST, "delete from runs"]).await;
    damaged.repair().await;
    assert_eq!(damaged.counts().await, (2, 2, 2));
    assert_eq!(damaged.scan_next().await, "applied");
    assert_eq!(damaged.counts().await, (3, 3, 3), "the next run reports it as new");
}
