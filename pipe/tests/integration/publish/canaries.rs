use penstock_common::{Secret, Severity};
use penstock_sandbox::{Fault, Route};

use super::fixture::{Fixture, finding, publish, run};

/// Random, so that nothing takes it for a secret by its looks.
fn canary(name: &str) -> String {
    format!("{name}{}", "q7".repeat(9))
}

#[test]
fn a_server_that_repeats_what_it_was_sent_gives_nothing_away() {
    let found = canary("found");
    for (path, method) in
        [("*/reports/*", "PUT"), ("*/statuses/build", "POST"), ("*/comments", "GET"), ("/api/v1/runs", "POST")]
    {
        let (fixture, token) = Fixture::with_token(&["repository", "pullrequest"]);
        fixture.unset("AUTH_PROXY");
        let companion = fixture.sandbox.companion_token();
        let echo = format!("you sent Bearer {token} and {companion} and {found}\nover {token}");
        let body = serde_json::json!({"type": "error", "error": {"message": echo}}).to_string();
        fixture.sandbox.fault(Route::new(method, path), Fault::status(400).with_body(&body), 99);
        let mut plan = fixture.plan();
        plan.found = vec![Secret::new(found.clone())];
        plan.companion.url = Some(fixture.sandbox.companion_url());
        plan.companion.token = Some(Secret::new(companion.clone()));
        let ended = publish(&plan, &run(vec![finding(1, Severity::High)]));
        let text = format!("{} {:?} {plan:?}", ended.text(), ended.0);
        assert!(text.contains("you sent Bearer ••••••••"), "{text}");
        for secret in [&found, &token, &companion] {
            assert!(!text.contains(secret.as_str()), "{text}");
        }
        for entry in fixture.sandbox.journal() {
            let seen = format!("{entry} {:?} {}", entry.headers, String::from_utf8_lossy(&entry.body));
            assert!(!seen.contains(&token) && !seen.contains(&companion) && !seen.contains(&found), "{seen}");
        }
    }
}
