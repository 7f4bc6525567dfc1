//! A folder that was reached without following a link.
//!
//! Owns the calls for that. On Unix each component is opened within the one before, so that a link put there meanwhile is refused too; elsewhere
//! each is looked at before it is used.

#[cfg(not(unix))]
pub(super) use self::plain::Folder;
#[cfg(unix)]
pub(super) use self::unix::Folder;

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Nothing,
    File,
    Symlink,
    Folder,
    Special,
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::{Path, PathBuf};

    use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
    use rustix::io::Errno;

    use super::Standing;
    use crate::no_follow::{Executable, NoFollowError};

    #[derive(Debug)]
    pub(in super::super) struct Folder(OwnedFd);

    // A folder that may be passed through need not be readable.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const PASS: OFlags = OFlags::PATH;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const PASS: OFlags = OFlags::RDONLY;

    const FOLDER: OFlags = PASS.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

    impl Folder {
        /// Opens `folder`, component by component, making what is missing. `path` is what is told when that fails.
        pub(in super::super) fn open(folder: &Path, path: &Path) -> Result<Self, NoFollowError> {
            let start = if folder.is_absolute() { "/" } else { "." };
            let failed = |component: &Path, error: Errno| NoFollowError::Folder {
                component: component.to_owned(),
                source: error.into(),
            };
            let mut walked = PathBuf::new();
            let mut current =
                fs::open(start, FOLDER, Mode::empty()).map_err(|error| failed(Path::new(start), error))?;
            for component in folder.components() {
                walked.push(component);
                let name = component.as_os_str();
                if name == "/" || name == "." {
                    continue;
                }
                let mut opened = fs::openat(&current, name, FOLDER, Mode::empty());
                if matches!(opened, Err(Errno::NOENT)) {
                    match fs::mkdirat(&current, name, Mode::from_raw_mode(0o777)) {
                        Ok(()) | Err(Errno::EXIST) => opened = fs::openat(&current, name, FOLDER, Mode::empty()),
                        Err(error) => return Err(failed(&walked, error)),
                    }
                }
                let next = match opened {
                    Ok(next) => next,
                    Err(error) => {
                        return Err(match Self(current).standing(name) {
                            Ok(Standing::Symlink) => {
                                NoFollowError::Symlink { path: path.to_owned(), component: walked }
                            }
                            _ => failed(&walked, error),
                        });
                    }
                };
                current = next;
            }
            Ok(Self(current))
        }

        /// What stands under `name`, which is not followed.
        pub(in super::super) fn standing(&self, name: &OsStr) -> io::Result<Standing> {
            match fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => Ok(match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile => Standing::File,
                    FileType::Symlink => Standing::Symlink,
                    FileType::Directory => Standing::Folder,
                    _ => Standing::Special,
                }),
                Err(Errno::NOENT) => Ok(Standing::Nothing),
                Err(error) => Err(error.into()),
            }
        }

        /// Makes a file that was not there.
        pub(in super::super) fn create_new(&self, name: &OsStr, executable: Executable) -> io::Result<File> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mode = if executable == Executable::Yes { 0o777 } else { 0o666 };
            Ok(File::from(fs::openat(&self.0, name, flags, Mode::from_raw_mode(mode))?))
        }

        /// Opens a file to add to its end, and makes it if it is missing. Does not block on a pipe.
        pub(in super::super) fn append(&self, name: &OsStr) -> io::Result<File> {
            let flags = OFlags::WRONLY
                | OFlags::CREATE
                | OFlags::APPEND
                | OFlags::NOFOLLOW
                | OFlags::NONBLOCK
                | OFlags::CLOEXEC;
            Ok(File::from(fs::openat(&self.0, name, flags, Mode::from_raw_mode(0o666))?))
        }

        /// Puts one name in place of another.
        pub(in super::super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
            Ok(fs::renameat(&self.0, from, &self.0, to)?)
        }

        /// Removes a file.
        pub(in super::super) fn remove(&self, name: &OsStr) -> io::Result<()> {
            Ok(fs::unlinkat(&self.0, name, AtFlags::empty())?)
        }

        /// Whether both are the same folder, however they were reached.
        pub(in super::super) fn is_same(&self, other: &Self) -> bool {
            match (fs::fstat(&self.0), fs::fstat(&other.0)) {
                (Ok(one), Ok(two)) => one.st_dev == two.st_dev && one.st_ino == two.st_ino,
                _ => false,
            }
        }
    }
}

#[cfg(not(unix))]
mod plain {
    use std::ffi::OsStr;
    use std::fs::{self, File, OpenOptions};
    use std::io;
    use std::path::{Path, PathBuf};

    use super::Standing;
    use crate::no_follow::{Executable, NoFollowError};

    #[derive(Debug)]
    pub(in super::super) struct Folder(PathBuf);

    impl Folder {
        /// Looks at `folder` component by component, making what is missing. `path` is what is told when that fails.
        pub(in super::super) fn open(folder: &Path, path: &Path) -> Result<Self, NoFollowError> {
            let mut walked = PathBuf::new();
            for component in folder.components() {
                walked.push(component);
                let failed = |source| NoFollowError::Folder { component: walked.clone(), source };
                match fs::symlink_metadata(&walked) {
                    Ok(metadata) if metadata.is_symlink() => {
                        return Err(NoFollowError::Symlink { path: path.to_owned(), component: walked });
                    }
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        fs::create_dir(&walked).map_err(failed)?;
                    }
                    Err(error) => return Err(failed(error)),
                }
            }
            Ok(Self(walked))
        }

        /// What stands under `name`, which is not followed.
        pub(in super::super) fn standing(&self, name: &OsStr) -> io::Result<Standing> {
            match fs::symlink_metadata(self.0.join(name)) {
                Ok(metadata) if metadata.is_symlink() => Ok(Standing::Symlink),
                Ok(metadata) if metadata.is_dir() => Ok(Standing::Folder),
                Ok(metadata) if metadata.is_file() => Ok(Standing::File),
                Ok(_) => Ok(Standing::Special),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Standing::Nothing),
                Err(error) => Err(error),
            }
        }

        /// Creates a new file. Files have no executable bit here.
        pub(in super::super) fn create_new(&self, name: &OsStr, _executable: Executable) -> io::Result<File> {
            OpenOptions::new().write(true).create_new(true).open(self.0.join(name))
        }

        /// Opens a file to add to its end, and makes it if it is missing.
        pub(in super::super) fn append(&self, name: &OsStr) -> io::Result<File> {
            OpenOptions::new().append(true).create(true).open(self.0.join(name))
        }

        /// Puts one name in place of another.
        pub(in super::super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
            fs::rename(self.0.join(from), self.0.join(to))
        }

        /// Removes a file.
        pub(in super::super) fn remove(&self, name: &OsStr) -> io::Result<()> {
            fs::remove_file(self.0.join(name))
        }

        /// Whether both are the same folder, as far as their paths tell.
        pub(in super::super) fn is_same(&self, other: &Self) -> bool {
            match (fs::canonicalize(&self.0), fs::canonicalize(&other.0)) {
                (Ok(one), Ok(two)) => one == two,
                _ => self.0 == other.0,
            }
        }
    }
}
