//! Repositories with damage in them: it is named, and the rest is read.

use super::*;

fn writable(path: &Path) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "a file in a test's own folder")]
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions).unwrap();
}

#[test]
fn a_missing_blob_is_named_by_path_if_it_is_reachable() {
    let git = Fixture::new();
    versions(&git, 5);
    let gone = |revision: &str| {
        let id = git.git(&["rev-parse", revision]);
        fs::remove_file(git.at(&format!(".git/objects/{}/{}", &id[..2], &id[2..]))).unwrap();
        id
    };
    gone("HEAD:src/large.txt");
    let (given, coverage) = scan(git.path(), threads(2));
    assert_eq!(given.len(), 9);
    assert!(!coverage.complete());
    assert_eq!(coverage.skipped[0].subject, "src/large.txt");
    assert!(coverage.skipped[0].reason.contains("missing"), "{coverage:?}");
    git.git(&["reset", "-q", "HEAD~1"]);
    assert!(scan(git.path(), threads(2)).1.complete());
    // A folder that is missing hides what is reachable: nothing is held back then.
    gone("HEAD~1:src/deep");
    let (given, coverage) = scan(git.path(), threads(2));
    assert_eq!(given.len(), 9);
    assert!(!coverage.complete() && coverage.skipped.iter().any(|skipped| skipped.subject == "src/deep"));
    gone("HEAD~2");
    let (given, coverage) = scan(git.path(), threads(2));
    assert_eq!((given.len(), coverage.complete()), (9, false));
}

#[test]
fn damage_anywhere_in_a_pack_loses_little_and_never_panics() {
    let git = Fixture::new();
    versions(&git, 25);
    git.git(&["repack", "-adfq", "--depth=3"]);
    let pack = packs(&git, "pack").remove(0);
    writable(&pack);
    let sound = fs::read(&pack).unwrap();
    let (all, _) = scan(git.path(), threads(1));
    let mut most = 0;
    // All but the checksum at its end, which only `git fsck` looks at.
    for at in (0..sound.len() - 20).step_by(sound.len() / 60) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x55;
        fs::write(&pack, &bytes).unwrap();
        let repository = Repository::discover(git.path(), &Trust::default()).unwrap();
        let Ok((visitors, coverage)) = history(&repository, &threads(2), None, || |_: &[u8]| true, Collect::default)
        else {
            continue;
        };
        let given: Vec<_> = visitors.into_iter().flat_map(|visitor| visitor.0).collect();
        assert!(!coverage.complete(), "byte {at} of {}", sound.len());
        most = most.max(given.len());
        let contents: BTreeSet<_> = all.iter().map(|given| &given.0).collect();
        assert!(given.iter().all(|given| contents.contains(&given.0)), "byte {at}");
    }
    assert!(most >= all.len() - 1, "{most} of {}", all.len());
    for len in [0, 11, 12, 31, 32, sound.len() / 2, sound.len() - 21, sound.len() - 1] {
        fs::write(&pack, &sound[..len]).unwrap();
        let repository = Repository::discover(git.path(), &Trust::default()).unwrap();
        if let Ok((_, coverage)) = history(&repository, &threads(2), None, || |_: &[u8]| true, Collect::default) {
            assert!(!coverage.complete() || len > sound.len() / 2, "{len} bytes: {coverage:?}");
        }
    }
}

#[test]
fn a_damaged_object_is_read_from_another_copy() {
    let git = Fixture::new();
    versions(&git, 10);
    git.git(&["repack", "-adfq"]);
    let pack = packs(&git, "pack").remove(0);
    // The same again: loose.
    let aside = git.at("aside.pack");
    fs::copy(&pack, &aside).unwrap();
    git.git(&["init", "-q", "--bare", "other"]);
    let expected = scan(git.path(), threads(1));
    let unpack = "cd other && git unpack-objects -q < ../aside.pack && cp -r objects/?? ../.git/objects/";
    output(&git, "sh", &["-c", unpack]).unwrap();
    writable(&pack);
    let mut bytes = fs::read(&pack).unwrap();
    let len = bytes.len();
    for at in (40..len - 40).step_by(150) {
        bytes[at] ^= 0x10;
    }
    fs::write(&pack, &bytes).unwrap();
    let (given, coverage) = scan(git.path(), threads(2));
    assert_eq!(given, expected.0);
    assert_eq!(coverage.skipped, []);
}

#[test]
fn damaged_indices_and_left_overs() {
    let git = Fixture::new();
    versions(&git, 10);
    git.git(&["repack", "-adfq"]);
    let before = scan(git.path(), threads(1)).0.len();
    let index = packs(&git, "idx").remove(0);
    writable(&index);
    let sound = fs::read(&index).unwrap();
    git.write(".git/objects/pack/tmp_pack_abc", "PACK");
    git.write(".git/objects/pack/pack-1.keep", "");
    let (given, coverage) = scan(git.path(), threads(1));
    assert_eq!((given.len(), coverage.complete()), (before, true));
    assert_eq!(coverage.skipped[0].subject, "tmp_pack_abc");
    git.write(".git/objects/pack/pack-2.idx", &sound);
    let (given, coverage) = scan(git.path(), threads(1));
    assert_eq!((given.len(), coverage.complete()), (before, false));
    assert!(coverage.skipped.iter().any(|skipped| skipped.subject == "pack-2.pack"));
    fs::remove_file(git.at(".git/objects/pack/pack-2.idx")).unwrap();
    for at in (0..sound.len()).step_by(sound.len() / 100) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0xff;
        fs::write(&index, &bytes).unwrap();
        let repository = Repository::discover(git.path(), &Trust::default()).unwrap();
        let _ = history(&repository, &threads(2), None, || |_: &[u8]| true, Collect::default);
    }
}

#[test]
fn damaged_loose_objects_are_named() {
    let git = Fixture::new();
    git.write("a", "content of a");
    git.write("b", "content of b");
    git.commit("first");
    let id = git.git(&["rev-parse", "HEAD:a"]);
    let file = git.at(&format!(".git/objects/{}/{}", &id[..2], &id[2..]));
    writable(&file);
    let sound = fs::read(&file).unwrap();
    for damaged in [&b""[..], b"not zlib", &sound[..sound.len() / 2]] {
        fs::write(&file, damaged).unwrap();
        let (given, coverage) = scan(git.path(), threads(1));
        assert_eq!(given.iter().map(|given| &given.1).collect::<Vec<_>>(), ["b"]);
        assert!(!coverage.complete());
        assert!(coverage.skipped.iter().any(|skipped| skipped.subject == "a"), "{coverage:?}");
    }
}
