//! The folder of the embedded database.
//!
//! Owns two questions: is there a database in it, and does a program serve from it already? It
//! opens no database.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::store::{FILES, MAIN_FILE};

/// The file whose lock says that a program serves from the folder. It is empty and stays there; the
/// lock ends with the process, however that ends.
const LOCK: &str = "serve.lock";

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// There is no database.
    #[error(
        "DATA_DIR: there is no database in `{}` (`{missing}` is missing): check the path; `penstock-app serve` and `penstock-app migrate` make a new database, no other command does",
        .folder.display()
    )]
    NoDatabase {
        /// Where.
        folder: PathBuf,
        /// A file that must be there.
        missing: &'static str,
    },
    /// There is a database, and its key is missing.
    #[error(
        "MASTER_KEY_FILE: `{}` does not exist, and the database in `{}` was made with a key: put the key file back; no new one was written",
        .key.display(), .folder.display()
    )]
    NoKey {
        /// Where the key should be.
        key: PathBuf,
        /// Where the database is.
        folder: PathBuf,
    },
    /// Another program serves from it.
    #[error(
        "DATA_DIR: another `penstock-app serve` uses `{}`: stop it first, or set DATABASE_URL to run several copies",
        .folder.display()
    )]
    InUse {
        /// Where.
        folder: PathBuf,
    },
    /// The lock cannot be taken.
    #[error("DATA_DIR: `{}` cannot be locked: {source}", .path.display())]
    Lock {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The right to serve from a folder, or to change its tables. It ends with this.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes it.
    ///
    /// # Errors
    /// When another program has it, or the file cannot be made.
    pub fn take(folder: &Path) -> Result<Self, DataFolderError> {
        let path = folder.join(LOCK);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|source| DataFolderError::Lock { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DataFolderError::InUse { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(DataFolderError::Lock { path, source }),
        }
    }
}

/// Checks that the files of a database are in the folder. Nothing is made.
///
/// # Errors
/// When one is missing.
pub fn require_database(folder: &Path) -> Result<(), DataFolderError> {
    match FILES.into_iter().find(|file| !folder.join(file).is_file()) {
        Some(missing) => Err(DataFolderError::NoDatabase { folder: folder.to_owned(), missing }),
        None => Ok(()),
    }
}

/// Checks that a key file which is missing may be made: only for a database that is to be made,
/// too.
///
/// # Errors
/// When there is a database, which was made with a key.
pub fn require_key(folder: &Path, key: &Path) -> Result<(), DataFolderError> {
    // A file of no bytes is what a first start leaves behind that was stopped at once. The key was
    // there before.
    let is_made = fs::metadata(folder.join(MAIN_FILE)).is_ok_and(|file| file.len() > 0);
    if is_made && !key.exists() {
        return Err(DataFolderError::NoKey { key: key.to_owned(), folder: folder.to_owned() });
    }
    Ok(())
}
