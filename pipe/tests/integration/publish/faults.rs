use penstock_common::{Destination, Severity};
use penstock_sandbox::{Fault, Route};

use super::fixture::{Fixture, finding, publish, run};

const SCOPES: [&str; 2] = ["repository", "pullrequest"];

/// Everything is posted once, whatever happened on the way.
fn all_is_there(fixture: &Fixture) {
    let reports = fixture.reports();
    assert_eq!((reports.len(), reports[0].2.len()), (1, 150));
    assert_eq!(reports[0].1, "FAILED");
    assert_eq!(fixture.statuses(), [("penstock.pr-1.penstock".to_owned(), "FAILED".to_owned())]);
    assert_eq!(fixture.comments().len(), 1);
}

#[test]
fn passing_faults_are_overcome_and_nothing_comes_twice() {
    let faults = [Fault::LostAnswer, Fault::HalfBody, Fault::Reset, Fault::status(500), Fault::too_many(0)];
    std::thread::scope(|scope| {
        for fault in faults {
            scope.spawn(move || ROUTES.iter().for_each(|(method, path)| is_overcome(&fault, method, path)));
        }
    });
}

const ROUTES: [(&str, &str); 6] = [
    ("POST", "*/annotations"),
    ("PUT", "*/reports/*"),
    ("DELETE", "*/reports/*"),
    ("POST", "*/statuses/build"),
    ("POST", "*/comments"),
    ("GET", "*/comments"),
];

fn is_overcome(fault: &Fault, method: &str, path: &str) {
    let (fixture, _) = Fixture::with_token(&SCOPES);
    fixture.sandbox.fault(Route::new(method, path), fault.clone(), 1);
    let findings = (1..=150).map(|line| finding(line, Severity::High)).collect();
    let ended = publish(&fixture.plan(), &run(findings));
    let short = ended.0.iter().filter(|one| one.falls_short() && one.destination != Destination::Companion).count();
    assert_eq!(short, 0, "{fault:?} at {method} {path}: {}", ended.text());
    all_is_there(&fixture);
}

#[test]
fn a_fault_that_stays_is_told_in_the_servers_words_and_keeps_to_its_destination() {
    let (fixture, _) = Fixture::with_token(&SCOPES);
    let words = r#"{"key":"report-service.general.bad-request","message":"The summary is bad.","arguments":{}}"#;
    fixture.sandbox.fault(Route::new("POST", "*/annotations"), Fault::status(400).with_body(words), 99);
    let ended = publish(&fixture.plan(), &run(vec![finding(1, Severity::High)]));
    let (reason, _) = ended.failed(Destination::CodeInsights);
    assert!(reason.contains("400 Bad Request: The summary is bad."), "{reason}");
    assert_eq!(fixture.reports()[0].1, "FAILED", "it does not stay pending");
    ended.published(Destination::BuildStatus);
    ended.published(Destination::PrComment);
}

#[test]
fn without_a_network_every_destination_ends_with_its_reason() {
    let fixture = Fixture::new();
    // Nobody listens there; a port that was free a moment ago might be taken by a test beside this one.
    let nobody = "127.0.0.1:1";
    fixture.set("BITBUCKET_API_URL", &format!("http://{nobody}/2.0"));
    fixture.set("AUTH_PROXY", nobody);
    for token in [false, true] {
        if token {
            fixture.set("BITBUCKET_ACCESS_TOKEN", &["some", "token"].concat());
        }
        let mut plan = fixture.plan();
        plan.companion.url = Some(format!("http://{nobody}"));
        plan.companion.token = Some(penstock_common::Secret::new(["other", "token"].concat()));
        let ended = publish(&plan, &run(vec![finding(1, Severity::High)]));
        assert!(ended.failed(Destination::CodeInsights).0.contains("cannot be reached"), "{}", ended.text());
        assert!(ended.failed(Destination::Companion).0.contains("cannot be reached"), "{}", ended.text());
        for destination in [Destination::BuildStatus, Destination::PrComment] {
            if token {
                assert!(ended.failed(destination).0.contains("cannot be reached"), "{}", ended.text());
            } else {
                assert!(ended.skipped(destination).0.contains("needs a token"), "{}", ended.text());
            }
        }
    }
}
