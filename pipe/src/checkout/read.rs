//! Reading one file whole, within limits.
//!
//! Owns the buffer that a worker reads into and the words for why a file was passed over. Never maps a file into memory: one
//! that shrinks while it is read would end the process.

use std::fs::File;
use std::io::{self, Read};

use crate::checkout::Skipped;

use super::platform::{self, Kind};

/// A buffer that grows to the largest file seen and is not cleared in between.
#[derive(Default)]
pub(super) struct Buffer(Vec<u8>);

/// Why a file was not read.
#[derive(Debug)]
pub(super) enum Passed {
    /// It is a symbolic link: out of scope, not worth a word.
    Symlink,
    /// Larger than the limit: its size, if known, and the limit.
    TooLarge(u64, u64),
    /// Not a file.
    Special(&'static str),
    /// The system's words.
    Failed(io::Error),
}

impl Passed {
    /// Whether there was a file to read.
    pub(super) fn is_file(&self) -> bool {
        match self {
            Self::Symlink | Self::Special(_) => false,
            Self::TooLarge(..) => true,
            Self::Failed(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// As listed for people; nothing for what is out of scope.
    pub(super) fn skipped(self, subject: &[u8]) -> Option<Skipped> {
        let (reason, by_limit) = match self {
            Self::Symlink => return None,
            Self::TooLarge(size, limit) => (too_large(size, limit), true),
            Self::Special(kind) => (format!("it is a {kind}"), true),
            Self::Failed(error) => failure(&error),
        };
        Some(Skipped { subject: super::path::display(subject), reason, by_limit })
    }
}

/// The reason given for what is over the limit.
pub(super) fn too_large(size: u64, limit: u64) -> String {
    format!("its {size} bytes are over the limit of {limit}")
}

/// The reason given for a failure, and whether the scan is whole all the same: what is gone was never there.
pub(super) fn failure(error: &io::Error) -> (String, bool) {
    match error.kind() {
        io::ErrorKind::NotFound => ("it vanished during the scan".to_owned(), true),
        io::ErrorKind::PermissionDenied => ("permission denied".to_owned(), false),
        // The standard library's words are the system's, without the path.
        _ => (format!("it cannot be read: {error}"), false),
    }
}

impl Buffer {
    /// The content of a file, opened as `platform` does or failed to be.
    pub(super) fn read(&mut self, opened: io::Result<File>, limit: u64) -> Result<&[u8], Passed> {
        let mut file = opened.map_err(|error| {
            if platform::is_symlink_refused(&error) { Passed::Symlink } else { Passed::Failed(error) }
        })?;
        let metadata = file.metadata().map_err(Passed::Failed)?;
        match platform::kind(metadata.file_type()) {
            Kind::File => {}
            Kind::Special(kind) => return Err(Passed::Special(kind)),
            Kind::Folder | Kind::Symlink => return Err(Passed::Symlink),
        }
        if metadata.len() > limit {
            return Err(Passed::TooLarge(metadata.len(), limit));
        }
        self.fill(&mut file, metadata.len(), limit)
    }

    /// Everything that `source` gives, which is expected to be `expected` bytes.
    pub(super) fn fill(&mut self, source: &mut impl Read, expected: u64, limit: u64) -> Result<&[u8], Passed> {
        // One byte more than expected: a read that does not fill it has reached the end, without asking once more.
        let mut room = usize::try_from(expected.min(limit)).unwrap_or(usize::MAX - 1) + 1;
        let mut length = 0;
        loop {
            if self.0.len() < room {
                self.0.resize(room, 0);
            }
            let asked = room - length;
            match source.read(&mut self.0[length..room]) {
                Ok(0) => break,
                Ok(got) => {
                    length += got;
                    if length as u64 > limit {
                        return Err(Passed::TooLarge(length as u64, limit));
                    }
                    if got < asked && length as u64 == expected {
                        break;
                    }
                    if length == room {
                        room = room.saturating_mul(2).max(64 << 10);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Passed::Failed(error)),
            }
        }
        Ok(&self.0[..length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there_whatever_was_expected() {
        let mut buffer = Buffer::default();
        let content: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
        for expected in [0, 1, 199_999, 200_000, 300_000] {
            assert_eq!(buffer.fill(&mut &content[..], expected, 200_000).unwrap(), content, "{expected}");
        }
        assert!(buffer.fill(&mut &b""[..], 5, 10).unwrap().is_empty());
        assert!(matches!(buffer.fill(&mut &content[..], 0, 199_999), Err(Passed::TooLarge(_, 199_999))));
    }
}
