//! The whole history on real repositories, against what git itself says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::super::fixture::Fixture;
use super::super::{Coverage, Item, Limits, Repository, Trust, Visitor};
use super::history;

mod crafted;
mod damage;

/// Runs a program in the work tree; what it prints, unless it fails.
#[expect(clippy::disallowed_methods, reason = "what git prints is compared byte by byte")]
fn output(git: &Fixture, program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = std::process::Command::new(program).args(arguments).current_dir(git.path()).output().unwrap();
    output.status.success().then_some(output.stdout)
}

/// Content, path and commit of a blob.
type Given = (Vec<u8>, String, Option<String>);

#[derive(Default)]
struct Collect(Vec<Given>);

impl Visitor for Collect {
    fn visit(&mut self, item: Item<'_>) {
        let path = String::from_utf8_lossy(item.path).into_owned();
        self.0.push((item.bytes.to_vec(), path, item.commit.map(|commit| commit.id.clone())));
    }
}

fn scan(path: &Path, limits: Limits) -> (Vec<Given>, Coverage) {
    let repository = Repository::discover(path, &Trust::default()).unwrap();
    let (visitors, coverage) = history(&repository, &limits, None, || |_: &[u8]| true, Collect::default).unwrap();
    let mut given: Vec<_> = visitors.into_iter().flat_map(|visitor| visitor.0).collect();
    given.sort();
    (given, coverage)
}

fn threads(threads: usize) -> Limits {
    Limits { threads, ..Limits::default() }
}

/// What git says is reachable: the content of every blob.
fn reachable(git: &Fixture) -> Vec<Vec<u8>> {
    let listed = git.git(&["rev-list", "--objects", "--all", "--no-object-names"]);
    let ids: BTreeSet<&str> = listed.lines().collect();
    let blobs = ids.into_iter().filter(|id| git.git(&["cat-file", "-t", id]) == "blob");
    let mut contents: Vec<_> = blobs.map(|id| output(git, "git", &["cat-file", "blob", id]).unwrap()).collect();
    contents.sort();
    contents
}

/// The first commit and path of every blob, found the slow way.
fn naive(git: &Fixture) -> BTreeMap<String, (String, String)> {
    // Oldest first; with dates that grow along every line of parents this is the order of dates, then ids.
    let log = git.git(&["log", "--all", "--format=%H %P|%ct"]);
    let mut open: Vec<(i64, String, Vec<String>)> = log
        .lines()
        .map(|line| {
            let (ids, date) = line.split_once('|').unwrap();
            let mut ids = ids.split_whitespace().map(str::to_owned);
            (date.parse().unwrap(), ids.next().unwrap(), ids.collect())
        })
        .collect();
    open.sort();
    let (mut first, mut done) = (BTreeMap::new(), BTreeSet::new());
    while !open.is_empty() {
        let at = open.iter().position(|(_, _, parents)| parents.iter().all(|parent| done.contains(parent))).unwrap();
        let (_, commit, _) = open.remove(at);
        for line in git.git(&["ls-tree", "-r", "--full-tree", &commit]).lines() {
            let (left, path) = line.split_once('\t').unwrap();
            let blob = left.rsplit(' ').next().unwrap().to_owned();
            first.entry(blob).or_insert((commit.clone(), path.to_owned()));
        }
        done.insert(commit);
    }
    first
}

fn assert_like_git(git: &Fixture) {
    for count in [1, 3] {
        let (given, coverage) = scan(git.path(), threads(count));
        assert_eq!(coverage.skipped, []);
        assert_eq!(given.iter().map(|given| given.0.clone()).collect::<Vec<_>>(), reachable(git));
        assert_eq!(coverage.files as usize, given.len());
        assert_eq!(coverage.bytes as usize, given.iter().map(|given| given.0.len()).sum::<usize>());
    }
}

/// Many versions of a few files, so that packs hold deep differences.
pub(super) fn versions(git: &Fixture, count: usize) {
    let lines: Vec<String> = (0..400).map(|at| format!("line {at} of the file, {}\n", at * 7919 % 1000)).collect();
    for version in 0..count {
        let mut changed = lines.clone();
        changed[version * 13 % 400] = format!("version {version}\n");
        changed.truncate(400 - version % 50);
        git.write("src/large.txt", changed.concat());
        git.write(&format!("src/deep/{}/small.txt", version % 7), format!("small {version}\n"));
        git.commit(&format!("version {version}"));
    }
}

fn packs(git: &Fixture, extension: &str) -> Vec<PathBuf> {
    let found = fs::read_dir(git.at(".git/objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    found.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

#[test]
fn loose_packed_and_both() {
    let git = Fixture::new();
    versions(&git, 40);
    assert_like_git(&git);
    git.git(&["repack", "-adfq", "--depth=30", "--window=50"]);
    assert_like_git(&git);
    git.write("later", "loose beside a pack");
    git.commit("later");
    assert_like_git(&git);
    // A second pack, overlapping the first, and loose copies of what is packed.
    git.git(&["repack", "-aq"]);
    git.write("latest", "x");
    git.commit("latest");
    git.git(&["repack", "-q"]);
    assert!(packs(&git, "pack").len() > 1);
    git.git(&["multi-pack-index", "write"]);
    assert_like_git(&git);
    git.git(&["repack", "-adfq", "--depth=4095", "--window=300"]);
    assert_like_git(&git);
}

/// Folders of hundreds of entries, of which packs hold the differences.
#[test]
fn wide_folders() {
    let git = Fixture::new();
    let file = |at: usize| format!("wide/{}{at}/file", ["a", "and/more/", "z"][at % 3]);
    (0..240).for_each(|at| git.write(&file(at), format!("file {at}\n")));
    git.commit("all");
    for version in 0..30 {
        git.write(&file(version * 37 % 240), format!("version {version}\n"));
        git.write(&file(version * 11 % 240), format!("file {}\n", version % 4));
        if version % 5 == 0 {
            fs::remove_file(git.at(&file(version * 7 + 1))).unwrap();
        }
        git.commit(&format!("version {version}"));
    }
    for pack in [&["repack", "-adfq", "--depth=40", "--window=60"][..], &["gc", "-q"]] {
        git.git(pack);
        let expected = naive(&git);
        let (given, coverage) = scan(git.path(), threads(2));
        assert_eq!((coverage.skipped, given.len()), (Vec::new(), expected.len()));
        for (bytes, path, commit) in given {
            git.write("probe", bytes);
            assert_eq!((commit.unwrap(), path), expected[&git.git(&["hash-object", "probe"])]);
        }
    }
}

#[test]
fn empty_repositories_and_files() {
    let git = Fixture::new();
    assert_like_git(&git);
    git.commit("nothing");
    assert_like_git(&git);
    git.write("empty", "");
    git.write("sub/other", "1");
    git.commit("empty");
    assert_like_git(&git);
    git.git(&["gc", "-q"]);
    assert_like_git(&git);
    // Git knows what is empty without storing it.
    let git = Fixture::new();
    git.commit("nothing");
    for empty in ["4b/825dc642cb6eb9a060e54bf8d69288fbee4904", "e6/9de29bb2d1d6434b8b29ae775ad8c2e48c5391"] {
        let _ = fs::remove_file(git.at(&format!(".git/objects/{empty}")));
    }
    assert_eq!(scan(git.path(), threads(1)).1.skipped, []);
}

#[test]
fn alternates() {
    let git = Fixture::new();
    versions(&git, 10);
    git.git(&["gc", "-q"]);
    let clone = Fixture::empty();
    clone.git(&["clone", "-q", "--shared", git.path().to_str().unwrap(), "."]);
    clone.write("own", "own");
    clone.commit("own");
    assert_like_git(&clone);
}

#[test]
fn the_first_commit_is_told() {
    let git = Fixture::new();
    git.write("b/one", "same");
    let first = git.commit("first\n\nbody");
    git.write("a/two", "same");
    git.write("three", "other");
    let second = git.commit("second");
    git.git(&["checkout", "-q", "-b", "side", &first]);
    git.write("side", "side");
    let side = git.commit("side");
    git.git(&["checkout", "-q", "main"]);
    git.git(&["merge", "-q", "side", "-m", "merge"]);
    for packed in [false, true] {
        let (given, _) = scan(git.path(), threads(2));
        let expected = [
            (b"other".to_vec(), "three".to_owned(), Some(second.clone())),
            (b"same".to_vec(), "b/one".to_owned(), Some(first.clone())),
            (b"side".to_vec(), "side".to_owned(), Some(side.clone())),
        ];
        assert_eq!(given, expected, "packed: {packed}");
        git.git(&["gc", "-q"]);
    }
}

#[test]
fn commits_are_told_raw() {
    struct Once(Option<crate::checkout::CommitInfo>);
    impl Visitor for Once {
        fn visit(&mut self, item: Item<'_>) {
            self.0 = item.commit.map(|commit| commit.as_ref().clone());
        }
    }
    let git = Fixture::new();
    git.write("a", "1");
    let id = git.commit("subject \u{1b}[31m\n\nbody");
    let repository = Repository::discover(git.path(), &Trust::default()).unwrap();
    let (visitors, _) = history(&repository, &Limits::default(), None, || |_: &[u8]| true, || Once(None)).unwrap();
    let expected = crate::checkout::CommitInfo {
        id,
        author: "Ada".to_owned(),
        email: "ada@example.com".to_owned(),
        date: "2026-01-02T03:04:05Z".to_owned(),
        subject: "subject \u{1b}[31m".to_owned(),
    };
    assert_eq!(visitors[0].0, Some(expected));
}

#[test]
fn what_no_reference_reaches_is_not_reported() {
    let git = Fixture::new();
    git.write("kept", "kept");
    git.commit("kept");
    git.write("lost", "lost");
    git.commit("lost");
    git.git(&["reset", "-q", "--hard", "HEAD~1"]);
    git.write("staged", "staged");
    git.git(&["add", "staged"]);
    let (given, coverage) = scan(git.path(), threads(1));
    assert_eq!(given.iter().map(|given| &given.1).collect::<Vec<_>>(), ["kept"]);
    assert_eq!((coverage.files, coverage.complete()), (3, true));
}

#[test]
fn every_kind_of_reference_counts() {
    let git = Fixture::new();
    git.write("file", "1");
    git.commit("first");
    git.write("stashed", "stashed");
    git.git(&["add", "-A"]);
    git.git(&["stash", "-q"]);
    git.git(&["notes", "add", "-m", "noted"]);
    git.git(&["checkout", "-q", "--detach"]);
    git.write("detached", "detached");
    git.commit("detached");
    git.write("tagged", "tagged blob");
    let blob = git.git(&["hash-object", "-w", "tagged"]);
    git.git(&["tag", "-a", "-m", "a blob", "blob", &blob]);
    git.write("folder/in", "in a tagged folder");
    git.git(&["add", "-A"]);
    let tree = git.git(&["write-tree"]);
    git.git(&["tag", "tree", &tree]);
    git.git(&["reset", "-q", "--hard"]);
    let (given, coverage) = scan(git.path(), threads(2));
    assert_eq!(coverage.skipped, []);
    let contents: Vec<_> = given.iter().map(|given| String::from_utf8_lossy(&given.0).into_owned()).collect();
    for content in ["1", "stashed", "noted\n", "detached", "tagged blob", "in a tagged folder"] {
        assert!(contents.iter().any(|found| found == content), "{content}: {contents:?}");
    }
    let direct = given.iter().find(|given| given.0 == b"in a tagged folder").unwrap();
    assert_eq!((direct.1.as_str(), &direct.2), ("folder/in", &None));
    let git = Fixture::new();
    git.commit("first");
    git.write("tagged", "tagged blob");
    let blob = git.git(&["hash-object", "-w", "tagged"]);
    git.git(&["tag", "blob", &blob]);
    assert_eq!(scan(git.path(), threads(1)).0, [(b"tagged blob".to_vec(), blob, None)]);
}

#[test]
fn shallow_and_partial_clones() {
    let git = Fixture::new();
    versions(&git, 5);
    git.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", git.path().display());
    let clones = Fixture::empty();
    clones.git(&["clone", "-q", "--depth", "2", &url, "shallow"]);
    clones.git(&["clone", "-q", "--no-checkout", "--filter=blob:none", &url, "partial"]);
    clones.git(&["clone", "-q", "--no-checkout", "--filter=tree:0", &url, "treeless"]);
    let (given, coverage) = scan(&clones.at("shallow"), threads(2));
    let boundary = git.git(&["rev-parse", "HEAD~1"]);
    assert!(given.iter().any(|given| given.2.as_ref() == Some(&boundary)));
    assert!(coverage.complete() && coverage.skipped[0].reason.contains("shallow"));
    for clone in ["partial", "treeless"] {
        let (given, coverage) = scan(&clones.at(clone), threads(2));
        assert_eq!(given, []);
        assert_eq!((coverage.complete(), coverage.skipped.len()), (false, 1), "{coverage:?}");
        assert!(coverage.skipped[0].reason.contains("partial"), "{coverage:?}");
    }
}

#[test]
fn submodules_are_not_looked_for() {
    let git = Fixture::new();
    git.write("a", "1");
    let first = git.commit("first");
    git.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{first},sub")]);
    git.git(&["update-index", "--add", "--cacheinfo", "160000,1234567890123456789012345678901234567890,other"]);
    git.git(&["commit", "-q", "-m", "with a submodule"]);
    let (given, coverage) = scan(git.path(), threads(1));
    assert_eq!((given.len(), coverage.skipped.len()), (1, 0));
}

#[test]
fn large_blobs_are_named_by_path() {
    let git = Fixture::new();
    let noise = |seed: u32| -> Vec<u8> {
        let mut state = seed;
        (0..100_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect()
    };
    let mut large = noise(1);
    git.write("dir/large", &large);
    git.commit("first");
    large.extend_from_slice(b"more");
    git.write("dir/large", &large);
    git.commit("second");
    // A small one that is a difference to a large one.
    git.write("dir/large", &large[..50_000]);
    git.commit("third");
    let limits = Limits { max_file_size: 60_000, threads: 2 };
    for packed in [false, true] {
        let (given, coverage) = scan(git.path(), limits);
        assert_eq!(given.len(), 1, "packed: {packed}");
        assert_eq!(given[0].0, large[..50_000]);
        assert!(coverage.complete());
        assert_eq!(coverage.skipped.len(), 1);
        let skipped = &coverage.skipped[0];
        assert_eq!(skipped.subject, "dir/large");
        assert!(skipped.reason.contains("100004") && skipped.reason.contains("2 versions"), "{skipped:?}");
        git.git(&["repack", "-adfq"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn attributes_like_a_naive_walk(steps in prop::collection::vec((0..4u8, 0..3u8, 0..4u8, 0..6u8, any::<bool>()), 1..14), repack: bool) {
        let git = Fixture::new();
        git.write("start", "start");
        git.commit("start");
        for (at, (branch, folder, file, content, merge)) in steps.into_iter().enumerate() {
            let name = format!("branch{branch}");
            if output(&git, "git", &["checkout", "-q", &name]).is_none() {
                git.git(&["checkout", "-q", "-b", &name]);
            }
            if merge {
                git.git(&["merge", "-q", "-s", "ours", "--no-edit", "main"]);
            }
            let folder = ["", "x/", "x/y/"][folder as usize];
            git.write(&format!("{folder}{file}"), format!("content {content}\n").repeat(40));
            git.commit(&format!("step {at}"));
            if merge {
                git.git(&["branch", "-f", "main"]);
            }
        }
        if repack {
            git.git(&["repack", "-adfq", "--depth=10"]);
        }
        let expected = naive(&git);
        let (given, coverage) = scan(git.path(), threads(2));
        prop_assert!(coverage.complete());
        prop_assert_eq!(given.len(), expected.len());
        for (bytes, path, commit) in given {
            git.write("probe", bytes);
            let id = git.git(&["hash-object", "probe"]);
            let (first, name) = expected[&id].clone();
            prop_assert_eq!((commit, path), (Some(first), name));
        }
    }
}
