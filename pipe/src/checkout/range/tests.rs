use std::path::Path;

use super::super::Trust;
use super::super::fixture::{Fixture, Recorder, Seen as Item, seen};
use super::*;

fn scan_in(path: &Path, range: &str, threads: usize) -> Result<(Vec<Item>, Coverage), Error> {
    let repository = Repository::discover(path, &Trust::default())?;
    let limits = Limits { max_file_size: 1000, threads };
    let (visitors, coverage) = scan(&repository, range, &Places::default(), &limits, None, Recorder::default)?;
    Ok((seen(visitors), coverage))
}

/// Path, lines and subject.
type Told = (String, Option<Vec<(u32, u32)>>, String);

/// What a range adds.
fn added(git: &Fixture, range: &str) -> Vec<Told> {
    let (items, coverage) = scan_in(git.path(), range, 2).unwrap();
    assert_eq!(coverage.skipped, []);
    assert_eq!(coverage.files, items.len() as u64);
    items.into_iter().map(|item| (item.path, item.lines, item.commit.unwrap().subject)).collect()
}

fn whole(path: &str, subject: &str) -> Told {
    (path.to_owned(), None, subject.to_owned())
}

fn lines(path: &str, lines: &[(u32, u32)], subject: &str) -> Told {
    (path.to_owned(), Some(lines.to_vec()), subject.to_owned())
}

#[test]
fn sees_lines_that_are_removed_again() {
    let git = Fixture::new();
    git.write("old", "1\n2\n");
    git.commit("base");
    git.write("old", "1\nsecret\n2\n");
    git.write("new", "x\n");
    git.commit("adds");
    git.write("old", "1\n2\n");
    std::fs::remove_file(git.at("new")).unwrap();
    git.commit("removes");
    assert_eq!(added(&git, "HEAD~2..HEAD"), [whole("new", "adds"), lines("old", &[(2, 2)], "adds")]);
    assert_eq!(added(&git, "HEAD~..HEAD"), []);
    assert_eq!(added(&git, "HEAD.."), []);
    assert_eq!(added(&git, "HEAD~2...").len(), 2);
    let zeros = "0".repeat(40);
    assert_eq!(added(&git, &format!("{zeros}..HEAD")).len(), 3);
}

#[test]
fn tells_the_commit() {
    let git = Fixture::new();
    git.commit("base");
    git.write("a", "1");
    let id = git.commit("Subject here\n\nand a body");
    let (items, _) = scan_in(git.path(), "HEAD~..HEAD", 1).unwrap();
    let commit = CommitInfo {
        id,
        author: "Ada".to_owned(),
        email: "ada@example.com".to_owned(),
        date: "2026-01-02T03:04:05Z".to_owned(),
        subject: "Subject here".to_owned(),
    };
    assert_eq!(items[0].commit, Some(commit));
    assert_eq!(items[0].text, "1");
}

#[test]
fn a_merge_adds_only_what_neither_side_has() {
    let git = Fixture::new();
    git.write("file", "1\n2\n3\n");
    git.write("other", "o\n");
    git.commit("base");
    git.git(&["checkout", "-q", "-b", "side"]);
    git.write("file", "1\nside\n3\n");
    git.write("from-side", "s\n");
    git.commit("side");
    git.git(&["checkout", "-q", "main"]);
    git.write("file", "1\nmain\n3\n");
    git.write("from-main", "m\n");
    git.commit("main");
    git.git(&["merge", "-q", "--no-commit", "-s", "ours", "side"]);
    git.write("from-side", "s\n");
    git.write("file", "1\nmain\nresolved\nside\n3\n");
    git.write("evil", "new in the merge\n");
    git.commit("merge");
    assert_eq!(
        added(&git, "HEAD^1..HEAD"),
        [
            whole("evil", "merge"),
            lines("file", &[(3, 3)], "merge"),
            lines("file", &[(2, 2)], "side"),
            whole("from-side", "side")
        ]
    );
    assert_eq!(added(&git, "main~1..HEAD").len(), 4);
    assert_eq!(added(&git, "side..HEAD").len(), 4);
}

#[test]
fn a_move_adds_nothing() {
    let git = Fixture::new();
    git.write("a/file", "1\n2\n");
    git.write("a/b/file", "3\n");
    git.write("swap1", "s1\n");
    git.write("swap2", "s2\n");
    git.write("copied", "c\n");
    git.commit("base");
    git.git(&["mv", "a", "z"]);
    git.write("swap1", "s2\n");
    git.write("swap2", "s1\n");
    git.write("copy", "c\n");
    git.commit("moves");
    assert_eq!(added(&git, "HEAD~..HEAD"), [whole("copy", "moves")]);
    git.git(&["mv", "z/file", "renamed"]);
    git.write("renamed", "1\n2\nmore\n");
    git.commit("renames and changes");
    assert_eq!(added(&git, "HEAD~..HEAD"), [whole("renamed", "renames and changes")]);
}

#[test]
fn a_file_and_a_folder_may_change_places() {
    let git = Fixture::new();
    git.write("x", "file\n");
    git.write("y/in", "folder\n");
    git.commit("base");
    std::fs::remove_file(git.at("x")).unwrap();
    std::fs::remove_dir_all(git.at("y")).unwrap();
    git.write("x/new", "n\n");
    git.write("x/moved", "folder\n");
    git.write("y", "file\n");
    git.commit("swap");
    assert_eq!(added(&git, "HEAD~..HEAD"), [whole("x/new", "swap")]);
}

#[test]
fn gives_the_same_content_once_with_the_oldest_commit() {
    let git = Fixture::new();
    git.commit("base");
    for (number, subject) in ["first", "second", "third"].iter().enumerate() {
        git.write("file", if number == 1 { "b\n" } else { "a\n" });
        git.commit(subject);
    }
    for threads in 1..4 {
        let (items, _) = scan_in(git.path(), "main~3..main", threads).unwrap();
        let subjects: Vec<_> =
            items.iter().map(|item| (&*item.text, &*item.commit.as_ref().unwrap().subject)).collect();
        assert_eq!(subjects, [("a\n", "first"), ("b\n", "second")]);
    }
}

#[test]
fn passes_binary_content_through_and_names_what_is_too_large() {
    let git = Fixture::new();
    git.write("bin", b"\0a\n");
    git.commit("base");
    git.write("bin", b"\0a\nb\n");
    git.write("large", vec![b'x'; 1001]);
    let id = git.commit("more");
    let (items, coverage) = scan_in(git.path(), "HEAD~..HEAD", 1).unwrap();
    assert_eq!(items.iter().map(|item| (&*item.path, &item.lines)).collect::<Vec<_>>(), [("bin", &None)]);
    assert_eq!(coverage.skipped[0].subject, format!("large in commit {id}"));
    assert!(coverage.complete());
}

#[test]
fn a_tree_of_trees_comes_to_an_end() {
    let git = Fixture::new();
    git.commit("base");
    git.write("x", "x\n");
    let blob = git.git(&["hash-object", "-w", "x"]);
    let mut line = format!("100644 blob {blob}");
    for _ in 0..12 {
        let folder: String = (0..10).map(|name| format!("{line}\t{name}\n")).collect();
        let tree = git.git_with(&["mktree"], &folder);
        line = format!("040000 tree {tree}");
    }
    let commit = git.git(&["commit-tree", line.split(' ').nth(2).unwrap(), "-p", "HEAD", "-m", "bomb"]);
    let (items, coverage) = scan_in(git.path(), &format!("HEAD..{commit}"), 2).unwrap();
    assert_eq!(items.len(), 10_000);
    assert!(coverage.complete());
    assert!(coverage.skipped[0].reason.contains("places"), "{:?}", coverage.skipped[0]);
    assert!(coverage.skipped.len() < 20, "{}", coverage.skipped.len());
}

#[test]
fn refuses_what_is_no_range() {
    let git = Fixture::new();
    git.commit("base");
    for given in ["main", "", "a..b..c"] {
        assert!(matches!(scan_in(git.path(), given, 1), Err(Error::RangeSyntax { .. })), "{given}");
    }
    let error = scan_in(git.path(), "nothing..HEAD", 1).unwrap_err();
    assert!(matches!(&error, Error::UnknownRevision { given, shallow: false } if given == "nothing"), "{error}");
    assert!(matches!(scan_in(Path::new("/"), "a..b", 1), Err(Error::NotARepository { .. })));
}

#[test]
fn names_the_end_of_a_shallow_clone() {
    let git = Fixture::new();
    for number in 0..4 {
        git.write("file", format!("{number}\n"));
        git.commit("commit");
    }
    git.git(&["tag", "old", "HEAD~3"]);
    let clones = Fixture::empty();
    let url = format!("file://{}", git.path().display());
    clones.git(&["clone", "-q", "--depth", "2", &url, "clone"]);
    let clone = clones.at("clone");
    let (items, coverage) = scan_in(&clone, "HEAD~1..HEAD", 1).unwrap();
    assert_eq!((items.len(), coverage.complete()), (1, true));
    let error = scan_in(&clone, "old..HEAD", 1).unwrap_err();
    assert!(matches!(error, Error::UnknownRevision { shallow: true, .. }));
    assert!(error.remedy().unwrap().contains("clone: depth: full"));
    let (items, coverage) = scan_in(&clone, &format!("{}..HEAD", "0".repeat(40)), 1).unwrap();
    assert_eq!((items.len(), coverage.complete()), (2, false));
    assert!(coverage.skipped[0].reason.contains("cut off"));
}

#[test]
fn names_missing_objects_and_looks_at_the_rest() {
    let git = Fixture::new();
    git.commit("base");
    git.write("gone", "gone\n");
    git.write("broken", "broken\n");
    git.write("there", "there\n");
    git.write("sub/lost", "x\n");
    git.commit("adds");
    let object = |name: &str| {
        let id = git.git(&["rev-parse", &format!("HEAD:{name}")]);
        git.at(&format!(".git/objects/{}/{}", &id[..2], &id[2..]))
    };
    std::fs::remove_file(object("gone")).unwrap();
    std::fs::remove_file(object("sub")).unwrap();
    let broken = object("broken");
    std::fs::remove_file(&broken).unwrap();
    std::fs::write(&broken, "no zlib").unwrap();
    let (items, coverage) = scan_in(git.path(), "HEAD~..HEAD", 2).unwrap();
    assert_eq!(items.iter().map(|item| &*item.path).collect::<Vec<_>>(), ["there"]);
    assert_eq!(coverage.skipped.len(), 3, "{:?}", coverage.skipped);
    assert!(coverage.skipped.iter().all(|skipped| !skipped.by_limit));
}

#[test]
fn a_broken_pack_breaks_nothing_else() {
    let git = Fixture::new();
    git.commit("base");
    for number in 0..50 {
        git.write(&format!("f{number}"), format!("{number}\n").repeat(50));
    }
    git.commit("adds");
    git.git(&["repack", "-adq"]);
    let pack = std::fs::read_dir(git.at(".git/objects/pack")).unwrap().flatten().map(|entry| entry.path());
    let pack = pack.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "pack")).unwrap();
    let whole = std::fs::read(&pack).unwrap();
    let mut damaged = whole.clone();
    for at in (whole.len() / 2..whole.len() - 100).step_by(13) {
        damaged[at] ^= 0x5a;
    }
    for content in [&damaged[..], &whole[..whole.len() / 2], &whole[..40], b""] {
        std::fs::remove_file(&pack).unwrap();
        std::fs::write(&pack, content).unwrap();
        match scan_in(git.path(), "HEAD~..HEAD", 2) {
            Ok((_, coverage)) => assert!(!coverage.complete()),
            Err(error) => assert!(matches!(error, Error::UnknownRevision { .. } | Error::Damaged { .. }), "{error}"),
        }
    }
}

#[test]
fn what_a_partial_clone_leaves_out_is_missing() {
    let git = Fixture::new();
    git.commit("base");
    git.write("file", "x\n");
    git.commit("adds");
    git.git(&["config", "uploadpack.allowFilter", "true"]);
    let clones = Fixture::empty();
    let url = format!("file://{}", git.path().display());
    clones.git(&["clone", "-q", "--no-checkout", "--filter=blob:none", &url, "partial"]);
    let (items, coverage) = scan_in(&clones.at("partial"), "HEAD~..HEAD", 1).unwrap();
    assert_eq!((items.len(), coverage.complete()), (0, false));
    assert!(coverage.skipped[0].reason.contains("partial clone"));
}

#[test]
fn reads_through_alternates_worktrees_and_packs() {
    let git = Fixture::new();
    git.write("file", "1\n");
    git.commit("base");
    git.write("file", "1\n2\n");
    git.commit("adds");
    git.git(&["gc", "-q"]);
    git.git(&["worktree", "add", "-q", "--detach", "tree"]);
    let clones = Fixture::empty();
    clones.git(&["clone", "-q", "--shared", "--bare", git.path().to_str().unwrap(), "shared"]);
    for path in [git.path().to_owned(), git.at("tree"), clones.at("shared")] {
        let (items, coverage) = scan_in(&path, "HEAD~..HEAD", 1).unwrap();
        assert_eq!(items[0].lines, Some(vec![(2, 2)]));
        assert_eq!(coverage.skipped, []);
    }
}

#[test]
#[cfg(unix)]
fn a_foreign_repository_may_not_borrow_objects() {
    let git = Fixture::new();
    git.commit("base");
    let clones = Fixture::empty();
    clones.git(&["clone", "-q", "--shared", git.path().to_str().unwrap(), "shared"]);
    let shared = clones.at("shared");
    for path in [&shared, &shared.join(".git")] {
        if std::os::unix::fs::chown(path, Some(12345), None).is_err() {
            return; // Only root can give a file away.
        }
    }
    let error = scan_in(&shared, "HEAD..HEAD", 1).unwrap_err();
    assert!(matches!(&error, Error::Foreign { outside, .. } if outside.ends_with(".git/objects")), "{error}");
    let trust = Trust { foreign: true, ..Trust::default() };
    assert!(Repository::discover(&shared, &trust).is_ok());
}

#[test]
#[cfg(unix)]
fn runs_no_program_that_the_repository_names() {
    use std::os::unix::fs::PermissionsExt;
    let git = Fixture::new();
    let marker = git.at("ran");
    git.write("program.sh", format!("#!/bin/sh\ntouch '{}'\ncat\n", marker.display()));
    std::fs::set_permissions(git.at("program.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    git.write(".gitattributes", "* filter=evil diff=evil merge=evil\n");
    git.commit("base");
    git.write("file", "x");
    git.commit("adds");
    git.write("file", "x\ny");
    git.git(&["add", "."]);
    let program = git.at("program.sh").to_str().unwrap().to_owned();
    for key in [
        "core.fsmonitor",
        "core.alternateRefsCommand",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "merge.evil.driver",
    ] {
        git.git(&["config", key, &program]);
    }
    git.git(&["config", "core.hooksPath", git.path().to_str().unwrap()]);
    assert_eq!(added(&git, "HEAD~..HEAD"), [whole("file", "adds")]);
    let repository = Repository::discover(git.path(), &Trust::default()).unwrap();
    let (visitors, _) =
        super::super::staged::scan(&repository, &Places::default(), &Limits::default(), None, Recorder::default)
            .unwrap();
    assert_eq!(seen(visitors).len(), 1);
    assert!(!marker.exists());
}
