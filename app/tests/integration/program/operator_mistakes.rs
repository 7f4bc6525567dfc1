//! What an operator gets wrong: a path, a key file, a variable, a server. Each is named, and
//! nothing is made because of it.

use std::path::Path;
use std::process::Output;

use penstock_sandbox::Sandbox;
use tokio::net::TcpListener;

use super::crash::{Program, Running};
use crate::store::world::{database, login};

/// Every command that works on a database that is there.
const COMMANDS: [&[&str]; 8] = [
    &["check"],
    &["verify"],
    &["keys", "rotate"],
    &["queue", "list"],
    &["queue", "retry", "all"],
    &["tenants", "list"],
    &["tokens", "list", "--workspace", "00000000-0000-0000-0000-000000000001"],
    &["audit", "export", "00000000-0000-0000-0000-000000000001"],
];

fn refused(output: &Output, words: &[&str]) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(2 | 3)), "{output:?}");
    for word in words {
        assert!(told.contains(word), "{word}: {told}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_serve_and_migrate_make_a_database() {
    let (sandbox, folder) = (Sandbox::new().unwrap(), tempfile::tempdir().unwrap());
    let backup = folder.path().join("backup");
    let with_backup = [&["backup", backup.to_str().unwrap()][..]];
    let commands = || COMMANDS.into_iter().chain(with_backup);
    // There is no folder; an empty one; one with files of another program; one that lost a file.
    let missing = folder.path().join("missing");
    for arguments in commands() {
        refused(
            &Program::new(&sandbox, &missing).command(arguments).output().unwrap(),
            &["DATA_DIR", "no database", "missing"],
        );
        assert!(!missing.exists(), "{arguments:?}");
    }
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for content in [None, Some("notes.txt"), Some("penstock.db"), Some("inbox.db")] {
        if let Some(name) = content {
            std::fs::write(empty.join(name), "").unwrap();
        }
        for arguments in commands() {
            refused(&Program::new(&sandbox, &empty).command(arguments).output().unwrap(), &["DATA_DIR", "no database"]);
            assert_eq!(names(&empty), content.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{arguments:?}");
        }
        if let Some(name) = content {
            std::fs::remove_file(empty.join(name)).unwrap();
        }
    }
    assert!(!backup.exists());
    // `migrate` makes one, and they work.
    let program = Program::new(&sandbox, &empty);
    assert!(program.command(&["migrate"]).output().unwrap().status.success());
    assert!(program.command(&["queue", "list"]).output().unwrap().status.success());
    assert!(program.command(with_backup[0]).output().unwrap().status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_folder_is_served_by_one_program() {
    let (sandbox, folder) = (Sandbox::new().unwrap(), tempfile::tempdir().unwrap());
    let program = Program::new(&sandbox, folder.path());
    let first = Running(program.start());
    program.ready().await;
    let another = Program::new(&sandbox, folder.path());
    for command in ["serve", "migrate"] {
        refused(&another.command(&[command]).output().unwrap(), &["DATA_DIR", "another"]);
    }
    let backup = folder.path().join("backup");
    for arguments in [&["check"][..], &["backup", backup.to_str().unwrap()], &["keys", "rotate"], &["verify"]] {
        let output = program.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?} {output:?}");
    }
    program.ready().await;
    // However the first one ends, the next one may serve.
    drop(first);
    let _second = Running(program.start());
    program.ready().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_that_is_missing_is_not_replaced() {
    let (sandbox, folder) = (Sandbox::new().unwrap(), tempfile::tempdir().unwrap());
    let program = Program::new(&sandbox, folder.path());
    assert!(program.command(&["migrate"]).output().unwrap().status.success());
    let (key, aside) = (folder.path().join("master.key"), folder.path().join("aside"));
    std::fs::rename(&key, &aside).unwrap();
    for arguments in [&["serve"][..], &["migrate"]].into_iter().chain(COMMANDS) {
        refused(&program.command(arguments).output().unwrap(), &["MASTER_KEY_FILE", "does not exist"]);
        assert!(!key.exists(), "{arguments:?}");
    }
    std::fs::rename(&aside, &key).unwrap();
    assert!(program.command(&["queue", "list"]).output().unwrap().status.success());
}

/// A program with another database, and a key for it.
fn elsewhere(program: &Program, key: &Path, variable: &str, url: &str, arguments: &[&str]) -> Output {
    let mut command = program.command(arguments);
    command.env("MASTER_KEY_FILE", key).env("DATABASE_URL", url).env(variable, url);
    command.output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_cannot_be_used_is_named_with_the_cause() {
    let (sandbox, folder) = (Sandbox::new().unwrap(), tempfile::tempdir().unwrap());
    let program = Program::new(&sandbox, folder.path());
    let key = folder.path().join("master.key");
    penstock_app::crypto::MasterKeys::read_or_create(&key).unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (silent_at, closed_at) = (silent.local_addr().unwrap().to_string(), closed.local_addr().unwrap().to_string());
    drop(closed);
    let mut cases = vec![
        (format!("postgres://someone:canary@{closed_at}/p"), vec!["refused".to_owned(), closed_at]),
        (format!("postgres://someone:canary@{silent_at}/p"), vec!["timed out".to_owned(), silent_at]),
        (
            "postgres://someone:canary@no-such-host.invalid/p".to_owned(),
            vec!["cannot be reached".to_owned(), "no-such-host.invalid:5432".to_owned()],
        ),
    ];
    if let Some(owner) = database().await {
        let folder = owner.split_once("host=").unwrap().1.to_owned();
        let login = login(&owner).expose().to_owned();
        let (start, end) = login.split_once('?').unwrap();
        cases.push((
            login.replace("penstock_run", "nobody_here"),
            vec!["no such role".to_owned(), "nobody_here".to_owned(), folder.clone()],
        ));
        cases.push((format!("{start}x?{end}"), vec!["no such database".to_owned(), folder.clone()]));
        cases.push((login, vec!["not migrated".to_owned(), folder]));
    }
    for (url, words) in &cases {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for (variable, arguments) in [("DATABASE_URL", &["check"]), ("MIGRATE_DATABASE_URL", &["migrate"])] {
            if variable == "MIGRATE_DATABASE_URL" && words.contains(&"not migrated") {
                continue;
            }
            let output = elsewhere(&program, &key, variable, url, arguments);
            refused(&output, &words);
            refused(&output, &[&format!("{variable}: ")]);
            assert!(!format!("{output:?}").contains("canary"), "{output:?}");
        }
    }
}
