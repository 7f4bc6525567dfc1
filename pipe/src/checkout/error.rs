//! Why something could not be looked at.
//!
//! Owns the one error type of `checkout`. What was passed over while the rest was read is no error
//! but a [`Skipped`](super::Skipped); this is for a source that cannot be read at all.

use std::io;
use std::path::{Path, PathBuf};

/// Why a source cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument names nothing.
    #[error("`{}` does not exist", shown(.path))]
    NoSuchPath {
        /// As given.
        path: PathBuf,
    },
    /// An argument names something that cannot be read.
    #[error("`{}` cannot be read", shown(.path))]
    Unreadable {
        /// As given.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// An argument names what has no end or no content.
    #[error("`{}` is a {kind}", shown(.path))]
    NotAFile {
        /// As given.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// An argument names files that are never scanned: git's own, or untracked files that Pipelines
    /// puts into the clone.
    #[error("`{}` is never scanned", shown(.path))]
    Excluded {
        /// As given.
        path: PathBuf,
    },
    /// Commits were asked for where there is no repository.
    #[error("`{}` is not in a git repository", shown(.path))]
    NotARepository {
        /// Where the search began.
        path: PathBuf,
    },
    /// An argument is in another repository than the first, or in none.
    #[error("`{}` is not in the repository `{}`", shown(.path), shown(.repository))]
    OutsideOfRepository {
        /// As given.
        path: PathBuf,
        /// The repository.
        repository: PathBuf,
    },
    /// A git variable names something that is not a repository.
    #[error("`{variable}` names `{}`, which is no git folder", shown(.path))]
    Environment {
        /// The variable.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
    },
    /// Files were asked for in a repository that has none checked out.
    #[error("the repository `{}` has no work tree", shown(.path))]
    NoWorkTree {
        /// The repository.
        path: PathBuf,
    },
    /// The repository is of a kind that the library cannot read, and half of it would be read silently.
    #[error("the repository `{}` uses {feature}, which penstock does not read", shown(.path))]
    Unsupported {
        /// The repository.
        path: PathBuf,
        /// What it uses.
        feature: String,
    },
    /// The repository makes git read from elsewhere, and it belongs to somebody else.
    #[error("the repository `{}` reads from `{}`, outside of it, and does not belong to you", shown(.repository), shown(.outside))]
    Foreign {
        /// The repository.
        repository: PathBuf,
        /// The folder that it points to.
        outside: PathBuf,
    },
    /// Something that git needs is missing, malformed or of the wrong kind.
    #[error("the repository `{}` is damaged: {reason}", shown(.path))]
    Damaged {
        /// The repository, or the file that is at fault.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The text is not a range.
    #[error("`{given}` is not a range of commits")]
    RangeSyntax {
        /// As given.
        given: String,
    },
    /// A side of the range names no commit in this clone.
    #[error("`{given}` names no commit in this clone{}", if *.shallow { ", which is shallow" } else { "" })]
    UnknownRevision {
        /// As given.
        given: String,
        /// Whether the clone was cut off.
        shallow: bool,
    },
    /// The object folders that git's variables name cannot be combined.
    #[error("the folders of objects cannot be opened together")]
    Objects {
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Standard input broke off.
    #[error("standard input cannot be read")]
    Input(#[source] io::Error),
}

impl Error {
    /// What to do about it, in one sentence.
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoSuchPath { .. } => "check the path; it is taken relative to the current folder",
            Self::Unreadable { .. } => "check the permissions of the path and of the folders above it",
            Self::NotAFile { .. } => "name a file or a folder; use `--stdin` for a stream",
            Self::Excluded { .. } => "name the folder that holds it; use `--history` for what git keeps",
            Self::NotARepository { .. } => {
                "run it inside a clone; outside of git, `penstock scan PATH` reads plain files"
            }
            Self::OutsideOfRepository { .. } => "name paths of one repository; run it once for each",
            Self::Environment { .. } => "correct the variable, or unset it to search from the current folder",
            Self::NoWorkTree { .. } => "use `--history` or `--range A..B`",
            Self::Unsupported { .. } => {
                "`penstock scan --all-files` scans the files without reading the repository; in a hook, `git commit --no-verify` commits without the scan"
            }
            Self::Foreign { .. } => {
                "run it as the owner of the repository or on a clone of your own; `--all-files` scans the files without reading the repository"
            }
            Self::Damaged { .. } => {
                "run `git fsck`, or clone again; `--all-files` scans the files without reading the repository"
            }
            Self::RangeSyntax { .. } => "write `A..B`, such as `origin/main..HEAD`; use `--history` for everything",
            Self::UnknownRevision { shallow: true, .. } => {
                "fetch the whole history: `clone: depth: full` in the pipeline, `git fetch --unshallow` elsewhere"
            }
            Self::UnknownRevision { shallow: false, .. } => "check the spelling, or fetch the branch first",
            Self::Objects { .. } => "check `TMPDIR`, `GIT_OBJECT_DIRECTORY` and `GIT_ALTERNATE_OBJECT_DIRECTORIES`",
            Self::Input(_) => return None,
        })
    }

    /// Whether the caller asked for something that cannot be (exit code 2), rather than something being broken (3).
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoSuchPath { .. }
                | Self::NotAFile { .. }
                | Self::Excluded { .. }
                | Self::NotARepository { .. }
                | Self::OutsideOfRepository { .. }
                | Self::Environment { .. }
                | Self::NoWorkTree { .. }
                | Self::RangeSyntax { .. }
                | Self::UnknownRevision { shallow: false, .. }
        )
    }

    /// Reading `path` failed with `source`.
    pub(super) fn reading(path: &Path, source: io::Error) -> Self {
        if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
            Self::NoSuchPath { path: path.to_owned() }
        } else {
            Self::Unreadable { path: path.to_owned(), source }
        }
    }

    /// `path` is not as git makes it, because of `reason`.
    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }
}

/// A path of the system as it may stand in a message.
pub(super) fn shown(path: &Path) -> String {
    super::path::display(&super::platform::path_bytes(path.as_os_str()))
}

/// An error of the library with its causes, as one line that may be shown.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    super::path::display(text.as_bytes())
}
