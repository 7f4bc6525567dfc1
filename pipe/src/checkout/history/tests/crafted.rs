//! Packs that git would not write: hostile, thin, or malformed in one exact place.

use std::io::Write;

use gix::ObjectId;

use super::*;

const BLOB: u8 = 3;
const OFS_DELTA: u8 = 6;
const REF_DELTA: u8 = 7;

/// A pack in the making. Object ids are made up; nothing here depends on them being hashes.
#[derive(Default)]
struct Crafted {
    data: Vec<u8>,
    entries: Vec<(ObjectId, u32)>,
}

impl Crafted {
    /// Adds an entry: its claimed size, what stands between the header and the data, and the data before deflation.
    fn add(&mut self, id: ObjectId, kind: u8, size: u64, extra: &[u8], content: &[u8]) {
        self.entries.push((id, 12 + self.data.len() as u32));
        let mut rest = size >> 4;
        self.data.push(kind << 4 | (size & 15) as u8 | if rest > 0 { 0x80 } else { 0 });
        while rest > 0 {
            self.data.push((rest & 0x7f) as u8 | if rest >> 7 > 0 { 0x80 } else { 0 });
            rest >>= 7;
        }
        self.data.extend_from_slice(extra);
        let mut encoder = flate2::write::ZlibEncoder::new(&mut self.data, flate2::Compression::new(6));
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap();
    }

    fn blob(&mut self, id: ObjectId, content: &[u8]) {
        self.add(id, BLOB, content.len() as u64, &[], content);
    }

    /// A difference that appends `more` to the whole base.
    fn appended(&mut self, id: ObjectId, base: ObjectId, len: u8, more: &[u8]) {
        let mut delta = vec![len, len + more.len() as u8, 0x90, len, more.len() as u8];
        delta.extend_from_slice(more);
        self.add(id, REF_DELTA, delta.len() as u64, base.as_slice(), &delta);
    }

    fn write(mut self, git: &Fixture, name: &str) {
        let count = self.entries.len() as u32;
        let pack = [b"PACK", &2u32.to_be_bytes()[..], &count.to_be_bytes(), &self.data, &[7; 20]].concat();
        self.entries.sort();
        let mut index = vec![0xff, b't', b'O', b'c', 0, 0, 0, 2];
        for first in 0..=u8::MAX {
            let below = self.entries.iter().filter(|(id, _)| id.first_byte() <= first).count();
            index.extend((below as u32).to_be_bytes());
        }
        self.entries.iter().for_each(|(id, _)| index.extend_from_slice(id.as_slice()));
        index.extend(vec![0; 4 * self.entries.len()]);
        self.entries.iter().for_each(|(_, offset)| index.extend(offset.to_be_bytes()));
        index.extend([7; 40]);
        git.write(&format!(".git/objects/pack/pack-{name}.pack"), pack);
        git.write(&format!(".git/objects/pack/pack-{name}.idx"), index);
    }
}

fn id(byte: u8) -> ObjectId {
    ObjectId::from_bytes_or_panic(&[byte; 20])
}

/// A repository with one commit that has files called `1`, `2` and so on, the blobs of these ids.
fn naming(ids: &[ObjectId]) -> Fixture {
    let git = Fixture::new();
    let lines: String = ids.iter().map(|id| format!("100644 blob {id}\t{}\n", id.first_byte())).collect();
    git.write("lines", lines);
    let tree = output(&git, "sh", &["-c", "git mktree --missing < lines"]).unwrap();
    let tree = String::from_utf8(tree).unwrap();
    let commit = git.git(&["commit-tree", tree.trim(), "-m", "crafted"]);
    git.git(&["update-ref", "refs/heads/main", &commit]);
    git
}

fn contents(given: &[Given]) -> Vec<(String, String)> {
    given.iter().map(|(bytes, path, _)| (path.clone(), String::from_utf8_lossy(bytes).into_owned())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect()
}

#[test]
fn differences_to_objects_in_other_packs() {
    let git = naming(&[id(1), id(2), id(3), id(4)]);
    let mut first = Crafted::default();
    first.blob(id(1), b"base");
    first.appended(id(3), id(2), 6, b"!!");
    let mut second = Crafted::default();
    second.appended(id(2), id(1), 4, b"+2");
    // Builds upon what stands behind it.
    second.appended(id(4), id(2), 6, b"+4");
    first.write(&git, "a");
    second.write(&git, "b");
    for count in [1, 2] {
        let (given, coverage) = scan(git.path(), threads(count));
        assert_eq!(coverage.skipped, []);
        let expected = [("1", "base"), ("2", "base+2"), ("3", "base+2!!"), ("4", "base+2+4")];
        let mut found = contents(&given);
        found.sort();
        assert_eq!(found, pairs(&expected));
    }
}

#[test]
fn differences_to_themselves_are_named() {
    let git = naming(&[id(1), id(2), id(3), id(4), id(5), id(6), id(7)]);
    let mut first = Crafted::default();
    first.blob(id(1), b"fine");
    first.appended(id(2), id(3), 4, b"+");
    first.appended(id(3), id(2), 4, b"+");
    first.appended(id(4), id(3), 4, b"+");
    first.appended(id(5), id(5), 4, b"+");
    first.appended(id(6), id(7), 4, b"+");
    let mut second = Crafted::default();
    second.appended(id(7), id(6), 4, b"+");
    first.write(&git, "a");
    second.write(&git, "b");
    let (given, coverage) = scan(git.path(), threads(2));
    assert_eq!(contents(&given), pairs(&[("1", "fine")]));
    let named: Vec<_> = coverage.skipped.iter().map(|skipped| skipped.subject.as_str()).collect();
    assert_eq!(named, ["2", "3", "4", "5", "6", "7"]);
    assert!(coverage.skipped.iter().all(|skipped| !skipped.by_limit));
}

#[test]
fn claimed_sizes_are_not_believed() {
    let git = naming(&(1..=9).map(id).collect::<Vec<_>>());
    let mut pack = Crafted::default();
    pack.blob(id(1), b"fine");
    // Far more than its data can be, then than the limit, then than it is.
    pack.add(id(2), BLOB, 1 << 60, &[], b"huge");
    pack.add(id(3), BLOB, 20_000_000, &[], &vec![0; 20_000_000]);
    pack.add(id(4), BLOB, 5, &[], b"four");
    pack.add(id(5), BLOB, 3, &[], b"four");
    // A difference that is said to be long, one whose result is, one whose base is, and one that no header fits into.
    pack.add(id(6), REF_DELTA, 1 << 50, id(1).as_slice(), &[4, 4, 0x90, 4]);
    pack.add(id(7), REF_DELTA, 9, id(1).as_slice(), &[4, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x90, 4]);
    pack.add(id(8), REF_DELTA, 4, id(1).as_slice(), &[9, 4, 0x90, 4]);
    pack.add(id(9), REF_DELTA, 2, id(1).as_slice(), &[0x80, 0x80]);
    pack.write(&git, "a");
    let (given, coverage) = scan(git.path(), threads(2));
    assert_eq!(contents(&given), pairs(&[("1", "fine")]));
    let named: Vec<_> = coverage.skipped.iter().map(|skipped| (skipped.subject.as_str(), skipped.by_limit)).collect();
    let expected = [2, 3, 4, 5, 6, 7, 8, 9].map(|at| (at.to_string(), at == 3 || at == 7));
    assert_eq!(named, expected.each_ref().map(|(path, by_limit)| (path.as_str(), *by_limit)));
}

#[test]
fn nonsense_entries_are_named() {
    let git = naming(&(1..=8).map(id).collect::<Vec<_>>());
    let mut pack = Crafted::default();
    pack.blob(id(1), b"fine");
    // Unknown kinds, distances that lead nowhere, and what builds upon such.
    pack.add(id(2), 0, 4, &[], b"zero");
    pack.add(id(3), 5, 4, &[], b"five");
    pack.add(id(4), OFS_DELTA, 4, &[0], &[4, 4, 0x90, 4]);
    pack.add(id(5), OFS_DELTA, 4, &[1], &[4, 4, 0x90, 4]);
    pack.add(id(6), OFS_DELTA, 4, &[0xff, 0xff, 0x7f], &[4, 4, 0x90, 4]);
    pack.appended(id(7), id(6), 4, b"+");
    // One entry with two names, one of which lies outside.
    pack.entries.push((id(8), 1_000_000));
    pack.write(&git, "a");
    let (given, coverage) = scan(git.path(), threads(2));
    assert_eq!(contents(&given), pairs(&[("1", "fine")]));
    let named: Vec<_> = coverage.skipped.iter().map(|skipped| skipped.subject.as_str()).collect();
    assert_eq!(named, ["2", "3", "4", "5", "6", "7", "8"]);
}

#[test]
fn two_names_for_one_entry() {
    let git = naming(&[id(1), id(2)]);
    let mut pack = Crafted::default();
    pack.blob(id(1), b"same");
    pack.entries.push((id(2), 12));
    pack.write(&git, "a");
    let (given, coverage) = scan(git.path(), threads(2));
    assert_eq!(contents(&given), pairs(&[("1", "same")]));
    assert_eq!(coverage.skipped.iter().map(|skipped| skipped.subject.as_str()).collect::<Vec<_>>(), ["2"]);
}

#[test]
fn files_stored_as_something_else_are_named() {
    let git = naming(&[id(1), id(2), id(3)]);
    let mut pack = Crafted::default();
    pack.blob(id(1), b"fine");
    pack.add(id(2), 4, 3, &[], b"tag");
    pack.add(id(3), 1, 6, &[], b"commit");
    pack.write(&git, "a");
    let (given, coverage) = scan(git.path(), threads(2));
    assert_eq!(contents(&given), pairs(&[("1", "fine")]));
    let named: Vec<_> = coverage.skipped.iter().map(|skipped| skipped.subject.clone()).collect();
    assert_eq!(named, [id(2).to_string(), id(3).to_string()]);
    assert!(!coverage.complete());
    // A commit whose folder is a blob.
    let git = naming(&[id(1)]);
    let tree = git.git(&["rev-parse", "main^{tree}"]);
    fs::remove_file(git.at(&format!(".git/objects/{}/{}", &tree[..2], &tree[2..]))).unwrap();
    let mut pack = Crafted::default();
    pack.blob(tree.parse().unwrap(), b"no folder");
    pack.write(&git, "a");
    let (_, coverage) = scan(git.path(), threads(2));
    assert!(coverage.skipped.iter().any(|skipped| skipped.reason.contains("another kind")), "{coverage:?}");
    assert!(!coverage.complete());
}

#[test]
fn thousands_of_damaged_objects_are_summed_up() {
    let git = naming(&[id(1)]);
    let mut pack = Crafted::default();
    pack.blob(id(1), b"fine");
    for at in 0..1000u32 {
        let mut bytes = [9; 20];
        bytes[..4].copy_from_slice(&(at + 0x0a00_0000).to_be_bytes());
        pack.add(ObjectId::from_bytes_or_panic(&bytes), BLOB, 9, &[], b"wrong");
    }
    pack.write(&git, "a");
    let (given, coverage) = scan(git.path(), threads(2));
    assert_eq!(contents(&given), pairs(&[("1", "fine")]));
    assert_eq!(coverage.skipped.len(), 201);
    assert!(coverage.skipped.iter().any(|skipped| skipped.subject == "800 more objects"));
}
