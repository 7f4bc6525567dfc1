//! What becomes of answers that say no.

use penstock_common::Secret;
use penstock_common::bitbucket::client::{Auth, Error, Method, Refusal};
use penstock_common::redact::DOTS;
use penstock_sandbox::{Fault, Route};

use super::world::{REPOSITORY, World, annotations, quick, report};

fn refusal(error: Error) -> Refusal {
    match error {
        Error::Refused(refusal) => *refusal,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn both_shapes_of_errors_are_read() {
    let world = World::new();
    let repository = world.usual();
    repository.put_report(&world.head, &report()).await.unwrap();
    let mut annotation = annotations(1);
    annotation[0].summary = "x".repeat(451);
    let said = refusal(repository.post_annotations(&world.head, "penstock-secrets", &annotation).await.unwrap_err());
    assert_eq!(said.status, 400);
    assert!(said.message.contains("450 characters"), "{said}");
    assert!(said.call.starts_with("POST /repositories/acme/shop/commit/"), "{said}");
    assert!(!world.sandbox.take_violations().is_empty());
    let missing = refusal(world.client(Auth::Anonymous, quick()).user().await.unwrap_err());
    assert_eq!(missing.status, 401);
    assert!(!missing.message.is_empty());
}

#[tokio::test]
async fn what_credentials_may_not_do_is_told_with_the_scope() {
    let world = World::new();
    let lacking = world.with_scopes(&["repository"]);
    let error = lacking.comments_where(world.pull_request, |_| true).await.unwrap_err();
    assert!(error.is_denied());
    assert_eq!(
        error.remedy().as_deref(),
        Some("give the token the scope `pullrequest` (of an API token: `read:pullrequest:bitbucket`)")
    );
    assert_eq!(refusal(error).granted, ["repository"]);
}

#[tokio::test]
async fn expired_unseen_removed_and_too_many() {
    let world = World::new();
    let token = world.sandbox.repository_token(REPOSITORY, &["repository"]).unwrap();
    let repository = world.repository(Auth::AccessToken(Secret::new(&token)));
    world.sandbox.shut_out(&token);
    assert!(repository.get().await.unwrap_err().is_not_found());
    world.sandbox.expire(&token);
    assert_eq!(repository.get().await.unwrap_err().status(), Some(401));
    let usual = world.usual();
    let removed = usual.client().request_to(Method::GET, "/repositories/acme/shop/issues").unwrap();
    let error = usual.client().send(&removed).await.unwrap_err();
    assert_eq!(error.status(), Some(410));
    assert!(!world.sandbox.take_violations().is_empty());
    world.sandbox.limit_rate(0);
    let error = usual.get().await.unwrap_err();
    assert_eq!(error.status(), Some(429));
    assert!(error.remedy().unwrap().contains("requests per hour"));
}

#[tokio::test]
async fn what_a_server_repeats_is_masked_and_cut() {
    let world = World::new();
    let email = "me@example.com";
    let token = world.sandbox.api_token("acme", email, &["read:repository:bitbucket"]).unwrap();
    let found = "a-secret-in-the-code";
    let basic = base64(&format!("{email}:{token}"));
    let echo = format!("{token} {basic} {} {found}\r\n\u{1b}[31m{}", base64(&token), "x".repeat(500));
    let body = serde_json::json!({"type": "error", "error": {"message": echo}}).to_string();
    let client = world.client(Auth::ApiToken { email: email.to_owned(), token: Secret::new(&token) }, quick());
    client.hide([found]);
    for body in [body, format!("not JSON: {echo}")] {
        world.sandbox.fault(Route::new("GET", "*"), Fault::status(400).with_body(&body), 1);
        let error = client.in_repository("acme", "shop").get().await.unwrap_err();
        for text in [error.to_string(), format!("{error:?}")] {
            for canary in [token.as_str(), &basic, &base64(&token), found, "\u{1b}", "\n"] {
                assert!(!text.contains(canary), "{text:?}");
            }
        }
        let said = refusal(error);
        assert!(said.message.contains(DOTS) && said.message.chars().count() == 300, "{said}");
    }
    assert!(!format!("{client:?}").contains(&token));
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
