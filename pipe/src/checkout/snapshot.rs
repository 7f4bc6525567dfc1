//! The files of one commit, from git's objects.
//!
//! Owns listing them and reading their content, regardless of the work tree: a pipeline's clone may
//! contain a local merge, and files that earlier steps built. As in a work tree, symbolic links are
//! neither followed nor scanned. All other files are scanned, whatever their names: Pipelines
//! writes to clones, not to commits.

use crate::checkout::Skipped;
use gix::ObjectId;
use gix::objs::Kind;

use super::added::Worker;
use super::crew::Crew;
use super::objects::{Fault, Objects};
use super::repository::Repository;
use super::tree_diff::{Change, changes};
use super::{Coverage, Limits, Progress, Visitor};

/// Files that one task reads.
const FILES_PER_TASK: usize = 64;

/// A file of a commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct File {
    /// From the root.
    pub path: Vec<u8>,
    /// The content.
    pub id: ObjectId,
}

/// All files of a commit, sorted by path, and what could not be listed.
pub fn files(repository: &Repository, commit: ObjectId) -> (Vec<File>, Vec<Skipped>) {
    let objects = Objects::new(repository);
    let mut skipped = Vec::new();
    let files = match tree(&objects, commit) {
        Ok(tree) => changes(&objects, tree, Vec::new(), &mut skipped),
        Err(fault) => {
            skipped.push(fault.skipped(format!("commit {commit}")));
            Vec::new()
        }
    };
    (files.into_iter().filter(is_file).map(File::from).collect(), skipped)
}

/// Looks at these files. `make` makes one visitor per thread; all of them are handed back.
pub fn scan<V: Visitor>(
    repository: &Repository,
    files: &[File],
    limits: &Limits,
    progress: Option<&dyn Progress>,
    make: impl Fn() -> V + Sync,
) -> (Vec<V>, Coverage) {
    let crew = Crew::new(|| Worker::new(repository, make(), progress));
    let tasks = files.chunks(FILES_PER_TASK).rev().collect();
    crew.work(limits.workers(), tasks, |worker, files: &[File]| {
        for file in files {
            worker.look_whole(&file.path, file.id, limits.max_file_size);
        }
    });
    let mut coverage = Coverage::default();
    let visitors = crew.disband(&mut coverage);
    (visitors, coverage)
}

/// The content of one file of a commit: `None` if it has none of that name, or something else than a file. At most `limit` bytes are
/// read; a larger file is an error as one that is missing or damaged.
pub fn content(repository: &Repository, commit: ObjectId, path: &[u8], limit: u64) -> Result<Option<Vec<u8>>, Skipped> {
    let subject = || super::path::display(path);
    let objects = Objects::new(repository);
    let failed = |fault: Fault| fault.skipped(subject());
    let Some(id) = objects.file(tree(&objects, commit).map_err(failed)?, path).map_err(failed)? else {
        return Ok(None);
    };
    let size = objects.size(id).map_err(failed)?;
    if size > limit {
        let reason = super::read::too_large(size, limit);
        return Err(Skipped { subject: subject(), reason, by_limit: true });
    }
    let mut content = Vec::new();
    objects.read(id, Kind::Blob, &mut content).map_err(failed)?;
    Ok(Some(content))
}

/// The content of the file at `path` of a commit; `None` if there is none that can be read.
pub fn file(repository: &Repository, commit: ObjectId, path: &[u8]) -> Option<ObjectId> {
    let objects = Objects::new(repository);
    objects.file(tree(&objects, commit).ok()?, path).ok()?
}

/// The root folder of a commit.
pub(super) fn tree(objects: &Objects, commit: ObjectId) -> Result<ObjectId, Fault> {
    objects.commit(commit, |commit| commit.tree())
}

/// Whether it is a file, not a symbolic link.
pub(super) fn is_file(change: &Change) -> bool {
    !change.link
}

impl From<Change> for File {
    fn from(change: Change) -> Self {
        Self { path: change.path, id: change.id }
    }
}
