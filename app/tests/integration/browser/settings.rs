//! What an admin sets and makes, with a mouse and a keyboard.

use penstock_common::Severity;
use penstock_sandbox::Permission;
use serde_json::json;

use super::look;
use super::world::Stage;
use crate::program::world::{REPOSITORY, finding, upload};

/// The app's place in a repository's settings, and in those of the workspace.
const SETTINGS: (&str, &str) = ("/acme/shop/addon/penstock/repository-settings", "repository-settings");
const ABOVE: (&str, &str) = ("/acme/addon/penstock/workspace-settings", "workspace-settings");
const PAGE: (&str, &str) = ("/acme/shop/addon/penstock/repository-page", "repository-page");

/// What stands in a field.
async fn value(stage: &Stage, css: &str) -> String {
    let found = stage.tab.run("return document.querySelector(arguments[0]).value", json!([css])).await;
    found.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_admin_sets_what_others_may_not_even_see() {
    let Some(stage) = Stage::new().await else { return };
    let tab = &stage.tab;
    let (ada, owner) = (stage.person("Ada Admin", Permission::Admin), stage.sandbox.owner().uuid);
    stage.scan_main(&[finding("old", "a.rs", Severity::Low)]).await;

    stage.look(&owner, ABOVE.0, ABOVE.1).await;
    tab.sees("all repositories of this workspace").await;
    tab.write("#s-waiting_minutes", "5").await;
    tab.click("#s-second_person option[value=true]").await;
    tab.click("button[type=submit]").await;
    tab.sees("The settings are kept.").await;

    stage.look(&ada, SETTINGS.0, SETTINGS.1).await;
    tab.sees("From the workspace: 5").await;
    tab.sees("A repository may only be stricter than its workspace.").await;
    tab.write("#s-waiting_minutes", "0").await;
    tab.click("#s-second_person option[value=false]").await;
    // The browser would not send a number out of bounds; the server does not trust it to.
    tab.run("document.querySelector('main form').noValidate = true", json!([])).await;
    tab.click("button[type=submit]").await;
    tab.sees("Nothing was set: 2 fields are wrong").await;
    tab.sees("This must be a whole number from 1 to 1440.").await;
    tab.sees("The workspace is stricter: a repository may tighten this, not loosen it.").await;
    assert_eq!(value(&stage, "#s-waiting_minutes").await, "0", "what was entered is there to be mended");

    tab.write("#s-waiting_minutes", "\u{e003}\u{e017}9").await;
    tab.click("#s-second_person option[value='']").await;
    tab.write("#s-gate", "any.low <= 0").await;
    tab.click("button[type=submit]").await;
    tab.sees("The settings are kept.").await;
    assert_eq!(value(&stage, "#s-waiting_minutes").await, "9");
    tab.sees("Set here by ").await;
    tab.click("a[href=audit]").await;
    tab.sees("set waiting_minutes from nothing to 9").await;
    tab.sees("set gate from nothing to any.low <= 0").await;
    assert!(!tab.text().await.contains("set waiting_minutes from nothing to 5"), "the workspace's is not told here");
    tab.click("a[href='audit?check=1']").await;
    tab.sees("The log of the workspace is whole").await;
    // What was set is at work: the main branch was judged anew by it.
    stage.app.settle(&stage.sandbox).await;
    let tip = stage.sandbox.tip(REPOSITORY, "main").unwrap();
    assert_eq!(stage.sandbox.statuses(REPOSITORY, &tip).unwrap()[0]["state"], "FAILED");
    assert_eq!(look::complaints(tab).await, Vec::<String>::new());

    for (name, permission) in [("Rosa Reader", Permission::Read), ("Walt Writer", Permission::Write)] {
        let person = stage.person(name, permission);
        stage.look(&person, PAGE.0, PAGE.1).await;
        tab.sees("Title of old").await;
        tab.click("a[href=settings]").await;
        tab.sees("Settings are for admins of the repository.").await;
        assert!(!tab.has("form").await, "{name} sees no form");
        stage.look(&person, ABOVE.0, ABOVE.1).await;
        tab.sees("You may not do this").await;
        assert!(!tab.has("form").await, "{name} sees no form of the workspace");
    }
    stage.tab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_lives_and_ends() {
    let Some(stage) = Stage::new().await else { return };
    let tab = &stage.tab;
    let ada = stage.person("Ada Admin", Permission::Admin);
    stage.scan_main(&[]).await;
    stage.look(&ada, SETTINGS.0, SETTINGS.1).await;
    tab.click("a[href=tokens]").await;
    tab.sees("There is no token.").await;
    tab.write("#k-name", "nightly").await;
    tab.click("input[name=upload]").await;
    tab.click("form[action='make-token'] button").await;
    tab.sees("Copy it now: it is never shown again.").await;
    let shown = tab.run("return document.querySelector('.message code').textContent", json!([])).await;
    let token = shown.as_str().unwrap().to_owned();
    assert!(!tab.url().await.contains(&token), "a token stands in an address");
    tab.sees("never").await;

    tab.click("a[href=tokens]").await;
    tab.sees("nightly").await;
    assert!(!tab.run("return document.body.innerHTML", json!([])).await.as_str().unwrap().contains(&token));
    let step = stage.sandbox.branch_step(REPOSITORY, "main").unwrap();
    let run = upload(&stage.sandbox, &step, &[finding("found", "a.rs", Severity::Low)]);
    let (status, body) = stage.app.send(&token, &run).await;
    assert_eq!(status, 201, "{body}");

    tab.click("a[href=tokens]").await;
    tab.sees("nightly").await;
    let used = "return document.querySelector('td[data-name=\"Last used\"]').innerText";
    assert_ne!(tab.run(used, json!([])).await.as_str(), Some("never"), "it was used a moment ago");
    tab.click("form[action='revoke-token'] button").await;
    tab.sees("The token holds no more.").await;
    tab.sees("Revoked").await;
    let (status, body) = stage.app.send(&token, &run).await;
    assert_eq!(status, 401, "{body}");
    tab.click("a[href=audit]").await;
    tab.sees("made the API token “nightly” for upload").await;
    tab.sees("revoked the API token “nightly”").await;
    tab.click("a[href=findings]").await;
    tab.sees("Title of found").await;
    assert_eq!(look::complaints(tab).await, Vec::<String>::new());
    stage.tab.close().await;
}
