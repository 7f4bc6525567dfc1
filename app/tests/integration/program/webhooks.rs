//! What webhooks may not do, and that none is lost.

use penstock_sandbox::{Commit, Mishap};
use serde_json::{Value, json};

use super::uploads::Scene;
use super::world::{APP, App, REPOSITORY, WORKSPACE, client, clock_ahead, finding};
use penstock_common::Severity;

const PATH: &str = "/connect/webhooks";

async fn post(app: &App, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
    let mut request = client().post(format!("{}{path}", app.base)).body(body.to_string());
    if let Some(token) = token {
        request = request.header("authorization", format!("JWT {token}"));
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_what_bitbucket_signed_is_kept_and_only_once() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let token = sandbox.sign(APP, WORKSPACE, "POST", PATH).unwrap();
    let elsewhere = sandbox.sign(APP, WORKSPACE, "POST", "/connect/installed").unwrap();
    let body = json!({"event": "repo:push", "data": {"repository": {"uuid": "{01010101-0101-0101-0101-010101010101}"}, "n": 1}});
    let kept = async || app.state.store.system().waiting_news(100).await.unwrap().len();
    app.settle(sandbox).await;
    assert_eq!(post(app, PATH, None, &body).await.0, 401);
    assert_eq!(post(app, PATH, Some(&elsewhere), &body).await.0, 401, "a token of another path");
    assert_eq!(post(app, PATH, Some(&token.replace('.', "x")), &body).await.0, 401);
    assert_eq!(post(app, PATH, Some(&token), &json!([])).await.0, 400);
    assert_eq!(kept().await, 0);
    for _ in 0..5 {
        assert_eq!(post(app, PATH, Some(&token), &body).await.0, 200);
    }
    app.settle(sandbox).await;
    let metrics = app.state.metrics.text();
    assert!(metrics.contains("penstock_webhooks_total{kind=\"repo:push\",outcome=\"known\"} 4"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_clock_that_is_off_is_named() {
    let sandbox = penstock_sandbox::Sandbox::new().unwrap();
    sandbox.repository(REPOSITORY).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("master.key");
    penstock_app::crypto::MasterKeys::read_or_create(&key).unwrap();
    let (clock, ahead) = clock_ahead();
    let app = App::start_at(&sandbox, None, folder.path(), &key, clock).await;
    app.install(&sandbox, WORKSPACE).await;
    let token = sandbox.sign(APP, WORKSPACE, "POST", PATH).unwrap();
    let body = json!({"event": "repo:push", "data": {"n": 1}});
    assert_eq!(post(&app, PATH, Some(&token), &body).await.0, 200);
    ahead.store(-600_000, std::sync::atomic::Ordering::Relaxed);
    let (status, told) = post(&app, PATH, Some(&token), &body).await;
    assert!(status == 401 && told["detail"].as_str().unwrap().contains("ahead of this server's clock"), "{told}");
    let (status, words) = app.health("/readyz").await;
    assert!(status == 503 && words.contains("clock"), "{status} {words}");
    ahead.store(0, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(post(&app, PATH, Some(&token), &body).await.0, 200);
    assert_eq!(app.health("/readyz").await.0, 200);
    assert_eq!(app.health("/livez").await.0, 200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn repeated_shuffled_and_lost_webhooks_end_in_the_same_state() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(sandbox, &step, &[finding("old", "a.rs", Severity::High)]).await;
    sandbox.mishap(Mishap::Repeat(5), 3);
    sandbox.mishap(Mishap::Shuffle(4), 1);
    sandbox.mishap(Mishap::Lose, 1);
    sandbox.branch(REPOSITORY, "feature", "main").unwrap();
    let head = sandbox.push(REPOSITORY, "feature", &Commit::new("Feature").write("c.rs", "1")).unwrap();
    let number = sandbox.open_pull_request(REPOSITORY, "Feature", "feature", "main").unwrap();
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    app.scan(sandbox, &step, &[finding("old", "a.rs", Severity::High), finding("new", "c.rs", Severity::High)]).await;
    sandbox.clear_mishaps();
    app.settle(sandbox).await;
    let told = sandbox.statuses(REPOSITORY, &head).unwrap();
    assert_eq!((told.len(), told[0]["state"].as_str()), (1, Some("FAILED")), "{told:?}");
    let comments = sandbox.comments(REPOSITORY, number).unwrap();
    assert_eq!(comments.iter().filter(|comment| !comment.is_deleted).count(), 1);

    // What is merged while nobody is told is found by a sweep.
    sandbox.mishap(Mishap::Lose, 100);
    sandbox.merge(REPOSITORY, number).unwrap();
    app.settle(sandbox).await;
    sandbox.clear_mishaps();
    let workspace = app.state.store.for_workspace(scene.workspace());
    let repository = workspace.repositories().await.unwrap()[0].repository;
    let now = app.state.now();
    let mut write = workspace.write().await.unwrap();
    let sweep =
        penstock_app::store::system::Subject { repository: Some(repository), kind: "sweep", subject: String::new() };
    write.job(&sweep, now, now).await.unwrap();
    write.commit().await.unwrap();
    app.settle(sandbox).await;
    let mut lane = workspace.lane(repository).await;
    let tracked = lane.state(&["main"]).await.unwrap();
    let main = tracked.repository.branch_named("main").unwrap().id;
    assert_eq!(tracked.repository.open(main).count(), 2, "its finding is the destination's");
}
