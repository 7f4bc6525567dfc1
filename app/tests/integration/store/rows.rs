//! Runs, deliveries, wishes, settings, tokens, people: what is written is read back, once.

use penstock_app::audit::{Act, Entry};
use penstock_app::store::new_id;
use penstock_app::store::workspace::{ApprovalState, NewApproval, NewRun, NewToken, Place, RunState};
use penstock_app::track::{FindingId, RunId, Status, Triage};
use penstock_common::Uuid;
use penstock_common::delivery::{Delivery, Destination, Outcome};
use penstock_common::metrics::{Metrics, Tests};

use super::on_both;
use super::world::{NOW, World};
use crate::track::world::commit;

on_both!(
    a_run_is_kept_once,
    deliveries_are_told_newest_first,
    a_place_has_its_newest_wish,
    settings_have_two_levels,
    a_judgement_waits_once_and_ends_once,
    hooks_are_listed_and_removed,
    a_token_leads_to_its_tenant_until_it_is_revoked,
    names_are_erased,
    a_repository_is_renamed_and_goes,
    a_tenant_ends_without_a_row,
);

pub(super) fn new_run(repository: Uuid, key: &str) -> NewRun {
    NewRun {
        run: RunId(new_id()),
        repository,
        idempotency_key: key.to_owned(),
        received_at: NOW,
        started_at: NOW - 5,
        finished_at: Some(NOW - 1),
        commit: commit(1),
        branch: Some("main".into()),
        pull_request: Some(3),
        name: "penstock".into(),
        step: Some(Uuid::from([5; 16])),
        pipeline: Some(Uuid::from([6; 16])),
        actor: "step".to_owned(),
        complete: true,
        findings: 2,
        tools: "[]".to_owned(),
        metrics: Some(Metrics { tests: Some(Tests { passed: 7, ..Tests::default() }), coverage: None }),
        leaked: [0, 0, 0, 1, 0],
        document: vec![1, 2, 3],
    }
}

async fn a_run_is_kept_once(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let run = new_run(repository, "key");
    let mut write = workspace.write().await.unwrap();
    assert!(write.new_run(&run).await.unwrap());
    assert!(!write.new_run(&new_run(repository, "key")).await.unwrap());
    write.commit().await.unwrap();
    let known = workspace.run_by_key(repository, "key").await.unwrap().unwrap();
    assert_eq!((known.run, known.state, known.findings, known.answer), (run.run, RunState::Waiting, 2, None));
    assert_eq!((known.started_at, known.finished_at, known.metrics), (NOW - 5, Some(NOW - 1), run.metrics));
    assert_eq!(workspace.run_document(repository, run.run).await.unwrap(), Some(vec![1, 2, 3]));
    let mut write = workspace.write().await.unwrap();
    write.run_ended(repository, run.run, RunState::Applied, Some("other"), None, "{}").await.unwrap();
    write.commit().await.unwrap();
    let known = workspace.run(repository, run.run).await.unwrap().unwrap();
    assert_eq!((known.state, known.branch.as_deref(), known.pull_request), (RunState::Applied, Some("other"), None));
    let mut write = workspace.write().await.unwrap();
    let newer = new_run(repository, "other");
    write.new_run(&newer).await.unwrap();
    write.commit().await.unwrap();
    let listed = workspace.runs(repository, RunId(u128::MAX), 10).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.run).collect::<Vec<_>>(), [newer.run, run.run]);
    assert_eq!(workspace.runs(repository, newer.run, 10).await.unwrap().len(), 1);
    assert_eq!(workspace.runs_on(repository, commit(1)).await.unwrap().len(), 2);
    workspace.forget_old(NOW + 1, NOW).await.unwrap();
    assert!(workspace.runs(repository, RunId(u128::MAX), 10).await.unwrap().is_empty());
}

pub(super) fn delivery() -> Delivery {
    let outcome = Outcome::Skipped { reason: "no token".into(), remedy: "set one".into() };
    Delivery { destination: Destination::PrComment, outcome }
}

async fn deliveries_are_told_newest_first(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let mut write = workspace.write().await.unwrap();
    write.delivered(repository, "pipe", "a", &delivery(), NOW).await.unwrap();
    write.delivered(repository, "app", "b", &delivery(), NOW + 1).await.unwrap();
    write.commit().await.unwrap();
    let told = workspace.deliveries(repository, 10).await.unwrap();
    assert_eq!(told.iter().map(|row| row.subject.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!((told[1].outcome.as_str(), told[1].remedy.as_str()), ("skipped", "set one"));
}

pub(super) fn place(repository: Uuid) -> Place {
    Place { repository, kind: "comment".to_owned(), subject: "7".to_owned() }
}

async fn a_place_has_its_newest_wish(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let place = place(repository);
    assert!(workspace.wish(&place).await.unwrap().is_none());
    let mut write = workspace.write().await.unwrap();
    assert!(write.wish(&place, "one", NOW).await.unwrap());
    assert!(write.wish(&place, "one", NOW + 1).await.unwrap(), "it does not stand there yet");
    assert!(write.wish(&place, "two", NOW + 2).await.unwrap());
    write.posted(&place, 1, Some("4711")).await.unwrap();
    write.commit().await.unwrap();
    let wish = workspace.wish(&place).await.unwrap().unwrap();
    assert_eq!((wish.generation, wish.posted, wish.body.as_str()), (2, 1, "two"));
    assert_eq!(wish.external_id.as_deref(), Some("4711"));
    let mut write = workspace.write().await.unwrap();
    write.posted(&place, 2, None).await.unwrap();
    assert!(!write.wish(&place, "two", NOW + 3).await.unwrap(), "it stands there");
    drop(write);
    assert_eq!(workspace.wishes("comment", 10).await.unwrap(), [(place, wish)]);
    assert!(workspace.wishes("status", 10).await.unwrap().is_empty());
}

async fn settings_have_two_levels(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let mut write = workspace.write().await.unwrap();
    write.setting(None, "waiting", Some("30"), "me", NOW).await.unwrap();
    assert_eq!(write.setting(Some(repository), "waiting", Some("60"), "me", NOW).await.unwrap(), None);
    let old = write.setting(Some(repository), "waiting", Some("90"), "you", NOW + 1).await.unwrap();
    assert_eq!(old.as_deref(), Some("60"));
    write.commit().await.unwrap();
    assert_eq!(workspace.settings(None).await.unwrap()[0].value, "30");
    let set = workspace.settings(Some(repository)).await.unwrap();
    assert_eq!((set.len(), set[0].value.as_str(), set[0].updated_by.as_str()), (1, "90", "you"));
    let mut write = workspace.write().await.unwrap();
    write.setting(Some(repository), "waiting", None, "you", NOW).await.unwrap();
    write.commit().await.unwrap();
    assert!(workspace.settings(Some(repository)).await.unwrap().is_empty());
}

/// An entry of the audit log.
pub(super) fn entry(repository: Uuid) -> Entry {
    let act = Act::HookRemoved { hook: Uuid::from([4; 16]) };
    Entry { at: NOW, by: "a:1".to_owned(), through: None, repository: Some(repository), act }
}

/// A judgement that waits, in pull request 7.
pub(super) fn approval(approval: u128, repository: Uuid) -> NewApproval {
    let judgement = Triage { status: Status::WontFix, reason: "known".into(), at: NOW, ..Triage::default() };
    let (finding, proposer) = (FindingId(approval), "a:1".to_owned());
    NewApproval { approval, repository, finding, pull_request: Some(7), judgement, proposer }
}

async fn a_judgement_waits_once_and_ends_once(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let first = approval(1, repository);
    let mut write = workspace.write().await.unwrap();
    assert!(write.propose(&first, NOW).await.unwrap());
    assert!(!write.propose(&NewApproval { approval: 2, ..first.clone() }, NOW).await.unwrap(), "one waits already");
    let everywhere = NewApproval { approval: 3, pull_request: None, ..first.clone() };
    assert!(write.propose(&everywhere, NOW + 1).await.unwrap(), "everywhere is another place");
    write.commit().await.unwrap();
    let found = workspace.waiting_approval(repository, first.finding, Some(7)).await.unwrap().unwrap();
    assert_eq!((found.new, found.proposed_at, found.state), (first.clone(), NOW, ApprovalState::Waiting));
    let mut write = workspace.write().await.unwrap();
    assert!(write.end_approval(repository, 1, ApprovalState::Rejected, "b:2", NOW + 2).await.unwrap());
    assert!(!write.end_approval(repository, 1, ApprovalState::Approved, "b:2", NOW + 3).await.unwrap());
    assert!(
        write.propose(&NewApproval { approval: 4, ..first.clone() }, NOW + 4).await.unwrap(),
        "nothing waits any more"
    );
    write.commit().await.unwrap();
    let ended = workspace.approval(repository, 1).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.ended), (ApprovalState::Rejected, Some(("b:2".to_owned(), NOW + 2))));
    let ids = async |state, before| {
        let all = workspace.approvals(None, state, before, 10).await.unwrap();
        all.into_iter().map(|one| one.new.approval).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, u128::MAX).await, [4, 3, 1]);
    assert_eq!(ids(Some(ApprovalState::Waiting), 4).await, [3]);
    workspace.forget_old(NOW + 2, NOW).await.unwrap();
    assert_eq!(ids(None, u128::MAX).await, [4, 1], "what nobody ever approved goes, too");
}

async fn hooks_are_listed_and_removed(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let (first, second) = (Uuid::from([7; 16]), Uuid::from([8; 16]));
    let secret = penstock_common::Secret::new("canary");
    let mut write = workspace.write().await.unwrap();
    write.new_hook(first, repository, &secret, NOW).await.unwrap();
    write.new_hook(second, repository, &secret, NOW + 1).await.unwrap();
    write.commit().await.unwrap();
    let rows = workspace.hooks(Some(repository)).await.unwrap();
    assert_eq!(
        (rows.len(), rows[0].hook, rows[0].created_at),
        (1, second, NOW + 1),
        "a new one takes the old one's place"
    );
    assert!(world.store.system().hook(first).await.unwrap().is_none());
    let mut write = workspace.write().await.unwrap();
    assert!(!write.remove_hook(Uuid::from([9; 16]), second).await.unwrap(), "another repository's");
    assert!(write.remove_hook(repository, second).await.unwrap());
    write.commit().await.unwrap();
    assert!(workspace.hooks(None).await.unwrap().is_empty());
    assert!(world.store.system().hook(second).await.unwrap().is_none());
}

pub(super) fn new_token(token: u128, hash: u8) -> NewToken {
    NewToken {
        token,
        hash: [hash; 32],
        repository: None,
        name: "ci".to_owned(),
        scopes: "upload read".to_owned(),
        creator: "me".to_owned(),
        maker: None,
        expires_at: Some(NOW + 100),
    }
}

async fn a_token_leads_to_its_tenant_until_it_is_revoked(world: World) {
    let (workspace, _) = world.tenant(1).await;
    let (system, token) = (world.store.system(), new_id());
    let mut write = workspace.write().await.unwrap();
    write.new_token(&new_token(token, 7), NOW).await.unwrap();
    write.token_used(token, NOW + 3).await.unwrap();
    write.commit().await.unwrap();
    let known = system.token_by_hash(&[7; 32], NOW + 99).await.unwrap().unwrap();
    assert_eq!((known.workspace, known.token), (workspace.id(), token));
    assert!(system.token_by_hash(&[7; 32], NOW + 100).await.unwrap().is_none(), "it expired");
    assert!(system.token_by_hash(&[8; 32], NOW).await.unwrap().is_none());
    let row = workspace.token(token).await.unwrap().unwrap();
    assert_eq!((row.scopes.as_str(), row.last_used_at, row.revoked_at), ("upload read", Some(NOW + 3), None));
    let mut write = workspace.write().await.unwrap();
    assert!(write.revoke_token(token, NOW + 5).await.unwrap());
    assert!(!write.revoke_token(token, NOW + 6).await.unwrap());
    write.commit().await.unwrap();
    assert!(world.again().await.system().token_by_hash(&[7; 32], NOW).await.unwrap().is_none());
    assert_eq!(workspace.tokens().await.unwrap()[0].revoked_at, Some(NOW + 5));
}

async fn names_are_erased(world: World) {
    let (workspace, _) = world.tenant(1).await;
    let mut write = workspace.write().await.unwrap();
    write.person("a:1", &"Ann".into(), NOW).await.unwrap();
    write.person("a:1", &"Anne".into(), NOW).await.unwrap();
    write.person("b:2", &"Bob".into(), NOW).await.unwrap();
    write.erase_person("b:2").await.unwrap();
    write.commit().await.unwrap();
    let people = workspace.people().await.unwrap();
    assert_eq!((people.len(), people[0].name.as_str()), (1, "Anne"));
    assert_eq!(workspace.name_of("a:1").await.unwrap().as_deref(), Some("Anne"));
    assert_eq!(workspace.name_of("b:2").await.unwrap(), None);
}

async fn a_repository_is_renamed_and_goes(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let mut write = workspace.write().await.unwrap();
    write.workspace(&"new-slug".into(), &"Team".into(), NOW + 1).await.unwrap();
    write.repository(repository, &"new".into(), &"New".into(), false, NOW + 1).await.unwrap();
    write.trusted_run(repository, NOW + 2).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(workspace.row().await.unwrap().unwrap().slug.as_deref(), Some("new-slug"));
    let row = workspace.repository(repository).await.unwrap().unwrap();
    assert_eq!(
        (row.slug.as_str(), row.is_private, row.created_at, row.trusted_run_at),
        ("new", false, NOW, Some(NOW + 2))
    );
    let mut write = workspace.write().await.unwrap();
    write.repository_gone(repository, NOW + 3).await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(workspace.repositories().await.unwrap()[0].gone_at, Some(NOW + 3));
    workspace.erase_repository(repository).await.unwrap();
    assert!(workspace.repositories().await.unwrap().is_empty());
}

async fn a_tenant_ends_without_a_row(world: World) {
    for number in [1, 2] {
        super::borders::fill(&world, number).await;
    }
    let before = super::borders::dump(&world, 2).await;
    world.store.for_workspace(Uuid::from([1; 16])).erase().await.unwrap();
    let left = super::borders::dump(&world, 1).await;
    let tables: std::collections::BTreeSet<&str> = left.iter().map(|line| line.split('|').next().unwrap()).collect();
    assert_eq!(tables.into_iter().collect::<Vec<_>>(), ["installations", "tenants"], "the tombstone stays: {left:?}");
    assert_eq!(super::borders::dump(&world, 2).await, before, "and so does everything of the other one");
    let system = world.store.system();
    assert_eq!(
        system.installation("test", "installation-1").await.unwrap().unwrap().secret.expose(),
        "canary-secret-of-1"
    );
}
