//! Incomplete clones: sparse checkouts, partial clones, and repositories that the library cannot
//! read.

use crate::folder::{Folder, leak};
use crate::run::Penstock;

fn findings(folder: &Folder, at: &str, arguments: &[&str]) -> Vec<String> {
    Penstock::scan().args(arguments).dir(&folder.at(at)).run().findings()
}

/// Secrets in three places, of which only `in` is checked out.
fn sparse(index: bool) -> Folder {
    let folder = Folder::repository();
    folder.write("in/a.env", leak(1)).write("out/b.env", leak(2)).write("out/deep/c.env", leak(3)).commit("first");
    let mode = if index { "--sparse-index" } else { "--no-sparse-index" };
    folder.git(&["sparse-checkout", "set", "--cone", mode, "in"]);
    assert!(!folder.at("out").exists());
    folder
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_looked_at() {
    for index in [false, true] {
        let folder = sparse(index);
        let all = ["in/a.env:1 gitlab-pat", "out/b.env:1 gitlab-pat", "out/deep/c.env:1 gitlab-pat"];
        assert_eq!(findings(&folder, ".", &[]), all, "sparse index {index}");
        assert_eq!(findings(&folder, "in", &[".."]), all);
        assert_eq!(findings(&folder, "in", &[]), all[..1]);
        assert_eq!(findings(&folder, ".", &["out/deep"]), all[2..]);
        assert_eq!(findings(&folder, ".", &["in", "out/b.env"]), all[..2]);
        assert_eq!(findings(&folder, ".", &["--all-files"]), all[..1], "the repository is not read");
        // A file that is on the disk anyway is read from there.
        folder.write("out/b.env", "nothing\n");
        assert_eq!(findings(&folder, ".", &["in", "out"]), [all[0], all[2]]);
    }
}

#[test]
fn with_a_sparse_index_only_what_differs_is_staged() {
    let folder = sparse(true);
    assert_eq!(findings(&folder, ".", &["--staged"]), Vec::<String>::new());
    folder.write("in/new.env", leak(4)).git(&["add", "in/new.env"]);
    folder.write("out/new.env", leak(5)).git(&["add", "--sparse", "out/new.env"]);
    assert_eq!(findings(&folder, ".", &["--staged"]), ["in/new.env:1 gitlab-pat", "out/new.env:1 gitlab-pat"]);
    // A commit that the index does not follow: its folders differ from those of the commit.
    folder.git(&["reset", "-q", "--hard"]);
    folder.git(&["clean", "-qfd"]);
    folder.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
    let empty = folder.git(&["commit-tree", "-m", "empty", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"]);
    folder.git(&["update-ref", "refs/heads/main", &empty]);
    let told = Penstock::scan().arg("--staged").dir(folder.path()).run();
    assert_eq!(told.findings().len(), 3, "{}", told.summary());
}

#[test]
fn a_partial_clone_is_incomplete_and_says_what_to_do() {
    let origin = Folder::repository();
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    origin.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    for seed in 1..5 {
        origin.write("a.env", leak(seed)).write(format!("only/{seed}.env"), leak(seed)).commit("more");
    }
    let url = format!("file://{}", origin.path().display());
    for filter in ["blob:none", "tree:0"] {
        let clones = Folder::new();
        clones.git(&["clone", "-q", "--no-checkout", &format!("--filter={filter}"), &url, "clone"]);
        clones.git(&["-C", "clone", "sparse-checkout", "set", "--cone"]);
        clones.git(&["-C", "clone", "checkout", "-q", "main"]);
        let run = |arguments: &[&str]| Penstock::scan().args(arguments).dir(&clones.at("clone")).run();
        for source in [&[][..], &["--history"], &["--range", "HEAD~2..HEAD"]] {
            let told = run(source);
            let unread: Vec<String> = told.skipped().into_iter().filter(|line| line.starts_with('!')).collect();
            assert_eq!(unread.len(), 1, "{filter} {source:?}: {}", told.summary());
            for way in ["git fetch", "PATH", "--allow-incomplete", "object"] {
                assert!(unread[0].contains(way), "{way}: {}", unread[0]);
            }
        }
        assert_eq!(run(&["a.env"]).findings(), ["a.env:1 gitlab-pat"]);
        // What is staged is there, and nothing else is needed.
        clones.write("clone/new.env", leak(9));
        clones.git(&["-C", "clone", "add", "new.env"]);
        let staged = run(&["--staged"]);
        assert_eq!(
            (staged.findings(), staged.skipped()),
            (vec!["new.env:1 gitlab-pat".to_owned()], vec![]),
            "{filter}"
        );
        clones.git(&["-C", "clone", "fetch", "-q", "--refetch", "--no-filter"]);
        let told = run(&["--history"]);
        assert!(!told.skipped().iter().any(|line| line.starts_with('!')), "{}", told.summary());
    }
}

#[test]
fn an_unsupported_repository_shows_a_workaround() {
    for (kind, works) in [("--object-format=sha256", false), ("--ref-format=reftable", true)] {
        let folder = Folder::new();
        folder.git(&["init", "-q", "-b", "main", kind, "."]);
        folder.write("a.env", leak(1)).commit("first");
        for source in [&["--staged"][..], &["--history"]] {
            let told = Penstock::scan().args(source).dir(folder.path()).run();
            assert_eq!(told.code, 3, "{kind} {source:?}: {}", told.summary());
            assert!(told.stderr.contains("git commit --no-verify"), "{}", told.stderr);
        }
        let told = Penstock::scan().dir(folder.path()).run();
        // The files of a work tree need no references.
        assert_eq!(told.code, if works { 1 } else { 3 }, "{kind}: {}", told.summary());
        assert_eq!(Penstock::scan().arg("--all-files").dir(folder.path()).run().code, 1, "{kind}");
    }
}
