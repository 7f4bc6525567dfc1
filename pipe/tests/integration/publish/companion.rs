use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use penstock::publish::Plan;
use penstock_common::upload::v1::Upload;
use penstock_common::{Change, Destination, Finding, Secret, Severity};
use penstock_sandbox::{Fault, Route};

use super::fixture::{Fixture, finding, publish, run};

const COMPANION: Destination = Destination::Companion;

fn plan(fixture: &Fixture) -> Plan {
    let mut plan = fixture.plan();
    plan.companion.url = Some(fixture.sandbox.companion_url());
    plan
}

/// A token with this audience. The pipe does not verify it, the receiver would.
fn identity(audience: &serde_json::Value) -> Secret {
    let claims = serde_json::json!({ "aud": audience, "sub": "{repository}:{step}" }).to_string();
    Secret::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)))
}

#[test]
fn the_whole_run_is_sent_once_with_what_came_of_the_other_destinations() {
    let fixture = Fixture::new();
    let mut plan = plan(&fixture);
    plan.companion.token = Some(Secret::new(fixture.sandbox.companion_token()));
    fixture.sandbox.fault(Route::new("POST", "/api/v1/runs"), Fault::LostAnswer, 1);
    let existing = Finding { change: Some(Change::Existing), ..finding(2, Severity::High) };
    let ended = publish(&plan, &run(vec![finding(1, Severity::High), existing]));
    assert_eq!(ended.published(COMPANION), format!("the run was sent to {}", fixture.sandbox.companion_url()));
    assert_eq!(fixture.requests("POST", "/api/v1/runs"), 2);
    let runs = fixture.sandbox.runs();
    let [sent] = &runs[..] else { panic!("the key makes the second request the same") };
    let upload = Upload::from_bytes(sent.to_string().as_bytes()).expect("what the format says");
    assert_eq!((upload.run.findings.len(), upload.value_in_base), (2, vec![1]));
    assert_eq!(upload.run.subject.unwrap().commit, fixture.commit);
    assert_eq!(upload.deliveries, ended.0[..3]);
}

#[test]
fn a_steps_identity_goes_only_to_whom_it_was_made_for() {
    let fixture = Fixture::new();
    let own = fixture.sandbox.companion_url();
    let workspace = "ari:cloud:bitbucket::workspace/9d0c";
    for (audience, reason) in [
        (
            serde_json::json!(workspace),
            "the step's identity is not for it alone: other services of the workspace take it",
        ),
        (
            serde_json::json!([own, workspace]),
            "the step's identity is not for it alone: other services of the workspace take it",
        ),
        (serde_json::json!(["https://other.example"]), "the step's identity is not for it"),
        (serde_json::json!([format!("{own}.evil.example")]), "the step's identity is not for it"),
        (serde_json::json!(7), "the step's identity is not for it"),
    ] {
        let mut plan = plan(&fixture);
        plan.companion.identity = Some(identity(&audience));
        let ended = publish(&plan, &run(Vec::new()));
        let (told, remedy) = ended.skipped(COMPANION);
        assert_eq!(told, reason);
        assert!(remedy.contains(&format!("oidc: {{audiences: [\"{own}\"]}}")), "{remedy}");
    }
    let ended = publish(&plan(&fixture), &run(Vec::new()));
    assert_eq!(ended.skipped(COMPANION).0, "there is no token for it");
    assert_eq!(fixture.requests("POST", "/api/v1/runs"), 0);
    // Made for it, among others. The sandbox does not take the signature, and says so.
    let mut plan = plan(&fixture);
    plan.companion.identity = Some(identity(&serde_json::json!(["https://other.example", format!("{own}/")])));
    let ended = publish(&plan, &run(Vec::new()));
    let (reason, _) = ended.failed(COMPANION);
    assert!(reason.contains("401") && reason.contains("Send a token of the app"), "{reason}");
    assert_eq!(fixture.requests("POST", "/api/v1/runs"), 1);
}

#[test]
fn nothing_is_sent_in_clear_or_to_what_is_no_address() {
    let fixture = Fixture::new();
    for (address, word) in [
        ("http://app.example", "https://"),
        ("https://user:pass@app.example", "must hold nothing but"),
        ("app", "no URL"),
    ] {
        let mut plan = fixture.plan();
        plan.companion.url = Some(address.to_owned());
        plan.companion.token = Some(Secret::new("canary".to_owned()));
        let ended = publish(&plan, &run(Vec::new()));
        let (reason, _) = ended.failed(COMPANION);
        assert!(reason.contains("`COMPANION_URL` cannot be used") && reason.contains(word), "{reason}");
        assert!(!reason.contains("pass"), "{reason}");
    }
    let ended = publish(&fixture.plan(), &run(Vec::new()));
    assert!(ended.skipped(COMPANION).1.contains("`COMPANION_URL`"));
}
