//! What the commits of a range add.
//!
//! Owns the way from commits to items: every commit is compared with its parents, and what it adds is looked at even if a later
//! commit takes it away again, because what was pushed once has leaked. The same content at the same path comes once, with the
//! oldest commit that brought it. Works in batches, so that memory does not grow with the range.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crate::checkout::{CommitInfo, Skipped};
use gix::ObjectId;

use super::added::Worker;
use super::commits::{Commits, between, in_range, info};
use super::crew::Crew;
use super::objects::Objects;
use super::places::Places;
use super::repository::Repository;
use super::tree_diff::{Change, changes};
use super::{Coverage, Error, Limits, Progress, Visitor, pool};

/// Commits that are compared before their content is looked at.
const BATCH: usize = 1024;

/// What one commit adds.
struct Added {
    /// Its place among all commits of the range.
    place: usize,
    info: Arc<CommitInfo>,
    changes: Vec<Change>,
}

/// Looks at what the commits of `range` add in `places`. `make` makes one visitor per thread; all
/// of them are returned.
pub fn scan<V: Visitor>(
    repository: &Repository,
    range: &str,
    places: &Places,
    limits: &Limits,
    progress: Option<&dyn Progress>,
    make: impl Fn() -> V + Sync,
) -> Result<(Vec<V>, Coverage), Error> {
    let commits = in_range(repository, range)?;
    check(repository, places, &[&commits.ends[..], &commits.ids].concat())?;
    Ok(scan_commits(repository, commits, places, limits, progress, make))
}

/// Looks at what the commits that any reference reaches add in `places`.
pub fn scan_history<V: Visitor>(
    repository: &Repository,
    places: &Places,
    limits: &Limits,
    progress: Option<&dyn Progress>,
    make: impl Fn() -> V + Sync,
) -> Result<(Vec<V>, Coverage), Error> {
    let tips = repository.all_tips()?;
    let mut commits = between(repository, &[], &tips.commits);
    check(repository, places, &commits.ids)?;
    // The whole history is scanned, so it does not matter that all files of an edge commit count as
    // added.
    commits.skipped = tips.skipped;
    commits.skipped.extend(repository.is_shallow().then(cut_off));
    Ok(scan_commits(repository, commits, places, limits, progress, make))
}

/// The history that a shallow clone lacks.
pub(super) fn cut_off() -> Skipped {
    let reason = "the clone is shallow: older commits are not in it".to_owned();
    Skipped { subject: "history".to_owned(), reason, by_limit: true }
}

/// Whether every one of `places` is on the disk or in one of `commits`.
fn check(repository: &Repository, places: &Places, commits: &[ObjectId]) -> Result<(), Error> {
    let objects = Objects::new(repository);
    places.check(|place| {
        let has = |commit: &ObjectId| {
            let tree = objects.commit(*commit, |commit| commit.tree());
            tree.and_then(|tree| objects.has(tree, place)).unwrap_or(false)
        };
        commits.iter().any(has)
    })
}

/// Looks at what the commits that `tip` has and none of `known` has add.
pub fn scan_between<V: Visitor>(
    repository: &Repository,
    known: &[ObjectId],
    tip: ObjectId,
    limits: &Limits,
    progress: Option<&dyn Progress>,
    make: impl Fn() -> V + Sync,
) -> (Vec<V>, Coverage) {
    let commits = between(repository, known, &[tip]);
    scan_commits(repository, commits, &Places::default(), limits, progress, make)
}

/// The commits that `tip` has and none of `known` has, parents before children. `None` if the clone is cut off among them: then it is
/// not known where they begin.
pub fn commits_between(repository: &Repository, known: &[ObjectId], tip: ObjectId) -> Option<Vec<ObjectId>> {
    let commits = between(repository, known, &[tip]);
    commits.skipped.is_empty().then_some(commits.ids)
}

fn scan_commits<V: Visitor>(
    repository: &Repository,
    commits: Commits,
    places: &Places,
    limits: &Limits,
    progress: Option<&dyn Progress>,
    make: impl Fn() -> V + Sync,
) -> (Vec<V>, Coverage) {
    let threads = limits.workers();
    let crew = Crew::new(|| Worker::new(repository, make(), progress));
    let mut coverage = Coverage { skipped: commits.skipped, ..Coverage::default() };
    let mut seen = Seen::default();
    for (batch, ids) in commits.ids.chunks(BATCH).enumerate() {
        let tasks = ids.iter().enumerate().map(|(place, id)| (batch * BATCH + place, *id)).collect();
        let compared = pool::run(
            threads,
            tasks,
            || (crew.take(), Vec::new()),
            |(worker, made), (place, id), _| {
                made.extend(compare(repository, &worker.objects, place, id, &mut worker.coverage.skipped))
            },
        );
        let mut made: Vec<Added> = compared
            .into_iter()
            .flat_map(|(worker, made)| {
                crew.give(worker);
                made
            })
            .collect();
        made.sort_by_key(|added| added.place);
        let mut tasks = Vec::new();
        for Added { info, changes, .. } in made {
            let new = changes.into_iter().filter(|change| places.covers(&change.path) && seen.insert(change));
            tasks.extend(new.map(|change| (Arc::clone(&info), change)));
        }
        crew.work(threads, tasks, |worker, (info, change): (_, Change)| {
            worker.look(&change, Some(&info), limits.max_file_size);
        });
    }
    let visitors = crew.disband(&mut coverage);
    (visitors, coverage)
}

/// Compares a commit with its parents.
fn compare(
    repository: &Repository,
    objects: &Objects,
    place: usize,
    id: ObjectId,
    skipped: &mut Vec<Skipped>,
) -> Option<Added> {
    let read = objects.commit(id, |commit| (info(id, commit), commit.tree(), commit.parents().collect::<Vec<_>>()));
    let (info, tree, mut parents) = match read {
        Ok(read) => read,
        Err(fault) => {
            skipped.push(fault.skipped(format!("commit {id}")));
            return None;
        }
    };
    if repository.shallow().contains(&id) {
        parents.clear();
    }
    let mut trees = Vec::with_capacity(parents.len());
    for parent in parents {
        match objects.commit(parent, |commit| commit.tree()) {
            Ok(tree) => trees.push(tree),
            Err(fault) => skipped.push(fault.skipped(format!("parent {parent} of commit {id}"))),
        }
    }
    let changes = changes(objects, tree, trees, skipped);
    Some(Added { place, info: Arc::new(info), changes })
}

/// Contents and paths that were looked at. Paths are kept as hashes under a random key.
#[derive(Default)]
struct Seen {
    keys: HashSet<(ObjectId, u64)>,
    hasher: RandomState,
}

impl Seen {
    fn insert(&mut self, change: &Change) -> bool {
        self.keys.insert((change.id, self.hasher.hash_one(&change.path)))
    }
}

#[cfg(test)]
mod tests;
