use penstock::analyze::secrets::BuiltIn;
use penstock::publish::Plan;
use penstock_common::upload::v1::Upload;
use penstock_common::{Change, Destination, Finding, Secret, Severity};
use penstock_sandbox::{Fault, Route};

use super::fixture::{Fixture, REPOSITORY, finding, publish, run};

const COMPANION: Destination = Destination::Companion;

fn plan(fixture: &Fixture) -> Plan {
    let mut plan = fixture.plan();
    plan.companion.url = Some(fixture.sandbox.companion_url());
    plan
}

/// The token of a step, for these audiences; for the workspace's default one without.
fn identity(fixture: &Fixture, audiences: &[&str]) -> Secret {
    let step = fixture.sandbox.branch_step(REPOSITORY, "feature").unwrap();
    Secret::new(fixture.sandbox.oidc_token(&step, audiences))
}

#[test]
fn the_whole_run_is_sent_once_and_then_what_came_of_all_destinations() {
    let fixture = Fixture::new();
    let mut plan = plan(&fixture);
    plan.companion.token = Some(Secret::new(fixture.sandbox.companion_token()));
    fixture.sandbox.fault(Route::new("POST", "/api/v1/runs"), Fault::LostAnswer, 1);
    let existing = Finding { change: Some(Change::Existing), ..finding(2, Severity::High) };
    let ended = publish(&plan, &run(vec![finding(1, Severity::High), existing]));
    let told =
        format!("the run was sent to {}: the sandbox's receiver judges nothing", fixture.sandbox.companion_url());
    assert_eq!(ended.published(COMPANION), told);
    assert_eq!(fixture.requests("POST", "/api/v1/runs"), 2);
    let runs = fixture.sandbox.runs();
    let [sent] = &runs[..] else { panic!("the key makes the second request the same") };
    let (upload, _) =
        Upload::from_bytes(sent.to_string().as_bytes(), &mut BuiltIn::default()).expect("what the format says");
    assert_eq!((upload.run.findings.len(), upload.value_in_base), (2, vec![1]));
    assert_eq!(upload.run.subject.unwrap().commit, fixture.commit);
    assert!(upload.deliveries.is_empty(), "it is sent first");
    assert_eq!(fixture.sandbox.run_deliveries(), [serde_json::to_value(&ended.0).unwrap()]);
}

#[test]
fn a_steps_identity_goes_only_to_whom_it_was_made_for() {
    let fixture = Fixture::new();
    let own = fixture.sandbox.companion_url();
    let workspace = "ari:cloud:bitbucket::workspace/9d0c";
    let for_all = "the step's identity is not for it alone: other services of the workspace take it";
    let foreign = "the step's identity is not for it";
    let longer = format!("{own}.evil.example");
    for (audiences, reason) in [
        (&[][..], for_all),
        (&[&own, workspace], for_all),
        (&["https://other.example"], foreign),
        (&[&longer], foreign),
    ] {
        let mut plan = plan(&fixture);
        plan.companion.identity = Some(identity(&fixture, audiences));
        let ended = publish(&plan, &run(Vec::new()));
        let (told, remedy) = ended.skipped(COMPANION);
        assert_eq!(told, reason);
        assert!(remedy.contains(&format!("oidc: {{audiences: [\"{own}\"]}}")), "{remedy}");
    }
    let ended = publish(&plan(&fixture), &run(Vec::new()));
    assert_eq!(ended.skipped(COMPANION).0, "there is no token for it");
    assert_eq!(fixture.requests("POST", "/api/v1/runs"), 0);

    let mut plan = plan(&fixture);
    plan.companion.identity = Some(identity(&fixture, &["https://other.example", &own]));
    publish(&plan, &run(Vec::new())).published(COMPANION);
    assert_eq!(fixture.sandbox.runs().len(), 1);
}

#[test]
fn a_token_that_the_app_does_not_take_is_told_in_its_words() {
    let fixture = Fixture::new();
    let mut plan = plan(&fixture);
    plan.companion.token = Some(Secret::new(["no", "such", "token"].concat()));
    let ended = publish(&plan, &run(Vec::new()));
    let (reason, remedy) = ended.failed(COMPANION);
    assert!(reason.contains("401 Unauthorized: Send a token of the app"), "{reason}");
    assert!(remedy.contains("expired"), "{remedy}");
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
