//! The program is killed again and again while webhooks come: nothing that it acknowledged is lost.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use penstock_app::store::Store;
use penstock_sandbox::{Install, Sandbox};
use serde_json::json;
use sqlx::Connection;
use tokio::sync::Mutex;

use super::world::{APP, REPOSITORY, WORKSPACE, client, new_repository};

const KILLS: usize = 50;

/// The program as a process of its own.
pub(super) struct Program {
    environment: Vec<(&'static str, String)>,
    /// Where it is reached.
    pub(super) base: String,
    health: String,
}

impl Program {
    /// Beside a sandbox, with its data in a folder. It does not run yet.
    pub(super) fn new(sandbox: &Sandbox, folder: &Path) -> Self {
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (listen, health) = (free(), free());
        let base = format!("http://{listen}");
        let environment = vec![
            ("BASE_URL", base.clone()),
            ("LISTEN_ADDR", listen.to_string()),
            ("HEALTH_ADDR", health.to_string()),
            ("DATA_DIR", folder.display().to_string()),
            ("PENSTOCK_DEVELOPMENT", "1".to_owned()),
            ("BITBUCKET_API_URL", sandbox.api_url()),
            ("BITBUCKET_SITE_URL", sandbox.site_url()),
        ];
        Self { environment, base, health: format!("http://{health}") }
    }

    /// Started next to the sandbox and installed in its workspace, whose repository has one commit.
    pub(super) async fn installed(sandbox: &Sandbox, folder: &Path) -> (Self, Running) {
        new_repository(sandbox, REPOSITORY);
        let program = Self::new(sandbox, folder);
        let running = Running(program.start());
        program.ready().await;
        let install = Install::new(WORKSPACE, &format!("{}/atlassian-connect.json", program.base));
        tokio::task::block_in_place(|| sandbox.install(&install)).unwrap();
        (program, running)
    }

    pub(super) fn start(&self) -> Child {
        self.command(&["serve"]).stderr(Stdio::null()).spawn().unwrap()
    }

    /// With these arguments.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "the program under test")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock-app"));
        command.args(arguments).env_clear().envs(self.environment.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// The same under a umask that takes no right away.
    #[cfg(unix)]
    pub(super) fn command_under_lax_umask(&self, arguments: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "only a shell sets the umask of another program")]
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r#"umask 000; exec "$0" "$@""#, env!("CARGO_BIN_EXE_penstock-app")]).args(arguments);
        command.env_clear().envs(self.environment.iter().cloned()).stdin(Stdio::null());
        command
    }

    pub(super) async fn ready(&self) {
        for _ in 0..400 {
            if client()
                .get(format!("{}/readyz", self.health))
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("it does not become ready");
    }
}

/// A process that ends with the test, however that ends.
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_that_was_acknowledged_is_lost() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.repository(REPOSITORY).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = Program::new(&sandbox, folder.path());
    let base = program.base.clone();
    let mut child = program.start();
    program.ready().await;
    let wish = Install::new(WORKSPACE, &format!("{base}/atlassian-connect.json"));
    tokio::task::block_in_place(|| sandbox.install(&wish)).unwrap();
    let token = sandbox.sign(APP, WORKSPACE, "POST", "/connect/webhooks").unwrap();

    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (acknowledged, stop, next) = (Arc::clone(&acknowledged), Arc::clone(&stop), Arc::clone(&next));
        let (token, address) = (token.clone(), format!("{base}/connect/webhooks"));
        senders.spawn(async move {
            let client = client();
            while !stop.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let repository = format!("{{00000000-0000-0000-0000-{number:012}}}");
                let body = json!({"event": "repo:updated", "data": {"repository": {"uuid": repository}}}).to_string();
                let sent =
                    client.post(&address).header("authorization", format!("JWT {token}")).body(body).send().await;
                match sent {
                    Ok(answer) if answer.status().is_success() => drop(acknowledged.lock().await.insert(number)),
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        });
    }
    for _ in 0..KILLS {
        // Somewhere in the middle of something.
        tokio::time::sleep(Duration::from_millis(u64::from(getrandom::u32().unwrap() % 60))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        child = program.start();
        program.ready().await;
    }
    stop.store(true, Ordering::Relaxed);
    senders.join_all().await;
    child.kill().unwrap();
    child.wait().unwrap();

    let acknowledged = acknowledged.lock().await;
    assert!(acknowledged.len() > KILLS, "there was load: {}", acknowledged.len());
    let path = folder.path().join("inbox.db");
    let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar("select body from inbox_bodies where event = 'repo:updated'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let mut kept = BTreeSet::new();
    for body in bodies {
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let repository = body["repository"]["uuid"].as_str().unwrap();
        let number: u64 = repository[25..37].parse().unwrap();
        assert!(kept.insert(number), "{number} was kept twice");
    }
    let lost: Vec<_> = acknowledged.difference(&kept).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let sound: String = sqlx::query_scalar("pragma integrity_check").fetch_one(&mut connection).await.unwrap();
    assert_eq!(sound, "ok");
    drop(connection);

    // And it goes on from there.
    let keys = penstock_app::crypto::MasterKeys::read(&folder.path().join("master.key")).unwrap();
    let store = Store::open_sqlite(folder.path(), keys, 0).await.unwrap();
    assert_eq!(store.system().tenants().await.unwrap().len(), 1);
}
