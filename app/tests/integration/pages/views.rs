//! For how long a signed address works, and the view that it becomes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use penstock_sandbox::Permission;

use super::visitor::{Visit, enter, person, repository};
use crate::program::uploads::Scene;
use crate::program::world::{APP, REPOSITORY, WORKSPACE};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// A scene whose app has a clock that can be set ahead of the sandbox's, in milliseconds.
async fn scene(folder: &std::path::Path) -> (Scene, Arc<AtomicI64>) {
    let (scene, ahead) = Scene::with_clock(None, folder).await;
    // The repository is known from here on: no requests to the sandbox, whose clock differs.
    scene.app.scan(&scene.sandbox, &scene.sandbox.branch_step(REPOSITORY, "main").unwrap(), &[]).await;
    (scene, ahead)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_signed_address_works_for_a_minute_after_its_first_use() {
    let folder = tempfile::tempdir().unwrap();
    let (scene, ahead) = scene(folder.path()).await;
    let reader = person(&scene, "Rea Reader", Permission::Read);
    let sign = || scene.sandbox.frame(APP, WORKSPACE, "repository-panel", &repository(&reader)).unwrap();
    let url = sign();
    // Time before the first use does not count.
    ahead.store(10 * MINUTE, Ordering::Relaxed);
    let first = enter(&url).await.unwrap();
    ahead.store(10 * MINUTE + 30 * SECOND, Ordering::Relaxed);
    let reloaded = enter(&url).await.unwrap();
    assert_ne!(first, reloaded, "each has a handle of its own");
    // The second use does not make it work for longer.
    ahead.store(11 * MINUTE + 20 * SECOND, Ordering::Relaxed);
    let late = enter(&url).await.unwrap_err();
    assert_eq!(late.status, 401);
    assert!(late.text().contains("This address was used before"), "{}", late.text());
    let other = scene.sandbox.frame(APP, WORKSPACE, "repository-page", &repository(&reader)).unwrap();
    let mut visit = Visit::through(&scene, &other).await;
    visit.handle = handle(&first);
    assert_eq!(visit.get("overview").await.status, 200, "a view that was opened in time goes on");
}

/// A person who loses the right has signed addresses, used and unused: they prove what was so when
/// they were signed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_address_that_was_kept_for_later_proves_no_right_that_was_lost_since() {
    let folder = tempfile::tempdir().unwrap();
    let (scene, ahead) = scene(folder.path()).await;
    let reader = person(&scene, "Rea Reader", Permission::Read);
    let sign = |place| scene.sandbox.frame(APP, WORKSPACE, place, &repository(&reader)).unwrap();
    let (used, kept) = (sign("repository-panel"), sign("repository-page"));
    let visit = Visit::through(&scene, &used).await;
    assert_eq!(visit.get("overview").await.status, 200);
    scene.sandbox.permit(REPOSITORY, &reader, Permission::None).unwrap();
    ahead.store(6 * MINUTE, Ordering::Relaxed);
    assert_eq!(enter(&kept).await.unwrap_err().status, 403);
    let again = enter(&used).await.unwrap_err();
    assert!([401, 403].contains(&again.status), "{}", again.status);
    ahead.store(7 * MINUTE, Ordering::Relaxed);
    assert_eq!(visit.get("overview").await.status, 403);
}

fn handle(to: &str) -> String {
    to.trim_start_matches("../../s/").split('/').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_view_ends_an_hour_after_the_host_signed_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let (scene, ahead) = scene(folder.path()).await;
    let reader = person(&scene, "Rea Reader", Permission::Read);
    let url = scene.sandbox.frame(APP, WORKSPACE, "repository-panel", &repository(&reader)).unwrap();
    ahead.store(50 * MINUTE, Ordering::Relaxed);
    let visit = Visit::through(&scene, &url).await;
    ahead.store(58 * MINUTE, Ordering::Relaxed);
    assert_eq!(visit.get("overview").await.status, 200);
    // Eleven minutes after admission, and used all the time.
    ahead.store(61 * MINUTE, Ordering::Relaxed);
    let ended = visit.get("overview").await;
    assert!(ended.status == 401 && ended.text().contains("This view is over"), "{}", ended.text());
}
