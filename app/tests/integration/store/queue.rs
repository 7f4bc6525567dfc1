//! Jobs and webhooks.

use std::collections::BTreeSet;

use penstock_app::store::system::{Job, Subject, Turn};
use penstock_app::store::{News, Workspace};
use penstock_common::Uuid;

use super::on_both;
use super::world::{NOW, World};

on_both!(
    a_wish_merges_into_one_that_waits_and_not_into_one_that_is_done,
    a_repository_is_worked_on_by_one,
    every_tenant_has_his_turn,
    ten_thousand_jobs_of_one_tenant_hold_up_no_other,
    whose_jobs_take_long_holds_up_no_other,
    a_lost_worker_loses_his_job,
    what_failed_too_often_is_kept_and_can_be_tried_again,
    the_same_news_counts_once_and_stays_until_it_is_handled,
    many_news_at_once_are_all_kept,
    news_of_one_tenant_hold_up_no_other,
);

fn subject(repository: Option<Uuid>, subject: &str) -> Subject {
    Subject { repository, kind: "test", subject: subject.to_owned() }
}

async fn wish(workspace: &Workspace, repository: Option<Uuid>, name: &str, run_at: i64) {
    let mut write = workspace.write().await.unwrap();
    write.job(&subject(repository, name), run_at, NOW).await.unwrap();
    write.commit().await.unwrap();
}

async fn claim(world: &World, now: i64) -> Option<Job> {
    world.store.system().claim_job(Turn::Any, 1, now, now + 100).await.unwrap()
}

async fn a_wish_merges_into_one_that_waits_and_not_into_one_that_is_done(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    wish(&workspace, Some(repository), "a", NOW + 50).await;
    wish(&workspace, Some(repository), "a", NOW + 10).await;
    wish(&workspace, Some(repository), "a", NOW + 70).await;
    assert!(claim(&world, NOW + 9).await.is_none());
    assert_eq!(world.store.system().next_job_at().await.unwrap(), Some(NOW + 10));
    let job = claim(&world, NOW + 10).await.unwrap();
    assert_eq!(
        (job.subject.as_str(), job.attempts, job.workspace, job.repository),
        ("a", 1, workspace.id(), Some(repository))
    );
    wish(&workspace, Some(repository), "a", NOW).await;
    world.store.system().finish_job(job.id, 1).await.unwrap();
    let again = claim(&world, NOW + 11).await.unwrap();
    assert_ne!(again.id, job.id, "what came while it was done is done again");
    // It is wished for once more, and this one gives up: one of the two is enough.
    wish(&workspace, Some(repository), "a", NOW).await;
    world.store.system().retry_job(again.id, 1, NOW + 20).await.unwrap();
    assert_eq!(world.store.system().queue_state(NOW).await.unwrap().waiting, 1);
}

async fn a_repository_is_worked_on_by_one(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let other = Uuid::from([77; 16]);
    for (repository, name) in [(Some(repository), "a"), (Some(repository), "b"), (Some(other), "c"), (None, "d")] {
        wish(&workspace, repository, name, NOW).await;
    }
    let (one, two) = (world.store.system(), world.again().await.system());
    let mut names = BTreeSet::new();
    for system in [&one, &two, &one] {
        names.insert(system.claim_job(Turn::Any, 1, NOW, NOW + 100).await.unwrap().unwrap().subject);
    }
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "c", "d"]);
    assert!(two.claim_job(Turn::Any, 2, NOW, NOW + 100).await.unwrap().is_none(), "`b` waits for `a`");
}

async fn every_tenant_has_his_turn(world: World) {
    let (loud, _) = world.tenant(1).await;
    let (quiet, _) = world.tenant(2).await;
    for number in 0..50_u8 {
        wish(&loud, Some(Uuid::from([number; 16])), "x", NOW).await;
    }
    wish(&quiet, None, "y", NOW + 1).await;
    let first = claim(&world, NOW + 1).await.unwrap();
    let second = claim(&world, NOW + 2).await.unwrap();
    let tenants: BTreeSet<_> = [first.workspace, second.workspace].into();
    assert_eq!(tenants.len(), 2, "a tenant with one job waits for one job of another one at most");
}

/// Counted in jobs, not in time: between a wish of the quiet one and its turn, the loud one gets what is under way and nothing more.
async fn ten_thousand_jobs_of_one_tenant_hold_up_no_other(world: World) {
    let (loud, _) = world.tenant(1).await;
    let (quiet, _) = world.tenant(2).await;
    let mut write = loud.write().await.unwrap();
    for number in 0..10_000_u128 {
        write.job(&subject(Some(Uuid::from(number + 1)), "x"), NOW, NOW).await.unwrap();
    }
    write.commit().await.unwrap();
    let system = world.store.system();
    let mut now = NOW;
    let mut held = Vec::new();
    for round in 0..5 {
        // Four workers: whoever is done takes the next one.
        for _ in 0..20 {
            now += 1;
            held.push(claim(&world, now).await.unwrap());
            if held.len() > 4 {
                system.finish_job(held.remove(0).id, 1).await.unwrap();
            }
        }
        assert!(held.iter().all(|job| job.workspace == loud.id()));
        wish(&quiet, None, &format!("y{round}"), now).await;
        now += 1;
        let next = claim(&world, now).await.unwrap();
        assert_eq!(next.workspace, quiet.id(), "round {round}: no job of the loud one comes before");
        system.finish_job(next.id, 1).await.unwrap();
    }
    assert_eq!(system.queue_state(now).await.unwrap().waiting, 10_000 - 100);
}

async fn whose_jobs_take_long_holds_up_no_other(world: World) {
    let (slow, _) = world.tenant(1).await;
    let (quick, _) = world.tenant(2).await;
    for number in 1..=9_u128 {
        wish(&slow, Some(Uuid::from(number)), "x", NOW).await;
    }
    let system = world.store.system();
    let reserve = async |now| system.claim_job(Turn::Unserved, 2, now, now + 100).await.unwrap();
    let first = reserve(NOW + 1).await.unwrap();
    assert_eq!(first.workspace, slow.id(), "who is alone is served by all");
    for at in 2..=5 {
        assert_eq!(claim(&world, NOW + at).await.unwrap().workspace, slow.id());
    }
    assert!(reserve(NOW + 6).await.is_none(), "it is kept for somebody else");
    wish(&quick, None, "y", NOW + 7).await;
    assert_eq!(reserve(NOW + 7).await.unwrap().workspace, quick.id());
    assert!(reserve(NOW + 8).await.is_none());
}

async fn a_lost_worker_loses_his_job(world: World) {
    let (workspace, _) = world.tenant(1).await;
    wish(&workspace, None, "a", NOW).await;
    let system = world.store.system();
    let job = system.claim_job(Turn::Any, 1, NOW, NOW + 10).await.unwrap().unwrap();
    assert_eq!(system.reap_jobs(NOW + 10).await.unwrap(), 0);
    assert!(system.extend_job(job.id, 1, NOW + 20).await.unwrap());
    assert!(!system.extend_job(job.id, 2, NOW + 99).await.unwrap(), "only its owner keeps it");
    assert_eq!(system.reap_jobs(NOW + 11).await.unwrap(), 0);
    assert_eq!(system.reap_jobs(NOW + 21).await.unwrap(), 1);
    let again = system.claim_job(Turn::Any, 2, NOW + 21, NOW + 30).await.unwrap().unwrap();
    assert_eq!((again.id, again.attempts), (job.id, 2));
    system.finish_job(job.id, 1).await.unwrap();
    assert_eq!(system.queue_state(NOW).await.unwrap().taken, 1, "who lost it cannot end it");
}

async fn what_failed_too_often_is_kept_and_can_be_tried_again(world: World) {
    let (workspace, _) = world.tenant(1).await;
    wish(&workspace, None, "a", NOW).await;
    let system = world.store.system();
    let job = claim(&world, NOW).await.unwrap();
    let mut write = workspace.write().await.unwrap();
    write.job_failed(job.id, "Bitbucket does not answer", NOW).await.unwrap();
    write.commit().await.unwrap();
    system.bury_job(job.id, 1).await.unwrap();
    assert_eq!(workspace.job_failure(job.id).await.unwrap().as_deref(), Some("Bitbucket does not answer"));
    let dead = system.dead_jobs(10).await.unwrap();
    assert_eq!((dead.len(), dead[0].job.id), (1, job.id));
    assert!(claim(&world, NOW + 1000).await.is_none());
    assert!(system.replay_job(job.id, NOW).await.unwrap());
    assert!(!system.replay_job(job.id, NOW).await.unwrap());
    let again = claim(&world, NOW).await.unwrap();
    system.bury_job(again.id, 1).await.unwrap();
    assert!(system.drop_job(again.id).await.unwrap());
    assert!(!system.drop_job(again.id).await.unwrap());
}

fn news(tenant: Uuid, body: &str) -> News {
    let digest = News::digest("repo:push", body.as_bytes());
    News { tenant, event: "repo:push".to_owned(), body: body.to_owned(), digest, at: NOW }
}

async fn the_same_news_counts_once_and_stays_until_it_is_handled(world: World) {
    let (workspace, _) = world.tenant(1).await;
    let system = world.store.system();
    assert!(system.keep_news(news(workspace.id(), "{}")).await.unwrap());
    assert!(!system.keep_news(news(workspace.id(), "{}")).await.unwrap());
    let (other, _) = world.tenant(2).await;
    assert!(system.keep_news(news(other.id(), "{}")).await.unwrap(), "another tenant's is another one");
    let waiting = world.again().await.system().waiting_news(10).await.unwrap();
    assert_eq!(waiting.len(), 2);
    let told = workspace.news(waiting[0].id).await.unwrap().unwrap();
    assert_eq!((told.event.as_str(), told.body.as_slice()), ("repo:push", b"{}".as_slice()));
    assert!(other.news(waiting[0].id).await.unwrap().is_none());
    system.news_handled(&[waiting[0].id], NOW + 5).await.unwrap();
    assert_eq!(system.waiting_news(10).await.unwrap(), waiting[1..]);
    assert!(!system.keep_news(news(workspace.id(), "{}")).await.unwrap(), "it is still known");
    let old = system.old_news(workspace.id(), NOW + 6, 10).await.unwrap();
    assert_eq!(old, waiting[..1]);
    assert!(system.old_news(other.id(), NOW + 6, 10).await.unwrap().is_empty(), "another tenant's are his own");
    system.forget_news(&old).await.unwrap();
    assert!(workspace.news(waiting[0].id).await.unwrap().is_none());
}

async fn news_of_one_tenant_hold_up_no_other(world: World) {
    let ((loud, _), (quiet, _)) = (world.tenant(1).await, world.tenant(2).await);
    let system = world.store.system();
    for number in 0..150 {
        system.keep_news(news(loud.id(), &format!("{{\"n\":{number}}}"))).await.unwrap();
    }
    let late = News { at: NOW + 1000, ..news(quiet.id(), "{}") };
    system.keep_news(late).await.unwrap();
    let waiting = system.waiting_news(100).await.unwrap();
    let of = |tenant: Uuid| waiting.iter().filter(|one| one.workspace == tenant).count();
    assert_eq!((of(quiet.id()), of(loud.id())), (1, 50));
    let ids: Vec<u128> = waiting.iter().map(|one| one.id).collect();
    system.news_handled(&ids, NOW).await.unwrap();
    assert_eq!(system.waiting_news(100).await.unwrap().len(), 100, "without others it has all of it");
}

async fn many_news_at_once_are_all_kept(world: World) {
    let (workspace, _) = world.tenant(1).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..300 {
        let (system, tenant) = (world.store.system(), workspace.id());
        tasks.spawn(
            async move { system.keep_news(news(tenant, &format!("{{\"n\":{}}}", number % 200))).await.unwrap() },
        );
    }
    let new = tasks.join_all().await.into_iter().filter(|new| *new).count();
    assert_eq!(new, 200);
    assert_eq!(world.again().await.system().waiting_news(1000).await.unwrap().len(), 200);
}
