//! A Bitbucket, the program beside it, and what pipelines send.

use penstock_common::{Masked, Redact, masked};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use penstock_app::bitbucket::patience;
use penstock_app::clock::Clock;
use penstock_app::commands::system_clock;
use penstock_app::config::{Config, Database};
use penstock_app::crypto::MasterKeys;
use penstock_app::serve::{Listeners, serve};
use penstock_app::state::State;
use penstock_app::store::{Store, migrate_postgres};
use penstock_common::bitbucket::client::Patience;
use penstock_common::upload::answer::Answer;
use penstock_common::upload::v1::{IDEMPOTENCY_HEADER, Upload};
use penstock_common::{
    Base, BaseKind, Category, Change, Comparison, Confidence, Finding, FingerprintInput, Location, PullRequest, Run,
    Severity, Subject, ToolRun, Uuid,
};
use penstock_sandbox::{Commit, Install, Sandbox, Step};
use tempfile::TempDir;

use crate::store::world::login;

pub(crate) const WORKSPACE: &str = "acme";
pub(crate) const REPOSITORY: &str = "acme/shop";
pub(crate) const APP: &str = "penstock";

/// A running program.
pub(crate) struct App {
    pub(crate) state: State,
    pub(crate) base: String,
    health: String,
    task: tokio::task::JoinHandle<()>,
    _folder: Option<TempDir>,
}

impl App {
    /// Beside a sandbox, on a database of its own.
    pub(crate) async fn start(sandbox: &Sandbox, postgres: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("master.key");
        MasterKeys::read_or_create(&key).unwrap();
        let mut app = Self::start_with(sandbox, postgres, folder.path(), &key).await;
        app._folder = Some(folder);
        app
    }

    pub(crate) async fn start_with(
        sandbox: &Sandbox,
        postgres: Option<&str>,
        folder: &std::path::Path,
        key: &std::path::Path,
    ) -> Self {
        Self::start_at(sandbox, postgres, folder, key, system_clock()).await
    }

    /// With a clock of its own.
    pub(crate) async fn start_at(
        sandbox: &Sandbox,
        postgres: Option<&str>,
        folder: &std::path::Path,
        key: &std::path::Path,
        clock: Clock,
    ) -> Self {
        Self::start_seen_at(sandbox, postgres, folder, key, clock, &sandbox.site_url()).await
    }

    /// For a host whose pages are opened at this address.
    pub(crate) async fn start_seen_at(
        sandbox: &Sandbox,
        postgres: Option<&str>,
        folder: &std::path::Path,
        key: &std::path::Path,
        clock: Clock,
        site: &str,
    ) -> Self {
        Self::start_as(sandbox, postgres, (folder, key), clock, site, patience()).await
    }

    /// On a new folder, with these variables set.
    pub(crate) async fn start_set(sandbox: &Sandbox, postgres: Option<&str>, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("master.key");
        MasterKeys::read_or_create(&key).unwrap();
        let places = (folder.path(), key.as_path());
        let site = sandbox.site_url();
        let mut app = Self::start_all(sandbox, postgres, places, system_clock(), &site, patience(), variables).await;
        app._folder = Some(folder);
        app
    }

    /// That waits for Bitbucket as long as this.
    pub(crate) async fn start_as(
        sandbox: &Sandbox,
        postgres: Option<&str>,
        places: (&std::path::Path, &std::path::Path),
        clock: Clock,
        site: &str,
        patience: Patience,
    ) -> Self {
        Self::start_all(sandbox, postgres, places, clock, site, patience, &[]).await
    }

    async fn start_all(
        sandbox: &Sandbox,
        postgres: Option<&str>,
        (folder, key): (&std::path::Path, &std::path::Path),
        clock: Clock,
        site: &str,
        patience: Patience,
        variables: &[(&str, &str)],
    ) -> Self {
        let port = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (listen, health) = (port(), port());
        let base = format!("http://{listen}");
        let mut environment = BTreeMap::from(
            [
                ("BASE_URL", base.clone()),
                ("LISTEN_ADDR", listen.to_string()),
                ("HEALTH_ADDR", health.to_string()),
                ("DATA_DIR", folder.display().to_string()),
                ("MASTER_KEY_FILE", key.display().to_string()),
                ("PENSTOCK_DEVELOPMENT", "1".to_owned()),
                ("BITBUCKET_API_URL", sandbox.api_url()),
                ("BITBUCKET_SITE_URL", site.to_owned()),
                ("LOG_LEVEL", "warn".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        if let Some(url) = postgres {
            environment.insert("DATABASE_URL".to_owned(), login(url).expose().to_owned());
            environment.insert("MIGRATE_DATABASE_URL".to_owned(), url.to_owned());
        }
        environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let config = Config::new(&environment).unwrap();
        penstock_app::telemetry::start(config.log);
        if let Database::Postgres(url) = &config.database {
            migrate_postgres(config.owner.as_ref().unwrap(), Some(url)).await.unwrap();
        }
        let store = open_store(&config, clock()).await;
        let state = State::with_patience(config, store, clock, patience).unwrap();
        let listeners = Listeners::bind(&state).await.unwrap();
        let running = state.clone();
        let task = tokio::spawn(async move { serve(running, listeners).await.unwrap() });
        Self { state, base, health: format!("http://{health}"), task, _folder: None }
    }

    /// How it says that it is.
    pub(crate) async fn health(&self, path: &str) -> (u16, String) {
        let response = client().get(format!("{}{path}", self.health)).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.text().await.unwrap())
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop_but_keep().await;
    }

    /// The same; its folder stays for as long as what is handed back does.
    pub(crate) async fn stop_but_keep(self) -> Option<TempDir> {
        self.state.stop();
        self.task.await.unwrap();
        self._folder
    }

    /// Installs it in a workspace, as Bitbucket would.
    pub(crate) async fn install(&self, sandbox: &Sandbox, workspace: &str) {
        let wish = Install::new(workspace, &format!("{}/atlassian-connect.json", self.base));
        tokio::task::block_in_place(|| sandbox.install(&wish)).unwrap();
    }

    /// Waits until all webhooks were told and all jobs are done.
    pub(crate) async fn settle(&self, sandbox: &Sandbox) {
        tokio::task::block_in_place(|| sandbox.settle());
        let system = self.state.store.system();
        for _ in 0..600 {
            let queue = system.queue_state(self.state.now()).await.unwrap();
            let waiting = system.waiting_news(1).await.unwrap();
            // What is due later is not waited for.
            if waiting.is_empty() && queue.taken == 0 && queue.oldest_due.is_none() {
                tokio::task::block_in_place(|| sandbox.settle());
                let queue = system.queue_state(self.state.now()).await.unwrap();
                if system.waiting_news(1).await.unwrap().is_empty() && queue.taken == 0 && queue.oldest_due.is_none() {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the queue does not become empty: {:?}", system.queue_state(self.state.now()).await);
    }

    /// Sends a run, and hands back status and body.
    pub(crate) async fn send(&self, token: &str, upload: &Upload) -> (u16, serde_json::Value) {
        let body = upload.to_bytes().unwrap();
        let key = upload.idempotency_key(&body);
        self.send_body(token, body, &key).await
    }

    pub(crate) async fn send_body(&self, token: &str, body: Vec<u8>, key: &str) -> (u16, serde_json::Value) {
        let response = client()
            .post(format!("{}/api/v1/runs", self.base))
            .bearer_auth(token)
            .header(IDEMPOTENCY_HEADER, key)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    /// Sends a run of a step that says who it is.
    pub(crate) async fn scan(&self, sandbox: &Sandbox, step: &Step, findings: &[Finding]) -> Answer {
        let token = sandbox.oidc_token(step, &[&self.base]);
        let (status, body) = self.send(&token, &upload(sandbox, step, findings)).await;
        assert_eq!(status, 201, "{body}");
        masked::read(body.to_string().as_bytes(), &mut Verbatim).unwrap().0
    }
}

pub(crate) fn client() -> reqwest::Client {
    // The second time it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// A sandbox with [`REPOSITORY`].
pub(crate) fn shop() -> Sandbox {
    let sandbox = Sandbox::new().unwrap();
    new_repository(&sandbox, REPOSITORY);
    sandbox
}

/// Creates a repository with one commit.
pub(crate) fn new_repository(sandbox: &Sandbox, name: &str) {
    sandbox.repository(name).unwrap();
    sandbox.push(name, "main", &Commit::new("Begin").write("a.rs", "1")).unwrap();
}

/// The database of a configuration.
pub(crate) async fn open_store(config: &Config, now: i64) -> Store {
    let keys = MasterKeys::read(&config.master_key).unwrap();
    match &config.database {
        Database::Embedded(folder) => Store::open_sqlite(folder, keys, now).await.unwrap(),
        Database::Postgres(url) => Store::open_postgres(url, keys, now).await.unwrap(),
    }
}

/// A finding of code.
pub(crate) fn finding(rule: &str, path: &str, severity: Severity) -> Finding {
    let input = FingerprintInput { category: "code_quality", tool: "penstock", rule, path, context: rule, ordinal: 0 };
    Finding {
        category: Category::CodeQuality,
        rule: verbatim(rule),
        title: verbatim(&format!("Title of {rule}")),
        severity,
        confidence: Confidence::High,
        message: verbatim(&format!("Message of {rule}")),
        location: Location { path: verbatim(path), start_line: 3, start_column: 1, end_line: 3, end_column: 2 },
        masked: None,
        validity: None,
        excerpt: None,
        related: Vec::new(),
        group: None,
        decoded_from: None,
        commit: None,
        references: Vec::new(),
        remediation: None,
        change: None,
        fingerprints: input.fingerprints(),
        suppression: None,
        owners: Vec::new(),
    }
}

/// Hides nothing: for what a program other than our pipe may send, and to read the app's answers.
pub(crate) struct Verbatim;

impl Redact for Verbatim {
    fn redact(&mut self, text: &str) -> String {
        text.to_owned()
    }
}

/// Any text, as another program may send it.
pub(crate) fn verbatim(text: &str) -> Masked {
    Masked::new(&mut Verbatim, text)
}

/// What the pipe sends of a step.
pub(crate) fn upload(sandbox: &Sandbox, step: &Step, findings: &[Finding]) -> Upload {
    let told: BTreeMap<String, String> = sandbox.step_environment(step).into_iter().collect();
    let get = |name: &str| told.get(name).cloned();
    let text = |name: &str| told.get(name).map(|text| verbatim(text));
    let uuid = |name: &str| get(name).and_then(|text| text.parse::<Uuid>().ok()).map(|uuid| uuid.to_string());
    let pull_request = get("BITBUCKET_PR_ID").map(|id| PullRequest {
        id: id.parse().unwrap(),
        destination_branch: text("BITBUCKET_PR_DESTINATION_BRANCH").unwrap(),
        destination_commit: get("BITBUCKET_PR_DESTINATION_COMMIT"),
    });
    let subject = Subject {
        workspace: text("BITBUCKET_WORKSPACE").unwrap(),
        repository: text("BITBUCKET_REPO_SLUG").unwrap(),
        repository_uuid: uuid("BITBUCKET_REPO_UUID"),
        commit: get("BITBUCKET_COMMIT").unwrap(),
        branch: text("BITBUCKET_BRANCH"),
        tag: None,
        pull_request,
        pipeline_uuid: uuid("BITBUCKET_PIPELINE_UUID"),
        step_uuid: uuid("BITBUCKET_STEP_UUID"),
        build_number: get("BITBUCKET_BUILD_NUMBER").and_then(|number| number.parse().ok()),
    };
    let run = Run {
        schema_version: Run::SCHEMA_VERSION,
        started_at: "2026-11-25T10:00:00Z".to_owned(),
        finished_at: None,
        tools: vec![ToolRun {
            name: "penstock".into(),
            version: "0.1.0".into(),
            configuration: "c".to_owned(),
            scope: "tree .".into(),
            complete: true,
            files: 1,
            bytes: 1,
            skipped: Vec::new(),
        }],
        subject: Some(subject),
        findings: findings.iter().cloned().map(|one| Finding { change: Some(Change::New), ..one }).collect(),
        comparison: Some(Comparison {
            base: Base { kind: BaseKind::Unknown, commit: None, reason: "none".into(), hint: Masked::EMPTY },
            fixed: Vec::new(),
            leaked: Vec::new(),
            policy_changes: Vec::new(),
            unread: None,
        }),
        gate: None,
        notices: Vec::new(),
        metrics: None,
    };
    Upload::new(run, "penstock".into(), 1, Vec::new())
}

/// A clock that can be set ahead of the system's, in milliseconds.
pub(crate) fn clock_ahead() -> (Clock, Arc<AtomicI64>) {
    let ahead = Arc::new(AtomicI64::new(0));
    let (system, by) = (system_clock(), Arc::clone(&ahead));
    (Arc::new(move || system() + by.load(Ordering::Relaxed)), ahead)
}
