//! What a candidate has to prove, how it waits for that, and when it expires.

use serde_json::{Value, json};

use super::super::*;
use super::world::*;

#[tokio::test]
async fn the_workspace_is_the_one_that_bitbucket_names() {
    let world = with_one_installed().await;
    // The body said workspace 9.
    assert!(world.state().contains(&workspace(1).to_string()), "{}", world.state());
}

/// What a callback claims counts only where nothing else is known, and then as a claim.
#[tokio::test]
async fn what_is_expected_is_known_or_claimed() {
    let account = workspace(0xab);
    let claim = |value: Value| json!({"type": "team", "uuid": value});
    let nobody = installed(TWO, &secret(2)).with("principal", claim(json!(7)));
    for (delivery, expected) in [
        (installed(&ari(account), &secret(1)), Expected::Known(account)),
        (installed(TWO, &secret(2)), Expected::Claimed(workspace(9))),
        (installed(TWO, &secret(2)).with("principal", claim(json!(workspace(9)))), Expected::Claimed(workspace(9))),
        (installed(TWO, &secret(2)).with("principal", json!(["a"])), Expected::Nothing),
        (nobody, Expected::Nothing),
    ] {
        let world = World::new();
        world.deliver(&delivery, 0).await;
        assert_eq!(*world.bitbucket.expected.lock().unwrap(), [expected]);
        // Tried again, it is the same.
        world.retry(10).await;
        assert_eq!(*world.bitbucket.expected.lock().unwrap(), [expected; 2]);
    }
    // What was proven once stays proven; a later claim changes nothing.
    let world = with_one_installed().await;
    world.deliver(&installed(ONE, &secret(2)).signed(ONE, &secret(1), 60), 60).await;
    assert_eq!(world.bitbucket.expected.lock().unwrap().last(), Some(&Expected::Known(workspace(1))));
}

/// A candidate says what it waits for.
#[tokio::test]
async fn what_waits_says_what_for() {
    let world = World::new();
    for (is_down, failure) in [(true, ProofFailure::Unavailable), (false, ProofFailure::Rejected)] {
        *world.bitbucket.down.lock().unwrap() = is_down;
        let number = u8::from(is_down);
        let decision = world.deliver(&installed(ONE, &secret(number)), 0).await;
        let Decision::Pending { candidate, .. } = decision else { panic!("{decision:?}") };
        assert_eq!(candidate.waits_for, Some(failure));
        assert_eq!(ProofFailure::of_code(failure.code()), Some(failure));
    }
}

/// A second installation of a workspace waits for its own proof, and does not replace the first
/// one.
#[tokio::test]
async fn a_second_installation_never_replaces_the_first() {
    let world = with_one_installed().await;
    assert!(matches!(world.deliver(&installed(TWO, &secret(2)), 1).await, Decision::Pending { .. }));
    assert_eq!(world.secret_of(TWO), None);
    world.bitbucket.knows(TWO, &secret(2), workspace(1));
    assert!(matches!(world.retry(10).await[..], [Decision::Activate { .. }]));
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(1).expose()));
    assert_eq!(world.secret_of(TWO).as_deref(), Some(secret(2).expose()));
}

#[tokio::test]
async fn what_is_not_proven_expires() {
    let world = World::new();
    world.bitbucket.knows(ONE, &secret(1), workspace(1));
    *world.bitbucket.down.lock().unwrap() = true;
    let Decision::Pending { candidate, retry_at } = world.deliver(&installed(ONE, &secret(1)), 0).await else {
        panic!("Bitbucket is down")
    };
    assert_eq!((retry_at, candidate.failures), (START * 1000 + 2_000, 1));
    assert!(matches!(world.deliver(&installed(ONE, &secret(1)), 1).await, Decision::Ignore(Why::Duplicate)));
    let [Decision::Pending { retry_at, .. }] = world.retry(2).await[..] else { panic!("Bitbucket is down") };
    assert_eq!(retry_at, START * 1000 + 7_000);
    let decisions = world.retry(120).await;
    assert_eq!(refused(&decisions[0]), Some(Refused::Unproven));
    assert!(world.waiting.borrow().is_empty());
    *world.bitbucket.down.lock().unwrap() = false;
    assert!(matches!(world.deliver(&installed(ONE, &secret(1)), 700).await, Decision::Activate { .. }));
}

#[tokio::test]
async fn a_rotation_survives_an_outage_of_bitbucket() {
    let world = with_one_installed().await;
    world.bitbucket.knows(ONE, &secret(2), workspace(1));
    *world.bitbucket.down.lock().unwrap() = true;
    let rotation = installed(ONE, &secret(2)).signed(ONE, &secret(1), 60);
    assert!(matches!(world.deliver(&rotation, 60).await, Decision::Pending { .. }));
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(1).expose()));
    *world.bitbucket.down.lock().unwrap() = false;
    assert!(matches!(world.retry(1800).await[..], [Decision::RotateSecret { .. }]));
    assert_eq!(world.secret_of(ONE).as_deref(), Some(secret(2).expose()));
}

/// A candidate's own secret is checked, however many others wait for the same installation.
#[tokio::test]
async fn what_others_sent_holds_nobody_up() {
    let world = World::new();
    for number in 10..60 {
        assert!(matches!(world.deliver(&installed(ONE, &secret(number)), 0).await, Decision::Pending { .. }));
    }
    world.bitbucket.knows(ONE, &secret(1), workspace(1));
    assert!(matches!(world.deliver(&installed(ONE, &secret(1)), 1).await, Decision::Activate { .. }));
    for number in 10..60 {
        let rotation = installed(ONE, &secret(number)).signed(ONE, &secret(1), 60);
        assert!(matches!(world.deliver(&rotation, 60).await, Decision::Pending { .. }));
    }
    world.bitbucket.knows(ONE, &secret(2), workspace(1));
    let rotation = installed(ONE, &secret(2)).signed(ONE, &secret(1), 61);
    assert!(matches!(world.deliver(&rotation, 61).await, Decision::RotateSecret { .. }));
}

/// A secret that waited unsigned while another one was proven counts for nothing.
#[tokio::test]
async fn an_unsigned_one_that_waited_does_not_rotate() {
    let world = with_one_installed().await;
    world.bitbucket.knows(ONE, &secret(2), workspace(1));
    let candidate = Candidate {
        installation: ONE.parse().unwrap(),
        secret: secret(2),
        signed: false,
        as_of: (START + 60) * 1000,
        since: (START + 60) * 1000,
        failures: 0,
        claimed: None,
        waits_for: None,
    };
    let known = world.known(&candidate.installation);
    let decision = world.lifecycle().prove(candidate, &known, (START + 60) * 1000).await;
    assert_eq!(refused(&decision), Some(Refusal::Missing.into()));
}
