//! Frames within the host's pages, as people have them: of another site, and without cookies.

use penstock_common::Severity;
use penstock_sandbox::Permission;
use serde_json::json;

use super::look;
use super::world::{HOSTILE, Stage, hostile, many};
use crate::program::world::{REPOSITORY, finding};

const PAGE: &str = "/acme/shop/addon/penstock/repository-page";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_repository_begins_with_the_lines_to_paste() {
    let Some(stage) = Stage::new().await else { return };
    let rosa = stage.person("Rosa Reader", Permission::Read);
    stage.sandbox.push(REPOSITORY, "main", &penstock_sandbox::Commit::new("Begin").write("a.rs", "1")).unwrap();
    stage.app.settle(&stage.sandbox).await;
    for (path, frame) in [("/acme/shop", "repository-panel"), (PAGE, "repository-page")] {
        stage.look(&rosa, path, frame).await;
        stage.tab.sees("Nothing was scanned here yet").await;
        stage.tab.sees("bitbucket-pipelines.yml").await;
    }
    stage.scan_main(&[finding("first", "a.rs", Severity::High)]).await;
    stage.look(&rosa, PAGE, "repository-page").await;
    stage.tab.sees("Title of first").await;
    stage.tab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_frame_has_the_colours_of_the_page_around_it() {
    let Some(stage) = Stage::new().await else { return };
    let rosa = stage.person("Rosa Reader", Permission::Read);
    stage.scan_main(&many()).await;
    for (scheme, dark) in [("light", false), ("dark", true), ("light", false)] {
        stage.visit(&rosa, scheme, PAGE).await;
        stage.tab.enter("#repository-page").await;
        let asked = "const light = getComputedStyle(document.body).color.match(/[\\d.]+/g).slice(0, 3).reduce((sum, one) => sum + +one, 0) > 384;
            return [matchMedia('(prefers-color-scheme: dark)').matches, light]";
        assert_eq!(stage.tab.run(asked, json!([])).await, json!([dark, dark]), "{scheme}");
    }
    assert_eq!(look::complaints(&stage.tab).await, Vec::<String>::new());
    stage.tab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_writer_judges_and_a_reader_does_not() {
    let Some(stage) = Stage::new().await else { return };
    let (rosa, walt) = (stage.person("Rosa Reader", Permission::Read), stage.person("Walt Writer", Permission::Write));
    stage.scan_main(&[finding("one", "a.rs", Severity::High)]).await;
    for (person, words) in [(&rosa, "You may not do this"), (&walt, "False positive")] {
        stage.look(person, PAGE, "repository-page").await;
        stage.tab.click("th a.row-link").await;
        stage.tab.sees("What is said of it").await;
        stage.tab.click("#t-status option[value=false_positive]").await;
        stage.tab.write("#t-reason", "a test of the scanner").await;
        stage.tab.click("button.primary").await;
        stage.tab.sees(words).await;
    }
    stage.tab.sees("The judgement is kept").await;
    stage.tab.sees("a test of the scanner").await;
    assert_eq!(look::complaints(&stage.tab).await, Vec::<String>::new());
    stage.tab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stranger_is_shown_nothing() {
    let Some(stage) = Stage::new().await else { return };
    let sten = stage.person("Sten Stranger", Permission::None);
    // Everybody may see it; what is found in it is for members.
    stage.sandbox.set_private(REPOSITORY, false).unwrap();
    stage.scan_main(&[finding("secretive", "a.rs", Severity::High)]).await;
    for (path, frame) in [("/acme/shop", "repository-panel"), (PAGE, "repository-page")] {
        stage.look(&sten, path, frame).await;
        stage.tab.sees("You may not see this").await;
        assert!(!stage.tab.text().await.contains("secretive"));
    }
    stage.sandbox.set_private(REPOSITORY, true).unwrap();
    stage.visit(&sten, "system", "/acme/shop").await;
    assert!(!stage.tab.has("iframe").await, "Bitbucket shows nothing of it");
    stage.tab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pull_request_says_what_is_new_whoever_named_it() {
    let Some(stage) = Stage::new().await else { return };
    let rosa = stage.person("Rosa Reader", Permission::Read);
    let mallory = stage.person(HOSTILE, Permission::Write);
    stage.scan_main(&[finding("old", "a.rs", Severity::High)]).await;
    let by = stage.sandbox.acting_as(&mallory).unwrap();
    let number = stage.open(&by, "feature/<script>alert(4)</script>", HOSTILE).await;
    let path = format!("/acme/shop/pull-requests/{number}");
    stage.look(&rosa, &path, "pull-request-panel").await;
    stage.tab.sees("Waiting for the scan of").await;
    let found = [finding("old", "a.rs", Severity::High), hostile("new", &format!("src/{HOSTILE}.rs"))];
    stage.scan(number, &found).await;
    stage.look(&rosa, &path, "pull-request-panel").await;
    stage.tab.sees("Do not merge this pull request yet").await;
    stage.tab.sees("<script>alert(2)</script>").await;
    assert!(!stage.tab.has("main img, main script").await);
    stage.tab.click("a.title").await;
    stage.tab.sees("What is said of it").await;
    assert!(!stage.tab.has("main img, main script").await);
    // Who judges is called as he likes.
    stage.look(&mallory, PAGE, "repository-page").await;
    stage.tab.click("th a.row-link").await;
    stage.tab.sees("What is said of it").await;
    stage.tab.click("#t-status option[value=false_positive]").await;
    stage.tab.write("#t-reason", "a test of the scanner").await;
    stage.tab.click("button.primary").await;
    stage.tab.sees("The judgement is kept").await;
    stage.tab.sees("said \"><img src=x onerror=alert(1)>").await;
    assert!(!stage.tab.has("main img, main script").await);
    assert_eq!(look::complaints(&stage.tab).await, Vec::<String>::new());
    stage.tab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_works_without_a_script() {
    let Some(stage) = Stage::new().await else { return };
    let walt = stage.person("Walt Writer", Permission::Write);
    stage.scan_main(&many()).await;
    let scene = penstock_sandbox::Scene::new().in_repository(REPOSITORY).seen_by(&walt);
    stage.tab.command("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    stage.alone("repository-page", &scene).await;
    stage.tab.sees("62 findings").await;
    stage.tab.click("summary").await;
    stage.tab.click("#f-severity option[value=critical]").await;
    stage.tab.click("form[action=findings] button.primary").await;
    stage.tab.sees("12 findings").await;
    stage.tab.click("th a.row-link").await;
    stage.tab.write("#t-reason", "nothing of it is real").await;
    stage.tab.click("#t-status option[value=false_positive]").await;
    stage.tab.click("button.primary").await;
    stage.tab.sees("The judgement is kept").await;
    stage.tab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_view_that_is_over_says_so() {
    let Some(stage) = Stage::new().await else { return };
    let rosa = stage.person("Rosa Reader", Permission::Read);
    stage.scan_main(&many()).await;
    stage.look(&rosa, PAGE, "repository-page").await;
    stage.tab.sees("62 findings").await;
    stage.wait(16 * 60_000);
    stage.tab.click("a[href=trends]").await;
    stage.tab.sees("This view is over").await;
    stage.tab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_findings_are_paged_through() {
    let Some(stage) = Stage::new().await else { return };
    let rosa = stage.person("Rosa Reader", Permission::Read);
    let found: Vec<_> =
        (0..10_000).map(|at| finding(&format!("r{at}"), &format!("src/{at}.rs"), Severity::Low)).collect();
    stage.scan_main(&found).await;
    stage.look(&rosa, PAGE, "repository-page").await;
    stage.tab.sees("10,000 findings").await;
    let ids = "return [...document.querySelectorAll('input[name=finding]')].map(one => one.value)";
    let mut seen = std::collections::BTreeSet::new();
    for page in 1..=5 {
        for id in stage.tab.run(ids, json!([])).await.as_array().unwrap() {
            seen.insert(id.as_str().unwrap().to_owned());
        }
        assert_eq!(seen.len(), page * 25, "every page has other findings");
        let before = stage.tab.url().await;
        stage.tab.click("a[rel=next]").await;
        let begin = std::time::Instant::now();
        while stage.tab.run("return location.href", json!([])).await == json!(before) && begin.elapsed().as_secs() < 10
        {
        }
    }
    stage.tab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_app_that_was_uninstalled_shows_nothing_more() {
    let Some(stage) = Stage::new().await else { return };
    let rosa = stage.person("Rosa Reader", Permission::Read);
    stage.scan_main(&many()).await;
    stage.look(&rosa, PAGE, "repository-page").await;
    stage.tab.sees("62 findings").await;
    tokio::task::block_in_place(|| stage.sandbox.uninstall("penstock", "acme")).unwrap();
    stage.tab.click("a[href=trends]").await;
    stage.tab.sees("This view is over").await;
    stage.tab.close().await;
}
