//! What is about to be committed.
//!
//! Owns the comparison of the index with `HEAD`. Content comes from the object database as `git add` stored it, so what
//! stands in the work tree since does not matter.

use std::collections::{HashMap, HashSet};

use crate::checkout::Skipped;
use gix::ObjectId;
use gix::index::entry::{Flags, Mode, Stage};

use super::added::Worker;
use super::crew::Crew;
use super::error::chain;
use super::index::Index;
use super::objects::Objects;
use super::places::{Places, is_at_or_below};
use super::repository::Repository;
use super::tree_diff::{Change, changes};
use super::{Coverage, Error, Limits, Progress, Visitor};

/// Looks at what the index adds to `HEAD` in `places`, or at all of it before the first commit.
pub fn scan<V: Visitor>(
    repository: &Repository,
    places: &Places,
    limits: &Limits,
    progress: Option<&dyn Progress>,
    make: impl Fn() -> V + Sync,
) -> Result<(Vec<V>, Coverage), Error> {
    if repository.location().root.is_none() {
        return Err(Error::NoWorkTree { path: repository.location().name().to_owned() });
    }
    let mut coverage = Coverage::default();
    let tasks = staged(repository, places, &mut coverage.skipped)?;
    let crew = Crew::new(|| Worker::new(repository, make(), progress));
    crew.work(limits.workers(), tasks, |worker, change| worker.look(&change, None, limits.max_file_size));
    let visitors = crew.disband(&mut coverage);
    Ok((visitors, coverage))
}

/// The files of the index that are not so in `HEAD`.
fn staged(repository: &Repository, places: &Places, skipped: &mut Vec<Skipped>) -> Result<Vec<Change>, Error> {
    let index = Index::read(repository.location())?;
    let objects = Objects::new(repository);
    let head = Head::read(repository, &objects, index.as_ref(), skipped)?;
    places.check(|place| {
        let tracked = index.as_ref().is_some_and(|index| index.has_place(place));
        tracked || head.files.keys().any(|path| is_at_or_below(path, place))
    })?;
    let Some(index) = index else { return Ok(Vec::new()) };
    let mut gone: HashSet<ObjectId> = head.files.values().copied().collect();
    let mut staged = Vec::new();
    for (path, entry) in index.entries() {
        // The common ancestor of a conflict is history; both sides of it are not.
        if entry.stage() == Stage::Base || entry.flags.contains(Flags::INTENT_TO_ADD) || head.has_same(path) {
            continue;
        }
        if entry.mode == Mode::DIR {
            // A sparse index has the folder in place of its files.
            let before = head.folders.get(&**path).copied().into_iter().collect();
            let within = changes(&objects, entry.id, before, skipped);
            staged.extend(within.into_iter().map(|change| Change { path: [&**path, &change.path].concat(), ..change }));
            continue;
        }
        let before = head.files.get(&**path);
        if before == Some(&entry.id) {
            // It is where it was: elsewhere it would be a copy, not a move.
            gone.remove(&entry.id);
        } else if entry.mode != Mode::COMMIT {
            let before = before.copied().into_iter().collect();
            staged.push(Change { path: path.to_vec(), id: entry.id, link: entry.mode == Mode::SYMLINK, before });
        }
    }
    staged.retain(|change| places.covers(&change.path) && !gone.contains(&change.id));
    Ok(staged)
}

/// `HEAD`, without folders that are the same in the index. Those are not opened: a partial clone
/// may lack their content.
#[derive(Default)]
struct Head {
    files: HashMap<Vec<u8>, ObjectId>,
    /// Folders that the index has in place of their files, with a final `/`.
    folders: HashMap<Vec<u8>, ObjectId>,
    /// Folders that are the same in the index, with a final `/`.
    same: HashSet<Vec<u8>>,
}

impl Head {
    /// None before the first commit.
    fn read(
        repository: &Repository,
        objects: &Objects,
        index: Option<&Index>,
        skipped: &mut Vec<Skipped>,
    ) -> Result<Self, Error> {
        let tree = repository
            .gix()
            .to_thread_local()
            .head_tree_id_or_empty()
            .map_err(|error| Error::damaged(repository.location().name(), chain(&error)))?
            .detach();
        let mut head = Self::default();
        if tree == ObjectId::empty_tree(tree.kind()) {
            return Ok(head);
        }
        let known = index.map(Index::folders).unwrap_or_default();
        let mut open = vec![(Vec::new(), tree)];
        while let Some((path, tree)) = open.pop() {
            if known.get(&path) == Some(&tree) {
                head.same.insert(path);
                continue;
            }
            if index.is_some_and(|index| index.has_file(&path)) {
                head.folders.insert(path, tree);
                continue;
            }
            let (entries, fault) = objects.entries(tree, &path);
            skipped.extend(fault);
            for (name, mode, id) in entries {
                let path = [&path[..], &name].concat();
                if mode.is_tree() {
                    open.push(([&path[..], b"/"].concat(), id));
                } else if mode.is_blob_or_symlink() {
                    head.files.insert(path, id);
                }
            }
        }
        Ok(head)
    }

    /// Whether the file at `path` of the index is in a folder that is the same.
    fn has_same(&self, path: &[u8]) -> bool {
        self.same.contains(&[][..]) || memchr::memchr_iter(b'/', path).any(|at| self.same.contains(&path[..=at]))
    }
}

#[cfg(test)]
mod tests;
