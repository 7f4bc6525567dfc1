//! What people live through with the app, from one end to the other.

use penstock_common::Severity;
use penstock_sandbox::{Commit, Fault, Permission, Route};
use serde_json::json;

use super::look;
use super::world::{Stage, many};
use crate::program::world::{REPOSITORY, finding};

const PAGE: &str = "/acme/shop/addon/penstock/repository-page";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pull_request_fails_is_mended_and_goes_in() {
    let Some(stage) = Stage::new().await else { return };
    let walt = stage.person("Walt Writer", Permission::Write);
    let old = finding("old", "a.rs", Severity::Medium);
    stage.scan_main(std::slice::from_ref(&old)).await;
    let by = stage.sandbox.acting_as(&walt).unwrap();
    let number = stage.open(&by, "feature", "More").await;
    let path = format!("/acme/shop/pull-requests/{number}");

    stage.scan(number, &[old.clone(), finding("bad", "b.rs", Severity::Critical)]).await;
    stage.look(&walt, &path, "pull-request-panel").await;
    stage.tab.sees("Do not merge this pull request yet").await;
    stage.tab.sees("Title of bad").await;

    by.push(REPOSITORY, "feature", &Commit::new("Mend").write("b.rs", "2")).unwrap();
    stage.app.settle(&stage.sandbox).await;
    stage.look(&walt, &path, "pull-request-panel").await;
    stage.tab.sees("Waiting for the scan of").await;

    stage.scan(number, std::slice::from_ref(&old)).await;
    stage.look(&walt, &path, "pull-request-panel").await;
    stage.tab.sees("gate: Passed").await;
    assert!(!stage.tab.text().await.contains("Title of bad"));

    by.merge(REPOSITORY, number).unwrap();
    stage.app.settle(&stage.sandbox).await;
    stage.scan_main(&[old]).await;
    stage.look(&walt, PAGE, "repository-page").await;
    stage.tab.sees("Title of old").await;
    assert!(!stage.tab.text().await.contains("Title of bad"));
    assert_eq!(look::complaints(&stage.tab).await, Vec::<String>::new());
    stage.tab.close().await;
}

/// Somebody changes who looks and in which colours, by the host's own form; the frame follows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_host_switches_and_the_frame_follows() {
    let Some(stage) = Stage::new().await else { return };
    let rosa = stage.person("Rosa Reader", Permission::Read);
    stage.scan_main(&many()).await;
    stage.visit(&rosa, "light", PAGE).await;
    let dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
    for scheme in ["dark", "light"] {
        stage.tab.out_of_frames().await;
        stage.tab.click(&format!("select[name=scheme] option[value={scheme}]")).await;
        // The old page has a frame of the same name.
        stage.tab.leave(".switches button").await;
        stage.tab.enter("#repository-page").await;
        stage.tab.sees("62 findings").await;
        assert_eq!(stage.tab.run(dark, json!([])).await, json!(scheme == "dark"), "{scheme}");
        // Nothing of what the host remembers is known in the frame, and the app remembers nothing there.
        assert_eq!(stage.tab.run("return document.cookie", json!([])).await, json!(""));
    }
    stage.tab.close().await;
}

/// With a script a choice is applied at once, and the frame is as high as its content.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_script_makes_it_nicer() {
    let Some(stage) = Stage::new().await else { return };
    let rosa = stage.person("Rosa Reader", Permission::Read);
    stage.scan_main(&many()).await;
    stage.look(&rosa, PAGE, "repository-page").await;
    stage.tab.sees("62 findings").await;
    stage.tab.click("summary").await;
    stage.tab.click("#f-severity option[value=critical]").await;
    stage.tab.sees("12 findings").await;
    let content = "return Math.ceil(document.querySelector('.ac-content').getBoundingClientRect().height)";
    let frame = "return document.querySelector('#repository-page').clientHeight";
    let begin = std::time::Instant::now();
    loop {
        let inside = stage.tab.run(content, json!([])).await.as_i64().unwrap();
        stage.tab.out_of_frames().await;
        let outside = stage.tab.run(frame, json!([])).await.as_i64().unwrap();
        stage.tab.enter("#repository-page").await;
        if (outside - inside).abs() <= 2 {
            break;
        }
        assert!(begin.elapsed().as_secs() < 10, "the content has {inside} px, the frame {outside}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(look::complaints(&stage.tab).await, Vec::<String>::new());
    stage.tab.close().await;
}

/// What Bitbucket would not take is told with its words, and posted by a press of a button.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_not_posted_is_tried_again() {
    let Some(stage) = Stage::new().await else { return };
    let walt = stage.person("Walt Writer", Permission::Write);
    stage.sandbox.fault(Route::new("POST", "/2.0/*/statuses/build"), Fault::status(403), 1);
    stage.scan_main(&[finding("one", "a.rs", Severity::Low)]).await;
    stage.app.settle(&stage.sandbox).await;
    let tip = stage.sandbox.tip(REPOSITORY, "main").unwrap();
    assert!(stage.sandbox.statuses(REPOSITORY, &tip).unwrap().is_empty());
    stage.look(&walt, PAGE, "repository-page").await;
    stage.tab.click("a[href=deliveries]").await;
    stage.tab.sees("Failed").await;
    stage.tab.leave("form[action=retry] button").await;
    let begin = std::time::Instant::now();
    while stage.sandbox.statuses(REPOSITORY, &tip).unwrap().is_empty() {
        assert!(begin.elapsed().as_secs() < 15, "nothing is posted: {}", stage.tab.text().await);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    stage.app.settle(&stage.sandbox).await;
    stage.tab.click("a[href=deliveries]").await;
    stage.tab.sees("Posted").await;
    stage.tab.close().await;
}

/// A comment in the host dismisses a finding, and the panel beside it says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_comment_dismisses_what_is_new() {
    let Some(stage) = Stage::new().await else { return };
    let (walt, alba) = (stage.person("Walt Writer", Permission::Write), stage.person("Alba Admin", Permission::Admin));
    stage.scan_main(&[]).await;
    let by = stage.sandbox.acting_as(&walt).unwrap();
    let number = stage.open(&by, "feature", "More").await;
    let new = finding("new", "b.rs", Severity::High);
    stage.scan(number, std::slice::from_ref(&new)).await;
    stage.app.settle(&stage.sandbox).await;
    let digits = new.fingerprints.primary.as_str().trim_start_matches("pf1:").get(..10).unwrap().to_owned();
    let path = format!("/acme/shop/pull-requests/{number}");
    stage.visit(&alba, "system", &path).await;
    stage.tab.write("textarea[name=text]", &format!("/penstock ignore {digits} it is there for a test")).await;
    // What was not sent yet cannot be settled.
    stage.tab.leave("form[action='/_host/comment'] button").await;
    stage.app.settle(&stage.sandbox).await;
    stage.look(&alba, &path, "pull-request-panel").await;
    stage.tab.sees("gate: Passed").await;
    stage.tab.close().await;
}
