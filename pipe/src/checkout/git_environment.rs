//! What git's own environment variables say about the repository.
//!
//! Owns which of them count and the syntax of their values. The user sets them, or git does for a
//! hook: the paths are trusted, and no file in a repository can change them. Reads no environment:
//! `settings` passes the values.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::platform::{path_bytes, path_name};

/// The variables that decide which repository, index and objects are read (`git help git`). Paths
/// are as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitEnvironment {
    /// `GIT_DIR`, from the current folder.
    pub git_dir: Option<PathBuf>,
    /// `GIT_WORK_TREE`, from the current folder.
    pub work_tree: Option<PathBuf>,
    /// `GIT_IMPLICIT_WORK_TREE=0`: with `GIT_DIR` alone, the current folder is no work tree.
    pub no_implicit_work_tree: bool,
    /// `GIT_COMMON_DIR`, from the current folder.
    pub common_dir: Option<PathBuf>,
    /// `GIT_INDEX_FILE`, from the top of the work tree.
    pub index_file: Option<PathBuf>,
    /// `GIT_OBJECT_DIRECTORY`, from the top of the work tree.
    pub object_directory: Option<PathBuf>,
    /// `GIT_ALTERNATE_OBJECT_DIRECTORIES`, from the top of the work tree.
    pub alternates: Vec<PathBuf>,
    /// `GIT_SHALLOW_FILE`, from the top of the work tree.
    pub shallow_file: Option<PathBuf>,
    /// `GIT_CEILING_DIRECTORIES`: the search for a repository does not go up into these.
    pub ceilings: Vec<PathBuf>,
    /// `GIT_DISCOVERY_ACROSS_FILESYSTEM`: the search goes on in another file system.
    pub across_file_systems: bool,
}

impl GitEnvironment {
    /// Reads them through `variable`, which looks up a variable by name. An empty one counts as
    /// unset.
    ///
    /// `GIT_NAMESPACE` is not read: git uses it only to serve a repository. Nor is `GIT_PREFIX`,
    /// the folder of the user: git runs hooks at the top of the work tree.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = |name: &str| set(name).map(PathBuf::from);
        let list = |name: &str| set(name).map(|value| paths(&path_bytes(&value))).unwrap_or_default();
        let flag = |name: &str| set(name).map(|value| is_true(&path_bytes(&value)));
        Self {
            git_dir: path("GIT_DIR"),
            work_tree: path("GIT_WORK_TREE"),
            no_implicit_work_tree: flag("GIT_IMPLICIT_WORK_TREE") == Some(false),
            common_dir: path("GIT_COMMON_DIR"),
            index_file: path("GIT_INDEX_FILE"),
            object_directory: path("GIT_OBJECT_DIRECTORY"),
            alternates: list("GIT_ALTERNATE_OBJECT_DIRECTORIES"),
            shallow_file: path("GIT_SHALLOW_FILE"),
            ceilings: list("GIT_CEILING_DIRECTORIES"),
            across_file_systems: flag("GIT_DISCOVERY_ACROSS_FILESYSTEM") == Some(true),
        }
    }

    /// Whether the search for a repository that starts at `start` ends below `folder`, a parent of
    /// it.
    pub(super) fn is_ceiling(&self, folder: &Path, start: &Path) -> bool {
        // Git always searches the folder where the search starts.
        let is = |ceiling: &PathBuf| {
            ceiling.is_absolute() && std::fs::canonicalize(ceiling).as_deref().unwrap_or(ceiling) == folder
        };
        folder != start && self.ceilings.iter().any(is)
    }
}

/// A list of paths in the syntax of `PATH`; a path in double quotes is escaped as in C.
fn paths(value: &[u8]) -> Vec<PathBuf> {
    let separator = if cfg!(windows) { b';' } else { b':' };
    let (mut found, mut rest) = (Vec::new(), value);
    while !rest.is_empty() {
        let (path, after) = match rest.strip_prefix(b"\"").and_then(unquoted) {
            Some(read) => read,
            None => {
                let end = memchr::memchr(separator, rest).unwrap_or(rest.len());
                (rest[..end].to_vec(), &rest[end..])
            }
        };
        if !path.is_empty() {
            found.push(PathBuf::from(path_name(&path)));
        }
        rest = memchr::memchr(separator, after).map_or(&[], |at| &after[at + 1..]);
    }
    found
}

/// The text up to the closing quotation mark, and what comes after it.
fn unquoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut path = Vec::new();
    let mut rest = text;
    loop {
        match rest {
            [b'"', after @ ..] => return Some((path, after)),
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                path.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            [b'\\', escaped, after @ ..] => {
                path.push(match escaped {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    other => *other,
                });
                rest = after;
            }
            [byte, after @ ..] => {
                path.push(*byte);
                rest = after;
            }
            [] => return None,
        }
    }
}

/// Git's booleans.
pub(super) fn is_true(value: &[u8]) -> bool {
    let word = value.to_ascii_lowercase();
    matches!(&*word, b"true" | b"yes" | b"on")
        || std::str::from_utf8(&word).is_ok_and(|word| word.parse::<i64>().is_ok_and(|number| number != 0))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> GitEnvironment {
        GitEnvironment::read(|name| pairs.iter().find(|(one, _)| *one == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn lists_are_parted_and_unquoted() {
        let alternates = |value| read(&[("GIT_ALTERNATE_OBJECT_DIRECTORIES", value)]).alternates;
        assert_eq!(alternates("/a::b"), ["/a", "b"].map(PathBuf::from));
        assert_eq!(alternates("\"/a:b\\\"\\303\\244\":/c"), ["/a:b\"ä", "/c"].map(PathBuf::from));
        assert_eq!(alternates("\"open:/c"), ["\"open", "/c"].map(PathBuf::from));
    }

    #[test]
    fn what_is_empty_is_not_set() {
        assert_eq!(read(&[("GIT_DIR", ""), ("GIT_INDEX_FILE", "")]), GitEnvironment::default());
        assert!(read(&[("GIT_IMPLICIT_WORK_TREE", "0")]).no_implicit_work_tree);
        assert!(read(&[("GIT_DISCOVERY_ACROSS_FILESYSTEM", "on")]).across_file_systems);
    }
}
