//! Runs of ten thousand findings, as a pipe would send them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use penstock_app::door::token::ApiToken;
use penstock_app::state::State;
use penstock_app::store::new_id;
use penstock_app::store::workspace::NewToken;
use penstock_common::Uuid;
use penstock_sandbox::Sandbox;
use serde_json::{Value, json};

/// Findings of a run.
pub(crate) const SENT: usize = 10_000;

async fn token(state: &State, workspace: Uuid) -> String {
    let token = ApiToken::issue().unwrap();
    let new = NewToken {
        token: new_id(),
        hash: *token.hash().as_bytes(),
        repository: None,
        name: "bench".to_owned(),
        scopes: "upload upload:any-ref".to_owned(),
        creator: "bench".to_owned(),
        maker: None,
        expires_at: None,
    };
    let mut write = state.store.for_workspace(workspace).write().await.unwrap();
    write.new_token(&new, state.now()).await.unwrap();
    write.commit().await.unwrap();
    token.expose().to_owned()
}

/// Who sends runs of one commit on the main branch.
pub(crate) struct Sender {
    base: String,
    token: String,
    repository: Uuid,
    names: (String, String),
    commit: String,
    client: reqwest::Client,
}

impl Sender {
    /// Of a repository of the sandbox, in whose workspace the app is installed.
    pub(crate) async fn new(state: &State, sandbox: &Sandbox, base: &str, name: &str, commit: String) -> Self {
        let step = sandbox.branch_step(name, "main").unwrap();
        let told: BTreeMap<String, String> = sandbox.step_environment(&step).into_iter().collect();
        let repository: Uuid = told["BITBUCKET_REPO_UUID"].parse().unwrap();
        let (workspace, slug) = name.split_once('/').unwrap();
        let installed = sandbox.installed();
        let tenant = installed.iter().find(|one| one.workspace == workspace).unwrap();
        Self {
            base: base.to_owned(),
            token: token(state, tenant.workspace_uuid.parse().unwrap()).await,
            repository,
            names: (workspace.to_owned(), slug.to_owned()),
            commit,
            client: reqwest::Client::new(),
        }
    }

    /// Sends findings `from..from + SENT`, of which every hundredth is another one in each round.
    pub(crate) async fn send(&self, name: &str, from: usize, round: usize) -> Duration {
        self.post(self.run(name, from, round)).await
    }

    /// The compressed body of such a run.
    pub(crate) fn run(&self, name: &str, from: usize, round: usize) -> Vec<u8> {
        gzip(&self.body(name, from, round))
    }

    /// The compressed body of a run of `count` findings with a rule each, found by so many parts of
    /// one tool.
    pub(crate) fn run_of_rules(&self, name: &str, count: usize, parts: usize) -> Vec<u8> {
        let mut run: Value = serde_json::from_slice(&self.body(name, 0, 0)).unwrap();
        let findings = run["run"]["findings"].as_array().unwrap().clone();
        let other = |number: usize| {
            let mut finding = findings[number % findings.len()].clone();
            finding["rule"] = json!(format!("rule-of-usual-length-{number:05}"));
            finding["fingerprints"]["primary"] = json!(format!("pf1:{:032x}", number as u128 * 15_485_863 + 7));
            finding
        };
        run["run"]["findings"] = (0..count).map(other).collect();
        let tool = run["run"]["tools"][0].clone();
        run["run"]["tools"] = (0..parts).map(|_| tool.clone()).collect();
        gzip(&serde_json::to_vec(&run).unwrap())
    }

    /// Sends a body, and waits for the answer.
    pub(crate) async fn post(&self, body: Vec<u8>) -> Duration {
        let begin = Instant::now();
        let response = self.request(body).send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        let took = begin.elapsed();
        assert!(status == 201 && answer["state"] == "applied", "{status} {answer}");
        took
    }

    /// Sends a body that may be refused; the status.
    pub(crate) async fn try_post(&self, body: Vec<u8>) -> Option<u16> {
        self.request(body).send().await.ok().map(|answer| answer.status().as_u16())
    }

    fn request(&self, body: Vec<u8>) -> reqwest::RequestBuilder {
        self.client
            .post(format!("{}/api/v1/runs", self.base))
            .bearer_auth(&self.token)
            .header("idempotency-key", format!("bench-{:032x}", new_id()))
            .header("content-type", "application/json")
            .header("content-encoding", "gzip")
            .body(body)
    }

    fn body(&self, name: &str, from: usize, round: usize) -> Vec<u8> {
        let finding = |number: usize| {
            let number = if round > 0 && number.is_multiple_of(100) { number + round * 10_000_000 } else { number };
            let severity = ["low", "medium", "high"][number % 3];
            json!({
                "category": "code_quality", "rule": format!("rule-{}", number % 50), "title": "A title of usual length",
                "severity": severity, "confidence": "high",
                "message": format!("Something is not as it should be in place {number}: it could be done otherwise"),
                "location": {"path": format!("src/part{}/file{number}.rs", number % 100), "start_line": number % 900 + 1,
                    "start_column": 1, "end_line": number % 900 + 1, "end_column": 20},
                "excerpt": {"lines": [{"number": number % 900 + 1, "text": "    let value = call(one, two, three);", "mark": [4, 12]}]},
                "remediation": "Do it in another way.",
                "fingerprints": {"primary": format!("pf1:{:032x}", number as u128 * 7919 + 1), "path_free": format!("pf1:{:032x}", number as u128 * 104_729 + 2)},
            })
        };
        let run = json!({
            "schema_version": 1, "started_at": "2026-11-25T10:00:00Z",
            "tools": [{"name": "lint", "version": "1", "configuration": "c", "scope": "tree .", "complete": true, "files": 1, "bytes": 1, "skipped": []}],
            "subject": {"workspace": self.names.0, "repository": self.names.1, "repository_uuid": self.repository.to_string(), "commit": self.commit, "branch": "main"},
            "findings": (from..from + SENT).map(finding).collect::<Vec<_>>(),
        });
        serde_json::to_vec(&json!({"version": 1, "name": name, "run": run})).unwrap()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
