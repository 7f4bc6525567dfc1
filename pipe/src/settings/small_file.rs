//! Reading the text of a configuration file.
//!
//! Owns what every such file must be, because it may come from anybody's repository: a regular file of bounded size, in UTF-8. A pipe is never
//! waited for, a device never opened.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::checkout::platform::{self, Kind};

/// Largest file that is read.
pub(super) const SIZE_MAX: u64 = 1 << 20;

/// Why a file of a configuration cannot be had.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum FileError {
    #[error("`{}` cannot be read", .path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is no file", .0.display())]
    NotAFile(PathBuf),
    #[error("`{}` is larger than {} KiB", .0.display(), SIZE_MAX >> 10)]
    TooLarge(PathBuf),
    #[error("`{}` is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
    #[error("`{}` leads out of the repository", .0.display())]
    Outside(PathBuf),
    #[error("`{}` is not there", .0.display())]
    Missing(PathBuf),
}

/// The text of the file at `path`.
pub(super) fn text_of(path: &Path) -> Result<String, FileError> {
    let unreadable = |source| FileError::Unreadable { path: path.to_owned(), source };
    // A link that the user names is followed; one that a repository holds was resolved before.
    let real = fs::canonicalize(path).map_err(unreadable)?;
    let file = platform::open(&real).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if platform::kind(metadata.file_type()) != Kind::File {
        return Err(FileError::NotAFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(SIZE_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > SIZE_MAX {
        return Err(FileError::TooLarge(path.to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| FileError::NotUtf8(path.to_owned()))
}
