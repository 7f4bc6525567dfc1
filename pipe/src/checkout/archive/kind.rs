//! What kind of archive bytes are.
//!
//! Owns the marks by which formats are recognised. Names count for nothing: a jar, a wheel and a nupkg are zip files, and what is called `.txt`
//! may be one too.

/// An archive, by what it takes to open it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zip,
    Tar,
    /// One stream, which may be a tar.
    Compressed(Codec),
    /// Known, but not opened.
    Foreign(&'static str),
}

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Gzip,
    Xz,
    Zstd,
}

/// The first bytes that tell a format.
const MARKS: &[(&[u8], Kind)] = &[
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Zip),
    (b"\x1f\x8b\x08", Kind::Compressed(Codec::Gzip)),
    (b"\xfd7zXZ\0", Kind::Compressed(Codec::Xz)),
    (b"\x28\xb5\x2f\xfd", Kind::Compressed(Codec::Zstd)),
    (b"7z\xbc\xaf\x27\x1c", Kind::Foreign("7z")),
    (b"Rar!\x1a\x07", Kind::Foreign("rar")),
];
/// The end of a zip file without a comment: where it stands, something may stand before the archive.
const ZIP_END: usize = 22;

/// The kind of archive that `bytes` are, if any.
pub(super) fn of(bytes: &[u8]) -> Option<Kind> {
    if let Some((_, kind)) = MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return Some(*kind);
    }
    if bytes.starts_with(b"BZh") && bytes.get(4..10) == Some(b"1AY&SY") {
        return Some(Kind::Foreign("bzip2"));
    }
    if is_tar(bytes) {
        return Some(Kind::Tar);
    }
    let end = bytes.len().checked_sub(ZIP_END).and_then(|at| bytes.get(at..));
    end.is_some_and(|end| end.starts_with(b"PK\x05\x06") && end.ends_with(b"\0\0")).then_some(Kind::Zip)
}

/// Whether a tar begins here. Those older than the mark `ustar` are told by the checksum of their header.
pub(super) fn is_tar(bytes: &[u8]) -> bool {
    let marked = matches!(bytes.get(257..263), Some(b"ustar\0" | b"ustar "));
    marked || bytes.first().is_some_and(|byte| *byte != 0) && super::tar::Header::read(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_tells_and_text_is_none() {
        assert_eq!(of(b"PK\x03\x04...."), Some(Kind::Zip));
        assert_eq!(of(b"\x1f\x8b\x08\0"), Some(Kind::Compressed(Codec::Gzip)));
        assert_eq!(of(b"Rar!\x1a\x07\x01\0"), Some(Kind::Foreign("rar")));
        assert_eq!(of(b"BZh91AY&SY"), Some(Kind::Foreign("bzip2")));
        assert_eq!(of(b""), None);
        assert_eq!(of(&[0; 1024]), None);
        assert_eq!(of("ordinary text\n".repeat(99).as_bytes()), None);
    }

    #[test]
    fn a_program_with_a_zip_at_its_end_is_one() {
        let mut bytes = b"#!/bin/sh\nexec java -jar \"$0\"\n".to_vec();
        bytes.extend(b"PK\x05\x06");
        bytes.extend([0; 18]);
        assert_eq!(of(&bytes), Some(Kind::Zip));
    }
}
