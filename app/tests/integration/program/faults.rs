//! What is around the program fails: the database goes away and comes back, the disk is full, clients hold connections open.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use penstock_app::crypto::MasterKeys;
use penstock_common::Severity;
use penstock_sandbox::{Install, Sandbox};
use serde_json::json;
use sqlx::Connection;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;

use super::crash::Running;
use super::world::{APP, App, REPOSITORY, WORKSPACE, client, finding, shop, upload};
use crate::store::world::database;

const PATH: &str = "/connect/webhooks";

/// A way to a PostgreSQL that can be cut, and that can hang: nothing comes through, and neither
/// side is notified.
struct Line {
    state: watch::Sender<LineState>,
    folder: tempfile::TempDir,
}

#[derive(Clone, Copy, Default)]
struct LineState {
    is_cut: bool,
    hangs: bool,
    /// How many connections there were; those before this one never get on.
    count: u64,
    lost: u64,
}

const SOCKET: &str = ".s.PGSQL.5432";

impl Line {
    fn to(server: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let (state, server) = (watch::Sender::new(LineState::default()), server.join(SOCKET));
        let all = state.clone();
        tokio::spawn(async move {
            while let Ok((here, _)) = listener.accept().await {
                if all.borrow().is_cut {
                    continue;
                }
                let mut number = 0;
                all.send_modify(|state| {
                    number = state.count;
                    state.count += 1;
                });
                let (state, server) = (all.subscribe(), server.clone());
                tokio::spawn(async move {
                    let Ok(there) = UnixStream::connect(server).await else { return };
                    let ((from_here, to_here), (from_there, to_there)) = (here.into_split(), there.into_split());
                    let mut cut = state.clone();
                    tokio::select! {
                        () = pump(from_here, to_there, state.clone(), number) => {}
                        () = pump(from_there, to_here, state, number) => {}
                        _ = cut.wait_for(|state| state.is_cut) => {}
                    }
                });
            }
        });
        Self { state, folder }
    }

    fn cut(&self, is_cut: bool) {
        self.state.send_modify(|state| state.is_cut = is_cut);
    }

    fn hang(&self, hangs: bool) {
        self.state.send_modify(|state| state.hangs = hangs);
    }

    /// Connections that are open now hang for ever, as after a firewall forgot them.
    fn lose(&self) {
        self.state.send_modify(|state| state.lost = state.count);
    }

    /// The address of the database by this way.
    fn address(&self, url: &str) -> String {
        let (address, _) = url.split_once("host=").unwrap();
        format!("{address}host={}", self.folder.path().display())
    }
}

/// Hands on what comes, unless the line hangs.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<LineState>,
    number: u64,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if state.wait_for(|state| !state.hangs && number >= state.lost).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// A Bitbucket, and the program with a tenant on SQLite, or on PostgreSQL by a line.
struct Scene {
    sandbox: Sandbox,
    app: App,
    token: String,
    folder: tempfile::TempDir,
    line: Option<Line>,
}

impl Scene {
    async fn new(postgres: Option<&str>) -> Self {
        let sandbox = shop();
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("master.key");
        MasterKeys::read_or_create(&key).unwrap();
        let line = postgres.map(|url| Line::to(&PathBuf::from(url.split_once("host=").unwrap().1)));
        let address = line.as_ref().zip(postgres).map(|(line, url)| line.address(url));
        let app = App::start_with(&sandbox, address.as_deref(), folder.path(), &key).await;
        app.install(&sandbox, WORKSPACE).await;
        let token = sandbox.sign(APP, WORKSPACE, "POST", PATH).unwrap();
        let scene = Self { sandbox, app, token, folder, line };
        assert_eq!(scene.webhook(0).await, 200);
        scene
    }

    /// Sends a webhook, which is answered before Bitbucket gives up.
    async fn webhook(&self, number: u64) -> u16 {
        let answer = webhook(&self.app.base, &self.token, number, 0);
        tokio::time::timeout(Duration::from_secs(8), answer).await.expect("Bitbucket is answered")
    }

    /// Asks whether the program is ready, which is answered soon.
    async fn ready(&self) -> (u16, String) {
        let answer = self.app.health("/readyz");
        tokio::time::timeout(Duration::from_secs(1), answer).await.expect("an answer comes whatever is broken")
    }

    /// Waits until the program says that it is ready, or not.
    async fn is_ready(&self, wanted: bool) -> String {
        let mut last = (0, String::new());
        for _ in 0..200 {
            last = self.ready().await;
            if (last.0 == 200) == wanted {
                return last.1;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{last:?}");
    }

    /// Without a restart: a webhook is taken, many at once are, a run is, and the program is ready.
    async fn heals(&self, number: u64) {
        let mut taken = false;
        for _ in 0..200 {
            taken = self.webhook(number).await == 200;
            if taken {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(taken, "webhooks are taken again");
        self.is_ready(true).await;
        let mut all = tokio::task::JoinSet::new();
        for one in 1..40 {
            let (base, token) = (self.app.base.clone(), self.token.clone());
            all.spawn(async move { webhook(&base, &token, number + one, 0).await });
        }
        assert_eq!(all.join_all().await, [200; 39]);
        let step = self.sandbox.branch_step(REPOSITORY, "main").unwrap();
        self.app.scan(&self.sandbox, &step, &[finding(&format!("rule {number}"), "a.rs", Severity::Low)]).await;
    }
}

async fn webhook(base: &str, token: &str, number: u64, filler: usize) -> u16 {
    let repository = json!({"uuid": format!("{{00000000-0000-0000-0000-{number:012}}}")});
    let data = json!({"repository": repository, "filler": "x".repeat(filler)});
    let body = json!({"event": "repo:updated", "data": data}).to_string();
    let request = client().post(format!("{base}{PATH}")).header("authorization", format!("JWT {token}"));
    request.body(body).send().await.map_or(0, |answer| answer.status().as_u16())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_goes_away_is_told_and_found_again() {
    let Some(url) = database().await else { return };
    let scene = Scene::new(Some(&url)).await;
    let Scene { sandbox, app, line: Some(line), .. } = &scene else { panic!("it is PostgreSQL") };
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();

    line.cut(true);
    assert_eq!(scene.webhook(2).await, 503, "nothing is acknowledged that is not kept");
    let run = upload(sandbox, &step, &[finding("two", "a.rs", Severity::Low)]);
    let (status, body) = app.send(&sandbox.oidc_token(&step, &[&app.base]), &run).await;
    assert_eq!(status, 503, "{body}");
    assert_eq!(scene.ready().await.0, 503);
    assert_eq!(app.health("/livez").await.0, 200);

    line.cut(false);
    scene.heals(100).await;
    let (status, body) = app.send(&sandbox.oidc_token(&step, &[&app.base]), &run).await;
    assert_eq!((status, &body["state"]), (201, &json!("applied")), "{body}");
    app.settle(sandbox).await;
    assert_eq!(scene.ready().await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_hangs_holds_nobody_up() {
    let Some(url) = database().await else { return };
    let scene = Scene::new(Some(&url)).await;
    let Scene { line: Some(line), .. } = &scene else { panic!("it is PostgreSQL") };
    for is_lost in [false, true] {
        line.hang(true);
        let (first, second) = tokio::join!(scene.webhook(2), scene.webhook(3));
        assert_eq!((first, second), (503, 503));
        let words = scene.is_ready(false).await;
        assert!(words.contains("did not answer"), "{words}");
        assert_eq!(scene.webhook(2).await, 503);
        assert_eq!(scene.app.health("/livez").await.0, 200);
        if is_lost {
            line.lose();
        }
        line.hang(false);
        scene.heals(if is_lost { 100 } else { 200 }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_without_room_for_a_session_is_found_again() {
    let Some(url) = database().await else { return };
    let scene = Scene::new(Some(&url)).await;
    let mut owner = sqlx::PgConnection::connect(&url).await.unwrap();
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(&mut owner).await.unwrap();
    let mut room = async |number: i32| {
        let sql = sqlx::AssertSqlSafe(format!("alter database {name} connection limit {number}"));
        sqlx::query(sql).execute(&mut owner).await.unwrap();
        let sql = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
        sqlx::query(sql).execute(&mut owner).await.unwrap();
    };
    room(0).await;
    assert_eq!(scene.webhook(2).await, 503);
    let words = scene.is_ready(false).await;
    assert!(words.contains("too many connections"), "{words}");
    room(-1).await;
    scene.heals(100).await;
}

/// Another process has the files: a backup of the operator's own, or a user who looks into them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_that_another_process_locks_are_found_again() {
    let scene = Scene::new(None).await;
    for (number, file) in ["inbox.db", "penstock.db"].into_iter().enumerate() {
        let path = scene.folder.path().join(file);
        let mut other = sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
        sqlx::query("begin immediate").execute(&mut other).await.unwrap();
        scene.is_ready(false).await;
        let expected = if file == "inbox.db" { 503 } else { 200 };
        assert_eq!(scene.webhook(2 + number as u64).await, expected);
        sqlx::query("rollback").execute(&mut other).await.unwrap();
        scene.heals(100 * (1 + number as u64)).await;
    }
}

/// What is written for long, or by many at once, is no fault.
async fn a_busy_writer_is_ready(scene: Scene) {
    let store = &scene.app.state.store;
    let workspace = scene.sandbox.installed()[0].workspace_uuid.parse().unwrap();
    let mut writes = vec![store.for_workspace(workspace).write().await.unwrap()];
    if scene.line.is_some() {
        // All that the pool has left; jobs may have some.
        while let Ok(Ok(write)) =
            tokio::time::timeout(Duration::from_secs(1), store.for_workspace(workspace).write()).await
        {
            writes.push(write);
        }
    }
    for _ in 0..30 {
        assert_eq!(scene.ready().await, (200, "ready\n".to_owned()));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop(writes);
    assert_eq!(scene.webhook(1).await, 200);
    assert_eq!(scene.ready().await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_writer_is_ready_on_sqlite() {
    a_busy_writer_is_ready(Scene::new(None).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_writer_is_ready_on_postgres() {
    let Some(url) = database().await else { return };
    a_busy_writer_is_ready(Scene::new(Some(&url)).await).await;
}

/// A file may not grow beyond a limit, which the system tells as a full disk does: by refusing to write.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_disk_that_takes_no_more_loses_nothing_that_was_acknowledged() {
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
            .args(["-c", &format!("trap '' XFSZ; ulimit -S -f {limit}; exec '{program}' serve")])
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
        Running(command.spawn().unwrap())
    };
    let ready = async || {
        for _ in 0..400 {
            if client()
                .get(format!("http://{health}/readyz"))
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("it does not become ready");
    };
    // In blocks of 512 bytes.
    let child = start("4096");
    ready().await;
    let wish = Install::new(WORKSPACE, &format!("{base}/atlassian-connect.json"));
    tokio::task::block_in_place(|| sandbox.install(&wish)).unwrap();
    let token = sandbox.sign(APP, WORKSPACE, "POST", PATH).unwrap();
    let mut acknowledged = 0;
    let mut refused_in_a_row = 0;
    for round in 0..2_000 {
        let mut all = tokio::task::JoinSet::new();
        for number in 0..16 {
            let (base, token) = (base.clone(), token.clone());
            all.spawn(async move { webhook(&base, &token, round * 16 + number, 30_000).await });
        }
        for status in all.join_all().await {
            match status {
                200 => (acknowledged, refused_in_a_row) = (acknowledged + 1, 0),
                503 => refused_in_a_row += 1,
                other => panic!("{other}"),
            }
        }
        // A full log has room again as long as the file takes what is in it.
        if refused_in_a_row > 320 {
            break;
        }
    }
    assert!(acknowledged > 10 && refused_in_a_row > 320, "{acknowledged} {refused_in_a_row}");
    let alive = client().get(format!("http://{health}/livez")).send().await.unwrap();
    assert_eq!(alive.status(), 200);
    let mut is_told = false;
    for _ in 0..400 {
        let answer = client().get(format!("http://{health}/readyz")).send().await.unwrap();
        is_told = answer.status() == 503;
        if is_told {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(is_told, "it is not ready when nothing can be written");

    #[expect(clippy::disallowed_methods, reason = "there is room again while the program under test runs")]
    let mut limit = Command::new("prlimit");
    let limit = limit.args(["--fsize=unlimited:", "--pid", &child.0.id().to_string()]).status().unwrap();
    assert!(limit.success());
    ready().await;
    for number in 1_000_000..1_000_010 {
        assert_eq!(webhook(&base, &token, number, 0).await, 200, "there is room again");
    }
    drop(child);
    let path = folder.path().join("inbox.db");
    let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let kept: i64 = sqlx::query_scalar("select count(*) from inbox_bodies where event = 'repo:updated'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(kept >= acknowledged + 10, "{kept} are kept of {acknowledged} and ten");
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
