//! What an operator does at the command line.

use penstock_app::crypto::MasterKeys;
use penstock_app::settings::{Key, Value, set};
use penstock_app::store::Store;
use penstock_common::Uuid;
use penstock_sandbox::Sandbox;
use sqlx::{Connection, SqliteConnection};

use super::crash::Program;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_is_forgotten_and_the_log_is_whole() {
    let (sandbox, folder) = (Sandbox::new().unwrap(), tempfile::tempdir().unwrap());
    let (program, running) = Program::installed(&sandbox, folder.path()).await;
    drop(running);
    let tenant = sandbox.installed()[0].workspace_uuid.clone();
    let open = async || {
        let keys = MasterKeys::read(&folder.path().join("master.key")).unwrap();
        let store = Store::open_sqlite(folder.path(), keys, 0).await.unwrap();
        store.for_workspace(tenant.parse().unwrap())
    };
    let workspace = open().await;
    set(&workspace, None, &[(Key::WaitingMinutes, Some(Value::Number(7)))], "a:1", 1).await.unwrap();
    let mut write = workspace.write().await.unwrap();
    write.person("a:1", &"Ann".into(), 1).await.unwrap();
    write.person("b:2", &"Bob".into(), 1).await.unwrap();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logs_are_verified_and_the_broken_entry_is_named() {
    let (sandbox, folder) = (Sandbox::new().unwrap(), tempfile::tempdir().unwrap());
    let (program, running) = Program::installed(&sandbox, folder.path()).await;
    drop(running);
    let tenant = sandbox.installed()[0].workspace_uuid.clone();
    let write = async |minutes: std::ops::Range<u32>| {
        let keys = MasterKeys::read(&folder.path().join("master.key")).unwrap();
        let store = Store::open_sqlite(folder.path(), keys, 0).await.unwrap();
        let workspace = store.for_workspace(tenant.parse().unwrap());
        for number in minutes {
            let value = Value::Number(number);
            set(&workspace, None, &[(Key::WaitingMinutes, Some(value))], "a:1", 1).await.unwrap();
        }
        store.close().await;
    };
    write(1..4).await;
    let run = |arguments: &[&str]| {
        let output = program.command(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, told) = run(&["verify"]);
    assert!(code == Some(0) && told.contains("whole   audit log of workspace") && told.contains("3 entries"), "{told}");
    let earlier = folder.path().join("earlier.txt");
    std::fs::write(&earlier, &told).unwrap();
    let earlier = earlier.to_str().unwrap();
    let before = folder.path().join("before");
    assert_eq!(run(&["backup", before.to_str().unwrap()]).0, Some(0));
    write(4..6).await;
    let (code, told) = run(&["verify", "--against", earlier, "--workspace", &tenant]);
    assert!(code == Some(0) && told.contains("5 entries") && told.contains("1 still there, 0 not"), "{told}");
    let later = folder.path().join("later.txt");
    std::fs::write(&later, &told).unwrap();

    let (code, lines) = run(&["audit", "export", &tenant, "--after", "3"]);
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(code == Some(0) && lines.len() == 2, "{lines:?}");
    assert_eq!((&lines[0]["number"], &lines[0]["act"], &lines[0]["new"]), (&4.into(), &"set".into(), &4.into()));
    assert_eq!(lines[1]["workspace"], tenant.trim_matches(['{', '}']));

    let url = format!("sqlite://{}", folder.path().join("penstock.db").display());
    let tell = async |sql: &'static str| {
        use sqlx::{Connection as _, Executor as _};
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        connection.execute(sql).await.unwrap();
        connection.close().await.unwrap();
    };
    tell("drop trigger audit_stays").await;
    tell("update audit set body = replace(body, 'a:1', 'b:2') where number = 2").await;
    let (code, told) = run(&["verify"]);
    assert!(code == Some(1) && told.contains("entry 2 of the log was changed"), "{told}");
    tell("update audit set body = replace(body, 'b:2', 'a:1') where number = 2").await;
    assert_eq!(run(&["verify"]).0, Some(0));

    // A backup that is put back is whole; what was exported since then is missed.
    for file in ["penstock.db", "penstock.db-wal", "penstock.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(file));
    }
    std::fs::copy(before.join("penstock.db"), folder.path().join("penstock.db")).unwrap();
    assert_eq!(run(&["verify", "--against", earlier]).0, Some(0));
    let (code, told) = run(&["verify", "--against", later.to_str().unwrap()]);
    assert!(code == Some(1) && told.contains("entry 5 was exported and is missing"), "{told}");
}

/// Every file and folder below `root`, with its mode.
#[cfg(unix)]
fn modes(root: &std::path::Path) -> Vec<(String, u32)> {
    use std::os::unix::fs::PermissionsExt;
    let mut found = vec![(root.display().to_string(), root.metadata().unwrap().permissions().mode() & 0o777)];
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(modes(&path));
        } else {
            found.push((path.display().to_string(), path.metadata().unwrap().permissions().mode() & 0o777));
        }
    }
    found
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn data_and_backups_are_private_whatever_the_umask_is() {
    let sandbox = Sandbox::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("deep/data");
    let program = Program::new(&sandbox, &data);
    let mut process = program.command_under_lax_umask(&["serve"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    program.ready().await;
    let backup = data.join("backup");
    let told = program.command_under_lax_umask(&["backup", backup.to_str().unwrap()]).output().unwrap();
    let rotated = program.command_under_lax_umask(&["keys", "rotate"]).output().unwrap();
    let found = modes(&data);
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(told.status.success() && rotated.status.success(), "{told:?} {rotated:?}");
    for name in ["penstock.db", "penstock.db-wal", "penstock.db-shm", "inbox.db", "master.key", "backup/penstock.db"] {
        assert!(found.iter().any(|(path, _)| path.ends_with(name)), "{name} is missing in {found:?}");
    }
    for (path, mode) in found {
        let wanted = if std::path::Path::new(&path).is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_damaged_finding_is_reported_and_repaired() {
    let (sandbox, folder) = (Sandbox::new().unwrap(), tempfile::tempdir().unwrap());
    let (program, running) = Program::installed(&sandbox, folder.path()).await;
    drop(running);
    let tenant: Uuid = sandbox.installed()[0].workspace_uuid.parse().unwrap();
    let keys = MasterKeys::read(&folder.path().join("master.key")).unwrap();
    let store = Store::open_sqlite(folder.path(), keys, 0).await.unwrap();
    let mut write = store.for_workspace(tenant).write().await.unwrap();
    write.repository(Uuid::from([7; 16]), &"shop".into(), &"acme/shop".into(), true, 1).await.unwrap();
    write.commit().await.unwrap();
    store.close().await;
    let run = |arguments: &[&str]| {
        let output = program.command(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, told) = run(&["check"]);
    assert!(code == Some(0) && told.contains("findings: sound"), "{told}");

    let file = format!("sqlite://{}", folder.path().join("penstock.db").display());
    let mut database = SqliteConnection::connect(&file).await.unwrap();
    let damage = "insert into findings (workspace, repository, finding, category, rule, ours, path_free, status, absent, worst) \
                  select workspace, repository, randomblob(16), 'secret', 'r', randomblob(16), randomblob(16), 'nonsense', x'', 3 \
                  from repositories";
    sqlx::query(damage).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    let (code, told) = run(&["check"]);
    assert!(code == Some(1) && told.contains("findings that cannot be read: 1"), "{told}");
    assert!(told.contains("`penstock-app check --repair`"), "{told}");
    let (code, told) = run(&["check", "--repair"]);
    assert!(code == Some(0) && told.contains("findings rebuilt: 1") && told.contains("findings: sound"), "{told}");
    assert_eq!(run(&["verify"]).0, Some(0), "the logs are whole");
}
