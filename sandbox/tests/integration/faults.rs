//! Misbehaviour on command.

use std::time::Duration;

use penstock_sandbox::{Door, Fault, Route};
use serde_json::json;

use crate::client::{Client, SHOP, send, shop};

const COMMENTS: &str = "/repositories/acme/shop/pullrequests/1/comments";

fn comment() -> serde_json::Value {
    json!({"content": {"raw": "x"}})
}

fn route() -> Route {
    Route::new("POST", "/2.0/repositories/*/comments")
}

#[test]
fn an_answer_that_was_ordered_n_times_then_well_again() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    sandbox.fault(route(), Fault::too_many(7), 2);
    for _ in 0..2 {
        let reply = client.post(COMMENTS, &comment());
        assert_eq!((reply.status, reply.header("retry-after")), (429, Some("7")));
        assert!(reply.message().contains("Rate limit"));
    }
    assert_eq!(client.post(COMMENTS, &comment()).status, 201);
    // Nothing happened before.
    assert_eq!(sandbox.comments(SHOP, 1).unwrap().len(), 1);
    let told: Vec<_> = sandbox.journal().iter().map(|entry| (entry.status, entry.fault)).collect();
    assert_eq!(told, [(Some(429), Some("fault: answer")), (Some(429), Some("fault: answer")), (Some(201), None)]);
}

#[test]
fn an_answer_with_any_body() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    sandbox.fault(
        Route::new("*", "*").through(Door::Api),
        Fault::status(503).with_header("x-a", "b").with_body("<html>"),
        1,
    );
    let reply = client.get("/user");
    assert_eq!((reply.status, reply.header("x-a"), reply.text.as_str()), (503, Some("b"), "<html>"));
    sandbox.fault(Route::new("*", "*"), Fault::status(500), usize::MAX);
    assert_eq!(client.get("/user").status, 500);
    sandbox.clear_faults();
    assert_eq!(client.get(COMMENTS).status, 200);
}

#[test]
fn a_reset_has_no_effect() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    sandbox.fault(route(), Fault::Reset, 1);
    let error = send(client.request("POST", COMMENTS).json(&comment())).unwrap_err();
    assert!(error.is_request() && error.status().is_none(), "{error:?}");
    assert_eq!(sandbox.comments(SHOP, 1).unwrap().len(), 0);
    assert_eq!(client.post(COMMENTS, &comment()).status, 201);
}

#[test]
fn a_lost_answer_has_its_effect() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    sandbox.fault(route(), Fault::LostAnswer, 1);
    let error = send(client.request("POST", COMMENTS).json(&comment())).unwrap_err();
    assert!(error.is_request() && error.status().is_none(), "{error:?}");
    assert_eq!(sandbox.comments(SHOP, 1).unwrap().len(), 1);
    let entry = sandbox.journal().pop().unwrap();
    assert_eq!((entry.status, entry.fault), (None, Some("fault: lost answer")));
}

#[test]
fn half_a_body() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    sandbox.fault(route(), Fault::HalfBody, 1);
    let error = send(client.request("POST", COMMENTS).json(&comment())).unwrap_err();
    // The head came: it is the body that cannot be read.
    assert!(error.is_decode() || error.is_body(), "{error:?}");
    assert_eq!(sandbox.comments(SHOP, 1).unwrap().len(), 1);
}

#[test]
fn late_and_slow_answers_come_in_the_end() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let path = "/repositories/acme/shop?fields=slug,full_name";
    sandbox.fault(Route::new("GET", "*"), Fault::Delay(Duration::from_millis(10)), 1);
    assert_eq!(client.get(path).json()["full_name"], SHOP);
    sandbox.fault(Route::new("GET", "*"), Fault::Drip(Duration::from_millis(1)), 1);
    assert_eq!(client.get(path).json()["full_name"], SHOP);
    // A client that does not wait gives up.
    sandbox.fault(Route::new("GET", "*"), Fault::Drip(Duration::from_secs(3600)), 1);
    let error = send(client.request("GET", path).timeout(Duration::from_millis(300))).unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[test]
fn the_proxy_and_the_receiver_can_fail_too() {
    let sandbox = shop();
    sandbox.fault(Route::new("*", "*").through(Door::Proxy), Fault::status(502), 1);
    assert_eq!(Client::by_proxy(&sandbox).get("/user").status, 502);
    sandbox.fault(Route::new("POST", "/api/v1/*").through(Door::Companion), Fault::Reset, 1);
    let client = Client::new(&sandbox).at(&sandbox.companion_url());
    assert!(send(client.request("POST", "/api/v1/runs")).is_err());
}
