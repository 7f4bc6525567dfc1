//! People open many pages: verdicts, runs and other people still have their share of requests, and
//! the right to read is checked every few minutes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use penstock_app::bitbucket::{Purpose, REQUESTS_MAX};
use penstock_common::upload::answer::State as Progress;
use penstock_common::{Severity, Uuid};
use penstock_sandbox::{Commit, Fault, Permission, Route, Sandbox};

use super::visitor::{Visit, client, enter, person, repository};
use crate::program::uploads::Scene;
use crate::program::world::{APP, App, REPOSITORY, WORKSPACE, finding, upload};

/// Requests to the REST API that the sandbox has seen.
fn asked(sandbox: &Sandbox) -> usize {
    sandbox.journal().iter().filter(|entry| entry.path.starts_with("/2.0/") && entry.authorization.is_some()).count()
}

/// A public repository with a finding, and the address of the finding's page.
async fn public() -> (Scene, String) {
    let scene = Scene::new().await;
    scene.sandbox.set_private(REPOSITORY, false).unwrap();
    let step = scene.sandbox.branch_step(REPOSITORY, "main").unwrap();
    scene.app.scan(&scene.sandbox, &step, &[finding("r", "a.rs", Severity::Low)]).await;
    scene.app.settle(&scene.sandbox).await;
    let workspace = scene.app.state.store.for_workspace(scene.workspace());
    let id: Uuid = scene.sandbox.repository_uuid(REPOSITORY).unwrap().parse().unwrap();
    let mut lane = workspace.lane(id).await;
    let tracked = lane.state(&["main"]).await.unwrap();
    let found = tracked.repository.findings().next().unwrap().id;
    (scene, format!("finding?id={found}&context=1"))
}

/// A run of a new commit is confirmed and evaluated, and its status is posted.
async fn a_verdict_comes(scene: &Scene) {
    let Scene { sandbox, app } = scene;
    let head = sandbox.push(REPOSITORY, "main", &Commit::new("More").write("b.rs", "1")).unwrap();
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let answer = app.scan(sandbox, &step, &[finding("r", "a.rs", Severity::Low)]).await;
    assert_eq!(answer.state, Progress::Applied, "{answer:?}");
    app.settle(sandbox).await;
    assert!(!sandbox.statuses(REPOSITORY, &head).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_reader_cannot_spend_what_others_need() {
    let (scene, page) = public().await;
    let Scene { sandbox, app } = &scene;
    let reader = person(&scene, "Rea Reader", Permission::Read);
    let other = person(&scene, "Otto Other", Permission::Read);
    let url = sandbox.frame(APP, WORKSPACE, "repository-page", &repository(&reader)).unwrap();
    let before = asked(sandbox);
    // Each view needs the right to read, each page of a finding its code.
    let (mut refused, mut shown) = (None, 0);
    for _ in 0..950 {
        match enter(&url).await {
            Ok(to) => {
                let visit = client().get(format!("{}/s/{}", app.base, to.trim_start_matches("../../s/"))).send().await;
                shown += usize::from(visit.unwrap().status() == 200);
            }
            Err(got) => refused = refused.or(Some(got)),
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.status, 429);
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    assert!(refused.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(refused.text().contains("Verdicts and runs are not affected"), "{}", refused.text());
    assert!(shown > 20, "{shown}");
    assert!(asked(sandbox) - before <= 5, "the right to read is checked once in minutes: {}", asked(sandbox) - before);
    // One view, many pages of code.
    let visit = Visit::new(&scene, "repository-page", &repository(&other)).await;
    let mut last = visit.get(&page).await;
    for _ in 0..150 {
        last = visit.get(&page).await;
    }
    assert_eq!(last.status, 200, "the page is shown without the code");
    assert!(last.text().contains("You have looked at much code"), "{}", last.text());
    assert!(asked(sandbox) - before <= 100, "{}", asked(sandbox) - before);
    a_verdict_comes(&scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_active_viewers_leave_the_reserve_untouched() {
    let (scene, page) = public().await;
    let Scene { sandbox, app } = &scene;
    let before = asked(sandbox);
    let mut visits = Vec::new();
    for number in 0..30 {
        let reader = person(&scene, &format!("Reader {number}"), Permission::Read);
        visits.push(Visit::new(&scene, "repository-page", &repository(&reader)).await);
    }
    for _ in 0..30 {
        for visit in &visits {
            assert_eq!(visit.get(&page).await.status, 200);
        }
    }
    let spent = asked(sandbox) - before;
    assert!(spent > 400 && spent <= REQUESTS_MAX as usize / 2, "{spent}");
    let bitbucket = app.state.bitbucket.of(scene.workspace()).await.unwrap();
    // Less what the run before them took.
    assert!(bitbucket.requests_left() >= REQUESTS_MAX / 2 - 60, "{}", bitbucket.requests_left());
    let metrics = app.state.metrics.text();
    assert!(metrics.contains("penstock_limited_total{budget=\"bitbucket_requests\",limit=\"person\"}"), "{metrics}");
    a_verdict_comes(&scene).await;
}

/// An app whose clock can be put forward.
async fn with_clock() -> (Scene, Arc<AtomicI64>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (scene, ahead) = Scene::with_clock(None, folder.path()).await;
    let step = scene.sandbox.branch_step(REPOSITORY, "main").unwrap();
    scene.app.scan(&scene.sandbox, &step, &[finding("r", "a.rs", Severity::Low)]).await;
    scene.app.settle(&scene.sandbox).await;
    (scene, ahead, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_right_to_read_is_believed_for_five_minutes_and_a_refusal_for_half_a_minute() {
    for is_private in [true, false] {
        let (scene, ahead, _folder) = with_clock().await;
        scene.sandbox.set_private(REPOSITORY, is_private).unwrap();
        scene.app.settle(&scene.sandbox).await;
        let reader = person(&scene, "Rea Reader", Permission::Read);
        let visit = Visit::new(&scene, "repository-page", &repository(&reader)).await;
        assert_eq!(visit.get("findings").await.status, 200);
        scene.sandbox.permit(REPOSITORY, &reader, Permission::None).unwrap();
        ahead.store(4 * 60_000, Ordering::Relaxed);
        let before = asked(&scene.sandbox);
        assert_eq!(visit.get("findings").await.status, 200, "it is not asked again so soon");
        assert_eq!(asked(&scene.sandbox), before);
        ahead.store(6 * 60_000, Ordering::Relaxed);
        assert_eq!(visit.get("findings").await.status, 403, "private: {is_private}");
        scene.sandbox.permit(REPOSITORY, &reader, Permission::Read).unwrap();
        ahead.store(6 * 60_000 + 20_000, Ordering::Relaxed);
        assert_eq!(visit.get("findings").await.status, 403);
        ahead.store(6 * 60_000 + 40_000, Ordering::Relaxed);
        assert_eq!(visit.get("findings").await.status, 200);
        let workspace = Visit::new(&scene, "workspace-page", &penstock_sandbox::Scene::new().seen_by(&reader)).await;
        assert_eq!(workspace.get("workspace").await.status, 200);
        let before = asked(&scene.sandbox);
        for _ in 0..20 {
            assert_eq!(workspace.get("workspace").await.status, 200);
        }
        assert_eq!(asked(&scene.sandbox), before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_change_needs_is_asked_each_time() {
    let (scene, page) = public().await;
    let writer = person(&scene, "Wil Writer", Permission::Write);
    let visit = Visit::new(&scene, "repository-page", &repository(&writer)).await;
    let id = page.split(['=', '&']).nth(1).unwrap();
    let token = visit.form_token(&scene.app.state, "triage").await;
    let form =
        [("token", token.as_str()), ("finding", id), ("status", "confirmed"), ("reason", "it is so"), ("back", "")];
    let origin = scene.app.base.clone();
    let first = visit.post_from("triage", &form, Some(&origin)).await;
    assert!(first.status == 303 || first.status == 200, "{} {}", first.status, first.text());
    scene.sandbox.permit(REPOSITORY, &writer, Permission::Read).unwrap();
    let second = visit.post_from("triage", &form, Some(&origin)).await;
    assert_eq!(second.status, 403, "{}", second.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn uninstalling_ends_views_and_what_is_believed_at_once() {
    let (scene, _) = public().await;
    let reader = person(&scene, "Rea Reader", Permission::Read);
    let visit = Visit::new(&scene, "repository-page", &repository(&reader)).await;
    assert_eq!(visit.get("findings").await.status, 200);
    tokio::task::block_in_place(|| scene.sandbox.uninstall(APP, WORKSPACE)).unwrap();
    assert_eq!(visit.get("findings").await.status, 401);
    scene.app.install(&scene.sandbox, WORKSPACE).await;
    assert_eq!(visit.get("findings").await.status, 401, "a view does not come back");
    scene.sandbox.permit(REPOSITORY, &reader, Permission::None).unwrap();
    let url = scene.sandbox.frame(APP, WORKSPACE, "repository-page", &repository(&reader)).unwrap();
    assert_eq!(enter(&url).await.unwrap_err().status, 403);
}

/// Requests for what is not proven take next to nothing of a workspace's hour: a token of a
/// workspace without keys could be of one that was renamed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tokens_that_prove_nothing_spend_nothing_that_others_need() {
    let (scene, _) = public().await;
    let Scene { sandbox, app } = &scene;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let token = sandbox.oidc_token(&step, &[&app.base]);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    // Of a folder that knows no keys yet.
    let fresh = App::start(sandbox, None).await;
    fresh.install(sandbox, WORKSPACE).await;
    sandbox.fault(Route::new("*", "*keys.json"), Fault::status(404), 100_000);
    let before = asked(sandbox);
    for _ in 0..200 {
        let (status, body) = fresh.send(&forged, &upload(sandbox, &step, &[])).await;
        assert!([401, 429, 503].contains(&status), "{status} {body}");
    }
    assert!(asked(sandbox) - before <= 15, "{}", asked(sandbox) - before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_step_that_has_spent_its_requests_is_told_early() {
    let (scene, _) = public().await;
    let Scene { sandbox, app } = &scene;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let sender = penstock_app::bitbucket::Submitter::Pipeline(step.pipeline().parse().unwrap());
    let bitbucket = app.state.bitbucket.of(scene.workspace()).await.unwrap();
    let bitbucket = bitbucket.on_behalf_of(Purpose::Confirmation(sender));
    while bitbucket.check_bucket().is_ok() {
        bitbucket.workspace().await.unwrap();
    }
    let body = upload(sandbox, &step, &[]).to_bytes().unwrap();
    let refused = client()
        .post(format!("{}/api/v1/runs", app.base))
        .bearer_auth(sandbox.oidc_token(&step, &[&app.base]))
        .header("idempotency-key", "spent-its-requests")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    let told: serde_json::Value = refused.json().await.unwrap();
    assert!(told["detail"].as_str().unwrap().contains("send fewer runs in an hour"), "{told}");
    // Another pipeline is not affected.
    a_verdict_comes(&scene).await;
}
