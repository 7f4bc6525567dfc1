//! Writing files without following symbolic links.
//!
//! Owns every write of the program outside the temporary folders that it makes itself. A scanned
//! repository, or an earlier step, may have put a link anywhere below the clone, so no component of
//! a path may be one. Must not decide what a file contains.

mod folder;

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use self::folder::{Folder, Standing};
use crate::checkout::path::display;
use crate::checkout::platform::path_bytes;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum NoFollowError {
    /// An attacker could use it to have another file overwritten.
    #[error("`{}` is not written: `{}` is a symbolic link", shown(.path), shown(.component))]
    Symlink {
        /// As it was given.
        path: PathBuf,
        /// The link.
        component: PathBuf,
    },
    /// There is something other than a file.
    #[error("`{}` is not written: it is a {kind}", shown(.path))]
    NotAFile {
        /// As it was given.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// The path does not end in a name.
    #[error("`{}` names no file", shown(.path))]
    NoName {
        /// As it was given.
        path: PathBuf,
    },
    /// A parent folder cannot be opened or created.
    #[error("the folder `{}` cannot be used", shown(.component))]
    Folder {
        /// The folder.
        component: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("`{}` cannot be written", shown(.path))]
    Write {
        /// As it was given.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl NoFollowError {
    /// Whether another path would help, rather than another disk.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Write { .. })
    }

    /// What to do.
    pub fn remedy(&self) -> Option<&'static str> {
        matches!(self, Self::Symlink { .. }).then_some("name the place that the link leads to")
    }

    /// With the system's reason, for a log of one line.
    pub fn in_one_line(&self) -> String {
        let cause = std::error::Error::source(self).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{self}{cause}")
    }
}

pub(crate) fn shown(path: &Path) -> String {
    display(&path_bytes(path.as_os_str()))
}

/// Who may execute a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executable {
    /// No one.
    No,
    /// Those who may read it.
    Yes,
}

/// A location for a file. Keeps the folder open, so that later changes to the path have no effect.
#[derive(Debug)]
pub struct NoFollowFile {
    path: PathBuf,
    folder: Folder,
    name: OsString,
}

impl NoFollowFile {
    /// Opens the folder of `path`, creating missing folders. Nothing is written yet.
    ///
    /// # Errors
    /// When a component is a link, or the file would replace something that is not a file.
    pub fn open(path: &Path) -> Result<Self, NoFollowError> {
        let name = path.file_name().ok_or_else(|| NoFollowError::NoName { path: path.to_owned() })?.to_owned();
        let folder = Folder::open(path.parent().unwrap_or(Path::new("")), path)?;
        let file = Self { path: path.to_owned(), folder, name };
        file.check()?;
        Ok(file)
    }

    /// Whether both are the same file, even under different paths.
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.folder.is_same(&other.folder)
    }

    /// Replaces the file atomically: writes a temporary file next to it and renames that, so that
    /// no reader sees half of it.
    ///
    /// # Errors
    /// When it cannot be written; then the previous file is unchanged.
    pub fn replace(&self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), NoFollowError> {
        self.check()?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| self.failed(io::Error::other(error)))?;
        let temporary = OsString::from(format!(".penstock-{:016x}.tmp", u64::from_le_bytes(random)));
        let file = self.folder.create_new(&temporary, Executable::No).map_err(|error| self.failed(error))?;
        let mut out = BufWriter::new(file);
        let filled = fill(&mut out).and_then(|()| out.flush());
        drop(out);
        filled.and_then(|()| self.folder.rename(&temporary, &self.name)).map_err(|error| {
            let _ = self.folder.remove(&temporary);
            self.failed(error)
        })
    }

    /// Appends to the file, which is created if it is missing.
    ///
    /// # Errors
    /// When it cannot be written, or is no longer a regular file.
    pub fn append(&self, bytes: &[u8]) -> Result<(), NoFollowError> {
        self.check()?;
        let mut file = self.folder.append(&self.name).map_err(|error| self.failed(error))?;
        // It may have become a pipe since it was checked; the open did not block, so reject it
        // here.
        if !file.metadata().map_err(|error| self.failed(error))?.is_file() {
            return Err(NoFollowError::NotAFile { path: self.path.clone(), kind: "special file" });
        }
        file.write_all(bytes).map_err(|error| self.failed(error))
    }

    /// Writes a new file. `false` if there is one already.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(&self, bytes: &[u8], executable: Executable) -> Result<bool, NoFollowError> {
        match self.folder.create_new(&self.name, executable) {
            Ok(mut file) => file.write_all(bytes).map(|()| true).map_err(|error| self.failed(error)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, source: io::Error) -> NoFollowError {
        NoFollowError::Write { path: self.path.clone(), source }
    }

    /// Rejects what must not be replaced: links, devices and pipes.
    fn check(&self) -> Result<(), NoFollowError> {
        let path = || self.path.clone();
        match self.folder.standing(&self.name) {
            Ok(Standing::Nothing | Standing::File) => Ok(()),
            Ok(Standing::Symlink) => Err(NoFollowError::Symlink { path: path(), component: path() }),
            Ok(Standing::Folder) => Err(NoFollowError::NotAFile { path: path(), kind: "folder" }),
            Ok(Standing::Special) => Err(NoFollowError::NotAFile { path: path(), kind: "special file" }),
            Err(source) => Err(self.failed(source)),
        }
    }
}

#[cfg(test)]
mod tests;
