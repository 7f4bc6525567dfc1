//! `penstock init --hook`: the hook is written where git looks, or the output explains why not.

use std::fs;

use crate::folder::Folder;
use crate::run::{Penstock, Told};

fn init(folder: &Folder, variables: &[(&str, &str)]) -> Told {
    let run = Penstock::new().args(["init", "--hook"]).dir(folder.path()).env("GIT_CONFIG_NOSYSTEM", "1");
    let told = variables.iter().fold(run, |run, (name, value)| run.env(name, value)).run();
    assert_eq!(told.code, 0, "{}{}", told.stdout, told.stderr);
    told
}

#[track_caller]
fn says(told: &Told, words: &[&str]) {
    for word in words {
        assert!(told.stdout.contains(word), "`{word}` is missing in\n{}", told.stdout);
    }
}

/// Whether the hook that git itself finds is ours.
fn is_where_git_looks(folder: &Folder) -> bool {
    let hooks = folder.git(&["rev-parse", "--git-path", "hooks/pre-commit"]);
    fs::read_to_string(folder.at(hooks)).is_ok_and(|text| text.contains("penstock scan --staged"))
}

#[test]
fn the_hook_is_where_git_looks() {
    let folder = Folder::repository();
    init(&folder, &[]);
    assert!(is_where_git_looks(&folder));
    says(&init(&folder, &[]), &["runs penstock already"]);

    let folder = Folder::repository();
    folder.git(&["config", "core.hooksPath", ".githooks"]);
    init(&folder, &[]);
    assert!(folder.at(".githooks/pre-commit").exists() && is_where_git_looks(&folder));

    let folder = Folder::repository();
    folder.write(".git/more", "[core]\n\thooksPath = included\n");
    folder.git(&["config", "include.path", "more"]);
    init(&folder, &[]);
    assert!(folder.at("included/pre-commit").exists() && is_where_git_looks(&folder));

    let folder = Folder::repository();
    folder.git(&["config", "extensions.worktreeConfig", "true"]);
    folder.git(&["config", "core.hooksPath", "weaker"]);
    folder.git(&["config", "--worktree", "core.hooksPath", "stronger"]);
    init(&folder, &[]);
    assert!(folder.at("stronger/pre-commit").exists() && is_where_git_looks(&folder));
}

#[test]
fn a_folder_of_hooks_that_all_repositories_share_is_left_alone() {
    let home = Folder::new();
    home.write("hooks/README", "shared\n");
    let hooks = home.at("hooks");
    home.write(".gitconfig", format!("[core]\n\thooksPath = {}\n", hooks.display()));
    home.write("xdg/git/config", "[core]\n\thooksPath = ~/hooks\n");
    home.write("system", "[core]\n\thooksPath = /nowhere/hooks\n");
    let (at, xdg, system) = (home.path().to_str().unwrap(), home.at("xdg"), home.at("system"));
    let (xdg, system) = (xdg.to_str().unwrap(), system.to_str().unwrap());
    let user = home.at(".gitconfig");
    for variables in [
        &[("HOME", at)][..],
        &[("GIT_CONFIG_GLOBAL", user.to_str().unwrap())],
        &[("XDG_CONFIG_HOME", xdg), ("HOME", at)],
        &[("GIT_CONFIG_NOSYSTEM", "0"), ("GIT_CONFIG_SYSTEM", system)],
    ] {
        let folder = Folder::repository();
        says(&init(&folder, variables), &["no hook was written", "all repositories share", "penstock scan --staged"]);
        assert!(!hooks.join("pre-commit").exists() && !folder.at(".git/hooks/pre-commit").exists(), "{variables:?}");
        // The repository's own configuration takes precedence.
        folder.git(&["config", "core.hooksPath", ".git/hooks"]);
        says(&init(&folder, variables), &["wrote"]);
    }
}

#[test]
fn other_hook_managers_get_instructions() {
    for (file, words) in [
        (".husky/_/husky.sh", &["husky", ".husky/pre-commit", "penstock scan --staged"][..]),
        ("lefthook.yml", &["lefthook", "run: penstock scan --staged"]),
        (".config/lefthook.yml", &["lefthook"]),
        (".pre-commit-config.yaml", &["pre-commit", "entry: penstock scan", "language: system"]),
        (".overcommit.yml", &["overcommit"]),
    ] {
        let folder = Folder::repository();
        folder.write(file, "");
        says(&init(&folder, &[]), words);
        says(&init(&folder, &[]), &["no hook was written"]);
        assert!(!folder.at(".git/hooks/pre-commit").exists(), "{file}");
    }
    let folder = Folder::repository();
    folder.write(".git/hooks/pre-commit", "#!/bin/sh\nmake lint\n");
    says(&init(&folder, &[]), &["is there already: add `penstock scan --staged` to it"]);
}

#[test]
fn nothing_is_written_outside_of_the_repository() {
    let outside = Folder::new();
    let folder = Folder::repository();
    let path = outside.at("hooks");
    folder.git(&["config", "core.hooksPath", path.to_str().unwrap()]);
    says(&init(&folder, &[]), &["leads out of the repository"]);
    folder.git(&["config", "core.hooksPath", "../hooks"]);
    says(&init(&folder, &[]), &["leads out of the repository"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outside.path(), folder.at("link")).unwrap();
        folder.git(&["config", "core.hooksPath", "link/hooks"]);
        says(&init(&folder, &[]), &["leads out of the repository"]);
        folder.git(&["config", "core.hooksPath", "/dev/null"]);
        says(&init(&folder, &[]), &["git runs no hooks"]);
    }
    folder.git(&["config", "core.hooksPath", ""]);
    says(&init(&folder, &[]), &["`core.hooksPath`", "is empty, so git runs no hooks"]);
    assert!(!folder.at(".git/hooks/pre-commit").exists());
    assert!(!path.exists());
}

#[test]
fn a_secret_in_the_path_of_the_hooks_is_not_shown() {
    let (folder, secret) = (Folder::repository(), crate::folder::token(1));
    let outside = Folder::new();
    let paths = [secret.clone(), format!("../{secret}"), outside.at(&secret).display().to_string()];
    for path in paths {
        folder.git(&["config", "core.hooksPath", &path]);
        for _ in 0..2 {
            let shown = init(&folder, &[]).stdout;
            assert!(shown.contains("pre-commit") && !shown.contains(&secret[6..]), "{shown}");
        }
    }
    let home = Folder::new();
    home.write(".gitconfig", format!("[core]\n\thooksPath = {secret}\n"));
    folder.git(&["config", "--unset", "core.hooksPath"]);
    let shown = init(&folder, &[("HOME", home.path().to_str().unwrap())]).stdout;
    assert!(shown.contains("all repositories share") && !shown.contains(&secret[6..]), "{shown}");
}

/// The hook of the pre-commit framework, run as the framework does: with the arguments of
/// `.pre-commit-hooks.yaml` and file names.
#[test]
fn the_framework_finds_something_in_all_files() {
    let hooks = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../.pre-commit-hooks.yaml")).unwrap();
    assert!(!hooks.contains("pass_filenames: false"), "{hooks}");
    let entries: Vec<&str> = hooks.lines().filter_map(|line| line.trim().strip_prefix("entry: ")).collect();
    assert_eq!(entries.len(), 2);
    let arguments: Vec<&str> = hooks.lines().filter_map(|line| line.trim().strip_prefix("args: ")).collect();
    let folder = Folder::repository();
    folder.write("-odd.env", crate::folder::leak(1)).commit("first");
    for (entry, arguments) in entries.into_iter().zip(arguments) {
        let program = entry.split(' ').skip(1);
        let arguments: Vec<String> = serde_json::from_str(arguments).unwrap();
        let told = Penstock::new().args(program).args(arguments).arg("-odd.env").dir(folder.path()).run();
        assert!(told.code == 1 && told.stdout.contains("-odd.env"), "{}{}", told.stdout, told.stderr);
    }
}
