//! What is about to be committed.
//!
//! Owns the comparison of the index with `HEAD`. Content comes from the object database as `git add` stored it, so what
//! stands in the work tree since does not matter.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;

use gix::ObjectId;
use gix::index::entry::{Flags, Mode, Stage};
use penstock_common::Skipped;

use super::added::Worker;
use super::crew::Crew;
use super::error::chain;
use super::index::Index;
use super::objects::Objects;
use super::repository::Repository;
use super::tree_diff::{Change, changes};
use super::{Coverage, Error, Limits, Progress, Visitor, pool};

/// Looks at what the index adds to `HEAD`, or at all of it before the first commit.
pub fn scan<V: Visitor>(
    repository: &Repository,
    limits: &Limits,
    progress: Option<&dyn Progress>,
    make: impl Fn() -> V + Sync,
) -> Result<(Vec<V>, Coverage), Error> {
    if repository.location().root.is_none() {
        return Err(Error::NoWorkTree { path: repository.location().name().to_owned() });
    }
    let mut coverage = Coverage::default();
    let tasks = staged(repository, &mut coverage.skipped)?;
    let threads = NonZeroUsize::new(limits.threads).unwrap_or(NonZeroUsize::MIN);
    let crew = Crew::new(|| Worker::new(repository, make(), progress));
    let workers = pool::run(
        threads,
        tasks,
        || crew.take(),
        |worker, change: Change, _| {
            worker.look(&change, None, limits.max_file_size);
        },
    );
    workers.into_iter().for_each(|worker| crew.give(worker));
    let visitors = crew.disband(&mut coverage);
    Ok((visitors, coverage))
}

/// The files of the index that are not so in `HEAD`.
fn staged(repository: &Repository, skipped: &mut Vec<Skipped>) -> Result<Vec<Change>, Error> {
    let Some(index) = Index::read(repository.location())? else { return Ok(Vec::new()) };
    let head = head(repository, skipped)?;
    let mut gone: HashSet<ObjectId> = head.values().copied().collect();
    let mut staged = Vec::new();
    for (path, entry) in index.entries() {
        // The common ancestor of a conflict is history; both sides of it are not.
        if entry.stage() == Stage::Base || entry.flags.contains(Flags::INTENT_TO_ADD) {
            continue;
        }
        let before = head.get(&**path);
        if before == Some(&entry.id) {
            // It is where it was: elsewhere it would be a copy, not a move.
            gone.remove(&entry.id);
            continue;
        }
        if entry.mode == Mode::DIR {
            let reason = "the index keeps only the folder of it (sparse checkout)".to_owned();
            skipped.push(Skipped { subject: super::path::display(path), reason, by_limit: true });
        } else if entry.mode != Mode::COMMIT {
            let before = before.copied().into_iter().collect();
            staged.push(Change { path: path.to_vec(), id: entry.id, link: entry.mode == Mode::SYMLINK, before });
        }
    }
    staged.retain(|change| !gone.contains(&change.id));
    Ok(staged)
}

/// Every file of `HEAD`; nothing before the first commit.
fn head(repository: &Repository, skipped: &mut Vec<Skipped>) -> Result<HashMap<Vec<u8>, ObjectId>, Error> {
    let tree = repository
        .gix()
        .to_thread_local()
        .head_tree_id_or_empty()
        .map_err(|error| Error::damaged(repository.location().name(), chain(&error)))?
        .detach();
    if tree == ObjectId::empty_tree(gix::hash::Kind::Sha1) {
        return Ok(HashMap::new());
    }
    let files = changes(&Objects::new(repository), tree, Vec::new(), skipped);
    Ok(files.into_iter().map(|file| (file.path, file.id)).collect())
}

#[cfg(test)]
mod tests;
