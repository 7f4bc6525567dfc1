//! Build statuses.

use serde_json::{Value, json};

use crate::client::{Client, SHOP, commit_path, shop};

fn status(state: &str) -> Value {
    json!({"key": "penstock", "state": state, "url": "https://example.com", "name": "Penstock", "refname": "feature"})
}

#[test]
fn a_status_is_overwritten_by_its_key() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let all = format!("{}/statuses", commit_path(&sandbox, "feature"));
    let made = client.post(&format!("{all}/build"), &status("INPROGRESS"));
    assert_eq!((made.status, made.json()["type"].as_str()), (201, Some("build")));
    assert_eq!(client.post(&format!("{all}/build"), &status("FAILED")).status, 201);
    assert_eq!(client.put(&format!("{all}/build/penstock"), &status("SUCCESSFUL")).status, 200);
    assert_eq!(client.put(&format!("{all}/build/other"), &status("SUCCESSFUL")).status, 404);
    assert_eq!(client.get(&format!("{all}/build/penstock")).json()["state"], "SUCCESSFUL");
    assert_eq!(client.get(&format!("{all}/build/other")).status, 404);
    assert_eq!(client.all(&all).len(), 1);
    assert_eq!(client.all(&format!("{all}?refname=main")).len(), 0);
    // It is tied to the pull request by the name of its source.
    assert_eq!(client.all(&format!("/repositories/{SHOP}/pullrequests/1/statuses")).len(), 1);
}

#[test]
fn only_its_author_overwrites_a_status() {
    let sandbox = shop();
    let build = format!("{}/statuses/build", commit_path(&sandbox, "feature"));
    Client::with_token(&sandbox).post(&build, &status("INPROGRESS"));
    let other = Client::with_token(&sandbox).post(&build, &status("FAILED"));
    assert_eq!(other.status, 403);
    assert!(other.message().contains("author"), "{}", other.message());
    let admin = sandbox.repository_token(SHOP, &["repository:admin"]).unwrap();
    assert_eq!(Client::new(&sandbox).bearer(&admin).post(&build, &status("FAILED")).status, 201);
    let commit = sandbox.tip(SHOP, "feature").unwrap();
    assert_eq!(sandbox.statuses(SHOP, &commit).unwrap()[0]["state"], "FAILED");
}

#[test]
fn a_long_key_is_refused_in_the_words_of_the_server() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let build = format!("{}/statuses/build", commit_path(&sandbox, "feature"));
    let mut long = status("FAILED");
    long["key"] = "k".repeat(48).into();
    let reply = client.post(&build, &long);
    assert_eq!(reply.status, 400);
    let words = "Ensure this value has at most 40 characters (it has 48).";
    assert_eq!(reply.message(), format!("key: {words}"));
    assert_eq!(reply.json().pointer("/error/fields/key/0").unwrap(), words);
    assert_eq!(sandbox.take_violations().len(), 1);
    for (name, length) in [("name", 256), ("url", 451)] {
        let mut long = status("FAILED");
        long[name] = format!("https://{}", "x".repeat(length - 8)).into();
        assert_eq!(client.post(&build, &long).status, 400, "{name}");
        assert_eq!(sandbox.take_violations().len(), 1, "{name}");
    }
}

#[test]
fn a_key_with_two_refnames_is_two_statuses() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let all = format!("{}/statuses", commit_path(&sandbox, "feature"));
    let on = |refname: Option<&str>, state: &str| {
        let mut sent = status(state);
        sent.as_object_mut().unwrap().remove("refname");
        if let Some(refname) = refname {
            sent["refname"] = refname.into();
        }
        assert_eq!(client.post(&format!("{all}/build"), &sent).status, 201);
    };
    on(Some("feature"), "FAILED");
    let key = status("FAILED")["key"].as_str().unwrap().to_owned();
    let build = format!("{all}/build/{key}");
    assert_eq!(client.put(&build, &status("SUCCESSFUL")).status, 200);
    on(Some("release"), "FAILED");
    on(None, "STOPPED");
    assert_eq!(client.all(&all).len(), 3);
    assert_eq!(client.get(&build).json()["state"], "STOPPED", "the one that was set last");
    assert_eq!(client.put(&build, &status("SUCCESSFUL")).status, 500);
}

#[test]
fn a_host_without_a_dot_is_no_address() {
    let sandbox = shop();
    let build = format!("{}/statuses/build", commit_path(&sandbox, "feature"));
    let client = Client::with_token(&sandbox);
    for (url, expected) in [
        ("http://intranet:8080/job", 400),
        ("http://localhost/", 400),
        ("http://127.0.0.1:8080/", 201),
        ("https://ci.example.com/", 201),
    ] {
        let mut sent = status("FAILED");
        sent["url"] = url.into();
        let reply = client.post(&build, &sent);
        let words = if expected == 400 { "url: Enter a valid URL." } else { "" };
        assert_eq!((reply.status, reply.message().as_str()), (expected, words), "{url}");
    }
}
