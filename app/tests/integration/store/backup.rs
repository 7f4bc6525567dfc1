//! A copy that is made while the app writes is whole, and gives everything back.

use penstock_app::crypto::MasterKeys;
use penstock_app::store::{News, Store};
use penstock_app::track::RunId;

use super::rows::new_run;
use super::world::{NOW, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_while_the_app_writes_is_restored() {
    let world = World::sqlite().await;
    let (workspace, repository) = world.tenant(1).await;
    let writer = workspace.clone();
    let busy = tokio::spawn(async move {
        for number in 0..200 {
            let mut write = writer.write().await.unwrap();
            write.new_run(&new_run(repository, &format!("key-{number}"))).await.unwrap();
            write.commit().await.unwrap();
        }
    });
    for number in 0..20 {
        let (body, digest) = (format!("{number}"), News::digest("e", format!("{number}").as_bytes()));
        let news = News { tenant: workspace.id(), event: "e".to_owned(), body, digest, at: NOW };
        world.store.system().keep_news(news).await.unwrap();
    }
    let before = workspace.runs(repository, RunId(u128::MAX), 1000).await.unwrap().len();
    let copy = world.folder.path().join("copy");
    world.store.backup(&copy).await.unwrap();
    assert!(world.store.backup(&copy).await.is_err(), "nothing is overwritten");
    busy.await.unwrap();

    assert!(!copy.join("master.key").exists(), "the key is kept apart");
    let keys = MasterKeys::read(&world.folder.path().join("master.key")).unwrap();
    let restored = Store::open_sqlite(&copy, keys, NOW).await.unwrap();
    let there = restored.for_workspace(workspace.id());
    let runs = there.runs(repository, RunId(u128::MAX), 1000).await.unwrap().len();
    assert!((before..=200).contains(&runs), "{before} {runs}");
    assert_eq!(restored.system().waiting_news(100).await.unwrap().len(), 20);
    let installation = restored.system().installation("test", "installation-1").await.unwrap().unwrap();
    assert_eq!(installation.secret.expose(), "canary-secret-of-1");
    let bytes = std::fs::read(copy.join("penstock.db")).unwrap();
    assert!(!bytes.windows(6).any(|part| part == b"canary"));
}
