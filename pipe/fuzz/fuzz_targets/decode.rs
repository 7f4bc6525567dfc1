//! Recognising content and opening archives, on any bytes: no more comes out than the limits allow.

#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock::checkout::Item;
use penstock::checkout::archive::{ArchiveLimits, is_archive, visit_entries};
use penstock::checkout::content::{self, Content};

fuzz_target!(|bytes: &[u8]| {
    if let Content::Text(text) = content::recognise(bytes) {
        // UTF-16 grows by half at most.
        assert!(text.len() <= bytes.len() * 3 / 2 + 3);
    }
    let limits = ArchiveLimits { depth: 3, inflated: 1 << 20, ratio: 200, entries: 1000, file: 100_000 };
    let (mut entries, mut inflated) = (0_u64, 0_u64);
    let item = Item { path: b"outer", bytes, lines: None, commit: None };
    let skipped = visit_entries(item, &limits, &mut |entry| {
        assert!(entry.path.starts_with(b"outer"));
        assert!(entry.bytes.len() as u64 <= limits.file.max(bytes.len() as u64));
        entries += 1;
        inflated += entry.bytes.len() as u64;
    });
    // Every level that is opened may hand on what stands before its archive.
    assert!(entries <= 2 * limits.entries + 2);
    assert!(inflated <= 3 * (limits.inflated + bytes.len() as u64 + limits.file));
    assert!(skipped.len() <= 51);
    assert!(is_archive(bytes) || entries == 1 && skipped.is_empty());
});
