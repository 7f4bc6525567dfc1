//! The receiver of runs.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use penstock_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::client::{Client, Reply, SHOP, send, shop};

fn upload(sandbox: &Sandbox, token: &str, key: &str, run: &Value) -> Reply {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(run.to_string().as_bytes()).unwrap();
    let client = Client::new(sandbox).at(&sandbox.companion_url()).bearer(token);
    let request = client.request("POST", "/api/v1/runs").header("idempotency-key", key);
    let request = request.header("content-type", "application/json").header("content-encoding", "gzip");
    send(request.body(encoder.finish().unwrap())).unwrap()
}

#[test]
fn the_same_key_gets_the_same_answer() {
    let sandbox = shop();
    let token = sandbox.companion_token();
    let first = upload(&sandbox, &token, "one", &json!({"findings": []}));
    assert_eq!(first.status, 201);
    assert_eq!(first.json()["state"], "waiting");
    let again = upload(&sandbox, &token, "one", &json!({"findings": []}));
    assert_eq!((again.status, again.text), (201, first.text));
    assert_eq!(sandbox.runs(), [json!({"findings": []})]);
    assert_eq!(sandbox.journal()[0].json().unwrap(), json!({"findings": []}));
    assert_eq!(upload(&sandbox, &token, "one", &json!({})).status, 422);
    assert_eq!(upload(&sandbox, &token, "two", &json!({})).status, 201);
    assert_eq!(sandbox.runs().len(), 2);
}

#[test]
fn a_step_is_known_by_a_token_for_this_receiver() {
    let sandbox = shop();
    let step = sandbox.branch_step(SHOP, "feature").unwrap();
    let own = sandbox.companion_url();
    for (audiences, status) in [(vec![own.as_str()], 201), (vec!["https://elsewhere.example.com"], 401), (vec![], 401)]
    {
        let token = sandbox.oidc_token(&step, &audiences);
        assert_eq!(upload(&sandbox, &token, "key", &json!({})).status, status, "{audiences:?}");
    }
    assert_eq!(upload(&sandbox, "nonsense", "key", &json!({})).status, 401);
}

#[test]
fn what_is_not_a_run_is_noted() {
    let sandbox = shop();
    let token = sandbox.companion_token();
    assert_eq!(upload(&sandbox, &token, "", &json!({})).status, 400);
    assert_eq!(upload(&sandbox, &token, "key", &json!([])).status, 400);
    let client = Client::new(&sandbox).at(&sandbox.companion_url()).bearer(&token);
    let plain = send(client.request("POST", "/api/v1/runs").header("idempotency-key", "k").json(&json!({}))).unwrap();
    assert_eq!(plain.status, 400);
    assert_eq!(sandbox.take_violations().len(), 3);
}
