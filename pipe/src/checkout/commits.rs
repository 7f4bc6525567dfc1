//! Which commits a range names.
//!
//! Owns the words `A..B` and the walk from `B` back to what `A` has already. Reads commits, no folders and no files.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use gix::ObjectId;
use gix::objs::CommitRef;
use penstock_common::time;

use super::error::Error;
use super::objects::Objects;
use super::repository::Repository;
use super::{CommitInfo, Skipped};

/// Commits that the walk goes on for when only known ones are left: dates that run backwards can hide that a commit is known.
const SLACK: u32 = 64;

/// The commits of a range.
#[derive(Debug, Default)]
pub(super) struct Commits {
    /// Parents before children, else the oldest first.
    pub(super) ids: Vec<ObjectId>,
    /// The two ends that a range names.
    pub(super) ends: Vec<ObjectId>,
    /// Where the walk met the end of the clone.
    pub(super) skipped: Vec<Skipped>,
}

/// The commits that `range` names: `A..B` all that `B` has and `A` has not; `A...B` the same, as for a pull request from `B` to
/// `A`. An empty side is `HEAD`; zeros for `A`, as a hook is given for a new branch, mean nothing.
pub(super) fn in_range(repository: &Repository, range: &str) -> Result<Commits, Error> {
    let (from, to) = range
        .split_once("...")
        .or_else(|| range.split_once(".."))
        .filter(|(_, to)| !to.contains(".."))
        .ok_or_else(|| Error::RangeSyntax { given: range.to_owned() })?;
    let from = if from.len() == 40 && from.bytes().all(|digit| digit == b'0') {
        None
    } else {
        Some(repository.commit(or_head(from))?)
    };
    let to = repository.commit(or_head(to))?;
    let ends = from.into_iter().chain([to]).collect();
    Ok(Commits { ends, ..between(repository, from.as_slice(), &[to]) })
}

fn or_head(given: &str) -> &str {
    if given.is_empty() { "HEAD" } else { given }
}

/// The commits that one of `tips` has and none of `known` has.
pub(super) fn between(repository: &Repository, known: &[ObjectId], tips: &[ObjectId]) -> Commits {
    let mut walk =
        Walk { objects: Objects::new(repository), repository, nodes: HashMap::new(), todo: BinaryHeap::new(), open: 0 };
    for &tip in tips {
        walk.meet(tip, false);
    }
    for &known in known {
        walk.meet(known, true);
    }
    walk.run();
    walk.finish()
}

/// What the model says of a commit, raw.
pub(super) fn info(id: ObjectId, commit: &CommitRef<'_>) -> CommitInfo {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
    let (author, email, seconds) = match commit.author() {
        Ok(author) => (text(author.name), text(author.email), author.seconds()),
        Err(_) => (text(commit.author), String::new(), 0),
    };
    let subject = text(commit.message.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default());
    CommitInfo { id: id.to_string(), author, email, date: time::rfc3339(seconds), subject }
}

/// A commit that the walk met.
struct Node {
    date: i64,
    /// Known once it was looked at.
    parents: Vec<ObjectId>,
    waiting: bool,
    /// `A` has it.
    known: bool,
}

struct Walk<'r> {
    objects: Objects,
    repository: &'r Repository,
    nodes: HashMap<ObjectId, Node>,
    todo: BinaryHeap<(i64, ObjectId)>,
    /// How many wait that `A` does not have, as far as is known.
    open: usize,
}

impl Walk<'_> {
    /// Notes a commit; one that is known makes all known that was met behind it.
    fn meet(&mut self, id: ObjectId, known: bool) {
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            match self.nodes.get_mut(&id) {
                Some(node) if known && !node.known => {
                    node.known = true;
                    self.open -= usize::from(node.waiting);
                    todo.extend(&node.parents);
                }
                Some(_) => {}
                None => {
                    let date =
                        self.objects.commit(id, |commit| commit.time().map_or(0, |time| time.seconds)).unwrap_or(0);
                    self.nodes.insert(id, Node { date, parents: Vec::new(), waiting: true, known });
                    self.todo.push((date, id));
                    self.open += usize::from(!known);
                }
            }
        }
    }

    /// Walks back, the youngest first, until nothing is left that could be new.
    fn run(&mut self) {
        let mut slack = SLACK;
        while let Some((_, id)) = self.todo.pop() {
            if self.open == 0 {
                slack -= 1;
                if slack == 0 {
                    return;
                }
            } else {
                slack = SLACK;
            }
            let parents = if self.repository.shallow().contains(&id) { Vec::new() } else { self.parents(id) };
            let Some(node) = self.nodes.get_mut(&id) else { continue };
            node.waiting = false;
            node.parents.clone_from(&parents);
            let known = node.known;
            self.open -= usize::from(!known);
            for parent in parents {
                self.meet(parent, known);
            }
        }
    }

    /// None if the commit cannot be read: whoever looks at its content names it.
    fn parents(&self, id: ObjectId) -> Vec<ObjectId> {
        self.objects.commit(id, |commit| commit.parents().collect()).unwrap_or_default()
    }

    /// What is new, parents first.
    fn finish(mut self) -> Commits {
        self.nodes.retain(|_, node| !node.known);
        let mut children: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
        let mut missing: HashMap<ObjectId, usize> = HashMap::new();
        for (id, node) in &self.nodes {
            let inside: Vec<_> = node.parents.iter().filter(|parent| self.nodes.contains_key(*parent)).collect();
            missing.insert(*id, inside.len());
            for parent in inside {
                children.entry(*parent).or_default().push(*id);
            }
        }
        let mut ready: BinaryHeap<_> = missing
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(id, _)| Reverse((self.nodes[id].date, *id)))
            .collect();
        let mut commits = Commits::default();
        while let Some(Reverse((_, id))) = ready.pop() {
            commits.ids.push(id);
            if self.repository.shallow().contains(&id) {
                let reason = "the clone is cut off here, so all that the commit has counts as added; `clone: depth: full` fetches the rest";
                commits.skipped.push(Skipped {
                    subject: format!("parents of commit {id}"),
                    reason: reason.to_owned(),
                    by_limit: false,
                });
            }
            for child in children.remove(&id).unwrap_or_default() {
                if let Some(count) = missing.get_mut(&child) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(Reverse((self.nodes[&child].date, child)));
                    }
                }
            }
        }
        commits
    }
}
