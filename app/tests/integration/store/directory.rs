//! Installations, tenants, keys.

use penstock_app::crypto::MasterKeys;
use penstock_app::store::Store;
use penstock_app::store::system::{Candidate, TenantState, UNSIGNED_MAX, Written};
use penstock_common::{Secret, Uuid};

use super::on_both;
use super::world::{NOW, World, installation, keys, login};

on_both!(
    an_installation_is_written_only_to_the_state_it_was_decided_on,
    a_tenant_lives_as_long_as_one_of_his_installations,
    installations_are_read_by_more_requests_than_there_are_connections,
    a_new_candidate_has_room_and_what_failed_most_leaves,
    a_candidate_stays_for_half_a_minute_however_many_others_come,
    candidates_wait_and_end_with_their_installation,
    secrets_are_sealed_and_keys_rotate_under_a_running_copy,
    a_database_sealed_with_another_key_is_refused,
    one_copy_holds_a_lease,
);

async fn an_installation_is_written_only_to_the_state_it_was_decided_on(world: World) {
    let system = world.store.system();
    let one = installation(1);
    assert_eq!(system.write_installation(&one, Some(5), None, NOW).await.unwrap(), Written::Changed);
    assert_eq!(system.write_installation(&one, None, Some("team"), NOW).await.unwrap(), Written::Yes);
    assert_eq!(system.write_installation(&one, None, None, NOW).await.unwrap(), Written::Changed);
    let mut newer = installation(1);
    (newer.as_of, newer.secret) = (NOW + 1, Secret::new("another canary"));
    assert_eq!(system.write_installation(&newer, Some(NOW), None, NOW + 1).await.unwrap(), Written::Yes);
    let known = system.installation("test", "installation-1").await.unwrap().unwrap();
    assert_eq!((known.secret.expose(), known.as_of, known.state_since), ("another canary", NOW + 1, NOW));
    assert_eq!(known.workspace, Uuid::from([1; 16]));
    assert!(system.installation("other", "installation-1").await.unwrap().is_none());
    let row = world.store.for_workspace(known.workspace).row().await.unwrap().unwrap();
    assert_eq!(row.slug.as_deref(), Some("team"), "a slug that is not told is not forgotten");
}

async fn a_tenant_lives_as_long_as_one_of_his_installations(world: World) {
    let system = world.store.system();
    let (mut one, mut other) = (installation(1), installation(1));
    other.name = "second".to_owned();
    for installation in [&one, &other] {
        system.write_installation(installation, None, None, NOW).await.unwrap();
    }
    assert_eq!(system.active_installations(one.workspace).await.unwrap().len(), 2);
    let state = async || system.tenant(Uuid::from([1; 16])).await.unwrap().unwrap();
    (one.active, other.active) = (false, false);
    system.write_installation(&one, Some(NOW), None, NOW + 1).await.unwrap();
    assert_eq!((state().await.state, state().await.since), (TenantState::Active, NOW));
    system.write_installation(&other, Some(NOW), None, NOW + 2).await.unwrap();
    assert_eq!((state().await.state, state().await.since), (TenantState::Ending, NOW + 2));
    assert!(system.active_installations(one.workspace).await.unwrap().is_empty());
    let tombstone = system.installation("test", "second").await.unwrap().unwrap();
    assert_eq!((tombstone.active, tombstone.secret.expose()), (false, "canary-secret-of-1"));
    other.active = true;
    system.write_installation(&other, Some(NOW), None, NOW + 3).await.unwrap();
    assert_eq!((state().await.state, state().await.since), (TenantState::Active, NOW + 3));
}

/// The first look at an installation also reads its workspace's key. A request that held one
/// connection while it waited for another would stop all others until they gave up.
async fn installations_are_read_by_more_requests_than_there_are_connections(world: World) {
    let all = 1..=64;
    for id in all.clone() {
        world.store.system().write_installation(&installation(id), None, None, NOW).await.unwrap();
    }
    let mut requests = tokio::task::JoinSet::new();
    for id in all {
        let store = world.store.clone();
        requests.spawn(async move { store.system().installation("test", &format!("installation-{id}")).await });
    }
    for read in requests.join_all().await {
        assert!(read.unwrap().is_some());
    }
}

async fn candidates_wait_and_end_with_their_installation(world: World) {
    let system = world.store.system();
    let candidate = |name: &str, signed, retry_at| Candidate {
        id: 0,
        door: "test".to_owned(),
        name: name.to_owned(),
        signed,
        as_of: NOW,
        since: NOW,
        failures: 0,
        retry_at,
        expires_at: NOW + 100,
        claimed: Some(Uuid::from([7; 16])),
        waits_for: None,
        secret: Secret::new("canary of a candidate"),
    };
    for one in [
        candidate("installation-1", false, NOW + 5),
        candidate("installation-1", true, NOW + 9),
        candidate("b", false, NOW),
    ] {
        system.keep_candidate(&one).await.unwrap();
    }
    assert_eq!(system.unsigned_candidates("test").await.unwrap(), 2);
    let due = system.due_candidates(NOW + 5).await.unwrap();
    assert_eq!(due.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["b", "installation-1"]);
    let mut failed = due[1].clone();
    (failed.failures, failed.retry_at, failed.waits_for) = (1, NOW + 50, Some("rejected".to_owned()));
    system.keep_candidate(&failed).await.unwrap();
    let known = system.candidates("test", "installation-1").await.unwrap();
    assert_eq!((known.len(), known[0].failures, known[0].secret.expose()), (2, 1, "canary of a candidate"));
    // The claimed workspace and what it waits for are stored with it.
    let all = system.waiting_candidates(10).await.unwrap();
    let told: Vec<_> = all.iter().map(|one| (one.name.as_str(), one.claimed, one.waits_for.as_deref())).collect();
    let claimed = Some(Uuid::from([7; 16]));
    let mut expected =
        [("installation-1", claimed, Some("rejected")), ("installation-1", claimed, None), ("b", claimed, None)];
    expected.sort();
    let mut told = told;
    told.sort();
    assert_eq!(told, expected);
    system.write_installation(&installation(1), None, None, NOW).await.unwrap();
    assert!(system.candidates("test", "installation-1").await.unwrap().is_empty());
    system.drop_candidate(due[0].id).await.unwrap();
    assert_eq!(system.unsigned_candidates("test").await.unwrap(), 0);
}

async fn a_new_candidate_has_room_and_what_failed_most_leaves(world: World) {
    let system = world.store.system();
    let candidate = |name: String, failures: u32, since: i64| Candidate {
        id: 0,
        door: "test".to_owned(),
        name,
        signed: false,
        as_of: NOW,
        since,
        failures,
        retry_at: NOW,
        expires_at: NOW + 100,
        claimed: None,
        waits_for: None,
        secret: Secret::new(format!("canary of {failures} and {since}")),
    };
    // Of one installation.
    const MINUTE: i64 = 60_000;
    for (failures, since) in [(1, 1), (3, 2), (0, 3), (2, 4), (1, 5), (1, 6)] {
        system.keep_candidate(&candidate("one".to_owned(), failures, NOW + since * MINUTE)).await.unwrap();
    }
    let kept = system.candidates("test", "one").await.unwrap();
    let kept: Vec<_> = kept.iter().map(|one| (one.failures, (one.since - NOW) / MINUTE)).collect();
    assert_eq!(kept, [(1, 1), (0, 3), (1, 5), (1, 6)]);
    // One that left does not come back because its proof failed meanwhile.
    let mut gone = system.candidates("test", "one").await.unwrap()[0].clone();
    system.drop_candidate(gone.id).await.unwrap();
    gone.failures = 9;
    system.keep_candidate(&gone).await.unwrap();
    assert_eq!(system.candidates("test", "one").await.unwrap().len(), 3);
    // Of all.
    for number in 0..UNSIGNED_MAX + 20 {
        system.keep_candidate(&candidate(format!("n{number}"), 1, NOW + 10 * MINUTE + number)).await.unwrap();
    }
    assert_eq!(i64::try_from(system.unsigned_candidates("test").await.unwrap()).unwrap(), UNSIGNED_MAX);
    let newest = format!("n{}", UNSIGNED_MAX + 19);
    assert_eq!(system.candidates("test", &newest).await.unwrap().len(), 1);
    assert_eq!(system.candidates("test", "one").await.unwrap().len(), 1, "the one that never failed");
    let due = system.due_candidates(NOW).await.unwrap();
    assert_eq!((due[0].name.as_str(), due[0].failures), ("one", 0));
}

/// Anyone who knows an installation's name can send unsigned candidates for it; the real one needs
/// a few seconds until Bitbucket knows its secret, so its first proof may fail.
async fn a_candidate_stays_for_half_a_minute_however_many_others_come(world: World) {
    let system = world.store.system();
    let candidate = |failures: u32, signed: bool, since: i64| Candidate {
        id: 0,
        door: "test".to_owned(),
        name: "one".to_owned(),
        signed,
        as_of: NOW,
        since,
        failures,
        retry_at: NOW,
        expires_at: NOW + 120_000,
        claimed: None,
        waits_for: None,
        secret: Secret::new(format!("canary of {signed} and {since}")),
    };
    let is_there = async |signed: bool, since: i64| {
        let waiting = system.candidates("test", "one").await.unwrap();
        waiting.iter().any(|one| one.signed == signed && one.since == since)
    };
    for since in [NOW - 2, NOW - 1, NOW] {
        system.keep_candidate(&candidate(1, false, since)).await.unwrap();
    }
    system.keep_candidate(&candidate(1, true, NOW)).await.unwrap();
    for number in 1..=20 {
        system.keep_candidate(&candidate(0, false, NOW + number * 1500)).await.unwrap();
    }
    assert!(is_there(false, NOW).await, "it is protected");
    system.keep_candidate(&candidate(0, false, NOW + 30_001)).await.unwrap();
    assert!(!is_there(false, NOW).await, "the protection ends");
    // A signed one is its installation's own, so nothing has to be protected from others.
    for number in 1..=4 {
        system.keep_candidate(&candidate(0, true, NOW + number)).await.unwrap();
    }
    assert!(!is_there(true, NOW).await);
}

async fn secrets_are_sealed_and_keys_rotate_under_a_running_copy(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let hook = Uuid::from([9; 16]);
    let mut write = workspace.write().await.unwrap();
    write.new_hook(hook, repository, &Secret::new("canary of a hook"), NOW).await.unwrap();
    write.commit().await.unwrap();
    let other = world.again().await;

    keys(&world.folder).add().unwrap();
    let rotating = world.again().await;
    assert_eq!(rotating.system().reseal(NOW).await.unwrap(), 1);
    assert_eq!(rotating.system().reseal(NOW).await.unwrap(), 0, "nothing is left to seal");
    for store in [&world.store, &other, &rotating] {
        assert_eq!(store.system().hook(hook).await.unwrap().unwrap().secret.expose(), "canary of a hook");
        let installation = store.system().installation("test", "installation-1").await.unwrap().unwrap();
        assert_eq!(installation.secret.expose(), "canary-secret-of-1");
    }
    for query in [
        "select coalesce(max(length(secret)), 0) || '' from hooks",
        "select max(length(secret)) || '' from installations",
    ] {
        assert_ne!(world.ask(query).await, ["0"]);
    }
    world.store.close().await;
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"canary"), "a secret stands in the open");
    }
}

async fn a_database_sealed_with_another_key_is_refused(world: World) {
    world.tenant(1).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let other = MasterKeys::read_or_create(&elsewhere.path().join("master.key")).unwrap();
    let opened = match &world.postgres {
        Some(url) => Store::open_postgres(&login(url), other, NOW).await,
        None => Store::open_sqlite(world.folder.path(), other, NOW).await,
    };
    assert!(opened.unwrap_err().to_string().contains("sealed with another master key"));
}

async fn one_copy_holds_a_lease(world: World) {
    let (one, other) = (world.store.system(), world.again().await.system());
    assert!(one.take_lease("sweep", 1, NOW, NOW + 10).await.unwrap());
    assert!(!other.take_lease("sweep", 2, NOW + 5, NOW + 15).await.unwrap());
    assert!(one.take_lease("sweep", 1, NOW + 5, NOW + 15).await.unwrap(), "it may be kept");
    assert!(other.take_lease("other", 2, NOW, NOW + 10).await.unwrap());
    assert!(other.take_lease("sweep", 2, NOW + 16, NOW + 20).await.unwrap(), "it ends");
}
