//! The panels, and the way to them.

use penstock_common::Severity;
use penstock_sandbox::{Commit, Permission};

use super::visitor::{Visit, client, enter, person, repository};
use crate::program::uploads::Scene;
use crate::program::world::{APP, REPOSITORY, WORKSPACE, finding};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pull_request_is_told_why_it_may_not_go_in() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let reader = person(&scene, "Rea Reader", Permission::Read);
    let main = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let old = finding("old", "a.rs", Severity::High);
    let gone = finding("gone", "b.rs", Severity::Low);
    app.scan(sandbox, &main, &[old.clone(), gone]).await;
    sandbox.branch(REPOSITORY, "feature", "main").unwrap();
    sandbox.push(REPOSITORY, "feature", &Commit::new("More").write("c.rs", "1")).unwrap();
    let number = sandbox.open_pull_request(REPOSITORY, "More", "feature", "main").unwrap();
    app.settle(sandbox).await;
    let place = repository(&reader).in_pull_request(number);

    let visit = Visit::new(&scene, "pull-request-panel", &place).await;
    assert_eq!(visit.first, format!("pull-request?id={number}"));
    let waiting = visit.get(&visit.first).await.text();
    assert!(waiting.contains("Waiting for the scan of"), "{waiting}");

    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    app.scan(sandbox, &step, &[old, finding("new", "src/<b>c.rs", Severity::Critical)]).await;
    let got = visit.get(&visit.first).await;
    let text = got.text();
    assert_eq!(got.status, 200);
    for words in [
        "Penstock gate: Failed Do not merge this pull request yet. 1 new critical finding, none allowed.",
        "New 1 Fixed 1 Not new 1",
        "Title of new",
        "src/&#60;b&#62;c.rs",
        "Compared with where this change began: the merge base with main.",
        "/penstock ignore ",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let header = |name: &str| got.headers[name].to_str().unwrap().to_owned();
    assert!(header("content-security-policy").contains(&format!("frame-ancestors {}", sandbox.site_url())));
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "same-origin");
    assert!(!got.headers.contains_key("x-frame-options") && !got.headers.contains_key("set-cookie"));
    assert!(!got.body.contains(&visit.handle), "no page knows its handle");

    let style = got.body.split("../../assets/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let asset = client().get(format!("{}/assets/{style}", app.base)).send().await.unwrap();
    assert_eq!(asset.status(), 200);
    assert!(asset.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(client().get(format!("{}/assets/other.css", app.base)).send().await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_comes_in_without_bitbucket() {
    let scene = Scene::new().await;
    let base = &scene.app.base;
    let unsigned = enter(&format!("{base}/connect/frames/repository-panel?repository=x")).await.unwrap_err();
    assert_eq!(unsigned.status, 401);
    assert!(unsigned.text().contains("Open this in Bitbucket"));
    let reader = person(&scene, "Rea Reader", Permission::Read);
    let url = scene.sandbox.frame(APP, WORKSPACE, "repository-panel", &repository(&reader)).unwrap();
    let bent = url.replace("repository-panel", "repository-page");
    assert_eq!(enter(&bent).await.unwrap_err().status, 401, "a token covers one address");
    let nobody = scene.sandbox.frame(APP, WORKSPACE, "repository-panel", &repository(&reader).clone()).unwrap();
    enter(&nobody).await.unwrap();
    let visit = Visit::new(&scene, "repository-panel", &repository(&reader)).await;
    for bad in ["x", &visit.handle[1..], &"A".repeat(43)] {
        let got = client().get(format!("{base}/s/{bad}/pull-request?id=1")).send().await.unwrap();
        assert_eq!(got.status(), 401, "{bad}");
        assert!(got.text().await.unwrap().contains("This view is over"));
    }
    tokio::task::block_in_place(|| scene.sandbox.uninstall(APP, WORKSPACE)).unwrap();
    assert_eq!(visit.get("pull-request?id=1").await.status, 401, "uninstalling ends every view");
}
