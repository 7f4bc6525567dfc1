//! What is looked at: the files of a work tree, the index, the commits of a range, the blobs of a history, or standard input.
//!
//! Owns finding and reading content. Git is read with a library: no `git` binary and no program that the repository or its
//! configuration names is ever run. Knows nothing of secrets, findings or output: each source hands [`Item`]s to a [`Visitor`].

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::sync::Arc;

mod added;
pub mod archive;
mod commits;
pub mod content;
mod crew;
pub mod differences;
pub mod error;
mod exclude;
pub mod fetch;
#[cfg(test)]
pub(crate) mod fixture;
mod git_environment;
pub mod history;
mod hooks;
mod ignoring;
mod index;
mod joined;
pub mod locate;
mod objects;
pub mod path;
mod places;
pub mod platform;
mod pool;
pub mod range;
mod read;
pub mod repository;
mod scope;
pub mod snapshot;
mod sparse;
pub mod staged;
pub mod stdin;
mod tally;
mod tree_diff;
pub mod work_tree;

pub use differences::{Differences, Standing};
pub use error::Error;
pub use exclude::Exclude;
pub use git_environment::GitEnvironment;
pub use hooks::{HooksFolder, UserConfiguration};
pub use locate::{Location, Trust};
pub use places::Places;
pub use repository::{Repository, Tips};
pub use scope::TreeOptions;

/// One piece of content to look at.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    /// Path from the root of the scan, `/` between segments, raw bytes as the file system or git has them.
    /// [`path::display`] makes it fit to be shown.
    pub path: &'a [u8],
    /// The whole content.
    pub bytes: &'a [u8],
    /// If set, only what touches these lines (from 1, ascending, not overlapping) counts; the rest is context.
    pub lines: Option<&'a [RangeInclusive<u32>]>,
    /// The commit that brought it, when commits are scanned. Author, mail and subject are raw: the visitor masks them.
    pub commit: Option<&'a Arc<CommitInfo>>,
}

/// A commit as git stores it. Its texts are untrusted: mask them before they are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommitInfo {
    /// Full object id, lower-case hex.
    pub id: String,
    /// Author's name.
    pub author: String,
    /// Author's mail address.
    pub email: String,
    /// Author's date, RFC 3339 in UTC.
    pub date: String,
    /// First line of the message.
    pub subject: String,
}

/// Something that was not read, or not completely. Its texts may quote it: mask them before they
/// are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Its path or object id.
    pub subject: String,
    /// Why, in one sentence.
    pub reason: String,
    /// `true` for a documented limit, which leaves the run complete; `false` for something that
    /// should have been read.
    pub by_limit: bool,
}

/// Takes the items that one worker thread reads. Every thread has its own, so it may keep caches and needs no locks.
pub trait Visitor: Send {
    /// Whether the file at `path`, raw as in [`Item::path`], is to be read. Called once per file,
    /// before it is read.
    fn wants(&mut self, _path: &[u8], _commit: Option<&CommitInfo>) -> bool {
        true
    }

    /// Looks at one item.
    fn visit(&mut self, item: Item<'_>);
}

/// What a source went through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Files or blobs handed to visitors.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What was passed over and why, sorted.
    pub skipped: Vec<Skipped>,
    /// Files that should have been read and were not, or not completely.
    pub unread: Vec<Unread>,
}

/// A file that should have been read and was not, or not completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// As in [`Item::path`].
    pub path: Vec<u8>,
    /// Whether a documented limit is the cause.
    pub by_limit: bool,
}

impl Coverage {
    /// Whether everything that should have been read was read.
    pub fn complete(&self) -> bool {
        self.skipped.iter().all(|skipped| skipped.by_limit)
    }

    /// Adds what another worker or source went through.
    pub fn merge(&mut self, other: Coverage) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.skipped.extend(other.skipped);
        self.unread.extend(other.unread);
    }

    /// Reports what a partial clone lacks once, not for each file.
    pub fn sum_up(&mut self) {
        objects::sum_up(&mut self.skipped, 0);
    }

    /// Skips the file at `path`.
    fn pass_over(&mut self, path: &[u8], skipped: Skipped) {
        self.unread.push(Unread { path: path.to_vec(), by_limit: skipped.by_limit });
        self.skipped.push(skipped);
    }
}

/// Is told how far a source has come, now and then, from any thread.
pub trait Progress: Sync {
    /// So many more files or blobs, and their bytes, were looked at since the last call.
    fn advance(&self, files: u64, bytes: u64);
}

/// Bounds on what is read. Whatever a bound leaves out is listed and leaves the run complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest file or blob that is read, in bytes.
    pub max_file_size: u64,
    /// Worker threads; at least 1.
    pub threads: usize,
}

impl Limits {
    fn workers(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.threads).unwrap_or(NonZeroUsize::MIN)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_file_size: 10_000_000, threads: 1 }
    }
}
