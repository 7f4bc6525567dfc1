//! Our hashes and tokens against Atlassian's own library and against the sandbox, on random addresses.

use std::io::Write;
use std::process::Stdio;

use penstock_app::base_url::BaseUrl;
use penstock_app::door::connect::app::AppKey;
use penstock_app::door::connect::jwt::{inbound, outbound::Signer};
use penstock_app::door::connect::qsh::{self, Order};
use penstock_app::door::connect::{ClientKey, Request};
use penstock_common::Secret;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::Deserialize;
use serde_json::{Value, json};

/// How many addresses are tried.
const CASES: usize = 2000;
/// Unix seconds at which they are.
const NOW: i64 = 1_790_000_000;

#[derive(Debug)]
struct Case {
    method: String,
    base: String,
    /// Below the base's path; raw.
    path: String,
    query: String,
    secret: String,
}

#[derive(Deserialize)]
struct Answer {
    canonical: String,
    qsh: String,
    token: String,
    claims: Value,
}

/// Text of a query: plain, escaped in upper and lower case, and escaped badly.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-cA-C0-9]",
        3 => "[-._~!'()*,:/@$ {}&=%+\"<>é中😀]".prop_map(|text| text.bytes().map(|byte| format!("%{byte:02X}")).collect()),
        2 => "[-._~!'()*,:/@$+]",
        1 => "[a-z &é]".prop_map(|text| text.bytes().map(|byte| format!("%{byte:02x}")).collect()),
        1 => prop_oneof![Just("%".to_owned()), Just("%zz".to_owned()), Just("%2".to_owned())],
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn parameter() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (text(), text()).prop_map(|(name, value)| format!("{name}={value}")),
        2 => ("[a-c]", text()).prop_map(|(name, value)| format!("{name}={value}")),
        1 => text(),
        1 => "[-A-Za-z0-9_.]{0,9}".prop_map(|token| format!("jwt={token}")),
    ]
    .prop_filter("the other library reads all bytes that are no UTF-8 as one character", |parameter| {
        qsh::parameters(parameter)
            .all(|(name, value)| std::str::from_utf8(&name).is_ok() && std::str::from_utf8(&value).is_ok())
    })
}

fn case() -> impl Strategy<Value = Case> {
    // Of characters that need escaping in a path, the other library escapes those that a client must not send raw, so they are escaped here.
    let segment = prop_oneof![4 => "[-A-Za-z0-9._~!$&()*+,;=:]{0,6}", 1 => "(%[2-7][0-9A-Fa-f]){1,3}"];
    let path = (prop::collection::vec(segment, 0..4), prop_oneof![3 => Just(""), 1 => Just("/")])
        .prop_map(|(segments, end)| segments.iter().map(|segment| format!("/{segment}")).collect::<String>() + end);
    (
        prop_oneof![Just("GET"), Just("post"), Just("Put"), Just("DELETE")],
        prop_oneof![Just(""), Just("/bb"), Just("/a/b-c")],
        path,
        prop::collection::vec(parameter(), 0..6),
        "[A-Za-z0-9+/=]{20,60}",
    )
        .prop_map(|(method, base, path, parameters, secret)| Case {
            method: method.to_owned(),
            base: format!("https://app.example.com{base}"),
            path,
            query: parameters.join("&"),
            secret,
        })
}

#[expect(clippy::disallowed_methods, reason = "the other library is not Rust's")]
fn ask(questions: &Value) -> Vec<Answer> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/answer.cjs");
    let mut node = std::process::Command::new("node")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`node` runs");
    node.stdin.take().unwrap().write_all(questions.to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the library is missing: run `scripts/connect-oracle`");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The sandbox has its own from the documentation, and so it sorts as is documented.
#[test]
fn agrees_with_the_sandbox() {
    let mut runner = TestRunner::default();
    for _ in 0..CASES {
        let case = case().new_tree(&mut runner).unwrap().current();
        let ours = qsh::canonical(&case.method, &case.path, &case.query, Order::Encoded);
        assert_eq!(penstock_sandbox::canonical_request(&case.method, &case.path, &case.query), ours, "{case:?}");
    }
}

#[test]
#[ignore = "needs Node and the package atlassian-jwt: `scripts/connect-oracle` installs it and runs this"]
fn agrees_with_atlassian_s_library() {
    let mut runner = TestRunner::default();
    let cases: Vec<Case> = (0..CASES).map(|_| case().new_tree(&mut runner).unwrap().current()).collect();
    let app = AppKey::new("penstock").unwrap();
    let installation: ClientKey = "connection:1".parse().unwrap();
    let secret = |case: &Case| Secret::new(case.secret.clone());
    let questions: Vec<Value> = cases
        .iter()
        .map(|case| {
            let secret = secret(case);
            let signer = Signer { app: &app, installation: &installation, secret: &secret };
            let header = signer.authorization(&case.method, &case.path, &case.query, NOW * 1000).unwrap();
            json!({
                "method": case.method,
                "url": format!("{}{}?{}", case.base, case.path, case.query),
                "base": case.base,
                "secret": case.secret,
                "claims": {"iss": "connection:1", "aud": "connection:1", "iat": NOW, "exp": NOW + 3600},
                "token": header.expose().strip_prefix("JWT ").unwrap(),
            })
        })
        .collect();
    let answers = ask(&json!(questions));
    assert_eq!(answers.len(), CASES);

    let mut as_specified = 0;
    for (case, answer) in cases.iter().zip(answers) {
        let ours = |order| qsh::canonical(&case.method, &case.path, &case.query, order);
        assert_eq!(ours(Order::Decoded), answer.canonical, "{case:?}");
        assert_eq!(qsh::hash(&case.method, &case.path, &case.query, Order::Decoded), answer.qsh, "{case:?}");

        let base = BaseUrl::parse(&case.base).unwrap();
        let path = format!("{}{}", base.path(), case.path);
        let request = Request { method: &case.method, path: &path, query: &case.query, authorization: &[] };
        let token = Secret::new(answer.token);
        let verified = inbound::verify(&token, &installation, &secret(case), &request, &base, NOW * 1000);
        assert!(verified.is_ok(), "{verified:?} {case:?}");

        let agree = ours(Order::Encoded) == answer.canonical;
        as_specified += usize::from(agree);
        assert_eq!(answer.claims["qsh"] == answer.qsh, agree, "{case:?}");
        assert_eq!((&answer.claims["iss"], &answer.claims["sub"]), (&json!("penstock"), &json!("connection:1")));
    }
    // Where the two orders agree, which is nearly everywhere, what we sign is what they would.
    assert!(as_specified * 10 >= CASES * 8, "{as_specified} of {CASES}");
}
