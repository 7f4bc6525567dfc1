//! How long a tenant waits while another one has ten thousand jobs: from a push to a pull request until its status stands in Bitbucket, which takes a
//! webhook and three jobs. `cargo bench -p penstock-app --bench fairness` on the embedded database; with `TEST_DATABASE_URL` also on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement for people to read"
)]

mod beside;

use std::time::{Duration, Instant};

use penstock_app::jobs::kind;
use penstock_app::settings::{Key, MissingScan, Value, set};
use penstock_app::state::State;
use penstock_app::store::system::Subject;
use penstock_common::Uuid;
use penstock_sandbox::{Commit, Install, Sandbox};

const JOBS: usize = 10_000;
const REPOSITORIES: usize = 20;
const SAMPLES: usize = 40;
const QUIET: &str = "quiet/shop";

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
    let loud: Vec<String> = (0..REPOSITORIES).map(|number| format!("loud/shop-{number}")).collect();
    for name in loud.iter().map(String::as_str).chain([QUIET]) {
        sandbox.repository(name).unwrap();
        sandbox.push(name, "main", &Commit::new("Begin").write("a.rs", "1")).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let (state, base) = beside::start(&sandbox, folder.path(), database).await;
    for workspace in ["loud", "quiet"] {
        let wish = Install::new(workspace, &format!("{base}/atlassian-connect.json"));
        tokio::task::block_in_place(|| sandbox.install(&wish)).unwrap();
    }
    let tenant = |slug: &str| {
        let all = sandbox.installed();
        all.iter().find(|one| one.workspace == slug).unwrap().workspace_uuid.parse::<Uuid>().unwrap()
    };
    let always = [(Key::MissingScan, Some(Value::MissingScan(MissingScan::Always)))];
    set(&state.store.for_workspace(tenant("quiet")), None, &always, "bench", state.now()).await.unwrap();
    sandbox.branch(QUIET, "feature", "main").unwrap();
    sandbox.push(QUIET, "feature", &Commit::new("F").write("n.rs", "0")).unwrap();
    sandbox.open_pull_request(QUIET, "F", "feature", "main").unwrap();

    let idle = waits(&sandbox, 0).await;
    println!("{name}: alone {}", told(&idle));
    let ids: Vec<Uuid> = loud.iter().map(|name| sandbox.repository_uuid(name).unwrap().parse().unwrap()).collect();
    fill(&state, tenant("loud"), &ids).await;
    let before = waiting(&state).await;
    let beside = waits(&sandbox, SAMPLES).await;
    let after = waiting(&state).await;
    println!("{name}: beside {before} jobs, of which {} were done meanwhile, {}", before - after, told(&beside));
    let bound = idle[SAMPLES / 2] * 2 + Duration::from_secs(1);
    let within = beside.iter().filter(|time| **time <= bound).count();
    println!("{name}: {within} of {SAMPLES} within twice the median of alone and a second ({} ms)", bound.as_millis());
    state.stop();
}

/// From a push to the status, one after the other, in order of length.
async fn waits(sandbox: &Sandbox, from: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    for number in from..from + SAMPLES {
        let begin = Instant::now();
        let commit = Commit::new("More").write("n.rs", (number + 1).to_string());
        let head = sandbox.push(QUIET, "feature", &commit).unwrap();
        while sandbox.statuses(QUIET, &head).unwrap().is_empty() {
            assert!(begin.elapsed() < Duration::from_secs(300), "no status comes");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        times.push(begin.elapsed());
    }
    times.sort();
    times
}

/// Wishes for comparing each repository with Bitbucket, again and again.
async fn fill(state: &State, tenant: Uuid, repositories: &[Uuid]) {
    let now = state.now();
    let mut write = state.store.for_workspace(tenant).write().await.unwrap();
    for number in 0..JOBS {
        let repository = Some(repositories[number % repositories.len()]);
        let subject = Subject { repository, kind: kind::SWEEP, subject: number.to_string() };
        write.job(&subject, now, now).await.unwrap();
    }
    write.commit().await.unwrap();
}

async fn waiting(state: &State) -> u64 {
    state.store.system().queue_state(state.now()).await.unwrap().waiting
}

fn told(times: &[Duration]) -> String {
    let at = |at: usize| times[at].as_secs_f64() * 1e3;
    format!("median {:.0} ms, most {:.0} ms", at(times.len() / 2), at(times.len() - 1))
}
