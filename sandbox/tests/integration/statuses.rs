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
