//! What does not fit fails the test that sends it.

use penstock_sandbox::{Options, Sandbox};
use serde_json::json;

use crate::client::{Client, SHOP, commit_path, send, shop};

const HERE: &str = "/repositories/acme/shop";

#[test]
fn what_does_not_fit_is_noted() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let status = format!("{}/statuses/build", commit_path(&sandbox, "feature"));
    let report = format!("{}/reports/r", commit_path(&sandbox, "feature"));
    let good = json!({"key": "k", "state": "FAILED", "url": "https://example.com"});
    let requests = [
        ("an unknown endpoint", client.request("GET", &format!("{HERE}/nonsense"))),
        ("an unknown method", client.request("DELETE", &format!("{HERE}/commits"))),
        ("an unknown parameter", client.request("GET", &format!("{HERE}/commits?pages=2"))),
        ("a page too long", client.request("GET", &format!("{HERE}/pullrequests?pagelen=51"))),
        ("a page too short", client.request("GET", &format!("{report}/annotations?pagelen=5"))),
        ("an unknown property", client.request("POST", &status).json(&json!({"key": "k", "state": "FAILED", "url": "https://x", "urls": 1}))),
        ("an unknown state", client.request("POST", &status).json(&json!({"key": "k", "state": "DONE", "url": "https://x"}))),
        ("no media type", client.request("POST", &status).body(good.to_string())),
        ("no JSON", client.request("POST", &status).header("content-type", "application/json").body("{")),
        ("a body where none belongs", client.request("DELETE", &report).json(&good)),
        ("a value of another type", client.request("PUT", &report).json(&json!({
            "title": "t", "details": "d", "report_type": "BUG", "data": [{"title": "n", "type": "NUMBER", "value": "1"}],
        }))),
        ("line 0", client.request("POST", &format!("{report}/annotations")).json(&json!([{
            "external_id": "a", "annotation_type": "BUG", "summary": "s", "path": "p", "line": 0,
        }]))),
        ("a path that is not relative", client.request("POST", &format!("{HERE}/pullrequests/1/comments")).json(&json!({
            "content": {"raw": "x"}, "inline": {"path": "/etc", "to": 1},
        }))),
    ];
    for (what, request) in requests {
        let reply = send(request).unwrap();
        assert!((400..500).contains(&reply.status), "{what}: {}", reply.status);
        assert!(!sandbox.take_violations().is_empty(), "{what}");
    }
}

#[test]
fn a_violation_does_not_quote() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let status = format!("{}/statuses/build", commit_path(&sandbox, "feature"));
    let canary = sandbox.companion_token();
    client.post(&status, &json!({"key": canary, "state": canary, "url": canary, "name": 1}));
    let violations = sandbox.take_violations();
    assert!(violations.len() >= 4);
    assert!(!format!("{violations:?}").contains(&canary[..20]), "{violations:?}");
}

#[test]
#[should_panic(expected = "requests did not fit the contract")]
fn a_sandbox_fails_the_test_when_it_is_dropped() {
    let sandbox = shop();
    Client::with_token(&sandbox).get(&format!("{HERE}/nonsense"));
}

#[test]
fn a_document_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.json");
    let start =
        || Sandbox::start(Options { openapi: Some(path.clone()), ..Options::default() }).unwrap_err().to_string();
    assert!(start().starts_with("cannot read the OpenAPI document"));
    std::fs::write(&path, "{}").unwrap();
    assert!(start().contains("is not the OpenAPI document"));
}

/// A small document, because the real one is not part of the project: it knows one operation, and wants other things than the contract.
#[test]
fn a_document_is_one_more_judge() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.json");
    let document = json!({
        "openapi": "3.0.0",
        "paths": {
            "/user": {"get": {"responses": {}}},
            "/repositories/{workspace}/{repo_slug}": {"get": {"responses": {"200": {"content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/repository"},
            }}}}}},
            "/repositories/{workspace}/{repo_slug}/commit/{commit}/statuses/build": {"post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/commitstatus"}}}},
                "responses": {"201": {}},
            }},
        },
        "components": {"schemas": {
            "commitstatus": {"allOf": [
                {"$ref": "#/components/schemas/object"},
                {"type": "object", "properties": {"description": {"type": "string", "nullable": true}}, "required": ["description"]},
            ]},
            "object": {"type": "object", "properties": {"type": {"type": "string"}}, "required": ["type"]},
            "repository": {"allOf": [
                {"$ref": "#/components/schemas/object"},
                {"type": "object", "properties": {"slug": {"type": "integer"}}, "required": ["slug"]},
            ]},
        }},
    });
    std::fs::write(&path, document.to_string()).unwrap();
    let sandbox = Sandbox::start(Options { openapi: Some(path), ..Options::default() }).unwrap();
    sandbox.repository(SHOP).unwrap();
    let commit = penstock_sandbox::Commit::new("first\n").write("a", "a");
    sandbox.push(SHOP, "main", &commit).unwrap();
    let client = Client::with_token(&sandbox);
    let build = format!("{}/statuses/build", commit_path(&sandbox, "main"));
    let mut status = json!({"key": "k", "state": "FAILED", "url": "https://example.com"});
    // The server takes it; the test hears of it.
    assert_eq!(client.post(&build, &status).status, 201);
    let violations = sandbox.take_violations();
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(
        violations[0].what.starts_with("document:") && violations[0].what.contains("description"),
        "{violations:?}"
    );
    status["description"] = "d".into();
    assert_eq!(client.post(&build, &status).status, 201);
    assert!(sandbox.take_violations().is_empty());
    // The sandbox's own answers are judged, too.
    client.get(HERE);
    let violations = sandbox.take_violations();
    assert!(violations[0].what.starts_with("the sandbox's own answer:"), "{violations:?}");
    // What the document does not have is one.
    client.get(&format!("{HERE}/refs/branches"));
    let violations = sandbox.take_violations();
    assert!(violations[0].what.contains("no such path"), "{violations:?}");
}
