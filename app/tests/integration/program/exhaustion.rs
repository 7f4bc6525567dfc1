//! Anonymous senders and tenants request too much: the others are served nevertheless.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use penstock_app::connections::{self, Bounds};
use penstock_app::door::connect::qsh;
use penstock_app::store::system::UNSIGNED_MAX;
use penstock_app::store::workspace::RunState;
use penstock_app::track::RunId;
use penstock_common::{Secret, Severity};
use penstock_sandbox::{Fault, Install, Route, Sandbox};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::uploads::Scene;
use super::world::{APP, App, REPOSITORY, WORKSPACE, client, finding, new_repository, shop, upload, verbatim};

const WEBHOOKS: &str = "/connect/webhooks";

/// An unsigned callback, about an unknown installation.
fn callback(app: &App, number: usize) -> reqwest::RequestBuilder {
    let body = json!({
        "key": APP, "clientKey": format!("connection:{}", 900_000 + number), "eventType": "installed",
        "productType": "bitbucket", "sharedSecret": format!("a made-up secret {number}"),
    });
    client().post(format!("{}/connect/installed", app.base)).body(body.to_string())
}

fn install(sandbox: &Sandbox, app: &App, workspace: &str) -> Result<(), String> {
    let wish = Install::new(workspace, &format!("{}/atlassian-connect.json", app.base));
    tokio::task::block_in_place(|| sandbox.install(&wish)).map(drop).map_err(|error| error.to_string())
}

/// Sends a webhook of the workspace, signed with `token`.
async fn send_webhook(app: &App, token: &str, body: String) -> reqwest::Response {
    let request = client().post(format!("{}{WEBHOOKS}", app.base)).header("authorization", format!("JWT {token}"));
    request.body(body).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_unsigned_callbacks_hold_up_no_installation_and_no_webhook() {
    let sandbox = shop();
    let app = App::start(&sandbox, None).await;
    let app = Arc::new(app);
    let mut flood = tokio::task::JoinSet::new();
    for part in 0..10 {
        let app = Arc::clone(&app);
        flood.spawn(async move {
            for number in part * 100..part * 100 + 100 {
                assert_eq!(callback(&app, number).send().await.unwrap().status(), 204);
            }
        });
    }
    flood.join_all().await;
    let waiting = app.state.store.system().unsigned_candidates("connect").await.unwrap();
    assert!(i64::try_from(waiting).unwrap() <= UNSIGNED_MAX, "{waiting}");
    install(&sandbox, &app, WORKSPACE).unwrap();
    assert_eq!(app.state.store.system().tenants().await.unwrap().len(), 1);
    app.settle(&sandbox).await;
}

/// Bitbucket is slow for a proof: what waits for it holds up nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn proofs_that_hang_hold_up_no_webhook() {
    let sandbox = shop();
    let app = App::start(&sandbox, None).await;
    install(&sandbox, &app, WORKSPACE).unwrap();
    for number in 0..4 {
        assert_eq!(callback(&app, number).send().await.unwrap().status(), 204);
    }
    let token = sandbox.sign(APP, WORKSPACE, "POST", WEBHOOKS).unwrap();
    sandbox.fault(Route::new("*", "*access_token"), Fault::Delay(Duration::from_secs(8)), 1000);
    let repository = sandbox.repository_uuid(REPOSITORY).unwrap();
    for number in 0..20 {
        let body = json!({"event": "repo:updated", "data": {"repository": {"uuid": repository}, "number": number}});
        assert_eq!(send_webhook(&app, &token, body.to_string()).await.status(), 200);
    }
    let handled = async {
        while !app.state.store.system().waiting_news(1).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), handled).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn unsigned_callbacks_are_limited_by_source_behind_a_proxy_that_is_trusted() {
    let sandbox = shop();
    let app = App::start_set(&sandbox, None, &[("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let from = async |number: usize, source: &str| {
        callback(&app, number).header("x-forwarded-for", source).send().await.unwrap()
    };
    let mut number = 0;
    let refused = loop {
        // The left one is made up by the sender; of IPv6 all addresses of a network count as one.
        let answer = from(number, &format!("192.0.2.{}, 2001:db8:1:2::{number:x}", number % 200)).await;
        number += 1;
        if answer.status() != 204 {
            break answer;
        }
        assert!(number < 200, "there is no limit");
    };
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert_eq!(from(500, "2001:db8:1:3::1").await.status(), 204, "another network");
    assert_eq!(from(501, "203.0.113.9").await.status(), 204);
    // Bitbucket comes from somewhere else.
    install(&sandbox, &app, WORKSPACE).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_client_says_of_its_address_counts_for_nothing_without_a_trusted_proxy() {
    let sandbox = shop();
    let app = App::start(&sandbox, None).await;
    for number in 0..100 {
        let answer = callback(&app, number).header("x-forwarded-for", "203.0.113.9").send().await.unwrap();
        assert_eq!(answer.status(), 204);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_workspaces_that_the_operator_names_may_install() {
    let sandbox = shop();
    for other in ["other/shop", "third/shop"] {
        sandbox.repository(other).unwrap();
    }
    // Which UUID a workspace has is known when an app that takes everybody was installed.
    let everybody = App::start(&sandbox, None).await;
    install(&sandbox, &everybody, WORKSPACE).unwrap();
    let acme = everybody.state.store.system().tenants().await.unwrap()[0].workspace;
    everybody.stop().await;
    let app = App::start_set(&sandbox, None, &[("ALLOWED_WORKSPACES", &acme.braced())]).await;
    install(&sandbox, &app, WORKSPACE).unwrap();
    let refused = install(&sandbox, &app, "other");
    let tenants = app.state.store.system().tenants().await.unwrap();
    assert_eq!(tenants.iter().map(|one| one.workspace).collect::<Vec<_>>(), [acme], "{refused:?}");
    assert!(refused.is_err());
    assert_eq!(app.state.store.system().unsigned_candidates("connect").await.unwrap(), 0);
}

/// A token for a webhook as Bitbucket made it at another time.
fn signed_at(sandbox: &Sandbox, seconds: i64) -> String {
    let installation = &sandbox.installed()[0].client_key;
    let secret = sandbox.shared_secret(APP, WORKSPACE).unwrap();
    let hash = qsh::hash("POST", WEBHOOKS, "", qsh::Order::Encoded);
    let claims = json!({"iss": installation, "aud": installation, "iat": seconds, "exp": seconds + 3600, "qsh": hash});
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256), &claims, &key).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_address_that_has_expired_says_nothing_of_the_clock() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let old = signed_at(sandbox, app.state.now() / 1000 - 7200);
    let refused = send_webhook(app, &old, "{}".to_owned()).await;
    assert_eq!(refused.status(), 401);
    let told: Value = refused.json().await.unwrap();
    assert!(told["detail"].as_str().unwrap().contains("expired"), "{told}");
    assert_eq!(app.health("/readyz").await, (200, "ready\n".to_owned()));
    // Nor does one that the sender dated forward.
    let early = signed_at(sandbox, app.state.now() / 1000 + 7200);
    assert_eq!(send_webhook(app, &early, "{}".to_owned()).await.status(), 401);
    assert_eq!(app.health("/readyz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn work_that_waits_for_one_tenant_does_not_make_the_program_unready() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    app.settle(sandbox).await;
    let now = app.state.now();
    sandbox.fault(Route::new("*", "/2.0/*"), Fault::status(503), 10_000);
    let mut write = app.state.store.for_workspace(scene.workspace()).write().await.unwrap();
    for number in 0..200 {
        let subject = penstock_app::store::system::Subject {
            repository: Some(sandbox.repository_uuid(REPOSITORY).unwrap().parse().unwrap()),
            kind: "pull_request",
            subject: number.to_string(),
        };
        write.job(&subject, now - 3_600_000, now).await.unwrap();
    }
    write.commit().await.unwrap();
    assert_eq!(app.health("/readyz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_events_that_ask_for_nothing_nothing_is_kept() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    app.settle(sandbox).await;
    let tenant = scene.workspace();
    let before = app.state.store.system().old_news(tenant, i64::MAX, i64::MAX).await.unwrap().len();
    let token = sandbox.sign(APP, WORKSPACE, "POST", WEBHOOKS).unwrap();
    let repository = json!({"uuid": sandbox.repository_uuid(REPOSITORY).unwrap()});
    for event in ["repo:fork", "issue:created", "made:up", "repo:commit_status_updated", "pullrequest:comment_created"]
    {
        let body = json!({"event": event, "data": {"repository": repository, "pullrequest": {"id": 1}}});
        assert_eq!(send_webhook(app, &token, body.to_string()).await.status(), 200, "{event}");
    }
    let system = app.state.store.system();
    assert_eq!(system.old_news(tenant, i64::MAX, i64::MAX).await.unwrap().len(), before);
    assert!(system.waiting_news(1).await.unwrap().is_empty());
}

fn signature(secret: &Secret, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).unwrap();
    mac.update(body);
    let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_hook_has_a_bucket_of_its_own() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let workspace = app.state.store.for_workspace(scene.workspace());
    let mut hooks = Vec::new();
    for name in [REPOSITORY, "acme/other"] {
        let _ = sandbox.repository(name);
        let id = sandbox.repository_uuid(name).unwrap().parse().unwrap();
        app.settle(sandbox).await;
        let base = &app.state.config.base;
        let made = penstock_app::settings::hooks::make(&workspace, id, base, "me", app.state.now()).await.unwrap();
        hooks.push((made, id));
    }
    let send = async |at: usize, number: usize| {
        let (hook, id) = &hooks[at];
        let body = json!({"repository": {"uuid": penstock_common::Uuid::braced(*id)}, "number": number}).to_string();
        let request = client().post(&hook.url).header("x-event-key", "repo:fork");
        let request = request.header("x-hub-signature", signature(&hook.secret, body.as_bytes()));
        request.body(body).send().await.unwrap().status().as_u16()
    };
    let mut taken = 0;
    while send(0, taken).await == 200 {
        taken += 1;
        assert!(taken < 1000, "there is no limit");
    }
    assert_eq!((send(0, 5000).await, send(1, 0).await), (429, 200));
    // A sender who only knows its address takes nothing out of it.
    for _ in 0..300 {
        let forged = client().post(&hooks[1].0.url).header("x-event-key", "repo:push").body("{}");
        assert_eq!(forged.send().await.unwrap().status(), 401);
    }
    assert_eq!(send(1, 1).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_head_that_does_not_come_and_one_connection_too_many_are_cut_off() {
    let scene = Scene::new().await;
    let state = scene.app.state.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bounds = Bounds { total: 3, source: 3, head: Duration::from_millis(300) };
    let router = penstock_app::router::router(&state);
    tokio::spawn(connections::serve(state.clone(), listener, router, bounds));
    let read = async |mut stream: TcpStream| {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /atlassian-connect.json HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    let silent = TcpStream::connect(address).await.unwrap();
    assert_eq!((read(slow).await.as_str(), read(silent).await.as_str()), ("", ""));

    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /atlassian-connect.json HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).await.unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200");
        held.push(stream);
    }
    let fourth = TcpStream::connect(address).await.unwrap();
    assert_eq!(read(fourth).await, "", "it is closed, and nothing waits");
    let metrics = state.metrics.text();
    for line in [
        "penstock_limited_total{budget=\"connections\",limit=\"head\"} 2",
        "penstock_limited_total{budget=\"connections\",limit=\"total\"} 1",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let (_, metrics) = scene.app.health("/metrics").await;
    let open = metrics.lines().find_map(|line| line.strip_prefix("penstock_connections ")).unwrap();
    assert!(open.parse::<u32>().unwrap() > 3, "three, and the one that asks: {open}");
    drop(held);
    // As soon as one is gone, there is room again.
    for _ in 0..400 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET /atlassian-connect.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let _ = stream.write_all(request).await;
        if read(stream).await.starts_with("HTTP/1.1 200") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no place becomes free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_workspace_takes_its_share_of_memory_and_of_a_day_and_the_other_uploads() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let other = "other/shop";
    new_repository(sandbox, other);
    install(sandbox, app, "other").unwrap();
    let loud = scene.workspace();
    // All that the one may have in memory.
    let (state, most) = (&app.state, 32 << 20);
    let sender = |number: u8| penstock_common::Uuid::from([number; 16]);
    let _received = state.uploads.receive(loud, sender(1), Some(most), &state.metrics).await.unwrap();
    let _more = state.uploads.receive(loud, sender(2), Some(most), &state.metrics).await.unwrap();
    let _inflated = state.uploads.inflate(loud, most, &state.metrics).await.unwrap();
    let step = sandbox.branch_step(other, "main").unwrap();
    app.scan(sandbox, &step, &[finding("r", "a.rs", Severity::Low)]).await;
    drop((_received, _more, _inflated));
    // All that it may store in a day.
    state.documents.take_many(loud, penstock_app::state::DOCUMENTS_A_DAY as usize, state.now()).unwrap();
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let token = sandbox.oidc_token(&step, &[&app.base]);
    let (status, told) = app.send(&token, &upload(sandbox, &step, &[])).await;
    assert_eq!(status, 429, "{told}");
    assert!(told["detail"].as_str().unwrap().contains("1024 MiB of runs"), "{told}");
    let step = sandbox.branch_step(other, "main").unwrap();
    app.scan(sandbox, &step, &[finding("s", "a.rs", Severity::Low)]).await;
    app.settle(sandbox).await;
    let (_, metrics) = app.health("/metrics").await;
    for line in ["penstock_limited_total{budget=\"documents\",limit=\"tenant\"} 1", "penstock_upload_inflated_bytes 0"]
    {
        assert!(metrics.contains(line), "{metrics}");
    }
    assert!(!metrics.contains(&loud.to_string()) && !metrics.contains(WORKSPACE), "{metrics}");
}

/// A sender announces as much as is accepted at a time, and sends nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_repository_that_sends_no_body_holds_up_no_other() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let other = "acme/other";
    new_repository(sandbox, other);
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let token = sandbox.oidc_token(&step, &[&app.base]);
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(app.base.trim_start_matches("http://")).await.unwrap();
        let head = format!(
            "POST /api/v1/runs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
            32 << 20
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        held.push(stream);
    }
    while app.state.uploads.in_use()[0] < 32 << 20 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    app.scan(sandbox, &sandbox.branch_step(other, "main").unwrap(), &[finding("r", "a.rs", Severity::Low)]).await;
    drop(held);
    while app.state.uploads.in_use() != [0, 0] {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Memory counts as taken until it is free, even if no one waits any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_whose_sender_hangs_up_is_counted_until_it_is_worked_on() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let workspace = app.state.store.for_workspace(scene.workspace());
    let repository = sandbox.repository_uuid(REPOSITORY).unwrap().parse().unwrap();
    let newest = async || workspace.runs(repository, RunId(u128::MAX), 1).await.unwrap().pop();
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let token = sandbox.oidc_token(&step, &[&app.base]);
    sandbox.fault(Route::new("GET", "/2.0/repositories/*/pipelines/*"), Fault::Delay(Duration::from_secs(3)), 1);
    let run = upload(sandbox, &step, &[finding("r", "a.rs", Severity::Low)]);
    let is_kept = async {
        while newest().await.is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        _ = app.send(&token, &run) => {}
        () = is_kept => {}
    }
    // The sender is gone. As soon as nothing is taken, nothing is in work.
    while app.state.uploads.in_use() != [0, 0] {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(newest().await.unwrap().state, RunState::Applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn texts_are_cut_and_names_that_are_too_long_are_refused() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let token = sandbox.oidc_token(&step, &[&app.base]);
    let mut long = finding("r", "a.rs", Severity::Low);
    (long.title, long.message) = (verbatim(&"t".repeat(200_000)), verbatim(&"m".repeat(200_000)));
    app.scan(sandbox, &step, &[long]).await;
    let workspace = app.state.store.for_workspace(scene.workspace());
    let id = sandbox.repository_uuid(REPOSITORY).unwrap().parse().unwrap();
    let mut lane = workspace.lane(id).await;
    let tracked = lane.state(&["main"]).await.unwrap();
    let main = tracked.repository.branch_named("main").unwrap().id;
    let row = tracked.repository.occurrences(main).next().unwrap();
    let shown = workspace.contents(id, &[(row.finding, row.content)]).await.unwrap();
    let (_, text) = shown.iter().next().unwrap();
    assert!(text.len() < 10_000 && text.contains("tttt") && text.contains("mmmm"), "{}", text.len());
    drop(lane);
    for change in [
        |run: &mut penstock_common::Run| run.tools[0].scope = verbatim(&"x".repeat(5000)),
        |run: &mut penstock_common::Run| run.subject.as_mut().unwrap().branch = Some(verbatim(&"b".repeat(5000))),
    ] {
        let mut run = upload(sandbox, &step, &[]);
        change(&mut run.run);
        let (status, told) = app.send(&token, &run).await;
        assert!(status == 422 && told["detail"].as_str().unwrap().contains("bytes"), "{status} {told}");
    }
}
