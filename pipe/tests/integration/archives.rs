//! What is found in archives, and what is said of those that cannot be opened.

use penstock::checkout::archive::{ArchiveLimits, is_archive, visit_entries};
use penstock::checkout::{Item, path};

use crate::pack::{Entry, deflated, gzip, member, stored, tar, xz, zip, zstd};

/// Everything in an archive called `a`, as `name=content`, and then what was passed over, as `? name: reason`.
fn look_within(limits: ArchiveLimits, bytes: &[u8]) -> Vec<String> {
    let mut seen = Vec::new();
    let item = Item { path: b"a", bytes, lines: None, commit: None };
    let skipped = visit_entries(item, &limits, &mut |entry| {
        let content = String::from_utf8_lossy(&entry.bytes[..entry.bytes.len().min(40)]).into_owned();
        seen.push(format!("{}={content}", path::display(entry.path)));
    });
    let mark = |by_limit| if by_limit { "?" } else { "!" };
    seen.extend(skipped.iter().map(|s| format!("{} {}: {}", mark(s.by_limit), s.subject, s.reason)));
    seen
}

fn look(bytes: &[u8]) -> Vec<String> {
    look_within(ArchiveLimits::default(), bytes)
}

#[test]
fn every_format_is_opened() {
    assert_eq!(look(&zip(&[stored("x/y", b"1"), deflated("z", b"2"), stored("folder/", b"")])), ["a!x/y=1", "a!z=2"]);
    let packed = tar(&[("x/y", b"1"), ("z", b"2")]);
    for bytes in [packed.clone(), gzip(&packed), zstd(&packed), xz(&packed, 0)] {
        assert_eq!(look(&bytes), ["a!x/y=1", "a!z=2"]);
    }
    for bytes in [gzip(b"plain"), zstd(b"plain"), xz(b"plain", 0)] {
        assert_eq!(look(&bytes), ["a!a=plain"]);
    }
    assert_eq!(look(b"no archive"), ["a=no archive"]);
}

#[test]
fn streams_of_several_parts_are_read_to_the_end() {
    let note = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
    assert_eq!(look(&[&zstd(b"one "), &note[..], &zstd(b"two")].concat()), ["a!a=one two"]);
    assert_eq!(look(&[gzip(b"one "), gzip(b"two")].concat()), ["a!a=one two"]);
}

#[test]
fn compressed_entries_of_a_zip_may_use_xz_and_zstd() {
    let entry = |method, data| Entry { method, data, ..stored("x", b"text") };
    assert_eq!(look(&zip(&[entry(93, zstd(b"text")), entry(95, xz(b"text", 0))])), ["a!x=text", "a!x=text"]);
}

#[test]
fn archives_within_archives_are_opened_as_far_as_the_limit() {
    let mut bytes = b"deep".to_vec();
    for name in ["1", "2", "3"] {
        bytes = zip(&[stored(name, &bytes)]);
    }
    assert_eq!(look(&bytes), ["a!3!2!1=deep"]);
    let seen = look(&zip(&[stored("4", &bytes)]));
    assert!(seen[0].starts_with("a!4!3!2=PK"), "{seen:?}");
    assert_eq!(seen[1], "? a!4!3!2: it lies deeper than 3 archives within each other, which is the limit");
}

#[test]
fn names_are_only_labels() {
    let names: [&[u8]; 4] = [b"../../etc/passwd", b"/abs", b"\x1b[31m\n", b"\xff\xfe"];
    let entries = names.map(|name| Entry { name: name.to_vec(), ..stored("", b"1") });
    let shown = ["a!../../etc/passwd=1", "a!/abs=1", "a!\\x1b[31m\\x0a=1", "a!\\xff\\xfe=1"];
    assert_eq!(look(&zip(&entries)), shown);
    assert_eq!(look(&names.map(|name| member(name, b'0', b"1")).concat()), shown);
}

#[test]
fn long_names_of_tars_are_read_in_both_forms() {
    let name = "n".repeat(150);
    let gnu = [member(b"././@LongLink", b'L', format!("{name}\0").as_bytes()), member(b"short", b'0', b"1")].concat();
    assert_eq!(look(&gnu), [format!("a!{name}=1")]);
    let record = format!("160 path={name}\n");
    let pax = [member(b"PaxHeaders", b'x', record.as_bytes()), member(b"short", b'0', b"1")].concat();
    assert_eq!(look(&pax), [format!("a!{name}=1")]);
    assert_eq!(look(&[member(b"link", b'1', b""), member(b"next", b'0', b"2")].concat()), ["a!next=2"]);
}

#[test]
fn what_stands_before_a_zip_is_looked_at_too() {
    let bytes = [&b"#!/bin/sh\n"[..], &zip(&[stored("x", b"1")])].concat();
    assert!(is_archive(&bytes));
    assert_eq!(look(&bytes), ["a=#!/bin/sh\n", "a!x=1"]);
}

#[test]
fn bombs_stop_at_each_limit_and_are_named_once() {
    let limits = ArchiveLimits { depth: 3, inflated: 3_000_000, ratio: 200, entries: 8, file: 2_000_000 };
    let told = |bytes: &[u8]| -> Vec<String> {
        look_within(limits, bytes).into_iter().filter(|line| line.starts_with(['?', '!'])).collect()
    };
    let zeros = |megabytes: usize| vec![b'0'; megabytes * 1_000_000];
    assert_eq!(
        told(&zip(&[deflated("x", &zeros(1)), deflated("y", &zeros(1))])),
        ["? a: it inflates to more than 200 times its size, which is the limit; the rest was not looked at"]
    );
    let once = zip(&[deflated("x", &zeros(1))]);
    let filled = stored("noise", &vec![1; 60_000]);
    let entries = [filled, stored("1", &once), stored("2", &once), stored("3", &once)];
    assert_eq!(
        told(&zip(&entries)),
        ["? a: it inflates to more than 3000000 bytes, which is the limit; the rest was not looked at"]
    );
    let many: Vec<Entry> = (0..9).map(|n| stored(&n.to_string(), b"")).collect();
    assert_eq!(
        told(&zip(&many)),
        ["? a: it holds more than 8 entries, which is the limit; the others were not looked at"]
    );
    let liar = Entry { size: 5, ..deflated("x", &zeros(3)) };
    let noise = stored("noise", &[1; 60_000]);
    assert_eq!(told(&zip(&[noise, liar])), ["? a!x: its content is over the limit of 2000000 bytes"]);
}

#[test]
fn entries_that_share_their_bytes_are_not_inflated_again_and_again() {
    let mut bytes = zip(&[stored("x", &[b'1'; 900])]);
    let directory = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let end = bytes.windows(4).position(|w| w == b"PK\x05\x06").unwrap();
    let record = bytes[directory..end].to_vec();
    let tail = bytes.split_off(end);
    bytes.extend(record.repeat(2));
    bytes.extend(&tail);
    let at = bytes.len() - 10;
    bytes[at..at + 4].copy_from_slice(&(record.len() as u32 * 3).to_le_bytes());
    let seen = look(&bytes);
    assert_eq!(seen.iter().filter(|line| line.starts_with("a!x=")).count(), 1, "{seen:?}");
    assert_eq!(seen.last().unwrap(), "? a!x: it shares its bytes with other entries");
}

#[test]
fn a_decoder_gets_no_more_memory_than_it_needs() {
    assert_eq!(look(&xz(b"text", 40)), ["a!a=", "? a: it asks for more memory than the limit of 66 MiB"]);
    // A window of two gigabytes.
    let wide = b"\x28\xb5\x2f\xfd\0\xa8\x09\0\0x".to_vec();
    assert_eq!(look(&wide), ["a!a=", "? a: it asks for more memory than the limit of 66 MiB"]);
}

#[test]
fn what_is_not_opened_is_named_and_the_rest_is_looked_at() {
    let entries = [
        Entry { flags: 1, ..stored("secret", b"?") },
        Entry { method: 12, ..stored("old", b"?") },
        Entry { crc: 7, ..stored("flipped", b"text") },
        Entry { data: b"\xff\xff".to_vec(), ..deflated("broken", b"text") },
        stored("good", b"1"),
    ];
    assert_eq!(
        look(&zip(&entries)),
        [
            "a!flipped=text",
            "a!broken=",
            "a!good=1",
            "? a!secret: it is encrypted",
            "? a!old: its compression (bzip2) is not supported",
            "! a!flipped: it is damaged: its checksum is another",
            "! a!broken: it is damaged: its compressed data is not valid",
        ]
    );
    assert_eq!(look(b"Rar!\x1a\x07\0"), ["a=Rar!\u{1a}\u{7}\0", "? a: rar archives are not opened"]);
}

#[test]
fn of_a_truncated_archive_the_beginning_is_looked_at() {
    let whole = zip(&[stored("x", b"1"), stored("y", b"2")]);
    let cut = whole.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    assert_eq!(
        look(&whole[..cut]),
        ["a!x=1", "a!y=2", "! a: it is damaged: its directory is lost; entries were looked for without it"]
    );
    let packed = tar(&[("x", b"1"), ("y", &[b'2'; 600])]);
    let seen = look(&packed[..512 * 3 + 100]);
    assert_eq!(seen[0], "a!x=1");
    assert!(seen[1].starts_with("a!y=2222"), "{seen:?}");
    assert!(seen[2..].iter().all(|line| line.starts_with("! a") && line.ends_with("it is damaged: it breaks off")));
    let squeezed = gzip(&packed);
    let seen = look(&squeezed[..squeezed.len() - 12]);
    assert!(seen.iter().any(|line| line == "a!x=1" || line.starts_with("a!a=")), "{seen:?}");
    assert!(seen.iter().any(|line| line.starts_with("! a")), "{seen:?}");
}

#[test]
fn no_prefix_and_no_flipped_bit_of_an_archive_is_too_much() {
    let inner = tar(&[("t", b"tar"), ("u", &[7; 700])]);
    let entries =
        [deflated("x", b"text"), stored("g", &gzip(&inner)), stored("z", &zstd(b"zst")), stored("l", &xz(b"lzma", 0))];
    let whole = zip(&entries);
    for end in 0..whole.len() {
        look(&whole[..end]);
    }
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        look(&bytes);
    }
    for bit in 0..inner.len() * 8 {
        let mut bytes = inner.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        look(&bytes);
    }
}
