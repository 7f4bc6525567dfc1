//! Who may sign a callback, and what its body must say.

use serde_json::json;

use super::super::*;
use super::world::*;

/// A registered app with its console's secret: also the first installation must be signed, and it
/// may come without a secret of its own.
#[tokio::test]
async fn a_registered_app_trusts_its_own_secret() {
    let account = workspace(1);
    let key = ari(account);
    let console = secret(50);
    let world = World::registered(&console);
    world.bitbucket.knows(&key, &console, account);
    world.bitbucket.knows(&key, &secret(1), account);
    let without = Delivery { body: body(&key, "installed", None), ..installed(&key, &console) };
    assert_eq!(refused(&world.deliver(&without, 0).await), Some(Refusal::Missing.into()));
    assert_eq!(
        refused(&world.deliver(&without.clone().signed(&key, &secret(1), 0), 0).await),
        Some(Refusal::Signature.into())
    );
    let decision = world.deliver(&without.signed(&key, &console, 0), 0).await;
    assert!(matches!(decision, Decision::Activate { .. }), "{decision:?}");
    assert_eq!(world.secret_of(&key).as_deref(), Some(console.expose()));
    let decision = world.deliver(&installed(&key, &secret(1)).signed(&key, &console, 60), 60).await;
    assert!(matches!(decision, Decision::RotateSecret { .. }), "{decision:?}");
    assert_eq!(world.secret_of(&key).as_deref(), Some(secret(1).expose()));
    let decision = world.deliver(&uninstalled(&key).signed(&key, &console, 120), 120).await;
    assert!(matches!(decision, Decision::Remove { .. }), "{decision:?}");
}

/// The console's secret says nothing about an app that was installed by its address.
#[tokio::test]
async fn the_console_s_secret_is_for_registered_installations() {
    let console = secret(50);
    let world = World::registered(&console);
    world.bitbucket.knows(ONE, &secret(1), workspace(1));
    let without = Delivery { body: body(ONE, "installed", None), ..installed(ONE, &console) };
    assert_eq!(refused(&world.deliver(&without, 0).await), Some(Refused::NoSecret));
    assert!(matches!(world.deliver(&installed(ONE, &secret(1)), 0).await, Decision::Activate { .. }));
    let rotation = installed(ONE, &secret(2)).signed(ONE, &console, 60);
    assert_eq!(refused(&world.deliver(&rotation, 60).await), Some(Refusal::Signature.into()));
}

#[tokio::test]
async fn atlassian_s_key_signs_installations() {
    let audience = "https://app.example.com/bb";
    let world = World::new();
    world.bitbucket.knows(ONE, &secret(1), workspace(1));
    let first = installed(ONE, &secret(1));
    for (delivery, refusal) in [
        (first.clone().signed_by_atlassian(TWO, audience, "known"), Refusal::Installation),
        (first.clone().signed_by_atlassian(ONE, "https://other.example.com", "known"), Refusal::Audience),
        (first.clone().signed_by_atlassian(ONE, audience, "other"), Refusal::UnknownKey),
        (first.clone().signed_by_atlassian(ONE, audience, "../x"), Refusal::UnknownKey),
    ] {
        assert_eq!(refused(&world.deliver(&delivery, 0).await), Some(refusal.into()));
    }
    let signed = first.signed_by_atlassian(ONE, audience, "known");
    assert!(matches!(world.deliver(&signed, 0).await, Decision::Activate { .. }));
    let removal = uninstalled(ONE).signed_by_atlassian(ONE, audience, "known");
    assert!(matches!(world.deliver(&removal, 1).await, Decision::Remove { .. }));
    let world = World { keys: Keys { down: true }, ..World::new() };
    let decision = refused(&world.deliver(&signed, 0).await);
    assert_eq!((decision, decision.map(Refused::status)), (Some(Refused::Keys(KeysUnavailable)), Some(503)));
}

#[tokio::test]
async fn other_bodies_are_refused() {
    let world = World::new();
    let one = || installed(ONE, &secret(1));
    let other_app = format!("ari:cloud:bitbucket::app/{}/other", workspace(1).braced());
    for (delivery, why) in [
        (one().with("key", json!("other")), BodyError::OtherApp),
        (one().with("clientKey", json!(other_app)), BodyError::OtherApp),
        (one().with("clientKey", json!("ari:cloud:bitbucket::app/x")), BodyError::Malformed),
        (one().with("clientKey", json!(null)), BodyError::Malformed),
        (one().with("eventType", json!("uninstalled")), BodyError::OtherEvent),
        (one().with("productType", json!("jira")), BodyError::OtherEvent),
        (one().with("sharedSecret", json!("x")), BodyError::Secret),
        (one().with("sharedSecret", json!("x".repeat(2000))), BodyError::Secret),
        (one().with("padding", json!("x".repeat(70_000))), BodyError::TooLarge),
    ] {
        let decision = refused(&world.deliver(&delivery, 0).await);
        assert_eq!(decision, Some(why.into()));
    }
    assert_eq!(refused(&world.deliver(&one().with("sharedSecret", json!("")), 0).await), Some(Refused::NoSecret));
}

/// From outside, an unknown installation looks the same as a wrong signature.
#[tokio::test]
async fn an_uninstallation_of_nobody_tells_nothing() {
    let world = World::new();
    let decision = refused(&world.deliver(&uninstalled(ONE).signed(ONE, &secret(1), 0), 0).await);
    assert_eq!((decision, decision.map(Refused::status)), (Some(Refusal::Signature.into()), Some(401)));
}
