//! Mistakes that other Connect apps made, by their numbers.

use proptest::prelude::*;
use serde_json::json;

use super::super::*;
use super::world::*;

/// Mistake 1: an attacker who knows an installation's key sends a secret.
#[tokio::test]
async fn mistake_01_an_unsigned_callback_overwrites_nothing() {
    let world = with_one_installed().await;
    let before = world.state();
    world.bitbucket.knows(ONE, &secret(66), workspace(1));
    let forged = installed(ONE, &secret(66));
    assert_eq!(refused(&world.deliver(&forged, 60).await), Some(Refusal::Missing.into()));
    let forged = forged.signed(ONE, &secret(66), 60);
    assert_eq!(refused(&world.deliver(&forged, 60).await), Some(Refusal::Signature.into()));
    assert_eq!(refused(&world.deliver(&uninstalled(ONE), 60).await), Some(Refusal::Missing.into()));
    let forged = uninstalled(ONE).signed(ONE, &secret(66), 60);
    assert_eq!(refused(&world.deliver(&forged, 60).await), Some(Refusal::Signature.into()));
    assert_eq!(world.state(), before);
}

/// Mistake 1, for an unknown installation: the attacker's secret waits and proves nothing, and does
/// not delay the real one.
#[tokio::test]
async fn mistake_01_a_first_installation_cannot_be_taken() {
    let world = World::new();
    world.bitbucket.knows(ONE, &secret(1), workspace(1));
    assert!(matches!(world.deliver(&installed(ONE, &secret(66)), 0).await, Decision::Pending { .. }));
    assert_eq!(world.secret_of(ONE), None);
    assert!(matches!(world.deliver(&installed(ONE, &secret(1)), 1).await, Decision::Activate { .. }));
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(1).expose()));
    assert!(world.waiting.borrow().is_empty());
}

/// Mistake 2: after an uninstallation, the next installation is signed with the secret from before.
#[tokio::test]
async fn mistake_02_the_tombstone_keeps_the_secret() {
    let world = with_one_installed().await;
    let removed = world.deliver(&uninstalled(ONE).signed(ONE, &secret(1), 60), 60).await;
    assert!(matches!(removed, Decision::Remove { .. }), "{removed:?}");
    assert_eq!(world.secret_of(ONE), None);
    world.bitbucket.knows(ONE, &secret(2), workspace(1));
    let again = installed(ONE, &secret(2));
    assert_eq!(refused(&world.deliver(&again, 120).await), Some(Refusal::Missing.into()));
    let decision = world.deliver(&again.signed(ONE, &secret(1), 120), 120).await;
    assert!(matches!(decision, Decision::Activate { .. }), "{decision:?}");
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(2).expose()));
}

/// Mistake 3: a valid token, with the body of another installation.
#[tokio::test]
async fn mistake_03_body_and_token_must_agree() {
    let world = with_one_installed().await;
    world.bitbucket.knows(TWO, &secret(2), workspace(2));
    world.deliver(&installed(TWO, &secret(2)), 0).await;
    let before = world.state();
    // Signed by the one, with the secret of the other: it cannot be both.
    for (issuer, signer, refusal) in
        [(ONE, 1, Refusal::Signature), (TWO, 1, Refusal::Signature), (ONE, 2, Refusal::Installation)]
    {
        for delivery in [installed(TWO, &secret(66)), uninstalled(TWO)] {
            let decision = world.deliver(&delivery.signed(issuer, &secret(signer), 60), 60).await;
            assert_eq!(refused(&decision), Some(refusal.into()));
        }
    }
    assert_eq!(world.state(), before);
}

/// Mistake 5: a token for the one callback does not serve for the other.
#[tokio::test]
async fn mistake_05_a_token_serves_one_callback() {
    let world = with_one_installed().await;
    let frame = Delivery { token: installed(ONE, &secret(1)).signed(ONE, &secret(1), 60).token, ..uninstalled(ONE) };
    assert_eq!(refused(&world.deliver(&frame, 60).await), Some(Refusal::OtherRequest.into()));
}

/// Mistake 12: a secret in a log.
#[tokio::test]
async fn mistake_12_no_secret_is_shown() {
    let world = with_one_installed().await;
    world.bitbucket.knows(ONE, &secret(2), workspace(1));
    let deliveries = [
        installed(ONE, &secret(2)).signed(ONE, &secret(1), 60),
        installed(TWO, &secret(3)),
        installed(ONE, &secret(3)),
        uninstalled(ONE).signed(ONE, &secret(2), 61),
        installed(ONE, &Secret::new("canary-short")),
    ];
    let mut told = format!("{:?}", world.app);
    for delivery in deliveries {
        let decision = world.deliver(&delivery, 60).await;
        told.push_str(&format!("{decision:?} {:?}", refused(&decision).map(|refused| refused.to_string())));
    }
    assert!(told.contains("RotateSecret") && told.contains("Pending") && told.contains("Remove"), "{told}");
    assert!(!told.contains("canary"), "{told}");
}

/// Mistake 14: hosts that the body names.
#[tokio::test]
async fn mistake_14_hosts_of_the_body_count_for_nothing() {
    let hostile = installed(ONE, &secret(1))
        .with("baseUrl", json!("http://169.254.169.254"))
        .with("baseApiUrl", json!("https://evil.example.com"))
        .with(
            "principal",
            json!({"uuid": workspace(66).braced(), "links": {"self": {"href": "https://evil.example.com"}}}),
        );
    let (one, other) = (World::new(), World::new());
    for (world, delivery) in [(&one, installed(ONE, &secret(1))), (&other, hostile)] {
        world.bitbucket.knows(ONE, &secret(1), workspace(1));
        world.deliver(&delivery, 0).await;
    }
    assert_eq!(one.state(), other.state());
}

/// Mistake 17: no signature covers the body. A token that was caught is sent again with another
/// secret.
#[tokio::test]
async fn mistake_17_a_caught_token_sets_no_secret() {
    let world = with_one_installed().await;
    world.bitbucket.knows(ONE, &secret(2), workspace(1));
    let rotation = installed(ONE, &secret(2)).signed(ONE, &secret(1), 60);
    let replay = Delivery { body: installed(ONE, &secret(66)).body, ..rotation.clone() };
    assert!(matches!(world.deliver(&replay, 60).await, Decision::Pending { .. }));
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(1).expose()));
    assert!(matches!(world.deliver(&rotation, 61).await, Decision::RotateSecret { .. }));
    // From then on the token is not even signed with the right secret.
    assert_eq!(refused(&world.deliver(&replay, 62).await), Some(Refusal::Signature.into()));
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(2).expose()));
}

/// Mistake 17: a secret is proven, but for the attacker's own workspace.
#[tokio::test]
async fn mistake_17_an_installation_never_changes_its_workspace() {
    let world = with_one_installed().await;
    world.bitbucket.knows(ONE, &secret(66), workspace(66));
    let before = world.state();
    let decision = world.deliver(&installed(ONE, &secret(66)).signed(ONE, &secret(1), 60), 60).await;
    assert_eq!(refused(&decision), Some(Refused::OtherAccount));
    assert_eq!(world.state(), before);
}

/// The life of an installation, each callback as Bitbucket signs it, a minute apart.
fn life() -> [Delivery; 5] {
    [
        installed(ONE, &secret(1)),
        installed(ONE, &secret(2)).signed(ONE, &secret(1), 60),
        uninstalled(ONE).signed(ONE, &secret(2), 120),
        installed(ONE, &secret(3)).signed(ONE, &secret(2), 180),
        uninstalled(ONE).signed(ONE, &secret(3), 240),
    ]
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    /// Mistake 19: what came before comes again, at any time later and any number of times.
    #[test]
    fn mistake_19_what_comes_again_changes_nothing(again in prop::collection::vec((0usize..5, 0usize..5), 0..12)) {
        let world = World::new();
        for number in 1..=3 {
            world.bitbucket.knows(ONE, &secret(number), workspace(1));
        }
        for (place, delivery) in life().iter().enumerate() {
            let at = place as i64 * 60;
            let before = world.state();
            run(world.deliver(delivery, at));
            prop_assert_ne!(&world.state(), &before, "delivery {} must count", place);
            let after = world.state();
            for (earlier, _) in again.iter().filter(|(earlier, when)| *when == place && *earlier <= place) {
                run(world.deliver(&life()[*earlier], at + 1));
                prop_assert_eq!(&world.state(), &after, "{} after {}", earlier, place);
            }
        }
    }

    /// What is left out is as if it had never been: no order of deliveries makes an uninstalled
    /// installation live with a secret that Bitbucket replaced before the newest that was taken.
    #[test]
    fn mistake_19_time_never_runs_backwards(order in prop::collection::vec(0usize..5, 0..12)) {
        let world = World::new();
        for number in 1..=3 {
            world.bitbucket.knows(ONE, &secret(number), workspace(1));
        }
        let mut newest = i64::MIN;
        for place in order {
            run(world.deliver(&life()[place], 240));
            let as_of = world.rows.borrow().values().next().map_or(i64::MIN, |row| row.as_of);
            prop_assert!(as_of >= newest);
            newest = as_of;
        }
    }
}

/// Mistake 20: a person's account comes without its name; people may be missing altogether.
#[tokio::test]
async fn mistake_20_nothing_of_people_is_needed() {
    let bare = json!({"key": "penstock", "clientKey": ONE, "sharedSecret": secret(1).expose()});
    let person = installed(ONE, &secret(1))
        .with("principal", json!({"type": "user", "uuid": workspace(1).braced(), "username": null}))
        .with("actor", json!(null))
        .with("user", json!(null));
    for delivery in [Delivery { body: bare, ..installed(ONE, &secret(1)) }, person] {
        let world = World::new();
        world.bitbucket.knows(ONE, &secret(1), workspace(1));
        let decision = world.deliver(&delivery, 0).await;
        let Decision::Activate { principal, .. } = decision else { panic!("{decision:?}") };
        assert_eq!(principal, Principal { uuid: workspace(1), slug: None });
    }
}

/// Mistake 21: the account in a registered app's key, in another spelling than Bitbucket's answer.
#[tokio::test]
async fn mistake_21_accounts_are_compared_as_uuids() {
    let account = workspace(0xab);
    for key in [ari(account), ari(account).replace(&account.to_string(), &account.to_string().to_uppercase())] {
        let world = World::new();
        world.bitbucket.knows(&key, &secret(1), account);
        let decision = world.deliver(&installed(&key, &secret(1)), 0).await;
        assert!(matches!(decision, Decision::Activate { .. }), "{decision:?}");
    }
    let world = World::new();
    world.bitbucket.knows(&ari(account), &secret(1), workspace(2));
    let decision = world.deliver(&installed(&ari(account), &secret(1)), 0).await;
    assert_eq!(refused(&decision), Some(Refused::OtherAccount));
}
