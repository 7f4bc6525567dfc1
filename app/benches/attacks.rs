//! How much a workspace or an anonymous sender can slow another workspace down: `cargo bench -p
//! penstock-app --bench attacks` on the embedded database.
//!
//! A quiet workspace uploads runs and gets webhooks, alone and during an attack. Each
//! attack has a sandbox of its own: an hour's requests to Bitbucket are not enough for all. After
//! `--`, the name of an attack measures that one only. The last lines show how much memory runs of
//! 45 000 rules take.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people to read")]

mod beside;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use beside::sender::Sender;
use penstock_sandbox::{Commit, Install, Permission, Sandbox, Scene};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const QUIET: &str = "quiet/shop";
const LOUD: &str = "loud/shop";
/// Uploads and webhooks of the quiet workspace in each measurement.
const UPLOADS: usize = 20;
const WEBHOOKS: usize = 300;
/// Time between two webhooks.
const PACE: Duration = Duration::from_millis(20);
/// Findings of an attacker's run, each with a rule of its own, and parts of the tool that found
/// them.
const RULES: usize = 45_000;
const PARTS: usize = 64;

/// A workspace with the app in it.
struct Tenant {
    sender: Sender,
    webhooks: String,
    repository: String,
}

struct World {
    sandbox: Sandbox,
    base: String,
    quiet: Tenant,
    loud: Tenant,
    frame: String,
}

#[tokio::main]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for attack in ["pages", "runs", "installations", "connections", "webhooks"] {
        if named.is_empty() || named.iter().any(|one| one == attack) {
            compare(attack).await;
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    for line in status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS")) {
        println!("app, sandbox and senders together: {line}");
    }
}

/// Measures the quiet workspace alone and during an attack.
async fn compare(attack: &'static str) {
    let sandbox = Sandbox::new().unwrap();
    for name in [QUIET, LOUD] {
        sandbox.repository(name).unwrap();
        sandbox.set_private(name, false).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let (state, base) = beside::start(&sandbox, folder.path(), None).await;
    let mut tenants = Vec::new();
    for name in [QUIET, LOUD] {
        let commit = sandbox.push(name, "main", &Commit::new("Begin").write("a.rs", "1")).unwrap();
        let workspace = name.split('/').next().unwrap();
        let wish = Install::new(workspace, &format!("{base}/atlassian-connect.json"));
        tokio::task::block_in_place(|| sandbox.install(&wish)).unwrap();
        tenants.push(Tenant {
            sender: Sender::new(&state, &sandbox, &base, name, commit).await,
            webhooks: sandbox.sign("penstock", workspace, "POST", "/connect/webhooks").unwrap(),
            repository: sandbox.repository_uuid(name).unwrap(),
        });
    }
    let reader = sandbox.person("Rea Reader").uuid;
    sandbox.permit(LOUD, &reader, Permission::Read).unwrap();
    let frame =
        sandbox.frame("penstock", "loud", "repository-page", &Scene::new().in_repository(LOUD).seen_by(&reader));
    let (loud, quiet) = (tenants.pop().unwrap(), tenants.pop().unwrap());
    let world = Arc::new(World { sandbox, base, quiet, loud, frame: frame.unwrap() });
    world.quiet.sender.send("warm", 0, 0).await;

    let idle = measure(&world, "idle").await;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let attackers: Vec<_> = (0..4)
        .map(|number| tokio::spawn(strike(Arc::clone(&world), attack, number, Arc::clone(&stop), Arc::clone(&done))))
        .collect();
    let during = measure(&world, attack).await;
    stop.store(true, Ordering::Relaxed);
    for attacker in attackers {
        attacker.await.unwrap();
    }
    println!(
        "{attack}: {} requests of the attacker meanwhile; upload p95 {:.2} of idle, webhook p99 {:.2} of idle",
        done.load(Ordering::Relaxed),
        during.0 / idle.0,
        during.1 / idle.1,
    );
    state.stop();
}

/// One attacker, until it is stopped.
async fn strike(world: Arc<World>, attack: &'static str, number: usize, stop: Arc<AtomicBool>, done: Arc<AtomicUsize>) {
    let client = reqwest::Client::new();
    let run = if attack == "runs" { many_rules(&world) } else { Vec::new() };
    let mut held = Vec::new();
    let mut round = number * 1_000_000;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        done.fetch_add(1, Ordering::Relaxed);
        match attack {
            "pages" => drop(client.get(&world.frame).send().await),
            "runs" => drop(world.loud.sender.try_post(run.clone()).await),
            "installations" => {
                let body = json!({"key": "penstock", "clientKey": format!("connection:{round}"), "eventType": "installed",
                    "productType": "bitbucket", "sharedSecret": format!("a made-up secret {round}")});
                drop(client.post(format!("{}/connect/installed", world.base)).body(body.to_string()).send().await);
            }
            "connections" => {
                let mut stream = TcpStream::connect(world.base.trim_start_matches("http://")).await.unwrap();
                let _ = stream.write_all(b"POST /connect/webhooks HTTP/1.1\r\nhost: x\r\n").await;
                held.push(stream);
                if held.len() >= 400 {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            _ => drop(webhook(&client, &world, &world.loud, round).await),
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A run of the loud workspace: compressed it has about a megabyte.
fn many_rules(world: &World) -> Vec<u8> {
    world.loud.sender.run_of_rules("rules", RULES, PARTS)
}

async fn webhook(client: &reqwest::Client, world: &World, of: &Tenant, number: usize) -> Duration {
    let body = json!({"event": "repo:updated", "data": {"repository": {"uuid": of.repository}, "number": number}});
    let begin = Instant::now();
    let request = client.post(format!("{}/connect/webhooks", world.base)).body(body.to_string());
    let answer = request.header("authorization", format!("JWT {}", of.webhooks)).send().await;
    let took = begin.elapsed();
    match answer {
        Ok(answer) if answer.status().is_success() || of.repository == world.loud.repository => {}
        Ok(answer) => println!("a webhook was refused after {took:?}: {}", answer.text().await.unwrap_or_default()),
        Err(error) => println!("a webhook was not answered: {error}"),
    }
    took
}

/// The 95th percentile of uploads and the 99th of webhooks, in milliseconds.
async fn measure(world: &Arc<World>, name: &str) -> (f64, f64) {
    let client = reqwest::Client::new();
    let other = Arc::clone(world);
    let from = name.bytes().map(usize::from).sum::<usize>() * WEBHOOKS;
    let webhooks = tokio::spawn(async move {
        let mut tasks = tokio::task::JoinSet::new();
        let mut pace = tokio::time::interval(PACE);
        for number in from..from + WEBHOOKS {
            pace.tick().await;
            let (client, world) = (client.clone(), Arc::clone(&other));
            tasks.spawn(async move { webhook(&client, &world, &world.quiet, number).await });
        }
        tasks.join_all().await
    });
    let mut uploads = Vec::new();
    for _ in 0..UPLOADS {
        uploads.push(world.quiet.sender.send("quiet", 0, 0).await);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut webhooks = webhooks.await.unwrap();
    let at = |times: &mut Vec<Duration>, share: f64| {
        times.sort();
        times[((times.len() as f64 * share).ceil() as usize).clamp(1, times.len()) - 1].as_secs_f64() * 1e3
    };
    let told = (at(&mut uploads, 0.95), at(&mut webhooks, 0.99));
    let seen = world.sandbox.journal().len();
    println!(
        "{name}: upload p95 {:.0} ms, webhook p99 {:.1} ms ({seen} requests at the sandbox so far)",
        told.0, told.1
    );
    told
}
