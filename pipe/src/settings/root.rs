//! Where the files of a repository's configuration come from: a folder, or a commit.
//!
//! Owns the rule that a pull request is judged by what its destination says: if files come from a commit, so do those that a flag names within
//! the clone, whatever the change has made of them. Knows no file's name and no grammar.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::small_file::{FileError, SIZE_MAX, text_of};

/// The root of a repository, as configuration is read from it.
#[derive(Clone, Copy, Default)]
pub enum Root<'a> {
    /// There is none: a bare repository.
    #[default]
    Nowhere,
    /// A folder, such as that of a work tree.
    Folder(&'a Path),
    /// A commit.
    Commit(&'a dyn CommitFiles),
}

/// The files of a commit.
pub trait CommitFiles {
    /// The content of the file of that name from the root on, at most `limit` bytes. `None` if there is none or it is no file.
    fn content(&self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>>;
    /// The folder that the commit was checked out to.
    fn work_tree(&self) -> Option<&Path>;
}

impl Root<'_> {
    /// The text of the file of that name in the root; a link is none, and nothing lies behind one.
    pub fn text(&self, name: &str) -> Result<Option<String>, FileError> {
        match self {
            Self::Nowhere => Ok(None),
            Self::Folder(root) => {
                let path = root.join(name);
                let is_file = std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
                let below = Path::new(name).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
                let is_folder = |folder: &Path| {
                    std::fs::symlink_metadata(root.join(folder)).is_ok_and(|metadata| metadata.is_dir())
                };
                (is_file && below.into_iter().all(is_folder)).then(|| text_of(&path)).transpose()
            }
            Self::Commit(files) => in_commit(*files, name),
        }
    }

    /// The text of a file that the user names.
    pub(super) fn named(&self, path: &Path) -> Result<String, FileError> {
        match (self, self.inside(path)) {
            (Self::Commit(files), Some(name)) => {
                in_commit(*files, &name)?.ok_or_else(|| FileError::Missing(path.to_owned()))
            }
            _ => text_of(path),
        }
    }

    /// The name from the root on of a file that the user names; `None` outside of the root.
    pub(super) fn inside(&self, path: &Path) -> Option<String> {
        let root = match self {
            Self::Nowhere => return None,
            Self::Folder(root) => root,
            Self::Commit(files) => files.work_tree()?,
        };
        let root = std::fs::canonicalize(root).ok()?;
        let below = |path: &Path| {
            let name = path.strip_prefix(&root).ok()?;
            Some(name.to_str()?.replace('\\', "/"))
        };
        // A file that the change took away is still in the commit.
        let lexical = || below(&normal(&std::path::absolute(path).ok()?));
        std::fs::canonicalize(path).ok().and_then(|real| below(&real)).or_else(lexical)
    }
}

/// The text of a file of a commit.
pub(super) fn in_commit(files: &dyn CommitFiles, name: &str) -> Result<Option<String>, FileError> {
    let path = || PathBuf::from(name);
    let Some(relative) = relative(Path::new(name)) else { return Err(FileError::Outside(path())) };
    let content = files.content(&relative, SIZE_MAX);
    let content = content.map_err(|source| FileError::Unreadable { path: path(), source })?;
    content.map(|bytes| String::from_utf8(bytes).map_err(|_| FileError::NotUtf8(path()))).transpose()
}

/// `path` without `.` and `..`, if it stays below where it begins.
fn relative(path: &Path) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => names.push(name.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => {
                names.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(names.join("/"))
}

/// An absolute path without `..`, by its words alone.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut normal, part| {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
        normal
    })
}
