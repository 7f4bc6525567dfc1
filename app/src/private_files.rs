//! Files that only the app's own user may read.
//!
//! Owns the modes of the data folder (0700), of the embedded database and of its backups (0600).
//! The program sets them, whatever the umask is: new files are created with them, and existing ones
//! are closed to others. It writes no content.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// The files that SQLite writes next to a database, with the mode that the database has then.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Why a file or folder cannot be closed to others.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// It cannot be created.
    #[error("`{}` cannot be created: {source}", .path.display())]
    Create {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// All users of the machine have rights on it, and these cannot be removed.
    #[error(
        "`{}` is open to every user of this machine (mode {mode:03o}) and cannot be closed: {source}; run `chmod {wanted:03o} {}` as its owner",
        .path.display(), .path.display()
    )]
    Open {
        /// What.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode that it should have.
        wanted: u32,
        /// Why that cannot be set.
        source: io::Error,
    },
}

/// Creates a folder and its missing parents, or closes the existing one.
///
/// # Errors
/// When it cannot be created, or stays open to all users. A folder of another owner that only a
/// group may enter, as container platforms mount them, is reported in the log and used.
pub(crate) fn secure_folder(path: &Path) -> Result<(), PrivateFileError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, FOLDER_MODE);
    builder.create(path).map_err(|source| PrivateFileError::Create { path: path.to_owned(), source })?;
    restrict(path, FOLDER_MODE)
}

/// Creates a folder that must not exist yet.
///
/// # Errors
/// When it exists, or cannot be created.
pub(crate) fn create_new_folder(path: &Path) -> Result<(), PrivateFileError> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, FOLDER_MODE);
    builder.create(path).map_err(|source| PrivateFileError::Create { path: path.to_owned(), source })
}

/// Creates the empty file of a database, or closes the existing one and SQLite's files next to it.
///
/// # Errors
/// When it cannot be created, or stays open to all users.
pub(crate) fn secure_database(path: &Path) -> Result<(), PrivateFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, FILE_MODE);
    match options.open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => restrict(path, FILE_MODE)?,
        Err(source) => return Err(PrivateFileError::Create { path: path.to_owned(), source }),
    }
    for ending in COMPANIONS {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let companion = PathBuf::from(name);
        if companion.exists() {
            restrict(&companion, FILE_MODE)?;
        }
    }
    Ok(())
}

/// Removes rights that go beyond `wanted`.
#[cfg(unix)]
fn restrict(path: &Path, wanted: u32) -> Result<(), PrivateFileError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = match fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        // A file of SQLite next to a database may be gone by now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(PrivateFileError::Create { path: path.to_owned(), source }),
    };
    if mode & !wanted == 0 {
        return Ok(());
    }
    match fs::set_permissions(path, fs::Permissions::from_mode(mode & wanted)) {
        Ok(()) => {
            tracing::info!(path = %path.display(), "other users had rights on it (mode {mode:03o}): they were taken away");
            Ok(())
        }
        Err(source) if mode & 0o007 != 0 => Err(PrivateFileError::Open { path: path.to_owned(), mode, wanted, source }),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a group has rights on it (mode {mode:03o}), which cannot be taken away");
            Ok(())
        }
    }
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _wanted: u32) -> Result<(), PrivateFileError> {
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn new_folders_and_files_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        secure_folder(&deep).unwrap();
        assert_eq!((mode(&folder.path().join("a")), mode(&deep)), (0o700, 0o700));
        secure_database(&deep.join("x.db")).unwrap();
        assert_eq!(mode(&deep.join("x.db")), 0o600);
        create_new_folder(&deep.join("copy")).unwrap();
        assert_eq!(mode(&deep.join("copy")), 0o700);
        assert!(matches!(create_new_folder(&deep.join("copy")), Err(PrivateFileError::Create { .. })));
    }

    #[test]
    fn what_is_open_is_closed_and_no_right_is_added() {
        for (before, folder_after, file_after) in
            [(0o777, 0o700, 0o600), (0o755, 0o700, 0o600), (0o644, 0o600, 0o600), (0o500, 0o500, 0o400)]
        {
            let folder = tempfile::tempdir().unwrap();
            let (inner, database) = (folder.path().join("data"), folder.path().join("x.db"));
            fs::create_dir(&inner).unwrap();
            let files = ["", "-wal", "-shm", "-journal"].map(|ending| folder.path().join(format!("x.db{ending}")));
            files.iter().for_each(|file| fs::write(file, "").unwrap());
            for path in files.iter().chain([&inner]) {
                fs::set_permissions(path, fs::Permissions::from_mode(before)).unwrap();
            }
            secure_folder(&inner).unwrap();
            secure_database(&database).unwrap();
            assert_eq!(mode(&inner), folder_after, "{before:o}");
            assert!(files.iter().all(|file| mode(file) == file_after), "{before:o}");
        }
    }
}
