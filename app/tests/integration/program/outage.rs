//! Bitbucket is slow, asks for patience, and is away for a while: nothing is lost, no status stays "in progress", and one tenant's trouble is nobody else's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use penstock_app::bitbucket::patience;
use penstock_app::crypto::MasterKeys;
use penstock_app::settings::{Key, Value, set};
use penstock_app::track::RunId;
use penstock_common::bitbucket::client::Patience;
use penstock_common::upload::answer::State as Progress;
use penstock_common::{Finding, Severity, Uuid};
use penstock_sandbox::{Commit, Fault, Route, Sandbox};

use super::world::{App, WORKSPACE, clock_ahead, finding, new_repository, upload};
use crate::store::world::database;

/// More than one tenant's jobs could be done at a time.
const LOUD: [&str; 6] = ["acme/a", "acme/b", "acme/c", "acme/d", "acme/e", "acme/f"];
const QUIET: &str = "zeta/shop";
const ALWAYS: usize = 1_000_000;

struct Trouble {
    sandbox: Sandbox,
    app: App,
    ahead: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

impl Trouble {
    /// Two tenants whose main branches were scanned.
    async fn new(postgres: Option<&str>) -> Self {
        let sandbox = Sandbox::new().unwrap();
        for name in LOUD.into_iter().chain([QUIET]) {
            new_repository(&sandbox, name);
        }
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("master.key");
        MasterKeys::read_or_create(&key).unwrap();
        let (clock, ahead) = clock_ahead();
        let patience = Patience {
            attempts: 2,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(50),
            connecting: Duration::from_millis(50),
            attempt: Duration::from_secs(5),
            ..patience()
        };
        let site = sandbox.site_url();
        let app = App::start_as(&sandbox, postgres, (folder.path(), &key), clock, &site, patience).await;
        for workspace in [WORKSPACE, "zeta"] {
            app.install(&sandbox, workspace).await;
        }
        let trouble = Self { sandbox, app, ahead, folder };
        for name in LOUD.into_iter().chain([QUIET]) {
            let step = trouble.sandbox.branch_step(name, "main").unwrap();
            trouble.app.scan(&trouble.sandbox, &step, &[]).await;
        }
        for installed in trouble.sandbox.installed() {
            let workspace = trouble.app.state.store.for_workspace(installed.workspace_uuid.parse().unwrap());
            let minute = [(Key::WaitingMinutes, Some(Value::Number(1)))];
            set(&workspace, None, &minute, "admin", trouble.app.state.now()).await.unwrap();
        }
        trouble.app.settle(&trouble.sandbox).await;
        trouble
    }

    fn tenant(&self, slug: &str) -> Uuid {
        let all = self.sandbox.installed();
        all.iter().find(|one| one.workspace == slug).unwrap().workspace_uuid.parse().unwrap()
    }

    /// All that is asked for one tenant.
    fn of(&self, slug: &str) -> Route {
        Route::new("*", &format!("/2.0/repositories/*{}*", self.tenant(slug)))
    }

    /// A pull request with a commit that was not scanned yet, and its head.
    fn open(&self, name: &str, branch: &str) -> (u64, String) {
        self.sandbox.branch(name, branch, "main").unwrap();
        let head = self.sandbox.push(name, branch, &Commit::new(branch).write("n.rs", branch)).unwrap();
        (self.sandbox.open_pull_request(name, branch, branch, "main").unwrap(), head)
    }

    /// Sends what a step found; what becomes of it may have to wait.
    async fn scan(&self, name: &str, number: u64, findings: &[Finding]) -> Progress {
        let step = self.sandbox.pull_request_step(name, number).unwrap();
        let token = self.sandbox.oidc_token(&step, &[&self.app.base]);
        let (status, body) = self.app.send(&token, &upload(&self.sandbox, &step, findings)).await;
        assert_eq!(status, 201, "{body}");
        serde_json::from_value(body["state"].clone()).unwrap()
    }

    /// What stands at a commit.
    fn told(&self, name: &str, commit: &str) -> Vec<String> {
        let all = self.sandbox.statuses(name, commit).unwrap();
        all.iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until this stands at a commit.
    async fn sees(&self, name: &str, commit: &str, state: &str) {
        for _ in 0..1200 {
            if self.told(name, commit) == [state] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{name} has {:?} and not {state}", self.told(name, commit));
    }

    /// Time goes on until all that failed has come again, and every scan was waited for.
    async fn heal(&self) {
        self.sandbox.clear_faults();
        // A pause that Bitbucket asked for is kept by the wall clock.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        for _ in 0..3 {
            self.ahead.fetch_add(2 * 60_000, Ordering::Relaxed);
            self.app.settle(&self.sandbox).await;
        }
        let queue = self.app.state.store.system().queue_state(self.app.state.now()).await.unwrap();
        assert_eq!((queue.waiting, queue.taken, queue.dead), (0, 0, 0), "nothing waits, and nothing was given up");
    }

    async fn end(self) {
        self.app.stop().await;
        drop(self.folder);
    }
}

macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(super::Trouble::new(None).await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                if let Some(url) = super::database().await {
                    super::$test(super::Trouble::new(Some(&url)).await).await;
                }
            })*
        }
    };
}

on_both!(
    what_is_slow_for_one_tenant_is_quick_for_another,
    what_was_asked_for_while_bitbucket_is_away_is_done_afterwards
);

async fn what_is_slow_for_one_tenant_is_quick_for_another(trouble: Trouble) {
    // Every answer drips for longer than anybody waits for it.
    trouble.sandbox.fault(trouble.of(WORKSPACE), Fault::Drip(Duration::from_secs(1)), ALWAYS);
    let loud: Vec<_> = LOUD.iter().map(|name| (*name, trouble.open(name, "slow"))).collect();
    let (number, head) = trouble.open(QUIET, "quick");
    trouble.sees(QUIET, &head, "INPROGRESS").await;
    assert_eq!(trouble.scan(QUIET, number, &[finding("bad", "n.rs", Severity::High)]).await, Progress::Applied);
    trouble.sees(QUIET, &head, "FAILED").await;
    assert!(
        loud.iter().all(|(name, (_, head))| trouble.told(name, head).is_empty()),
        "nobody waited until the others were served"
    );
    trouble.heal().await;
    for (name, (_, head)) in &loud {
        assert_eq!(trouble.told(name, head), ["STOPPED"], "{name}: it was told to wait, and that no scan came");
    }
    trouble.end().await;
}

async fn what_was_asked_for_while_bitbucket_is_away_is_done_afterwards(trouble: Trouble) {
    let (early, early_head) = trouble.open(LOUD[0], "early");
    trouble.sees(LOUD[0], &early_head, "INPROGRESS").await;
    // It asks one of them for patience first.
    trouble.sandbox.fault(trouble.of(WORKSPACE), Fault::too_many(1), ALWAYS);
    let (_, never_head) = trouble.open(LOUD[1], "never");
    let (number, head) = trouble.open(QUIET, "well");
    trouble.scan(QUIET, number, &[]).await;
    trouble.sees(QUIET, &head, "SUCCESSFUL").await;
    // Then it is away for everybody.
    for path in ["/2.0/repositories/*", "/site/oauth2/*"] {
        trouble.sandbox.fault(Route::new("*", path), Fault::Reset, ALWAYS);
    }
    assert_eq!(trouble.scan(LOUD[0], early, &[]).await, Progress::Waiting);
    let (late, late_head) = trouble.open(QUIET, "late");
    assert_eq!(trouble.scan(QUIET, late, &[finding("bad", "n.rs", Severity::High)]).await, Progress::Waiting);
    let (_, alone_head) = trouble.open(QUIET, "alone");
    tokio::task::block_in_place(|| trouble.sandbox.settle());
    assert_eq!(trouble.told(LOUD[0], &early_head), ["INPROGRESS"]);
    assert!(trouble.told(QUIET, &late_head).is_empty());

    trouble.heal().await;
    assert_eq!(trouble.told(LOUD[0], &early_head), ["SUCCESSFUL"]);
    assert_eq!(trouble.told(LOUD[1], &never_head), ["STOPPED"]);
    assert_eq!(trouble.told(QUIET, &head), ["SUCCESSFUL"]);
    assert_eq!(trouble.told(QUIET, &late_head), ["FAILED"]);
    assert_eq!(trouble.told(QUIET, &alone_head), ["STOPPED"]);
    for (slug, name, runs) in [(WORKSPACE, LOUD[0], 2), ("zeta", QUIET, 3)] {
        let workspace = trouble.app.state.store.for_workspace(trouble.tenant(slug));
        let rows = workspace.repositories().await.unwrap();
        let repository = rows.iter().find(|row| row.name == name).unwrap().repository;
        assert_eq!(workspace.runs(repository, RunId(u128::MAX), 10).await.unwrap().len(), runs, "{name}");
    }
    trouble.end().await;
}
