//! What an operator does at the command line.

use penstock_app::crypto::MasterKeys;
use penstock_app::settings::{Key, Value, set};
use penstock_app::store::Store;
use penstock_sandbox::{Install, Sandbox};

use super::crash::Program;
use super::world::{REPOSITORY, WORKSPACE};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_is_forgotten_and_the_log_is_whole() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = Sandbox::new().unwrap();
    sandbox.repository(REPOSITORY).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = Program::new(&sandbox, folder.path());
    let mut process = program.start();
    program.ready().await;
    let descriptor = format!("{}/atlassian-connect.json", program.base);
    tokio::task::block_in_place(|| sandbox.install(&Install::new(WORKSPACE, &descriptor))).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    let tenant = sandbox.installed()[0].workspace_uuid.clone();
    let open = async || {
        let keys = MasterKeys::read(&folder.path().join("master.key")).unwrap();
        let store = Store::open_sqlite(folder.path(), keys, 0).await.unwrap();
        store.for_workspace(tenant.parse().unwrap())
    };
    let workspace = open().await;
    set(&workspace, None, &[(Key::WaitingMinutes, Some(Value::Number(7)))], "a:1", 1).await.unwrap();
    let mut write = workspace.write().await.unwrap();
    write.person("a:1", "Ann", 1).await.unwrap();
    write.person("b:2", "Bob", 1).await.unwrap();
    write.commit().await.unwrap();
    drop(workspace);

    let forget = |account: &str| program.command(&["tenants", "forget", &tenant, account]).output().unwrap();
    let told = forget("a:1");
    assert!(told.status.success(), "{told:?}");
    assert!(!forget("a:1").status.success(), "it is not kept any more");
    let workspace = open().await;
    let names: Vec<_> = workspace.people().await.unwrap().into_iter().map(|person| person.name).collect();
    assert_eq!(names, ["Bob"]);
    assert_eq!(workspace.audit(None, u64::MAX, 9).await.unwrap()[0].1.by, "a:1");
    assert_eq!(workspace.verify_audit().await.unwrap(), Ok(1));
}
