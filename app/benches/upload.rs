//! How long an upload takes, JSON in to answer out: 10 000 findings into a repository that holds 100 000.
//! `cargo bench -p penstock-app --bench upload` on the embedded database; with `TEST_DATABASE_URL` (see `scripts/with-postgres`) also on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement for people to read"
)]

mod beside;

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
use penstock_sandbox::{Commit, Install, Sandbox};
use serde_json::{Value, json};

const HELD: usize = 100_000;
const SENT: usize = 10_000;
const TIMES: usize = 30;
const REPOSITORY: &str = "acme/shop";

#[tokio::main]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    measure("SQLite", None).await;
    match std::env::var("TEST_DATABASE_URL") {
        Ok(url) => measure("PostgreSQL", Some(url)).await,
        Err(_) => println!("PostgreSQL: not measured, there is no TEST_DATABASE_URL"),
    }
}

async fn measure(name: &str, database: Option<String>) {
    let sandbox = Sandbox::new().unwrap();
    sandbox.repository(REPOSITORY).unwrap();
    let commit = sandbox.push(REPOSITORY, "main", &Commit::new("Begin").write("a.rs", "1")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (state, base) = beside::start(&sandbox, folder.path(), database).await;
    let token = token(&state, &sandbox, &base).await;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let told: BTreeMap<String, String> = sandbox.step_environment(&step).into_iter().collect();
    let repository: Uuid = told["BITBUCKET_REPO_UUID"].parse().unwrap();
    let sender = Sender { base, token, repository, commit, client: reqwest::Client::new() };

    let begin = Instant::now();
    for part in 0..HELD / SENT {
        sender.send(&format!("held-{part}"), part * SENT, 0).await;
    }
    println!("{name}: {HELD} findings were taken in {:.1} s", begin.elapsed().as_secs_f64());
    let mut unchanged = Vec::new();
    for _ in 0..TIMES {
        unchanged.push(sender.send("held-0", 0, 0).await);
    }
    let mut changed = Vec::new();
    for time in 0..TIMES {
        changed.push(sender.send("held-1", SENT, time + 1).await);
    }
    let mut first = Vec::new();
    for time in 0..TIMES {
        first.push(sender.send(&format!("first-{time}"), (100 + time) * SENT, 0).await);
    }
    for (what, times) in [("first", first), ("unchanged", unchanged), ("1 % changed", changed)] {
        tell(name, what, times);
    }
    state.stop();
}

fn tell(name: &str, what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| {
        times[((times.len() as f64 * share).ceil() as usize).clamp(1, times.len()) - 1].as_secs_f64() * 1e3
    };
    println!("{name:>10} {what:>12}: median {:6.1} ms, p95 {:6.1} ms, most {:6.1} ms", at(0.5), at(0.95), at(1.0));
}

async fn token(state: &State, sandbox: &Sandbox, base: &str) -> String {
    let wish = Install::new("acme", &format!("{base}/atlassian-connect.json"));
    tokio::task::block_in_place(|| sandbox.install(&wish)).unwrap();
    let token = ApiToken::issue().unwrap();
    let workspace = state.store.system().tenants().await.unwrap()[0].workspace;
    let new = NewToken {
        token: new_id(),
        hash: *token.hash().as_bytes(),
        repository: None,
        name: "bench".to_owned(),
        scopes: "upload upload:any-ref".to_owned(),
        creator: "bench".to_owned(),
        expires_at: None,
    };
    let mut write = state.store.for_workspace(workspace).write().await.unwrap();
    write.new_token(&new, state.now()).await.unwrap();
    write.commit().await.unwrap();
    token.expose().to_owned()
}

struct Sender {
    base: String,
    token: String,
    repository: Uuid,
    commit: String,
    client: reqwest::Client,
}

impl Sender {
    /// Sends findings `from..from + SENT`, of which every hundredth is another one in each round.
    async fn send(&self, name: &str, from: usize, round: usize) -> Duration {
        let body = gzip(&self.body(name, from, round));
        let begin = Instant::now();
        let response = self
            .client
            .post(format!("{}/api/v1/runs", self.base))
            .bearer_auth(&self.token)
            .header("idempotency-key", format!("bench-{:032x}", new_id()))
            .header("content-type", "application/json")
            .header("content-encoding", "gzip")
            .body(body)
            .send()
            .await
            .unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        let took = begin.elapsed();
        assert!(status == 201 && answer["state"] == "applied", "{status} {answer}");
        took
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
            "subject": {"workspace": "acme", "repository": "shop", "repository_uuid": self.repository.to_string(), "commit": self.commit, "branch": "main"},
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
