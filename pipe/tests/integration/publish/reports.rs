use penstock::analyze::secrets::mask;
use penstock_common::{Category, Destination, Severity};
use penstock_sandbox::{Commit, Door, Fault, Route};

use super::fixture::{Fixture, REPOSITORY, finding, publish, run};

const REPORTS: Destination = Destination::CodeInsights;

#[test]
fn without_credentials_the_proxy_signs_reports_and_the_rest_is_skipped() {
    let fixture = Fixture::new();
    let ended = publish(&fixture.plan(), &run(vec![finding(2, Severity::High), finding(3, Severity::Low)]));
    assert_eq!(ended.published(REPORTS), "1 report with 2 annotations, by the authentication proxy");
    for destination in [Destination::BuildStatus, Destination::PrComment] {
        let (reason, remedy) = ended.skipped(destination);
        assert!(reason.contains("needs a token"), "{reason}");
        for word in ["`BITBUCKET_ACCESS_TOKEN`", "`repository`", "`pullrequest`"] {
            assert!(remedy.contains(word), "{remedy}");
        }
    }
    let reports = fixture.reports();
    let [(id, result, annotations)] = &reports[..] else { panic!("one report") };
    assert_eq!((id.as_str(), result.as_str()), ("penstock.pr-1.penstock.secret", "FAILED"));
    let told: Vec<_> = annotations.iter().map(|one| (one["line"].as_u64(), one["result"].as_str())).collect();
    assert_eq!(told, [(Some(2), Some("FAILED")), (Some(3), Some("PASSED"))]);
    let journal = fixture.sandbox.journal();
    assert!(journal.iter().all(|entry| entry.door == Door::Proxy && entry.authorization.is_none()));
}

#[test]
fn a_run_replaces_the_report_of_the_one_before() {
    let (fixture, _) = Fixture::with_token(&["repository"]);
    publish(&fixture.plan(), &run(vec![finding(2, Severity::High), finding(3, Severity::High)]));
    let ended = publish(&fixture.plan(), &run(vec![finding(2, Severity::Low)]));
    assert_eq!(ended.published(REPORTS), "1 report with 1 annotation");
    let reports = fixture.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!((reports[0].1.as_str(), reports[0].2.len()), ("PASSED", 1), "what was fixed is gone");
}

#[test]
fn of_three_thousand_findings_the_worst_thousand_are_posted_in_thirteen_requests() {
    let (fixture, _) = Fixture::with_token(&["repository"]);
    let severities = [Severity::Low, Severity::Medium, Severity::Critical];
    let findings = (0..3000).map(|at| finding(at + 1, severities[at as usize % 3])).collect();
    let mut plan = fixture.plan();
    (plan.build_status, plan.pr_comment) = (false, false);
    let ended = publish(&plan, &run(findings));
    assert_eq!(ended.published(REPORTS), "1 report with 1000 annotations");
    assert_eq!(fixture.sandbox.journal().len(), 13);
    let annotations = &fixture.reports()[0].2;
    assert_eq!(annotations.len(), 1000);
    assert!(annotations.iter().all(|one| one["severity"] == "CRITICAL"));
    let report = &fixture.sandbox.reports(REPOSITORY, &fixture.commit).unwrap()[0];
    let details = report["details"].as_str().unwrap();
    assert!(details.contains("The 1000 worst are shown; 2000 more: 1000 medium, 1000 low."), "{details}");
}

#[test]
fn builds_of_different_kind_and_name_do_not_touch_each_other() {
    let (fixture, _) = Fixture::with_token(&["repository", "pullrequest"]);
    let mut other = fixture.plan();
    other.name = "backend".into();
    let two = || run(vec![finding(2, Severity::High), finding(3, Severity::High)]);
    publish(&fixture.plan(), &two());
    publish(&fixture.branch_plan(), &run(Vec::new()));
    publish(&other, &run(vec![finding(2, Severity::High)]));
    let told = |reports: Vec<(String, String, Vec<serde_json::Value>)>| {
        let mut told: Vec<_> = reports.into_iter().map(|(id, result, all)| (id, result, all.len())).collect();
        told.sort();
        told
    };
    let expected = [
        ("penstock.branch-feature.penstock.secret", "PASSED", 0),
        ("penstock.pr-1.backend.secret", "FAILED", 1),
        ("penstock.pr-1.penstock.secret", "FAILED", 2),
    ];
    let expected = expected.map(|(id, result, number)| (id.to_owned(), result.to_owned(), number));
    assert_eq!(told(fixture.reports()), expected);
    let mut statuses = fixture.statuses();
    statuses.sort();
    let states: Vec<_> = statuses.iter().map(|(key, state)| (key.as_str(), state.as_str())).collect();
    assert_eq!(
        states,
        [
            ("penstock.branch-feature.penstock", "SUCCESSFUL"),
            ("penstock.pr-1.backend", "FAILED"),
            ("penstock.pr-1.penstock", "FAILED")
        ]
    );
    assert_eq!(fixture.comments().len(), 2, "one for each name");
    // And again, in another order: nothing comes twice.
    publish(&other, &run(Vec::new()));
    publish(&fixture.plan(), &two());
    assert_eq!((fixture.reports().len(), fixture.statuses().len(), fixture.comments().len()), (3, 3, 2));
}

#[test]
fn steps_with_different_names_at_the_same_time_do_not_touch_each_other() {
    let (fixture, _) = Fixture::with_token(&["repository", "pullrequest"]);
    let plans: Vec<_> = (0..4_u32)
        .map(|at| {
            let mut plan = fixture.plan();
            plan.name = mask(&format!("part-{at}"));
            (plan, run((0..=at).map(|line| finding(line + 1, Severity::High)).collect()))
        })
        .collect();
    std::thread::scope(|scope| {
        for (plan, run) in &plans {
            scope.spawn(|| assert_eq!(publish(plan, run).0.iter().filter(|one| one.falls_short()).count(), 1));
        }
    });
    let mut sizes: Vec<usize> = fixture.reports().iter().map(|(_, _, annotations)| annotations.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2, 3, 4]);
    assert_eq!((fixture.statuses().len(), fixture.comments().len()), (4, 4));
}

#[test]
fn a_token_that_may_not_is_told_and_the_proxy_takes_over() {
    for (is_expired, status, hint) in [(true, "401", "expired"), (false, "403", "`repository`")] {
        let (fixture, token) = Fixture::with_token(&["account"]);
        if is_expired {
            fixture.sandbox.expire(&token);
        }
        let ended = publish(&fixture.plan(), &run(vec![finding(1, Severity::High)]));
        let detail = ended.published(REPORTS);
        assert!(detail.contains("by the authentication proxy, because the token may not"), "{detail}");
        assert!(detail.contains(status), "{detail}");
        assert_eq!(fixture.reports().len(), 1);
        let (reason, remedy) = ended.failed(Destination::BuildStatus);
        assert!(reason.contains(status) && remedy.contains(hint), "{reason}; {remedy}");
    }
}

#[test]
fn with_neither_token_nor_proxy_it_is_said_what_to_set() {
    let fixture = Fixture::new();
    fixture.unset("AUTH_PROXY");
    let ended = publish(&fixture.plan(), &run(Vec::new()));
    let (reason, remedy) = ended.skipped(REPORTS);
    assert!(
        reason.contains("neither a token nor the authentication proxy") && remedy.contains("`BITBUCKET_ACCESS_TOKEN`")
    );
    assert!(fixture.sandbox.journal().is_empty());
}

#[test]
fn a_commit_that_bitbucket_does_not_know_has_no_report() {
    let (fixture, _) = Fixture::with_token(&["repository", "pullrequest"]);
    let mut plan = fixture.plan();
    plan.subject.commit = "ab".repeat(20);
    let ended = publish(&plan, &run(vec![finding(1, Severity::High)]));
    assert!(ended.failed(REPORTS).0.contains("404"), "{}", ended.text());
    assert!(ended.failed(Destination::BuildStatus).0.contains("404"), "{}", ended.text());
    let (reason, _) = ended.skipped(Destination::PrComment);
    assert!(reason.contains("superseded"), "{reason}");
}

#[test]
fn a_moved_repository_is_followed_and_its_new_name_told() {
    let (fixture, _) = Fixture::with_token(&["repository", "pullrequest"]);
    fixture.sandbox.rename_repository(REPOSITORY, "acme/store").unwrap();
    let ended = publish(&fixture.plan(), &run(vec![finding(1, Severity::High)]));
    for destination in [REPORTS, Destination::BuildStatus, Destination::PrComment] {
        let detail = ended.published(destination);
        assert!(detail.ends_with("; the repository is called acme/store now"), "{detail}");
    }
    assert_eq!(fixture.sandbox.reports("acme/store", &fixture.commit).unwrap().len(), 1);
    assert_eq!(fixture.sandbox.comments("acme/store", fixture.pull_request).unwrap().len(), 1);
}

#[test]
fn a_repository_is_found_by_its_uuid_when_its_workspace_has_another_name() {
    let (fixture, _) = Fixture::with_token(&["repository", "pullrequest"]);
    let step = fixture.sandbox.branch_step(REPOSITORY, "main").unwrap();
    let environment = fixture.sandbox.step_environment(&step);
    let uuid = environment.into_iter().find(|(name, _)| name == "BITBUCKET_REPO_UUID").unwrap().1;
    fixture.sandbox.rename_workspace("acme", "umbrella").unwrap();
    let mut plan = fixture.plan();
    plan.subject.repository_uuid = Some(uuid.trim_matches(['{', '}']).to_owned());
    let ended = publish(&plan, &run(vec![finding(1, Severity::High)]));
    for destination in [REPORTS, Destination::BuildStatus, Destination::PrComment] {
        let detail = ended.published(destination);
        assert!(detail.ends_with("; the repository is called umbrella/shop now"), "{detail}");
    }
    assert_eq!(fixture.sandbox.reports("umbrella/shop", &fixture.commit).unwrap().len(), 1);
    // Another repository under the old name is not ours.
    fixture.sandbox.repository(REPOSITORY).unwrap();
    fixture.sandbox.push(REPOSITORY, "main", &Commit::new("theirs").write("a", "1")).unwrap();
    publish(&plan, &run(vec![finding(2, Severity::High)])).published(REPORTS);
    assert_eq!(fixture.sandbox.reports("umbrella/shop", &fixture.commit).unwrap().len(), 1);
}

#[test]
fn refused_annotations_are_counted_and_do_not_affect_the_others() {
    let (fixture, _) = Fixture::with_token(&["repository"]);
    let words = r#"{"key":"report-service.general.bad-request","message":"The summary is bad.","arguments":{}}"#;
    fixture.sandbox.fault(Route::new("POST", "*/annotations"), Fault::status(400).with_body(words), 1);
    let findings = (1..=250).map(|line| finding(line, Severity::High)).collect();
    let ended = publish(&fixture.plan(), &run(findings));
    let (reason, _) = ended.failed(REPORTS);
    assert!(reason.starts_with("100 annotations could not be posted: POST"), "{reason}");
    assert!(
        reason.contains("The summary is bad.") && reason.ends_with("; there is 1 report with 150 annotations"),
        "{reason}"
    );
    let reports = fixture.reports();
    assert_eq!((reports[0].1.as_str(), reports[0].2.len()), ("FAILED", 150));
}

#[test]
fn a_refused_report_does_not_affect_the_others() {
    let (fixture, _) = Fixture::with_token(&["repository"]);
    let mut code = finding(2, Severity::High);
    code.category = Category::CodeQuality;
    let mut plan = fixture.plan();
    plan.categories.push(Category::CodeQuality);
    fixture.sandbox.fault(Route::new("PUT", "*.secret"), Fault::status(400), 9);
    let ended = publish(&plan, &run(vec![finding(1, Severity::High), code]));
    let (reason, _) = ended.failed(REPORTS);
    assert!(reason.starts_with("1 report and 1 annotation could not be posted: PUT"), "{reason}");
    assert_eq!(fixture.reports().len(), 1);
}

#[test]
fn every_category_has_its_report_and_hostile_names_fit() {
    let (fixture, _) = Fixture::with_token(&["repository", "pullrequest"]);
    let hostile =
        ["\u{202e}@all [x](https://evil.example)\n\r\u{0}", "a".repeat(10_000).as_str(), "<img src=x>|`"].concat();
    let paths = ["", "a\nb", "../../etc/passwd", &"x/".repeat(2000), "archive.zip!inner", "日本語/ключ.rs"];
    let categories = [
        Category::Secret,
        Category::Vulnerability,
        Category::Misconfiguration,
        Category::CodeQuality,
        Category::TestFailure,
    ];
    let mut findings = Vec::new();
    for (at, path) in (1..).zip(paths) {
        for category in categories {
            let mut one = finding(at, Severity::High);
            (one.category, one.message, one.title, one.rule) =
                (category, mask(&hostile), mask(&hostile), mask(&hostile));
            one.location.path = mask(path);
            findings.push(one);
        }
    }
    let mut plan = fixture.plan();
    plan.subject.branch = Some(mask(&format!("feature/{}", "long-".repeat(40))));
    plan.name = mask(&"x".repeat(64));
    let ended = publish(&plan, &run(findings.clone()));
    assert_eq!(ended.published(REPORTS), "5 reports with 30 annotations");
    ended.published(Destination::BuildStatus);
    ended.published(Destination::PrComment);
    plan.subject.pull_request = None;
    assert_eq!(publish(&plan, &run(findings)).published(REPORTS), "5 reports with 30 annotations");
    assert_eq!(fixture.reports().len(), 10);
    assert!(!fixture.comments()[0].contains('@'));
}

#[test]
fn the_head_is_the_commit_of_the_build_whatever_was_pushed_since() {
    let (fixture, _) = Fixture::with_token(&["repository", "pullrequest"]);
    let later = fixture.sandbox.push(REPOSITORY, "feature", &Commit::new("later").write("b", "1")).unwrap();
    publish(&fixture.plan(), &run(vec![finding(1, Severity::High)]));
    assert_eq!(fixture.reports().len(), 1);
    assert!(fixture.sandbox.reports(REPOSITORY, &later).unwrap().is_empty());
}
