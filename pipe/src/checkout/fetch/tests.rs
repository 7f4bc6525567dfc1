//! Answers as a hostile server would give them. What real ones give is tested where it is used, in `review`.

use std::io::Cursor;

use proptest::prelude::*;

use super::super::Trust;
use super::super::fixture::Fixture;
use super::*;

/// Fetches from a server that answers with these bytes, first the abilities, then the fetch.
fn from(answers: [&[u8]; 2]) -> FetchError {
    outcome(answers).unwrap_err()
}

fn outcome(answers: [&[u8]; 2]) -> Result<(), FetchError> {
    let git = Fixture::new();
    git.commit("begin");
    let clone = Repository::discover(git.path(), &Trust::default()).unwrap();
    let ask = |body: Option<Vec<u8>>| -> Result<Box<dyn Read + Send>, String> {
        Ok(Box::new(Cursor::new(answers[usize::from(body.is_some())].to_vec())))
    };
    let wanted = Wanted { commit: Some(ObjectId::null(gix::hash::Kind::Sha1)), branch: None, head: None };
    fetch(&ask, &clone, wanted, &|_, _| true).map(|_| ())
}

fn packets(lines: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend_from_slice(format!("{:04x}", line.len() + 4).as_bytes());
        bytes.extend_from_slice(line);
    }
    bytes.extend_from_slice(b"0000");
    bytes
}

fn abilities() -> Vec<u8> {
    packets(&[b"version 2\n", b"fetch=shallow filter\n"])
}

/// An answer whose pack is these bytes.
fn with_pack(pack: &[u8]) -> Vec<u8> {
    packets(&[b"packfile\n", &[&[1], pack].concat()])
}

/// A pack with one object whose header says what it likes.
fn pack(header: &[u8], content: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(content).unwrap();
    [&b"PACK\0\0\0\x02\0\0\0\x01"[..], header, &zlib.finish().unwrap(), &[0; 20]].concat()
}

#[test]
fn a_server_of_another_kind_is_told_so() {
    for answer in [&b"<html>"[..], b"", b"0000", &packets(&[b"# service=git-upload-pack\n"])] {
        let error = from([answer, b""]).to_string();
        assert!(error.contains("cannot be used"), "{error}");
    }
    let sha256 = packets(&[b"version 2\n", b"object-format=sha256\n"]);
    assert!(from([&sha256, b""]).to_string().contains("another format"));
    for answer in [&b""[..], b"0000", b"00010002", &packets(&[b"shallow-info\n"])] {
        let error = from([&abilities(), answer]).to_string();
        assert!(error.contains("without a pack"), "{error}");
    }
    let error = from([&abilities(), &packets(&[b"ERR upload-pack: not our ref \x1b[2J"])]).to_string();
    assert!(error.contains("not our ref") && !error.contains('\u{1b}'), "{error}");
}

#[test]
fn what_a_pack_claims_is_not_believed() {
    let huge = [0x3f | 0x80, 0xff, 0xff, 0xff, 0xff, 0x7f];
    let large_delta = [&[0x60 | 0x80 | 7, 0x00][..], &[5]].concat();
    for (pack, words) in [
        (pack(&huge, b"x"), "larger than 128 MiB"),
        (pack(&[0x35], b"four"), "malformed"),
        (pack(&[0x70 | 4], b"four"), "malformed"),
        (pack(&[0x34], b"four"), "damaged"),
        (pack(&large_delta, b"\x04\xff\xff\xff\xff\x0f!"), "larger than 128 MiB"),
        (b"PACK\0\0\0\x02\xff\xff\xff\xff".to_vec(), "too many objects"),
        (b"PACK\0\0\0\x03\0\0\0\x01".to_vec(), "malformed"),
        (b"PA".to_vec(), "breaks off"),
    ] {
        let error = from([&abilities(), &with_pack(&pack)]).to_string();
        assert!(error.contains(words), "{error} in place of {words}");
    }
}

#[test]
fn a_pack_may_be_empty() {
    let pack = [&b"PACK\0\0\0\x02\0\0\0\0"[..], &[0; 20]].concat();
    outcome([&abilities(), &with_pack(&pack)]).unwrap();
}

#[test]
fn a_server_that_never_ends_is_left() {
    struct Endless;
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            buffer.iter_mut().zip(b"0008aaaa".iter().cycle()).for_each(|(to, from)| *to = *from);
            Ok(buffer.len() / 8 * 8)
        }
    }
    let mut bounds = Bounds { end: Instant::now() + TIME, bytes: 1 << 16 };
    let ask = |_: Option<Vec<u8>>| -> Result<Box<dyn Read + Send>, String> { Ok(Box::new(Endless)) };
    assert!(protocol::abilities(&ask, &mut bounds).is_err());
    bounds.end = Instant::now();
    assert!(matches!(protocol::abilities(&ask, &mut bounds), Err(FetchError::Bound(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_answer_is_refused(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        from([&abilities(), &noise]);
        from([&noise, b""]);
        from([&abilities(), &with_pack(&[b"PACK\0\0\0\x02\0\0\0\x02", &noise[..]].concat())]);
    }
}
