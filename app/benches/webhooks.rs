//! How long a webhook waits for its acknowledgement: 500 a second for a minute, 8 KB each, signatures verified, kept before they are answered.
//! Once the app is idle otherwise, and once a run of 10 000 findings comes each second, every other one with 1 % of them changed.
//! `cargo bench -p penstock-app --bench webhooks` on the embedded database; with `TEST_DATABASE_URL` also on PostgreSQL. What was acknowledged is counted
//! against what is kept.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement for people to read"
)]

mod beside;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use beside::sender::Sender;
use penstock_sandbox::{Commit, Install, Sandbox};
use serde_json::json;

const REPOSITORY: &str = "acme/shop";
const RATE: u64 = 500;
const TIME: Duration = Duration::from_secs(60);
const BODY: usize = 8 * 1024;

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
    let wish = Install::new("acme", &format!("{base}/atlassian-connect.json"));
    tokio::task::block_in_place(|| sandbox.install(&wish)).unwrap();
    let token = sandbox.sign("penstock", "acme", "POST", "/connect/webhooks").unwrap();
    sync_time(name, folder.path());

    let sender = Sender::new(&state, &sandbox, &base, REPOSITORY, commit).await;
    let mut acknowledged = load(name, "idle otherwise", 0, &base, &token).await;
    sender.send("beside", 0, 0).await;
    let uploads = tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        let mut times = Vec::new();
        for round in 0.. {
            every.tick().await;
            times.push(sender.send("beside", 0, round % 2 * (round + 1)).await);
            if round as u64 + 1 >= TIME.as_secs() {
                break;
            }
        }
        times.sort();
        times
    });
    acknowledged += load(name, "beside uploads", 1, &base, &token).await;
    let times = uploads.await.unwrap();
    let middle = times[times.len() / 2].as_secs_f64() * 1e3;
    println!("{name}: {} runs of 10 000 came meanwhile, answered in {middle:.0} ms (median)", times.len());
    while !state.store.system().waiting_news(1).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let tenant = state.store.system().tenants().await.unwrap()[0].workspace;
    let kept = state.store.system().old_news(tenant, i64::MAX, i64::MAX).await.unwrap().len();
    println!("{name}: {kept} are kept, {} lost", acknowledged.saturating_sub(kept));
    state.stop();
}

/// Sends webhooks, in each part others, and tells how long they waited. Returns how many were acknowledged.
async fn load(name: &str, beside: &str, part: u64, base: &str, token: &str) -> usize {
    let client = reqwest::Client::new();
    let (acknowledged, failed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = tokio::task::JoinSet::new();
    let begin = tokio::time::Instant::now();
    let count = RATE * TIME.as_secs();
    for number in 0..count {
        // An open loop: the next one comes when it comes, whether or not the last one was answered.
        tokio::time::sleep_until(begin + Duration::from_micros(number * 1_000_000 / RATE)).await;
        let repository = json!({"uuid": format!("{{00000000-0000-0000-0000-{:012}}}", part * count + number)});
        let data = json!({"repository": repository, "filler": "x".repeat(BODY)});
        let body = json!({"event": "repo:updated", "data": data}).to_string();
        let request =
            client.post(format!("{base}/connect/webhooks")).header("authorization", format!("JWT {token}")).body(body);
        let (acknowledged, failed) = (Arc::clone(&acknowledged), Arc::clone(&failed));
        tasks.spawn(async move {
            let begin = Instant::now();
            match request.send().await {
                Ok(answer) if answer.status().is_success() => acknowledged.fetch_add(1, Ordering::Relaxed),
                _ => failed.fetch_add(1, Ordering::Relaxed),
            };
            begin.elapsed()
        });
    }
    let mut times = tasks.join_all().await;
    times.sort();
    let at = |share: f64| {
        times[((times.len() as f64 * share).ceil() as usize).clamp(1, times.len()) - 1].as_secs_f64() * 1e3
    };
    let acknowledged = acknowledged.load(Ordering::Relaxed);
    println!(
        "{name}, {beside}: {acknowledged} acknowledged, {} refused; median {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        failed.load(Ordering::Relaxed),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    acknowledged
}

/// What one sync of this disk costs.
fn sync_time(name: &str, folder: &std::path::Path) {
    let mut file = std::fs::File::create(folder.join("sync")).unwrap();
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            file.write_all(&[0; 4096]).unwrap();
            let begin = Instant::now();
            file.sync_data().unwrap();
            begin.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "{name}: one sync of the disk takes {:.2} ms, p99 {:.2} ms",
        times[100].as_secs_f64() * 1e3,
        times[198].as_secs_f64() * 1e3
    );
}
