//! What is around the program fails: the database goes away and comes back, the disk is full, clients hold connections open.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use penstock_app::crypto::MasterKeys;
use penstock_common::Severity;
use penstock_sandbox::{Commit, Install, Sandbox};
use serde_json::json;
use sqlx::Connection;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UnixListener, UnixStream};

use super::world::{APP, App, REPOSITORY, WORKSPACE, finding, upload};
use crate::store::world::database;

const PATH: &str = "/connect/webhooks";

/// A way to a PostgreSQL that can be cut.
struct Line {
    open: Arc<AtomicBool>,
    cut: Arc<tokio::sync::Notify>,
    folder: tempfile::TempDir,
}

const SOCKET: &str = ".s.PGSQL.5432";

impl Line {
    fn to(server: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let (open, cut) = (Arc::new(AtomicBool::new(true)), Arc::new(tokio::sync::Notify::new()));
        let (is_open, is_cut, server) = (Arc::clone(&open), Arc::clone(&cut), server.join(SOCKET));
        tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                if !is_open.load(Ordering::SeqCst) {
                    continue;
                }
                let (cut, server) = (Arc::clone(&is_cut), server.clone());
                tokio::spawn(async move {
                    let Ok(mut there) = UnixStream::connect(server).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut here, &mut there) => {}
                        () = cut.notified() => {}
                    }
                });
            }
        });
        Self { open, cut, folder }
    }

    fn set(&self, open: bool) {
        self.open.store(open, Ordering::SeqCst);
        if !open {
            self.cut.notify_waiters();
        }
    }
}

async fn webhook(base: &str, token: &str, number: u64, filler: usize) -> u16 {
    let body = json!({"event": "repo:fork", "data": {"number": number, "filler": "x".repeat(filler)}}).to_string();
    let request = reqwest::Client::new().post(format!("{base}{PATH}")).header("authorization", format!("JWT {token}"));
    request.body(body).send().await.map_or(0, |answer| answer.status().as_u16())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_goes_away_is_told_and_found_again() {
    let Some(url) = database().await else { return };
    let (address, server) = url.split_once("host=").unwrap();
    let line = Line::to(&PathBuf::from(server));
    let through = format!("{address}host={}", line.folder.path().display());
    let sandbox = Sandbox::new().unwrap();
    sandbox.repository(REPOSITORY).unwrap();
    sandbox.push(REPOSITORY, "main", &Commit::new("Begin").write("a.rs", "1")).unwrap();
    let app = App::start(&sandbox, Some(&through)).await;
    app.install(&sandbox, WORKSPACE).await;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(&sandbox, &step, &[finding("one", "a.rs", Severity::Low)]).await;
    app.settle(&sandbox).await;
    let token = sandbox.sign(APP, WORKSPACE, "POST", PATH).unwrap();
    assert_eq!(webhook(&app.base, &token, 1, 0).await, 200);

    line.set(false);
    assert_eq!(webhook(&app.base, &token, 2, 0).await, 503, "nothing is acknowledged that is not kept");
    let run = upload(&sandbox, &step, &[finding("two", "a.rs", Severity::Low)]);
    let (status, body) = app.send(&sandbox.oidc_token(&step, &[&app.base]), &run).await;
    assert_eq!(status, 503, "{body}");
    assert_eq!(app.health("/readyz").await.0, 503);
    assert_eq!(app.health("/livez").await.0, 200);

    line.set(true);
    let mut status = 0;
    for _ in 0..200 {
        status = webhook(&app.base, &token, 2, 0).await;
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(status, 200, "it is found again without a restart");
    let (status, body) = app.send(&sandbox.oidc_token(&step, &[&app.base]), &run).await;
    assert_eq!((status, &body["state"]), (201, &json!("applied")), "{body}");
    app.settle(&sandbox).await;
    assert_eq!(app.health("/readyz").await.0, 200);
}

/// A file may not grow beyond a limit, which the system tells as a full disk does: by refusing to write.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_disk_that_takes_no_more_loses_nothing_that_was_acknowledged() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = Sandbox::new().unwrap();
    sandbox.repository(REPOSITORY).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (listen, health) = (free(), free());
    let base = format!("http://{listen}");
    let start = |limit: &str| {
        #[expect(clippy::disallowed_methods, reason = "the program under test")]
        let mut command = Command::new("/bin/sh");
        let program = env!("CARGO_BIN_EXE_penstock-app");
        command
            .args(["-c", &format!("trap '' XFSZ; ulimit -f {limit}; exec '{program}' serve")])
            .env_clear()
            .env("BASE_URL", &base)
            .env("LISTEN_ADDR", listen.to_string())
            .env("HEALTH_ADDR", health.to_string())
            .env("DATA_DIR", folder.path())
            .env("PENSTOCK_DEVELOPMENT", "1")
            .env("BITBUCKET_API_URL", sandbox.api_url())
            .env("BITBUCKET_SITE_URL", sandbox.site_url())
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let ready = async || {
        for _ in 0..400 {
            if reqwest::get(format!("http://{health}/readyz")).await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("it does not become ready");
    };
    // In blocks of 512 bytes.
    let mut child = start("4096");
    ready().await;
    let wish = Install::new(WORKSPACE, &format!("{base}/atlassian-connect.json"));
    tokio::task::block_in_place(|| sandbox.install(&wish)).unwrap();
    let token = sandbox.sign(APP, WORKSPACE, "POST", PATH).unwrap();
    let mut acknowledged = 0;
    let mut refused = 0;
    for number in 0.. {
        match webhook(&base, &token, number, 30_000).await {
            200 => acknowledged += 1,
            503 => refused += 1,
            other => panic!("{other}"),
        }
        assert!(number < 1000, "there is no limit");
        if refused == 5 {
            break;
        }
    }
    assert!(acknowledged > 10, "{acknowledged}");
    let alive = reqwest::get(format!("http://{health}/livez")).await.unwrap();
    assert_eq!(alive.status(), 200);
    child.kill().unwrap();
    child.wait().unwrap();

    let mut child = start("unlimited");
    ready().await;
    assert_eq!(webhook(&base, &token, 1_000_000, 0).await, 200, "there is room again");
    child.kill().unwrap();
    child.wait().unwrap();
    let path = folder.path().join("inbox.db");
    let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let kept: i64 = sqlx::query_scalar("select count(*) from inbox_bodies where event = 'repo:fork'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(kept > acknowledged, "{kept} are kept of {acknowledged} and one");
    let sound: String = sqlx::query_scalar("pragma integrity_check").fetch_one(&mut connection).await.unwrap();
    assert_eq!(sound, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_do_not_go_on_keep_nobody_out() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.repository(REPOSITORY).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("master.key");
    MasterKeys::read_or_create(&key).unwrap();
    let app = App::start_with(&sandbox, None, folder.path(), &key).await;
    app.install(&sandbox, WORKSPACE).await;
    let address = app.base.trim_start_matches("http://").to_owned();
    let mut held = Vec::new();
    for number in 0..400 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let half = match number % 2 {
            0 => "POST /connect/webhooks HTTP/1.1\r\nhost: x\r\n",
            _ => "POST /connect/webhooks HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n{",
        };
        stream.write_all(half.as_bytes()).await.unwrap();
        held.push(stream);
    }
    let token = sandbox.sign(APP, WORKSPACE, "POST", PATH).unwrap();
    for number in 0..20 {
        assert_eq!(webhook(&app.base, &token, number, 0).await, 200);
    }
    assert_eq!(app.health("/readyz").await.0, 200);
    drop(held);
}
