//! One client for each tenant: tokens, budgets, and what an error means.

use std::sync::atomic::Ordering;
use std::time::Duration;

use penstock_app::bitbucket::{Error, Tenants};
use penstock_sandbox::{Commit, Fault, Route};
use serde_json::json;

use super::world::{Directory, SHOP, World, bitbucket_at, reach, uuid};
use crate::double::Double;

#[tokio::test]
async fn mistake_26_tokens_are_never_shared_between_tenants() {
    let double = Double::new(|_| (200, json!({"values": []}).to_string())).await;
    let directory = Directory::default();
    let one = directory.install(uuid(1), "token-of-one");
    let other = directory.install(uuid(2), "token-of-the-other");
    let tenants = Tenants::new(reach(&double.api()).api, directory);
    let ask =
        async |tenant: u8| tenants.of(uuid(tenant)).await.unwrap().in_repository(uuid(9)).branches().await.unwrap();
    // Also while both ask at once.
    for _ in 0..3 {
        tokio::join!(ask(1), ask(2), ask(1), ask(2));
    }
    for seen in double.seen() {
        let tenant = if seen.path().contains(&uuid(1).to_string()) { "one" } else { "the-other" };
        assert_eq!(seen.header("authorization"), format!("Bearer token-of-{tenant}"));
    }
    assert_eq!(double.seen().len(), 12);
    // Each got one, by one call.
    assert_eq!((one.load(Ordering::SeqCst), other.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn a_change_of_the_installation_forgets_its_token() {
    let double = Double::new(|_| (200, json!({"values": []}).to_string())).await;
    let directory = Directory::default();
    let tenants = Tenants::new(reach(&double.api()).api, directory.clone());
    let ask = async || tenants.of(uuid(1)).await?.in_repository(uuid(9)).branches().await;
    assert!(matches!(ask().await, Err(Error::NotInstalled)));
    directory.install(uuid(1), "first");
    ask().await.unwrap();
    directory.install(uuid(1), "second");
    ask().await.unwrap();
    directory.uninstall(uuid(1));
    assert!(matches!(ask().await, Err(Error::NotInstalled)));
    // The same again: a token of before is not used.
    let grants = directory.install(uuid(1), "second");
    ask().await.unwrap();
    assert_eq!(grants.load(Ordering::SeqCst), 1);
    let sent: Vec<String> = double.seen().iter().map(|seen| seen.header("authorization").to_owned()).collect();
    assert_eq!(sent, ["Bearer first", "Bearer second", "Bearer second"]);
}

#[tokio::test]
async fn a_token_is_renewed_early_and_when_it_is_not_taken() {
    let world = World::new(1);
    let token = world.sandbox.workspace_token("acme", &super::world::SCOPES).unwrap();
    let grants = world.directory.install(world.workspace, &token);
    let shop = world.shop().await;
    shop.get().await.unwrap();
    world.sandbox.fault(Route::new("GET", "*"), Fault::status(401), 1);
    shop.get().await.unwrap();
    assert_eq!(grants.load(Ordering::SeqCst), 2);
    // One that is not taken although it is new.
    world.sandbox.fault(Route::new("GET", "*"), Fault::status(401), 2);
    assert!(matches!(shop.get().await, Err(Error::Rejected(_))));
    assert_eq!(grants.load(Ordering::SeqCst), 3);
    // One that is at its end at once.
    let short = world.sandbox.workspace_token("acme", &super::world::SCOPES).unwrap();
    let grants = world.directory.install_for(world.workspace, &short, Duration::ZERO);
    let shop = world.shop().await;
    shop.get().await.unwrap();
    shop.get().await.unwrap();
    assert_eq!(grants.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_is_used_up_is_not_sent() {
    let double = Double::new(|_| (200, json!({"values": []}).to_string())).await;
    let directory = Directory::default();
    directory.install(uuid(1), "a");
    directory.install(uuid(2), "b");
    let tenants = Tenants::new(reach(&double.api()).api, directory.clone()).allowing(3);
    let ask = async |tenant: u8| tenants.of(uuid(tenant)).await?.in_repository(uuid(9)).branches().await;
    for left in [2, 1, 0] {
        ask(1).await.unwrap();
        assert_eq!(tenants.of(uuid(1)).await.unwrap().requests_left(), left);
    }
    let error = ask(1).await.unwrap_err();
    assert!(error.is_passing() && error.retry_after() > Some(Duration::from_secs(3500)), "{error}");
    assert_eq!(double.seen().len(), 3);
    // A new token does not make room, and nobody else suffers.
    directory.install(uuid(1), "c");
    assert!(ask(1).await.is_err());
    ask(2).await.unwrap();
}

#[tokio::test]
async fn after_a_429_nothing_is_asked_for_as_long_as_the_server_says() {
    let world = World::new(1);
    let shop = world.shop().await;
    world.sandbox.fault(Route::new("GET", "*"), Fault::too_many(120), 1);
    let error = shop.get().await.unwrap_err();
    assert!(matches!(error, Error::TooMany { after, .. } if after == Duration::from_secs(120)), "{error}");
    let before = world.requests();
    let error = shop.get().await.unwrap_err();
    assert!(error.retry_after() > Some(Duration::from_secs(100)), "{error}");
    assert_eq!((world.requests(), world.bitbucket().await.requests_left()), (before, 0));
}

#[tokio::test]
async fn every_attempt_counts() {
    let world = World::new(1);
    let bitbucket = world.bitbucket().await;
    let before = bitbucket.requests_left();
    world.sandbox.fault(Route::new("GET", "*"), Fault::status(503), 2);
    bitbucket.in_repository(world.repository).get().await.unwrap();
    assert_eq!(before - bitbucket.requests_left(), 3);
}

#[tokio::test]
async fn what_an_error_means() {
    let world = World::new(1);
    let shop = world.shop().await;
    world.sandbox.fault(Route::new("GET", "*"), Fault::status(500), 9);
    assert!(matches!(shop.get().await, Err(error @ Error::Unavailable(_)) if error.is_passing()));
    world.sandbox.clear_faults();
    world.sandbox.fault(Route::new("GET", "*"), Fault::status(403), 1);
    assert!(matches!(shop.get().await, Err(error @ Error::Denied(_)) if !error.is_passing()));
    world.sandbox.fault(Route::new("GET", "*"), Fault::status(410), 1);
    assert!(matches!(shop.get().await, Err(Error::Refused(_))));
    world.sandbox.fault(Route::new("GET", "*"), Fault::status(200).with_body("{\"full_name\": 7}"), 1);
    assert!(matches!(shop.get().await, Err(Error::Unreadable(_))));
    // A repository of another tenant is not there.
    world.sandbox.repository("else/theirs").unwrap();
    world.sandbox.push("else/theirs", "main", &Commit::new("x").write("x", "x")).unwrap();
    let theirs = world.sandbox.branch_step("else/theirs", "main").unwrap().repository().parse().unwrap();
    assert_eq!(world.bitbucket().await.in_repository(theirs).get().await.unwrap(), None);
    assert!(world.sandbox.tip(SHOP, "main").is_ok());
    // Nobody there.
    let shop = bitbucket_at("http://127.0.0.1:9/2.0", uuid(1)).await.in_repository(uuid(2));
    let error = shop.within(Duration::from_secs(1)).get().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
}
