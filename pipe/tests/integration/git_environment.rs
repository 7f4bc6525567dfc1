//! Git's own variables, and the hook in real commits: it scans what git is about to commit.

use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;

use crate::folder::{Folder, GIT_ENVIRONMENT, leak};
use crate::run::Penstock;

/// Runs git with `penstock` on the search path. Returns whether it succeeded, and its output.
#[expect(clippy::disallowed_methods, reason = "only the real git runs hooks as git does")]
fn git(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_penstock")).parent().unwrap();
    let search = std::env::var("PATH").unwrap();
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("PATH", format!("{}:{search}", program.display()))
        .envs(GIT_ENVIRONMENT)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// A repository with a file in a folder, and the hook.
fn repository() -> Folder {
    let folder = Folder::repository();
    folder.write("sub/a.env", "nothing\n").write("b.env", "nothing\n").commit("first");
    install(folder.path());
    folder
}

fn install(folder: &Path) {
    let run = Penstock::new().args(["init", "--hook"]).dir(folder).env("GIT_CONFIG_NOSYSTEM", "1").run();
    assert!(run.code == 0 && run.stdout.contains("pre-commit"), "{}{}", run.stdout, run.stderr);
    // The tests below do not need the configuration.
    std::fs::remove_file(folder.join("penstock.toml")).unwrap();
}

/// Every form of `git commit` that gives the hook another index, in the folder of `a.env`.
const WAYS: [&[&str]; 5] = [
    &["commit", "-qam", "all"],
    &["commit", "-qm", "one", "a.env"],
    &["commit", "-qm", "one", "--only", "a.env"],
    &["commit", "-qm", "one", "--include", "a.env"],
    &["commit", "-qm", "staged"],
];

fn every_commit_is_looked_at(folder: &Path, file: &Path) {
    for way in WAYS {
        std::fs::write(file, leak(1)).unwrap();
        if way.len() == 3 && way[2] == "staged" {
            git(folder, &["add", "a.env"]);
        }
        let (passed, output) = git(folder, way);
        assert!(!passed && output.contains("a.env"), "{way:?} in {}: {output}", folder.display());
        let (passed, output) = git(folder, &["commit", "-qam", "all the same", "--no-verify"]);
        assert!(passed, "{output}");
        std::fs::write(file, "nothing\n").unwrap();
        let (passed, output) = git(folder, &["commit", "-qam", "away"]);
        assert!(passed, "{output}");
    }
}

#[test]
fn the_hook_looks_at_what_each_commit_adds() {
    let folder = repository();
    every_commit_is_looked_at(&folder.at("sub"), &folder.at("sub/a.env"));
    // What is staged in addition to the committed file is not part of the commit.
    folder.write("b.env", leak(2)).git(&["add", "b.env"]);
    folder.write("sub/a.env", "other\n");
    let (passed, output) = git(folder.path(), &["commit", "-qm", "one", "sub/a.env"]);
    assert!(passed, "{output}");
}

#[test]
fn the_hook_works_in_a_linked_work_tree_and_in_a_submodule() {
    let folder = repository();
    let trees = Folder::new();
    let tree = trees.at("tree");
    folder.git(&["worktree", "add", "-q", "-b", "other", tree.to_str().unwrap()]);
    every_commit_is_looked_at(&tree.join("sub"), &tree.join("sub/a.env"));

    let outer = Folder::repository();
    let url = folder.path().to_str().unwrap();
    outer.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", url, "module"]);
    outer.commit("with a submodule");
    install(&outer.at("module"));
    every_commit_is_looked_at(&outer.at("module/sub"), &outer.at("module/sub/a.env"));
}

#[test]
fn a_hook_without_its_program_says_what_to_do() {
    let folder = repository();
    folder.write("b.env", "more\n");
    let hook = folder.at(".git/hooks/pre-commit");
    #[expect(clippy::disallowed_methods, reason = "the hook is a script")]
    let output = Command::new("/bin/sh").arg(hook).env("PATH", "/nowhere").current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let output = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.contains("PATH") && output.contains("git commit --no-verify"), "{output}");
}

#[test]
fn variables_name_the_repository_as_they_do_for_git() {
    let folder = Folder::repository();
    folder.write("old.env", leak(1)).commit("first");
    folder.write("staged.env", leak(2)).git(&["add", "staged.env"]);
    folder.git(&["mv", "old.env", "kept.env"]);
    folder.commit("second");
    let other = Folder::new();
    other.write("plain.env", leak(3));
    let git_dir = folder.at(".git");
    let git_dir = git_dir.to_str().unwrap();
    let root = folder.path().to_str().unwrap();
    let run = |folder: &Path, arguments: &[&str], variables: &[(&str, &str)]| {
        let scan = Penstock::scan().args(arguments).dir(folder);
        variables.iter().fold(scan, |scan, (name, value)| scan.env(name, value)).run().summary()
    };
    let both = [("GIT_DIR", git_dir), ("GIT_WORK_TREE", root)];
    assert_snapshot!(run(other.path(), &["--history"], &both), @r"
    exit 1
    old.env:1 gitlab-pat
    staged.env:1 gitlab-pat
    ");
    assert_snapshot!(run(other.path(), &["--range", "HEAD~1..HEAD"], &[("GIT_DIR", git_dir)]), @r"
    exit 1
    staged.env:1 gitlab-pat
    ");
    // A path outside the work tree does not belong to that repository.
    assert_snapshot!(run(other.path(), &["plain.env"], &both), @r"
    exit 1
    plain.env:1 gitlab-pat
    ");
    assert_snapshot!(run(&folder.at(".git"), &["--staged"], &both), @"exit 0");
    let wrong = run(other.path(), &["--history"], &[("GIT_DIR", "nowhere")]);
    assert_snapshot!(wrong, @r"
    exit 2
    error: `GIT_DIR` names `nowhere`, which is no git folder
    hint: correct the variable, or unset it to search from the current folder
    ");
    std::fs::create_dir(folder.at("deep")).unwrap();
    assert_snapshot!(run(&folder.at("deep"), &["--staged"], &[("GIT_CEILING_DIRECTORIES", root)]), @r"
    exit 2
    error: `.` is not in a git repository
    hint: run it inside a clone; outside of git, `penstock scan PATH` reads plain files
    ");
}

#[test]
fn another_index_and_other_objects_are_read() {
    let folder = Folder::repository();
    folder.write("a.env", "nothing\n").commit("first");
    folder.write("a.env", leak(1)).git(&["add", "a.env"]);
    std::fs::rename(folder.at(".git/index"), folder.at(".git/other")).unwrap();
    folder.git(&["read-tree", "HEAD"]);
    let staged =
        |name: &str, value: &str, at: &Path| Penstock::scan().arg("--staged").env(name, value).dir(at).run().findings();
    std::fs::create_dir(folder.at("sub")).unwrap();
    let leaked = ["a.env:1 gitlab-pat"];
    assert_eq!(staged("GIT_INDEX_FILE", ".git/other", folder.path()), leaked);
    assert_eq!(staged("GIT_INDEX_FILE", ".git/other", &folder.at("sub")), leaked, "from the top of the work tree");
    assert_eq!(staged("GIT_INDEX_FILE", folder.at(".git/other").to_str().unwrap(), folder.path()), leaked);
    assert_eq!(staged("GIT_INDEX_FILE", "", folder.path()), Vec::<String>::new());

    // While a server's hooks run, received objects are in a quarantine folder.
    let server = Folder::new();
    server.git(&["clone", "-q", "--bare", folder.path().to_str().unwrap(), "bare"]);
    folder.commit("pushed");
    let pushed = folder.git(&["rev-parse", "HEAD"]);
    let old = folder.git(&["rev-parse", "HEAD~"]);
    let quarantine = server.at("bare/objects/incoming");
    std::fs::create_dir_all(quarantine.join("pack")).unwrap();
    for id in folder.git(&["rev-list", "--objects", "--no-object-names", "HEAD", "^HEAD~"]).lines() {
        let at = format!("{}/{}", &id[..2], &id[2..]);
        std::fs::create_dir_all(quarantine.join(&id[..2])).unwrap();
        std::fs::copy(folder.at(".git/objects").join(&at), quarantine.join(&at)).unwrap();
    }
    let own = server.at("bare/objects");
    let range = format!("{old}..{pushed}");
    let scan = || Penstock::scan().args(["--range", &range]).dir(&server.at("bare"));
    assert_eq!(scan().run().code, 2);
    let in_hook = scan()
        .env("GIT_DIR", ".")
        .env("GIT_OBJECT_DIRECTORY", quarantine.to_str().unwrap())
        .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", own.to_str().unwrap())
        .run();
    assert_eq!(in_hook.findings(), leaked, "{}", in_hook.summary());
}
