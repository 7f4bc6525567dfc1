//! The authentication proxy of a step.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::client::{Client, SHOP, commit_path, send, shop};

fn report() -> serde_json::Value {
    json!({"title": "t", "details": "d", "report_type": "SECURITY"})
}

/// What the proxy answers to these bytes.
fn raw(address: &str, request: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
    (String::from_utf8(head).unwrap(), stream)
}

#[test]
fn reports_of_the_step_are_authenticated_and_nothing_else_is() {
    let sandbox = shop();
    sandbox.set_step(SHOP).unwrap();
    let step = Client::by_proxy(&sandbox);
    let commit = commit_path(&sandbox, "feature");
    assert_eq!(step.put(&format!("{commit}/reports/r"), &report()).status, 200);
    assert_eq!(step.delete(&format!("{commit}/reports/r")).status, 204);
    let status = json!({"key": "k", "state": "FAILED", "url": "https://example.com"});
    assert_eq!(step.post(&format!("{commit}/statuses/build"), &status).status, 401);
    assert_eq!(step.get(&format!("/repositories/{SHOP}/pullrequests/1")).status, 401);
    assert_eq!(step.get(&format!("/repositories/{SHOP}")).status, 401);
    // Those of another repository are none of the step's business.
    sandbox.repository("acme/other").unwrap();
    let head = sandbox.push("acme/other", "main", &penstock_sandbox::Commit::new("x\n").write("a", "a")).unwrap();
    assert_eq!(step.put(&format!("/repositories/acme/other/commit/{head}/reports/r"), &report()).status, 404);
    let entry = &sandbox.journal()[0];
    assert!(entry.target.starts_with("http://api.bitbucket.org/2.0/"), "{}", entry.target);
    assert_eq!((entry.operation.as_deref(), entry.status), (Some("put_report"), Some(200)));
}

#[test]
fn links_lead_to_where_the_api_really_is() {
    let sandbox = shop();
    let step = Client::by_proxy(&sandbox);
    let one = format!("{}/reports/r", commit_path(&sandbox, "feature"));
    step.put(&one, &report());
    let annotations: Vec<_> = (0..11)
        .map(|number| json!({"external_id": format!("a{number}"), "annotation_type": "BUG", "summary": "s"}))
        .collect();
    step.post(&format!("{one}/annotations"), &annotations.into());
    let page = step.get(&format!("{one}/annotations")).json();
    assert!(page["next"].as_str().unwrap().starts_with("https://api.bitbucket.org/2.0/"), "{}", page["next"]);
}

#[test]
fn a_request_that_brings_credentials_is_refused() {
    let sandbox = shop();
    let one = format!("{}/reports/r", commit_path(&sandbox, "feature"));
    let reply = Client::by_proxy(&sandbox).bearer(&sandbox.companion_token()).put(&one, &report());
    assert_eq!(reply.status, 400);
    assert_eq!(sandbox.take_violations().len(), 1);
}

#[test]
fn it_is_a_proxy_and_not_a_server() {
    let sandbox = shop();
    let reply = Client::new(&sandbox).at(&format!("http://{}", sandbox.proxy_addr())).get("/2.0/user");
    assert_eq!(reply.status, 400);
    assert_eq!(sandbox.take_violations().len(), 1);
    let elsewhere = Client::by_proxy(&sandbox).at("http://example.com").get("/");
    assert_eq!(elsewhere.status, 502);
}

#[test]
fn a_tunnel_is_opaque() {
    let sandbox = shop();
    let api = sandbox.api_url().trim_start_matches("http://").trim_end_matches("/2.0").to_owned();
    let connect = |host: &str| format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let (head, mut stream) = raw(sandbox.proxy_addr(), &connect(&api));
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let path = format!("{}/reports", commit_path(&sandbox, "feature"));
    let inner = format!("GET /2.0{path} HTTP/1.1\r\nHost: api.bitbucket.org\r\nConnection: close\r\n\r\n");
    stream.write_all(inner.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    // Reports are not authenticated in there: nobody sees that they are asked for.
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let (head, _) = raw(sandbox.proxy_addr(), &connect("api.bitbucket.org:443"));
    assert!(head.starts_with("HTTP/1.1 502"), "{head}");
}

#[test]
fn without_a_step_that_is_known_nothing_is_authenticated() {
    let sandbox = shop();
    sandbox.repository("acme/other").unwrap();
    let one = format!("{}/reports/r", commit_path(&sandbox, "feature"));
    let reply = send(Client::by_proxy(&sandbox).request("PUT", &one).json(&report())).unwrap();
    assert_eq!(reply.status, 401);
}
