//! What operations are interrupted on: the program without its workers, so that nothing else
//! changes anything, and a second copy of it that has only what is in the tables.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use penstock_app::config::Config;
use penstock_app::jobs::{kind, perform};
use penstock_app::state::State;
use penstock_app::store::interruption::at_each_point;
use penstock_app::store::system::Job;
use penstock_app::store::{Store, Workspace};
use penstock_app::track::{FindingId, RunId};
use penstock_app::upload::settle;
use penstock_common::{Finding, Severity, Uuid};
use penstock_sandbox::{Commit, Fault, Route, Sandbox};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};

use crate::program::world::{App, REPOSITORY, WORKSPACE, finding, open_store, upload};
use crate::store::findings::{All, all};

/// Interruptions of one operation before it must have completed.
const INTERRUPTIONS_MAX: usize = 5000;

/// How an operation is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interruption {
    Drop,
    Panic,
}

pub(super) struct Bench {
    pub(super) sandbox: Sandbox,
    pub(super) tenant: Uuid,
    pub(super) repository: Uuid,
    pub(super) pull_request: u64,
    /// The run of the pull request, which is not applied yet.
    pub(super) waiting: RunId,
    config: Config,
    store: Store,
    other: Store,
    now: i64,
    folder: tempfile::TempDir,
    postgres: Option<String>,
}

pub(super) type Outcome = Result<(), String>;
pub(super) type Operation = Pin<Box<dyn Future<Output = Outcome> + Send>>;

pub(super) fn failed(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The source of the pull request.
pub(super) const FEATURE: &str = "feature";

impl Bench {
    /// A repository with some findings on its main branch, one of which was worse before, and a run
    /// of a pull request that waits because Bitbucket did not answer.
    pub(super) async fn new(postgres: Option<String>) -> Self {
        let sandbox = Sandbox::new().unwrap();
        sandbox.repository(REPOSITORY).unwrap();
        sandbox.push(REPOSITORY, "main", &Commit::new("Begin").write("a.rs", "1")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let key: PathBuf = folder.path().join("master.key");
        penstock_app::crypto::MasterKeys::read_or_create(&key).unwrap();
        let app = App::start_with(&sandbox, postgres.as_deref(), folder.path(), &key).await;
        app.install(&sandbox, WORKSPACE).await;
        let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
        let mut findings = found(&["one", "two"]);
        findings.push(finding("bad", "bad.rs", Severity::Critical));
        findings.push(finding("worse", "worse.rs", Severity::Low));
        app.scan(&sandbox, &step, &findings).await;
        sandbox.branch(REPOSITORY, "old", "main").unwrap();
        sandbox.push(REPOSITORY, "old", &Commit::new("Old").write("d.rs", "1")).unwrap();
        let old = sandbox.branch_step(REPOSITORY, "old").unwrap();
        app.scan(&sandbox, &old, &[finding("worse", "worse.rs", Severity::Critical)]).await;
        sandbox.delete_branch(REPOSITORY, "old").unwrap();
        sandbox.branch(REPOSITORY, FEATURE, "main").unwrap();
        sandbox.push(REPOSITORY, FEATURE, &Commit::new("More").write("b.rs", "1")).unwrap();
        let number = sandbox.open_pull_request(REPOSITORY, "More", FEATURE, "main").unwrap();
        app.settle(&sandbox).await;
        sandbox.fault(Route::new("GET", "/2.0/repositories/*/pipelines/*"), Fault::status(503), 1000);
        let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
        let token = sandbox.oidc_token(&step, &[&app.base]);
        let (_, answer) = app.send(&token, &upload(&sandbox, &step, &found(&["one", "three", "four"]))).await;
        assert_eq!(answer["state"], "waiting", "{answer}");
        sandbox.clear_faults();
        let waiting = answer["run"].as_str().unwrap().parse().unwrap();

        let (config, now) = (app.state.config.clone(), app.state.now());
        let tenant = sandbox.installed()[0].workspace_uuid.parse().unwrap();
        let repository = step.repository().parse().unwrap();
        app.stop().await;
        let (store, other) = (open_store(&config, now).await, open_store(&config, now).await);
        let pull_request = number;
        let bench =
            Self { sandbox, tenant, repository, pull_request, waiting, config, store, other, now, folder, postgres };
        // Whether webhooks came before or after the pull request was known decides whether its
        // branch has its head.
        let kind = kind::BRANCHES.to_owned();
        let repository = Some(repository);
        let job =
            Job { id: 1, workspace: tenant, repository, kind, subject: String::new(), attempts: 1, created_at: 0 };
        perform(&bench.state(), &job).await.unwrap();
        bench
    }

    /// The program, with all its requests to Bitbucket still to spend.
    pub(super) fn state(&self) -> State {
        let now = self.now;
        State::new(self.config.clone(), self.store.clone(), Arc::new(move || now)).unwrap()
    }

    pub(super) fn workspace(&self) -> Workspace {
        self.store.for_workspace(self.tenant)
    }

    /// Interrupts an operation at its first point, then repeats it and interrupts it at its second
    /// one, and so on until it completes. Where an interrupted attempt changed the tables, the
    /// count begins again, because the next attempt does something else.
    pub(super) async fn interrupt(&self, how: Interruption, operation: impl Fn(State) -> Operation) -> Outcome {
        let (mut at, mut tables) = (0, self.tables().await);
        for _ in 0..INTERRUPTIONS_MAX {
            if let Some(outcome) = interrupted(how, at, operation(self.state())).await {
                self.check_memory(how, at).await;
                return outcome;
            }
            self.finish_writing().await;
            self.check_memory(how, at).await;
            let now = self.tables().await;
            at = if now == tables { at + 1 } else { 0 };
            tables = now;
        }
        panic!("the operation makes no progress");
    }

    /// Waits for a commit that was under way when its operation was dropped: until then the
    /// repeated operation would be asked to repeat it.
    async fn finish_writing(&self) {
        match &self.postgres {
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                connection.execute("begin; lock table repositories, jobs in exclusive mode; commit").await.unwrap();
            }
            // There is one connection that writes.
            None => drop(self.workspace().write().await.unwrap()),
        }
    }

    /// What this copy has in memory is what another one reads.
    async fn check_memory(&self, how: Interruption, at: usize) {
        let memory = read(&self.store.for_workspace(self.tenant), self.repository).await;
        let tables = read(&self.other.for_workspace(self.tenant), self.repository).await;
        assert!(memory == tables, "{how:?} at point {at}: {memory:#?}\nis in memory, in the tables is\n{tables:#?}");
    }

    /// Everything in the tables, without what differs from one time to the next: ids, digests,
    /// times, ports.
    pub(super) async fn tables(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.workspace().export().await.unwrap().iter().map(|line| without_ids(line)).collect();
        lines.extend(
            self.ask("select kind || ' ' || subject || ' ' || state from jobs")
                .await
                .iter()
                .map(|job| without_ids(job)),
        );
        // Posting again what was posted is an update.
        lines.iter_mut().for_each(|line| *line = line.replace("was posted", "was updated"));
        lines.sort();
        lines
    }

    /// The finding of a rule.
    pub(super) async fn finding(&self, rule: &str) -> FindingId {
        let workspace = self.workspace();
        let mut lane = workspace.lane(self.repository).await;
        let tracked = lane.state(&[]).await.unwrap();
        tracked.repository.findings().find(|one| one.rule == rule).unwrap().id
    }

    /// Applies the run of the pull request.
    pub(super) async fn settle_waiting(&self) {
        settle(&self.state(), &self.workspace(), self.repository, self.waiting, None).await.unwrap();
    }

    /// Occurrences without their finding.
    pub(super) async fn orphans(&self) -> Vec<String> {
        self.ask(
            "select 'orphan ' || o.path from occurrences o where not exists (select 1 from findings f \
             where f.workspace = o.workspace and f.repository = o.repository and f.finding = o.finding)",
        )
        .await
    }

    pub(super) async fn ask(&self, sql: &'static str) -> Vec<String> {
        match &self.postgres {
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
            None => {
                let path = self.folder.path().join("penstock.db");
                let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
        }
    }
}

fn found(rules: &[&str]) -> Vec<Finding> {
    rules.iter().map(|rule| finding(rule, &format!("{rule}.rs"), Severity::High)).collect()
}

async fn read(workspace: &Workspace, repository: Uuid) -> All {
    let mut lane = workspace.lane(repository).await;
    let branches: Vec<_> = lane.state(&[]).await.unwrap().repository.branches().map(|branch| branch.id).collect();
    all(&lane.with_branches(&branches).await.unwrap().repository, &[1])
}

/// The outcome of an operation, unless it was interrupted at a point before.
async fn interrupted(how: Interruption, at: usize, operation: Operation) -> Option<Outcome> {
    match how {
        Interruption::Drop => Dropping { operation: Box::pin(at_each_point(operation, None)), left: at }.await,
        Interruption::Panic => tokio::spawn(at_each_point(operation, Some(at))).await.ok(),
    }
}

/// Polls an operation until it was pending so many times.
struct Dropping<F> {
    operation: Pin<Box<F>>,
    left: usize,
}

impl<F: Future> Future for Dropping<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match (self.operation.as_mut().poll(context), self.left.checked_sub(1)) {
            (Poll::Ready(outcome), _) => Poll::Ready(Some(outcome)),
            (Poll::Pending, None) => Poll::Ready(None),
            (Poll::Pending, Some(left)) => {
                self.left = left;
                Poll::Pending
            }
        }
    }
}

/// A line with `#` in place of each long run of digits of ids and numbers.
fn without_ids(line: &str) -> String {
    let is_digit = |letter: char| letter.is_ascii_hexdigit() || letter == '-';
    let (mut clean, mut run) = (String::new(), String::new());
    for letter in line.chars().chain(['\n']) {
        if is_digit(letter) {
            run.push(letter);
            continue;
        }
        let is_id = run.len() >= 5 && run.contains(|letter: char| letter.is_ascii_digit());
        clean.push_str(if is_id { "#" } else { &run });
        run.clear();
        clean.push(letter);
    }
    without_version(&clean)
}

/// A line without the version of a repository: a commit without an answer is repeated.
fn without_version(line: &str) -> String {
    let Some((before, after)) = line.split_once("\"version\":") else { return line.to_owned() };
    let after = after.trim_start().trim_start_matches(|letter: char| letter.is_ascii_digit());
    format!("{before}\"version\":#{after}")
}

/// What differs, for a message.
pub(super) fn difference(one: &[String], other: &[String]) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    one.iter().for_each(|line| *counts.entry(line.clone()).or_default() += 1);
    other.iter().for_each(|line| *counts.entry(line.clone()).or_default() -= 1);
    counts.retain(|_, count| *count != 0);
    counts
}
