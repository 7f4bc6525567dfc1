//! How long pages take with a million findings in fifty repositories, the largest of which has 300 000: open loop, 50 requests a second over random
//! repositories. `cargo bench -p penstock-app --bench pages` on the embedded database; with `TEST_DATABASE_URL` (see `scripts/with-postgres`) also on
//! PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement for people to read"
)]

mod beside;

use penstock::analyze::secrets::mask;
use penstock_common::Masked;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use penstock_app::door::connect::frame;
use penstock_app::door::connect::handlers::Vouched;
use penstock_app::door::viewer::admit;
use penstock_app::state::State;
use penstock_app::store::system::{Installation, Written};
use penstock_app::store::workspace::VerdictRow;
use penstock_app::store::{Workspace, new_id};
use penstock_app::track::{
    Branch, BranchId, Changes, Commit, Finding, FindingId, Occurrence, Print, Prints, RunId, Seen, Series, Stamp,
};
use penstock_common::{Category, Secret, Severity, Uuid};
use penstock_sandbox::Sandbox;

const REPOSITORIES: usize = 50;
const LARGEST: usize = 300_000;
const ALL: usize = 1_000_000;
/// Findings that are written at once.
const CHUNK: usize = 20_000;
const A_SECOND: u64 = 50;

#[tokio::main]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let seconds = std::env::var("PAGE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    measure("SQLite", None, seconds).await;
    match std::env::var("TEST_DATABASE_URL") {
        Ok(url) => measure("PostgreSQL", Some(url), seconds).await,
        Err(_) => println!("PostgreSQL: not measured, there is no TEST_DATABASE_URL"),
    }
}

async fn measure(name: &str, database: Option<String>, seconds: u64) {
    let sandbox = Sandbox::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (state, base) = beside::start(&sandbox, folder.path(), database).await;
    let tenant = Uuid::from([1; 16]);
    let begin = Instant::now();
    let handles = fill(&state, tenant).await;
    println!("{name}: {ALL} findings were written in {:.0} s", begin.elapsed().as_secs_f64());
    let client = reqwest::Client::new();
    for page in [
        "overview",
        "pull-request?id=1",
        "findings",
        "findings?severity=critical",
        "findings?severity=low",
        "findings?category=secret",
        "findings?category=code_quality",
        "findings?rule=rule-7",
        "findings?rule=rare-rule",
        "findings?path=src/part7/",
        "findings?status=false_positive",
        "findings?status=needs_triage",
        "findings?tool=lint",
        "findings?tool=rare",
        "findings?owner=%40acme%2Fcore",
        "findings?age=7",
        "findings?age=90",
        "findings?state=fixed",
        "findings?severity=high&status=needs_triage",
        "findings?severity=high&category=secret",
        "findings?severity=critical&rule=rule-7",
        "trends",
    ] {
        tell(name, page, load(&client, &base, &handles, page, seconds).await);
    }
    state.stop();
}

/// Sends so many requests a second, whether the ones before were answered or not.
async fn load(client: &reqwest::Client, base: &str, handles: &[String], page: &str, seconds: u64) -> Vec<Duration> {
    // Warm.
    for handle in handles {
        ask(client, &format!("{base}/s/{handle}/{page}")).await;
    }
    let mut tasks = tokio::task::JoinSet::new();
    let begin = Instant::now();
    for number in 0..seconds * A_SECOND {
        let due = begin + Duration::from_millis(number * 1000 / A_SECOND);
        tokio::time::sleep_until(due.into()).await;
        let at = number.wrapping_mul(2_654_435_761) as usize % handles.len();
        let (client, url) = (client.clone(), format!("{base}/s/{}/{page}", handles[at]));
        tasks.spawn(async move {
            ask(&client, &url).await;
            due.elapsed()
        });
    }
    tasks.join_all().await
}

async fn ask(client: &reqwest::Client, url: &str) {
    let response = client.get(url).send().await.unwrap();
    let status = response.status();
    let body = response.text().await.unwrap();
    assert!(status == 200, "{status} {body}");
}

fn tell(name: &str, page: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| {
        times[((times.len() as f64 * share).ceil() as usize).clamp(1, times.len()) - 1].as_secs_f64() * 1e3
    };
    println!("{name:>10} {page:<45} median {:5.1} ms, p99 {:6.1} ms, most {:6.1} ms", at(0.5), at(0.99), at(1.0));
}

/// A tenant with all repositories, and a handle to each.
async fn fill(state: &State, tenant: Uuid) -> Vec<String> {
    let installation = Installation {
        door: "connect".to_owned(),
        name: "bench".to_owned(),
        workspace: tenant,
        active: true,
        state_since: state.now(),
        as_of: state.now(),
        secret: Secret::new("bench"),
    };
    let written = state.store.system().write_installation(&installation, None, Some("acme"), state.now()).await;
    assert_eq!(written.unwrap(), Written::Yes);
    let workspace = state.store.for_workspace(tenant);
    let others = (ALL - LARGEST) / (REPOSITORIES - 1);
    let mut handles = Vec::new();
    for number in 0..REPOSITORIES {
        let repository = Uuid::from((1000 + number as u128).to_be_bytes());
        repository_with(state, &workspace, repository, if number == 0 { LARGEST } else { others }).await;
        let viewer = frame::Viewer { uuid: Uuid::from([9; 16]), account_id: "bench".to_owned() };
        let vouched = Vouched { workspace: tenant, signed_at: state.now(), token_hash: [number as u8; 32] };
        handles.push(admit(state, &vouched, Some(repository), Some(viewer)).await.unwrap().expose().to_owned());
    }
    handles
}

async fn repository_with(state: &State, workspace: &Workspace, repository: Uuid, findings: usize) {
    let branch = Branch::new(BranchId(new_id()), "main".into());
    let main = branch.id;
    let mut write = workspace.write().await.unwrap();
    let slug = mask(&format!("repository-{}", u128::from_be_bytes(*repository.as_bytes())));
    write.repository(repository, &slug, &slug, true, state.now()).await.unwrap();
    write.trusted_run(repository, state.now()).await.unwrap();
    let body = include_str!("beside/verdict.json");
    let row = VerdictRow { branch: main, commit: Commit::from([1; 20]), at: state.now(), body: body.to_owned() };
    write.verdict(repository, None, &row).await.unwrap();
    write.verdict(repository, Some(1), &row).await.unwrap();
    write.commit().await.unwrap();
    let mut first = Changes { main: Some(main), branches: vec![branch], ..Changes::default() };
    for from in (0..findings).step_by(CHUNK) {
        let mut changes = std::mem::take(&mut first);
        let mut contents = HashMap::new();
        for number in from..findings.min(from + CHUNK) {
            add(&mut changes, &mut contents, main, number);
        }
        let mut lane = workspace.lane(repository).await;
        lane.state(&[]).await.unwrap();
        let mut write = workspace.write().await.unwrap();
        // What was written over a hundred days.
        let now = state.now() - (from as i64 / CHUNK as i64 % 14) * 8 * 86_400_000;
        lane.accept(&changes);
        let log = write.changes(&lane, &changes, &contents, now).await.unwrap();
        write.commit_in(&mut lane, log).await.unwrap();
    }
}

fn add(changes: &mut Changes, contents: &mut HashMap<Print, String>, branch: BranchId, number: usize) {
    let rare = number.is_multiple_of(20_000);
    let rule = if rare { "rare-rule".to_owned() } else { format!("rule-{}", number % 50) };
    let category = if number.is_multiple_of(1000) { Category::Secret } else { Category::CodeQuality };
    let severity = match number % 1000 {
        0 => Severity::Critical,
        1..20 => Severity::High,
        20..300 => Severity::Medium,
        300..900 => Severity::Low,
        _ => Severity::Info,
    };
    let path = mask(&format!("src/part{}/module{}/file{}.rs", number % 100, number % 977, number % 9973));
    let print = Print(number as u128 * 7919 + 1);
    let mut finding = Finding {
        id: FindingId(new_id()),
        category,
        rule: mask(&rule),
        prints: Prints { own: Vec::new(), ours: vec![print], path_free: vec![Print(print.0 + 1)] },
        triage: Default::default(),
        proposed: Default::default(),
        absent: Vec::new(),
        worst: severity,
        critical_in: None,
    };
    if number.is_multiple_of(5000) {
        finding.triage.status = penstock_app::track::Status::FalsePositive;
    }
    let stamp = Stamp { commit: Commit::from([1; 20]), at: 1, run: RunId(1) };
    let content = Print(print.0 + 2);
    let shown = serde_json::json!({
        "category": category.name(), "rule": rule, "title": "A title of usual length", "severity": severity.name(),
        "confidence": "high", "message": format!("Something is not as it should be in place {number}: it could be done otherwise"),
        "location": {"path": path, "start_line": number % 900 + 1, "start_column": 1, "end_line": number % 900 + 1, "end_column": 20},
        "fingerprints": {"primary": format!("pf1:{print}"), "path_free": format!("pf1:{print}")},
    });
    contents.insert(content, shown.to_string());
    changes.occurrences.push(Occurrence {
        finding: finding.id,
        branch,
        series: Series { tool: if rare { "rare" } else { "lint" }.into(), name: "penstock".into() },
        seen_in: Seen::Files,
        path,
        severity,
        content,
        allowed: None,
        owner: if number.is_multiple_of(10) { "@acme/core".into() } else { Masked::EMPTY },
        seen: stamp,
        configuration: Print(1),
        first: stamp,
        gone: None,
        reopened: 0,
        gap: None,
        introduced_by: None,
        denied: None,
        in_base: None,
    });
    changes.findings.push(finding);
}
