use super::super::fixture::Fixture;
use super::*;

fn open(path: &Path) -> Result<Repository, Error> {
    Repository::discover(path, &Trust::default())
}

fn hex(ids: &[ObjectId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn finds_tips_loose_packed_tagged_and_detached() {
    let git = Fixture::new();
    git.write("a", "1");
    let first = git.commit("first");
    git.git(&["tag", "-a", "v1", "-m", "one"]);
    git.git(&["checkout", "-q", "-b", "side"]);
    let second = git.commit("second");
    git.git(&["pack-refs", "--all"]);
    git.git(&["checkout", "-q", "--detach"]);
    let third = git.commit("third");
    let blob = git.git(&["rev-parse", "HEAD:a"]);
    git.git(&["tag", "blob", &blob]);
    let repository = open(&git.at("a")).unwrap();
    let tips = repository.all_tips().unwrap();
    let mut expected = vec![first, second, third];
    expected.sort();
    assert_eq!(hex(&tips.commits), expected);
    assert_eq!(hex(&tips.others), [blob]);
    assert_eq!(tips.skipped, []);
    assert!(!repository.is_shallow() && !repository.is_partial());
}

#[test]
fn names_a_reference_to_a_missing_object() {
    let git = Fixture::new();
    git.write("a", "1");
    let first = git.commit("first");
    git.write(".git/refs/heads/gone", "1234567890123456789012345678901234567890\n");
    let tips = open(git.path()).unwrap().all_tips().unwrap();
    assert_eq!(hex(&tips.commits), [first]);
    assert_eq!(tips.skipped[0].subject, "refs/heads/gone");
    assert!(!tips.skipped[0].by_limit);
}

#[test]
fn opens_work_trees_bare_and_unborn() {
    let git = Fixture::new();
    assert!(open(git.path()).unwrap().tips().unwrap().is_empty());
    git.write("a", "1");
    let first = git.commit("first");
    git.git(&["worktree", "add", "-q", "--detach", "tree"]);
    git.git(&["clone", "-q", "--bare", ".", "bare.git"]);
    let tree = open(&git.at("tree")).unwrap();
    assert_eq!(tree.location().root, Some(fs::canonicalize(git.at("tree")).unwrap()));
    assert_eq!(hex(&tree.tips().unwrap()), std::slice::from_ref(&first));
    let bare = open(&git.at("bare.git")).unwrap();
    assert_eq!(bare.location().root, None);
    assert_eq!(hex(&bare.tips().unwrap()), [first]);
}

#[test]
fn tells_shallow_and_partial_clones() {
    let git = Fixture::new();
    git.write("a", "1");
    git.commit("first");
    git.write("a", "2");
    let second = git.commit("second");
    git.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", git.path().display());
    let clones = Fixture::empty();
    clones.git(&["clone", "-q", "--depth", "1", &url, "shallow"]);
    clones.git(&["clone", "-q", "--no-checkout", "--filter=blob:none", &url, "partial"]);
    let shallow = open(&clones.at("shallow")).unwrap();
    assert_eq!(shallow.shallow().iter().map(ToString::to_string).collect::<Vec<_>>(), [second]);
    assert!(open(&clones.at("partial")).unwrap().is_partial());
}

#[test]
fn follows_alternates() {
    let git = Fixture::new();
    git.write("a", "1");
    let first = git.commit("first");
    let clones = Fixture::empty();
    clones.git(&["clone", "-q", "--shared", git.path().to_str().unwrap(), "shared"]);
    let repository = open(&clones.at("shared")).unwrap();
    assert_eq!(hex(&repository.tips().unwrap()), [first]);
    assert_eq!(repository.object_dirs().len(), 2);
}

#[test]
fn refuses_sha256() {
    let git = Fixture::empty();
    git.git(&["init", "-q", "--object-format=sha256", "."]);
    let error = open(git.path()).err().unwrap();
    assert!(matches!(&error, Error::Unsupported { feature, .. } if feature.contains("sha256")), "{error}");
    assert!(error.remedy().is_some());
}

#[test]
fn refuses_broken_git_folders() {
    for (name, content) in [("config", &b"[core\n"[..]), ("shallow", b"nonsense\n"), ("HEAD", b"")] {
        let git = Fixture::new();
        git.commit("first");
        git.write(&format!(".git/{name}"), content);
        let opened = open(git.path());
        assert!(opened.is_err() || name == "HEAD", "{name}");
    }
    let file = Fixture::empty();
    file.write(".git", "gitdir: nowhere");
    assert!(matches!(open(file.path()), Err(Error::Damaged { .. })));
}

#[test]
#[cfg(unix)]
fn never_waits_for_a_pipe() {
    for name in
        ["config", "HEAD", "packed-refs", "shallow", "refs/heads/main", "objects/pack/pack-1.idx", "objects/aa/bb"]
    {
        let git = Fixture::new();
        git.commit("first");
        let path = git.at(".git").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        super::super::fixture::make_pipe(&path);
        assert!(matches!(open(git.path()), Err(Error::Damaged { .. })), "{name}");
    }
}
