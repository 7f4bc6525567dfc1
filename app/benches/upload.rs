//! How long an upload takes, JSON in to answer out: 10 000 findings into a repository that holds 100 000.
//! `cargo bench -p penstock-app --bench upload` on the embedded database; with `TEST_DATABASE_URL` (see `scripts/with-postgres`) also on PostgreSQL.
//! After `--`, the name of one measures that one only.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement for people to read"
)]

mod beside;

use std::time::{Duration, Instant};

use beside::sender::{SENT, Sender};
use penstock_sandbox::{Commit, Install, Sandbox};

const HELD: usize = 100_000;
const TIMES: usize = 30;
/// First runs in one repository: it shall not hold much more than it should.
const FIRST: usize = 5;
/// How far first runs are apart, from begin to begin.
const PACES: [(&str, Duration); 3] = [
    ("first, one in three seconds", Duration::from_secs(3)),
    ("first, one a second", Duration::from_secs(1)),
    ("first, one after the other", Duration::ZERO),
];

#[tokio::main]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |name: &str| named.is_empty() || named.iter().any(|one| one == name);
    if is_wanted("SQLite") {
        measure("SQLite", None).await;
    }
    match std::env::var("TEST_DATABASE_URL") {
        Ok(url) if is_wanted("PostgreSQL") => measure("PostgreSQL", Some(url)).await,
        Ok(_) => {}
        Err(_) => println!("PostgreSQL: not measured, there is no TEST_DATABASE_URL"),
    }
}

async fn measure(name: &str, database: Option<String>) {
    let sandbox = Sandbox::new().unwrap();
    sandbox.repository("acme/shop-0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (state, base) = beside::start(&sandbox, folder.path(), database).await;
    let wish = Install::new("acme", &format!("{base}/atlassian-connect.json"));
    tokio::task::block_in_place(|| sandbox.install(&wish)).unwrap();

    let (mut unchanged, mut changed, mut first) = (Vec::new(), Vec::new(), [const { Vec::new() }; PACES.len()]);
    let mut next = tokio::time::Instant::now();
    for number in 0..PACES.len() * TIMES / FIRST {
        let repository = format!("acme/shop-{number}");
        if number > 0 {
            sandbox.repository(&repository).unwrap();
        }
        let commit = sandbox.push(&repository, "main", &Commit::new("Begin").write("a.rs", "1")).unwrap();
        let sender = Sender::new(&state, &sandbox, &base, &repository, commit).await;
        let begin = Instant::now();
        for part in 0..HELD / SENT {
            sender.send(&format!("held-{part}"), part * SENT, 0).await;
        }
        println!("{name}: {HELD} findings were taken in {:.1} s", begin.elapsed().as_secs_f64());
        tokio::time::sleep(Duration::from_secs(3)).await;
        if number == 0 {
            for _ in 0..TIMES {
                unchanged.push(sender.send("held-0", 0, 0).await);
            }
            for time in 0..TIMES {
                changed.push(sender.send("held-1", SENT, time + 1).await);
            }
        }
        let pace = number * FIRST / TIMES;
        // They are made beforehand: whoever sends them takes nothing from the program meanwhile.
        let bodies = (0..FIRST).map(|time| sender.run(&format!("first-{time}"), HELD + time * SENT, 0));
        for body in bodies.collect::<Vec<_>>() {
            tokio::time::sleep_until(next).await;
            next = tokio::time::Instant::now() + PACES[pace].1;
            first[pace].push(sender.post(body).await);
        }
    }
    for ((what, _), times) in PACES.into_iter().zip(first) {
        tell(name, what, times);
    }
    tell(name, "unchanged", unchanged);
    tell(name, "1 % changed", changed);
    state.stop();
}

fn tell(name: &str, what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| {
        times[((times.len() as f64 * share).ceil() as usize).clamp(1, times.len()) - 1].as_secs_f64() * 1e3
    };
    println!("{name:>10} {what:>27}: median {:6.1} ms, p95 {:6.1} ms, most {:6.1} ms", at(0.5), at(0.95), at(1.0));
}
