//! A Bitbucket, the program beside it, and what pipelines send.

use std::collections::BTreeMap;
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
use penstock_sandbox::{Install, Sandbox, Step};
use tempfile::TempDir;

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

    /// That waits for Bitbucket as long as this.
    pub(crate) async fn start_as(
        sandbox: &Sandbox,
        postgres: Option<&str>,
        (folder, key): (&std::path::Path, &std::path::Path),
        clock: Clock,
        site: &str,
        patience: Patience,
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
            environment.insert("DATABASE_URL".to_owned(), url.to_owned());
        }
        let config = Config::new(&environment).unwrap();
        penstock_app::telemetry::start(config.log);
        let keys = MasterKeys::read(&config.master_key).unwrap();
        let store = match &config.database {
            Database::Embedded(folder) => Store::open_sqlite(folder, keys, clock()).await.unwrap(),
            Database::Postgres(url) => {
                migrate_postgres(url).await.unwrap();
                Store::open_postgres(url, keys, clock()).await.unwrap()
            }
        };
        let state = State::with_patience(config, store, clock, patience).unwrap();
        let listeners = Listeners::bind(&state).await.unwrap();
        let running = state.clone();
        let task = tokio::spawn(async move { serve(running, listeners).await.unwrap() });
        Self { state, base, health: format!("http://{health}"), task, _folder: None }
    }

    /// How it says that it is.
    pub(crate) async fn health(&self, path: &str) -> (u16, String) {
        let response = reqwest::get(format!("{}{path}", self.health)).await.unwrap();
        let status = response.status().as_u16();
        (status, response.text().await.unwrap())
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stop(self) {
        self.state.stop();
        self.task.await.unwrap();
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
        // The second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let response = reqwest::Client::new()
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
        serde_json::from_value(body).unwrap()
    }
}

/// A finding of code.
pub(crate) fn finding(rule: &str, path: &str, severity: Severity) -> Finding {
    let input = FingerprintInput { category: "code_quality", tool: "penstock", rule, path, context: rule, ordinal: 0 };
    Finding {
        category: Category::CodeQuality,
        rule: rule.to_owned(),
        title: format!("Title of {rule}"),
        severity,
        confidence: Confidence::High,
        message: format!("Message of {rule}"),
        location: Location { path: path.to_owned(), start_line: 3, start_column: 1, end_line: 3, end_column: 2 },
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

/// What the pipe sends of a step.
pub(crate) fn upload(sandbox: &Sandbox, step: &Step, findings: &[Finding]) -> Upload {
    let told: BTreeMap<String, String> = sandbox.step_environment(step).into_iter().collect();
    let get = |name: &str| told.get(name).cloned();
    let uuid = |name: &str| get(name).and_then(|text| text.parse::<Uuid>().ok()).map(|uuid| uuid.to_string());
    let pull_request = get("BITBUCKET_PR_ID").map(|id| PullRequest {
        id: id.parse().unwrap(),
        destination_branch: get("BITBUCKET_PR_DESTINATION_BRANCH").unwrap(),
        destination_commit: get("BITBUCKET_PR_DESTINATION_COMMIT"),
    });
    let subject = Subject {
        workspace: get("BITBUCKET_WORKSPACE").unwrap(),
        repository: get("BITBUCKET_REPO_SLUG").unwrap(),
        repository_uuid: uuid("BITBUCKET_REPO_UUID"),
        commit: get("BITBUCKET_COMMIT").unwrap(),
        branch: get("BITBUCKET_BRANCH"),
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
            name: "penstock".to_owned(),
            version: "0.1.0".to_owned(),
            configuration: "c".to_owned(),
            scope: "tree .".to_owned(),
            complete: true,
            files: 1,
            bytes: 1,
            skipped: Vec::new(),
        }],
        subject: Some(subject),
        findings: findings.iter().cloned().map(|one| Finding { change: Some(Change::New), ..one }).collect(),
        comparison: Some(Comparison {
            base: Base { kind: BaseKind::Unknown, commit: None, reason: "none".to_owned(), hint: String::new() },
            fixed: Vec::new(),
            leaked: Vec::new(),
            policy_changes: Vec::new(),
        }),
        gate: None,
        notices: Vec::new(),
        metrics: None,
    };
    Upload::new(run, "penstock", 1, Vec::new())
}
