//! What apps and hooks are told, and what becomes of it.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use penstock_sandbox::{Commit, Delivery, Fault, Mishap, Outcome, Route, Sandbox};
use serde_json::{Value, json};
use sha2::Sha256;

use super::double::{AppDouble, Got, hash};
use crate::client::{Client, SHOP, commit_path, shop};

fn listening() -> (Sandbox, AppDouble) {
    let (sandbox, app) = (shop(), AppDouble::start());
    app.install(&sandbox);
    (sandbox, app)
}

fn push(sandbox: &Sandbox, branch: &str, name: &str) -> String {
    sandbox.push(SHOP, branch, &Commit::new("more\n").write(name, "x\n")).unwrap()
}

fn hooks(sandbox: &Sandbox, app: &AppDouble) -> Vec<Got> {
    sandbox.settle();
    app.got("/hooks")
}

fn events(got: &[Got]) -> Vec<String> {
    got.iter().map(|got| got.header("x-event-key").unwrap().to_owned()).collect()
}

/// All that was told of one event.
fn told(sandbox: &Sandbox, app: &AppDouble, event: &str) -> Vec<Value> {
    let all = hooks(sandbox, app).into_iter().map(|got| got.json());
    all.filter(|body| body["event"] == event).map(|mut body| body["data"].take()).collect()
}

fn outcomes(sandbox: &Sandbox) -> Vec<Outcome> {
    sandbox.settle();
    sandbox.deliveries().iter().map(|delivery| delivery.outcome).collect()
}

#[test]
fn an_app_is_told_in_an_envelope_with_a_token() {
    let (sandbox, app) = listening();
    let tip = push(&sandbox, "main", "a");
    let got = hooks(&sandbox, &app).pop().unwrap();
    assert_eq!(got.target, "/base/hooks?from=bitbucket");
    let claims = got.claims(&app.secret()).unwrap();
    assert_eq!(claims["qsh"], hash("POST&/hooks&from=bitbucket"));
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("connection:1"), &json!("connection:1")));
    assert!(!claims.contains_key("sub"));
    assert_eq!(got.header("user-agent"), Some("Bitbucket-Webhooks/2.0"));
    assert_eq!((got.header("x-event-key"), got.header("x-attempt-number")), (Some("repo:push"), Some("1")));
    for name in ["x-hook-uuid", "x-request-uuid"] {
        assert!(got.header(name).is_some_and(|uuid| uuid.len() == 36), "{name}");
    }
    assert!(got.header("x-event-time").unwrap().ends_with("GMT") && got.header("x-b3-traceid").is_some());
    assert!(got.header("x-hub-signature").is_none());
    let body = got.json();
    assert_eq!((body["event"].as_str(), body.as_object().unwrap().len()), (Some("repo:push"), 2));
    assert_eq!(body["data"]["push"]["changes"][0]["new"]["target"]["hash"], tip);
    let repository = &body["data"]["repository"];
    assert_eq!((&repository["full_name"], &repository["scm"]), (&json!(SHOP), &json!("git")));
    for pointer in ["/uuid", "/project/key", "/project/uuid", "/workspace/uuid", "/owner/uuid"] {
        assert!(repository.pointer(pointer).is_some_and(Value::is_string), "{pointer}");
    }
    assert_eq!(body["data"]["actor"]["account_id"], sandbox.owner().account_id);
}

#[test]
fn branches_are_created_moved_and_deleted() {
    let (sandbox, app) = listening();
    let main = sandbox.tip(SHOP, "main").unwrap();
    sandbox.branch(SHOP, "topic", "main").unwrap();
    let mut tips = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        tips.push(push(&sandbox, "topic", name));
    }
    sandbox.branch(SHOP, "all", "topic").unwrap();
    sandbox.branch(SHOP, "main", "topic").unwrap();
    sandbox.branch(SHOP, "main", &main).unwrap();
    sandbox.delete_branch(SHOP, "topic").unwrap();
    let all = told(&sandbox, &app, "repo:push");
    let changes: Vec<&Value> = all.iter().map(|data| &data["push"]["changes"][0]).collect();
    let kind = |change: &Value| ["created", "closed", "forced", "truncated"].map(|name| change[name] == true);
    let created = changes[0];
    assert!(created["old"].is_null() && created["commits"].as_array().unwrap().is_empty());
    assert_eq!((&created["new"]["name"], kind(created)), (&json!("topic"), [true, false, false, false]));
    let moved = changes[1];
    assert_eq!((&moved["old"]["target"]["hash"], &moved["new"]["target"]["hash"]), (&json!(main), &json!(tips[0])));
    assert_eq!((moved["commits"].as_array().unwrap().len(), kind(moved)), (1, [false; 4]));
    assert_eq!(moved["new"]["target"]["parents"][0]["hash"], main);
    // No more than five commits are told, and none that another branch had.
    assert!(changes[7]["commits"].as_array().unwrap().is_empty());
    assert_eq!((changes[8]["commits"].as_array().unwrap().len(), kind(changes[8])), (5, [false, false, false, true]));
    assert_eq!(kind(changes[9]), [false, false, true, false]);
    assert_eq!((changes[10]["new"].is_null(), kind(changes[10])), (true, [false, true, false, false]));
    assert_eq!(changes[10].get("commits"), None, "a deleted branch is reported without them");
    assert_eq!(moved["commits"][0]["author"]["user"]["uuid"], sandbox.owner().uuid);
    // A push that changes nothing is not told.
    sandbox.branch(SHOP, "main", &main).unwrap();
    assert_eq!(told(&sandbox, &app, "repo:push").len(), all.len());
}

#[test]
fn the_life_of_a_pull_request() {
    let (sandbox, app) = listening();
    let tip = push(&sandbox, "feature", "a");
    sandbox.update_pull_request(SHOP, 1, Some("Another title"), None, None).unwrap();
    let comment = sandbox.comment(SHOP, 1, "/penstock ignore").unwrap();
    sandbox.edit_comment(SHOP, 1, comment, "never mind").unwrap();
    sandbox.delete_comment(SHOP, 1, comment).unwrap();
    let merged = sandbox.merge(SHOP, 1).unwrap();
    sandbox.branch(SHOP, "second", "main").unwrap();
    push(&sandbox, "second", "b");
    let grace = sandbox.person("Grace");
    let second = sandbox.acting_as(&grace.uuid).unwrap();
    let id = second.open_pull_request(SHOP, "Second", "second", "main").unwrap();
    second.decline(SHOP, id).unwrap();
    let keys = events(&hooks(&sandbox, &app));
    assert_eq!(
        keys,
        [
            "repo:push",
            "pullrequest:push",
            "pullrequest:updated",
            "pullrequest:updated",
            "pullrequest:comment_created",
            "pullrequest:comment_updated",
            "pullrequest:comment_deleted",
            "repo:push",
            "pullrequest:fulfilled",
            "repo:push",
            "repo:push",
            "pullrequest:created",
            "pullrequest:rejected",
        ]
    );
    let one = |event: &str| told(&sandbox, &app, event).remove(0);
    let pushed = one("pullrequest:push");
    assert_eq!(pushed["pullrequest"]["source"]["commit"]["hash"], tip[..12]);
    assert_eq!(pushed["pullrequest"]["state"], "OPEN");
    let made = one("pullrequest:comment_created");
    assert_eq!(
        (&made["comment"]["id"], &made["comment"]["content"]["raw"]),
        (&json!(comment), &json!("/penstock ignore"))
    );
    assert_eq!(made["pullrequest"]["title"], "Another title");
    let fulfilled = one("pullrequest:fulfilled");
    assert_eq!(
        (&fulfilled["pullrequest"]["state"], &fulfilled["pullrequest"]["merge_commit"]["hash"]),
        (&json!("MERGED"), &json!(merged[..12]))
    );
    assert_eq!(fulfilled["pullrequest"]["closed_by"]["uuid"], sandbox.owner().uuid);
    let rejected = one("pullrequest:rejected");
    assert_eq!(
        (&rejected["pullrequest"]["state"], &rejected["actor"]["uuid"]),
        (&json!("DECLINED"), &json!(grace.uuid))
    );
    assert_eq!(rejected["pullrequest"]["author"]["uuid"], grace.uuid);
    // A merge has two parents.
    let client = Client::with_token(&sandbox);
    let commit = client.get(&format!("/repositories/{SHOP}/commit/{merged}")).json();
    assert_eq!(commit["parents"].as_array().unwrap().len(), 2);
}

#[test]
fn a_fork_that_is_gone_is_null() {
    let (sandbox, app) = listening();
    sandbox.fork(SHOP, "eve/shop").unwrap();
    sandbox.push("eve/shop", "theirs", &Commit::new("x\n").write("x", "x")).unwrap();
    let id = sandbox.open_pull_request_from("eve/shop", "theirs", SHOP, "main").unwrap();
    // A push to the fork is told where the pull request is; that of the repository itself is not.
    sandbox.push("eve/shop", "theirs", &Commit::new("y\n").write("x", "y")).unwrap();
    sandbox.delete_repository("eve/shop").unwrap();
    sandbox.decline(SHOP, id).unwrap();
    let keys = events(&hooks(&sandbox, &app));
    assert_eq!(keys, ["pullrequest:created", "pullrequest:push", "pullrequest:updated", "pullrequest:rejected"]);
    let created = told(&sandbox, &app, "pullrequest:created").remove(0);
    assert_eq!(created["pullrequest"]["source"]["repository"]["full_name"], "eve/shop");
    let rejected = told(&sandbox, &app, "pullrequest:rejected").remove(0);
    assert!(rejected["pullrequest"]["source"].as_object().unwrap()["repository"].is_null());
}

#[test]
fn what_is_done_over_rest_is_told_too() {
    let (sandbox, app) = listening();
    let client = Client::with_token(&sandbox);
    let status = |state: &str| json!({"key": "k", "state": state, "url": "https://example.com", "refname": "feature"});
    let build = format!("{}/statuses/build", commit_path(&sandbox, "feature"));
    assert_eq!(client.post(&build, &status("INPROGRESS")).status, 201);
    assert_eq!(client.put(&format!("{build}/k"), &status("FAILED")).status, 200);
    let comments = format!("/repositories/{SHOP}/pullrequests/1/comments");
    let comment = client.post(&comments, &json!({"content": {"raw": "x"}})).json()["id"].as_u64().unwrap();
    client.put(&format!("{comments}/{comment}"), &json!({"content": {"raw": "y"}}));
    client.delete(&format!("{comments}/{comment}"));
    let keys = events(&hooks(&sandbox, &app));
    assert_eq!(
        keys,
        [
            "repo:commit_status_created",
            "repo:commit_status_updated",
            "pullrequest:comment_created",
            "pullrequest:comment_updated",
            "pullrequest:comment_deleted",
        ]
    );
    let updated = told(&sandbox, &app, "repo:commit_status_updated").remove(0);
    let status = &updated["commit_status"];
    assert_eq!(
        (&status["type"], &status["state"], &status["refname"]),
        (&json!("build"), &json!("FAILED"), &json!("feature"))
    );
    assert_eq!(status["commit"]["hash"], sandbox.tip(SHOP, "feature").unwrap());
    assert_eq!(status["repository"]["full_name"], SHOP);
    let made = told(&sandbox, &app, "pullrequest:comment_created").remove(0);
    assert_eq!((&made["comment"]["content"]["raw"], &made["actor"]), (&json!("x"), &made["comment"]["user"]));
}

#[test]
fn repositories_are_renamed_moved_transferred_and_deleted() {
    let (sandbox, app) = listening();
    sandbox.workspace("umbrella").unwrap();
    let theirs = AppDouble::start();
    sandbox.install(&penstock_sandbox::Install::new("umbrella", &theirs.descriptor_url())).unwrap();
    sandbox.rename_repository(SHOP, "acme/store").unwrap();
    sandbox.move_to_project("acme/store", "NEW").unwrap();
    sandbox.rename_repository("acme/store", "umbrella/store").unwrap();
    sandbox.delete_repository("umbrella/store").unwrap();
    assert_eq!(events(&hooks(&sandbox, &app)), ["repo:updated", "repo:updated", "repo:transfer"]);
    assert_eq!(events(&hooks(&sandbox, &theirs)), ["repo:transfer", "repo:deleted"]);
    let updated = told(&sandbox, &app, "repo:updated");
    assert_eq!(updated[0]["changes"]["full_name"], json!({"old": SHOP, "new": "acme/store"}));
    assert_eq!(updated[1]["repository"]["project"]["key"], "NEW");
    let transferred = told(&sandbox, &app, "repo:transfer").remove(0);
    assert_eq!(transferred["repository"]["workspace"]["slug"], "umbrella");
}

#[test]
fn git_s_own_pushes_are_told() {
    let (sandbox, app) = listening();
    let token = sandbox.repository_token(SHOP, &["repository:write"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let site = sandbox.site_url();
    let origin = format!("http://x-token-auth:{token}@{}/{SHOP}.git", site.trim_start_matches("http://"));
    crate::git::succeeds(folder.path(), &["clone", "--quiet", &origin, "clone"]);
    let clone = folder.path().join("clone");
    crate::git::succeeds(&clone, &["push", "--quiet", "origin", "HEAD:refs/heads/pushed"]);
    let data = told(&sandbox, &app, "repo:push").remove(0);
    assert_eq!(data["push"]["changes"][0]["new"]["name"], "pushed");
    assert_ne!(data["actor"]["uuid"], sandbox.owner().uuid);
}

#[test]
fn an_answer_of_5xx_is_tried_twice_more_and_nothing_else_is() {
    let (sandbox, app) = listening();
    app.answer(
        "/hooks",
        &[(500, "one"), (503, "two"), (200, ""), (502, ""), (502, ""), (502, "three"), (404, "no"), (302, "")],
    );
    for name in ["a", "b", "c", "d"] {
        push(&sandbox, "main", name);
    }
    use Outcome::{Delivered, Failed};
    assert_eq!(outcomes(&sandbox), [Delivered, Failed, Failed, Failed]);
    let got = app.got("/hooks");
    let numbers: Vec<_> = got.iter().map(|got| got.header("x-attempt-number").unwrap().to_owned()).collect();
    assert_eq!(numbers, ["1", "2", "3", "1", "2", "3", "1", "1"]);
    let requests: Vec<_> = got.iter().map(|got| got.header("x-request-uuid").unwrap()).collect();
    assert!(requests[0] == requests[2] && requests[2] != requests[3]);
    let attempts: Vec<_> =
        sandbox.deliveries()[0].attempts.iter().map(|attempt| (attempt.status, attempt.words.clone())).collect();
    assert_eq!(attempts, [(Some(500), "one".to_owned()), (Some(503), "two".to_owned()), (Some(200), String::new())]);
}

#[test]
fn whoever_causes_an_event_does_not_wait_for_it() {
    let (sandbox, app) = listening();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    app.meanwhile(move |_| {
        // Ends with the sender, too, if the test fails.
        let _ = released.lock().unwrap().recv();
    });
    let client = Client::with_token(&sandbox);
    let comments = format!("/repositories/{SHOP}/pullrequests/1/comments");
    for _ in 0..3 {
        assert_eq!(client.post(&comments, &json!({"content": {"raw": "x"}})).status, 201);
    }
    assert!(sandbox.deliveries().iter().all(|delivery| delivery.outcome == Outcome::Waiting));
    drop(release);
    assert_eq!(outcomes(&sandbox), [Outcome::Delivered; 3]);
}

#[test]
fn what_is_too_long_is_never_sent() {
    let (sandbox, app) = listening();
    let client = Client::with_token(&sandbox);
    let comments = format!("/repositories/{SHOP}/pullrequests/1/comments");
    client.post(&comments, &json!({"content": {"raw": "&".repeat(32_768)}}));
    sandbox.comment(SHOP, 1, &"x".repeat(200_000)).unwrap();
    sandbox.comment(SHOP, 1, "short").unwrap();
    use Outcome::{Delivered, TooLong};
    let log: Vec<Delivery> = sandbox.deliveries();
    assert_eq!(
        outcomes(&sandbox),
        [Delivered, TooLong, Delivered],
        "{:?}",
        log.iter().map(|one| one.bytes).collect::<Vec<_>>()
    );
    assert!(log[1].bytes > 256 << 10 && log[1].attempts.is_empty());
    assert_eq!(hooks(&sandbox, &app).len(), 2);
}

#[test]
fn scopes_and_the_descriptor_decide_what_is_told() {
    let (sandbox, app) = (shop(), AppDouble::start());
    app.describe("/scopes", json!(["account", "repository"]));
    app.install(&sandbox);
    sandbox.repository("umbrella/lab").unwrap();
    sandbox.comment(SHOP, 1, "unseen").unwrap();
    push(&sandbox, "main", "a");
    assert_eq!(events(&hooks(&sandbox, &app)), ["repo:push"]);
    app.describe("/modules/webhooks", json!([{"event": "repo:deleted", "url": "/hooks"}]));
    app.install(&sandbox);
    push(&sandbox, "main", "b");
    sandbox.delete_repository(SHOP).unwrap();
    assert_eq!(events(&hooks(&sandbox, &app)), ["repo:push", "repo:deleted"]);
    sandbox.uninstall("an-app", "acme").unwrap();
    sandbox.repository("acme/new").unwrap();
    assert_eq!(hooks(&sandbox, &app).len(), 2);
}

#[test]
fn a_hook_by_hand_is_plain_and_signed_by_its_secret() {
    let (sandbox, app) = (shop(), AppDouble::start());
    let secret = app.base.repeat(3);
    let url = format!("{}/plain", app.base);
    let uuid = sandbox.hook(SHOP, &url, Some(&secret), &["repo:push"]).unwrap();
    sandbox.hook("acme", &url, None, &["*"]).unwrap();
    assert!(sandbox.hook("none", &url, None, &[]).is_err() && sandbox.hook(SHOP, "x", None, &[]).is_err());
    sandbox.comment(SHOP, 1, "x").unwrap();
    push(&sandbox, "main", "a");
    sandbox.settle();
    let got = app.got("/plain");
    assert_eq!(events(&got), ["pullrequest:comment_created", "repo:push", "repo:push"]);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(&got[1].body);
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(got[1].header("x-hub-signature"), Some(format!("sha256={signature}").as_str()));
    assert_eq!(got[1].header("x-hook-uuid"), Some(uuid.trim_matches(['{', '}'])));
    assert!(got[0].header("x-hub-signature").is_none() && got[1].header("authorization").is_none());
    assert!(got[1].json()["push"].is_object() && got[1].json().get("event").is_none());
}

#[test]
fn deliveries_are_lost_doubled_and_shuffled_on_command() {
    let (sandbox, app) = listening();
    sandbox.mishap(Mishap::Lose, 1);
    sandbox.mishap(Mishap::Repeat(3), 1);
    sandbox.mishap(Mishap::Shuffle(3), 1);
    let tips: Vec<_> = ["a", "b", "c", "d", "e", "f"].iter().map(|name| push(&sandbox, "main", name)).collect();
    let told =
        |got: &Got| got.json()["data"]["push"]["changes"][0]["new"]["target"]["hash"].as_str().unwrap().to_owned();
    let got = hooks(&sandbox, &app);
    let order: Vec<_> = got.iter().map(|got| tips.iter().position(|tip| *tip == told(got)).unwrap()).collect();
    assert_eq!(order[..3], [1, 1, 1]);
    assert_eq!(got[0].header("x-request-uuid"), got[2].header("x-request-uuid"));
    let mut mixed = order[3..6].to_vec();
    assert_ne!(mixed, [2, 3, 4]);
    mixed.sort_unstable();
    assert_eq!((mixed, order[6]), (vec![2, 3, 4], 5));
    assert_eq!(sandbox.deliveries()[0].outcome, Outcome::Lost);
    // Fewer than were to be mixed wait no longer than for this.
    sandbox.mishap(Mishap::Shuffle(9), 1);
    push(&sandbox, "main", "g");
    assert_eq!(hooks(&sandbox, &app).len(), 8);
    sandbox.mishap(Mishap::Lose, 9);
    sandbox.clear_mishaps();
    push(&sandbox, "main", "h");
    assert_eq!(hooks(&sandbox, &app).len(), 9);
}

#[test]
fn an_app_that_asks_back_is_answered() {
    let (sandbox, app) = listening();
    let client = Client::with_token(&sandbox);
    sandbox.fault(Route::new("GET", "/2.0/*/pullrequests"), Fault::Delay(Duration::from_millis(1)), 1);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let titles = Arc::clone(&seen);
    app.meanwhile(move |_| {
        let all = client.get(&format!("/repositories/{SHOP}/pullrequests?state=OPEN")).json();
        titles.lock().unwrap().push(all["values"][0]["title"].clone());
    });
    sandbox.update_pull_request(SHOP, 1, Some("Now"), Some("More"), None).unwrap();
    sandbox.settle();
    assert_eq!(*seen.lock().unwrap(), ["Now"]);
}
