use penstock_common::{Destination, Severity};

use super::fixture::{Fixture, REPOSITORY, finding, publish, run};

const STATUS: Destination = Destination::BuildStatus;

#[test]
fn the_status_tells_the_verdict_and_is_tied_to_the_source_branch() {
    let (fixture, _) = Fixture::with_token(&["repository"]);
    let ended = publish(&fixture.plan(), &run(vec![finding(1, Severity::High)]));
    assert_eq!(ended.published(STATUS), "FAILED, as `penstock.pr-1.penstock`");
    let status = &fixture.sandbox.statuses(REPOSITORY, &fixture.commit).unwrap()[0];
    assert_eq!(status["refname"], "feature");
    assert_eq!(status["description"], "Failed: new.high is 1 (≤ 0)");
    assert_eq!(status["url"], "https://bitbucket.org/acme/shop/pipelines/results/7");
    let ended = publish(&fixture.plan(), &run(Vec::new()));
    assert_eq!(ended.published(STATUS), "SUCCESSFUL, as `penstock.pr-1.penstock`");
    assert_eq!(fixture.statuses().len(), 1);
}

#[test]
fn a_status_of_another_identity_is_left_alone_and_explained() {
    let (fixture, _) = Fixture::with_token(&["repository"]);
    publish(&fixture.plan(), &run(Vec::new()));
    let rotated = fixture.sandbox.repository_token(REPOSITORY, &["repository"]).unwrap();
    fixture.set("BITBUCKET_ACCESS_TOKEN", &rotated);
    let ended = publish(&fixture.plan(), &run(vec![finding(1, Severity::High)]));
    let (reason, remedy) = ended.failed(STATUS);
    assert!(reason.contains("another identity posted the status") && reason.contains("403"), "{reason}");
    assert!(remedy.contains("`NAME`"), "{remedy}");
    assert_eq!(fixture.statuses()[0].1, "SUCCESSFUL");
    ended.published(Destination::CodeInsights);
}

#[test]
fn what_is_switched_off_is_skipped_without_a_request() {
    let (fixture, _) = Fixture::with_token(&["repository", "pullrequest"]);
    let mut plan = fixture.plan();
    (plan.code_insights, plan.build_status, plan.pr_comment) = (false, false, false);
    let ended = publish(&plan, &run(vec![finding(1, Severity::High)]));
    assert_eq!(ended.skipped(STATUS), ("`BUILD_STATUS` is false", ""));
    assert!(fixture.sandbox.journal().is_empty());
}
