//! The audit log: nothing in it is changed, left out or put in between unnoticed.

use penstock_app::audit::{Act, Entry};
use penstock_app::store::Workspace;
use penstock_app::track::chain::Broken;
use penstock_common::Uuid;
use sqlx::{Connection, PgConnection};

use super::on_both;
use super::rows::entry;
use super::world::{NOW, World};

on_both!(
    entries_are_paged_and_believed,
    copies_write_one_log,
    a_change_is_noticed,
    what_is_not_written_leaves_no_entry
);

async fn add(workspace: &Workspace, entry: &Entry) {
    let mut write = workspace.write().await.unwrap();
    write.audit(entry).await.unwrap();
    write.commit().await.unwrap();
}

async fn numbers(workspace: &Workspace, repository: Option<Uuid>, before: u64) -> Vec<u64> {
    workspace.audit(repository, before, 3).await.unwrap().into_iter().map(|(number, _)| number).collect()
}

async fn entries_are_paged_and_believed(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    assert_eq!(workspace.verify_audit().await.unwrap(), Ok(0));
    for _ in 0..4 {
        add(&workspace, &entry(repository)).await;
    }
    add(&workspace, &Entry { repository: None, ..entry(repository) }).await;
    assert_eq!(numbers(&workspace, None, u64::MAX).await, [5, 4, 3]);
    assert_eq!(numbers(&workspace, None, 3).await, [2, 1]);
    assert_eq!(numbers(&workspace, Some(repository), u64::MAX).await, [4, 3, 2]);
    assert!(numbers(&workspace, Some(Uuid::from([9; 16])), u64::MAX).await.is_empty());
    assert_eq!(workspace.audit(None, 2, 1).await.unwrap(), [(1, entry(repository))]);
    assert_eq!(workspace.verify_audit().await.unwrap(), Ok(5));
}

async fn copies_write_one_log(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let copies = [world.store.clone(), world.again().await];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let workspace = copies[number % 2].for_workspace(workspace.id());
        tasks.spawn(async move { add(&workspace, &entry(repository)).await });
    }
    tasks.join_all().await;
    assert_eq!(workspace.verify_audit().await.unwrap(), Ok(20));
}

async fn a_change_is_noticed(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    // More than are checked at a time.
    let mut write = workspace.write().await.unwrap();
    for _ in 0..1003 {
        write.audit(&entry(repository)).await.unwrap();
    }
    write.commit().await.unwrap();
    assert_eq!(workspace.verify_audit().await.unwrap(), Ok(1003));
    if let Some(url) = &world.postgres {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query("set role penstock_app").execute(&mut connection).await.unwrap();
        let refused = sqlx::query("update audit set body = '{}'").execute(&mut connection).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{refused}");
    } else {
        let mut connection = world.raw("penstock.db").await;
        let refused = sqlx::query("update audit set body = '{}'").execute(&mut connection).await.unwrap_err();
        assert!(refused.to_string().contains("never changed"), "{refused}");
        world.ask("drop trigger audit_stays").await;
    }
    world.ask("update audit set body = replace(body, 'a:1', 'b:2') where number = 700 returning 'x'").await;
    assert_eq!(workspace.verify_audit().await.unwrap(), Err(Broken::Changed(700)));
    world.ask("update audit set body = replace(body, 'b:2', 'a:1') where number = 700 returning 'x'").await;
    assert_eq!(workspace.verify_audit().await.unwrap(), Ok(1003));
    world.ask("delete from audit where number = 1003 returning 'x'").await;
    assert_eq!(workspace.verify_audit().await.unwrap(), Err(Broken::End { expected: 1003, found: 1002 }));
    world.ask("delete from audit where number = 2 returning 'x'").await;
    assert_eq!(workspace.verify_audit().await.unwrap(), Err(Broken::Gap { expected: 2, found: 3 }));
}

async fn what_is_not_written_leaves_no_entry(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let mut write = workspace.write().await.unwrap();
    write.setting(None, "a", Some("1"), "me", NOW).await.unwrap();
    let act = Act::Set { name: "a".to_owned(), old: None, new: Some(1.into()) };
    write.audit(&Entry { act, ..entry(repository) }).await.unwrap();
    drop(write);
    assert!(workspace.settings(None).await.unwrap().is_empty());
    assert!(workspace.audit(None, u64::MAX, 10).await.unwrap().is_empty());
    add(&workspace, &entry(repository)).await;
    assert_eq!(workspace.verify_audit().await.unwrap(), Ok(1));
}
