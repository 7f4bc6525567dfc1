//! The commits of a repository, and the order in which they came.
//!
//! Owns reading what connects commits and putting those that are reachable into one order: parents first, older before younger,
//! and lower ids before higher ones, so that the first commit to bring a blob is always the same.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use gix::ObjectId;
use gix::objs::{CommitRefIter, Kind};

use super::bits::Bits;
use super::flaw::Flaw;
use super::look::{Look, Seen};
use super::numbers::Numbers;
use super::sweep::Sweep;

/// A commit as far as the search needs it.
#[derive(Clone, Copy)]
struct Commit {
    number: u32,
    tree: u32,
    date: i64,
    /// Its parents' place in the list of all parents.
    parents: (u32, u32),
}

/// All commits that are stored, reachable or not.
#[derive(Default)]
pub(super) struct Commits {
    /// Sorted by number.
    commits: Vec<Commit>,
    parents: Vec<u32>,
    /// Those that cannot be read.
    pub(super) flaws: BTreeMap<u32, Flaw>,
}

/// The reachable commits.
#[derive(Default)]
pub(super) struct Order {
    /// In order: number of the commit, number of its folder.
    pub(super) commits: Vec<(u32, u32)>,
    /// What commits and tips name as a commit and cannot be read as one.
    pub(super) lost: BTreeSet<u32>,
}

impl Commits {
    /// Reads all commits. Those in `shallow` are taken to have no parents.
    pub(super) fn read(numbers: &Numbers<'_>, threads: usize, shallow: &BTreeSet<ObjectId>) -> Self {
        let sweep = Sweep::of(Kind::Commit, numbers.objects, threads);
        let readers = sweep.all(|| Reader { numbers, shallow, found: Self::default() });
        let mut all = Self::default();
        for Reader { found, .. } in readers {
            let before = all.parents.len() as u32;
            let moved = |(from, to)| (from + before, to + before);
            all.commits
                .extend(found.commits.into_iter().map(|commit| Commit { parents: moved(commit.parents), ..commit }));
            all.parents.extend(found.parents);
            all.flaws.extend(found.flaws);
        }
        all.commits.sort_unstable_by_key(|commit| commit.number);
        all
    }

    /// Orders what is reachable from `tips`.
    pub(super) fn order(&self, numbers: &Numbers<'_>, tips: impl IntoIterator<Item = u32>) -> Order {
        let mut order = Order::default();
        let reachable = self.reachable(tips, &mut order.lost);
        // Behind each commit its children, as one list with a start for each.
        let mut waits = vec![0u32; self.commits.len()];
        let mut starts = vec![0u32; self.commits.len() + 1];
        let known = |at: usize| reachable.contains(at as u32).then(|| self.parents_of(at)).into_iter().flatten();
        for (at, waits) in waits.iter_mut().enumerate() {
            for parent in known(at) {
                *waits += 1;
                starts[parent + 1] += 1;
            }
        }
        for at in 0..self.commits.len() {
            starts[at + 1] += starts[at];
        }
        let mut fill = starts.clone();
        let mut children = vec![0u32; starts[self.commits.len()] as usize];
        for at in 0..self.commits.len() {
            for parent in known(at) {
                children[fill[parent] as usize] = at as u32;
                fill[parent] += 1;
            }
        }
        drop(fill);
        let ready = |at: usize| Reverse((self.commits[at].date, numbers.id(self.commits[at].number), at));
        let mut open: BinaryHeap<_> =
            (0..self.commits.len()).filter(|at| reachable.contains(*at as u32) && waits[*at] == 0).map(ready).collect();
        while let Some(Reverse((_, _, at))) = open.pop() {
            order.commits.push((self.commits[at].number, self.commits[at].tree));
            for child in &children[starts[at] as usize..starts[at + 1] as usize] {
                let child = *child as usize;
                waits[child] -= 1;
                if waits[child] == 0 {
                    open.push(ready(child));
                }
            }
        }
        order
    }

    /// Which commits can be reached, by their places in the list.
    fn reachable(&self, tips: impl IntoIterator<Item = u32>, lost: &mut BTreeSet<u32>) -> Bits {
        let mut reachable = Bits::new(self.commits.len());
        let mut open: Vec<u32> = tips.into_iter().collect();
        while let Some(number) = open.pop() {
            match self.at(number) {
                Some(at) if reachable.insert(at as u32) => {
                    let (from, to) = self.commits[at].parents;
                    open.extend_from_slice(&self.parents[from as usize..to as usize]);
                }
                Some(_) => {}
                None => drop(lost.insert(number)),
            }
        }
        reachable
    }

    fn at(&self, number: u32) -> Option<usize> {
        self.commits.binary_search_by_key(&number, |commit| commit.number).ok()
    }

    /// The places of a commit's parents, as far as they are stored.
    fn parents_of(&self, at: usize) -> impl Iterator<Item = usize> {
        let (from, to) = self.commits[at].parents;
        self.parents[from as usize..to as usize].iter().filter_map(|parent| self.at(*parent))
    }
}

struct Reader<'a> {
    numbers: &'a Numbers<'a>,
    shallow: &'a BTreeSet<ObjectId>,
    found: Commits,
}

impl Look for Reader<'_> {
    type Note = ();
    const COMPARES: bool = false;

    fn wants(&self, number: u32) -> bool {
        !self.numbers.objects.is_twin(number)
    }

    fn see(&mut self, seen: Seen<'_, ()>) {
        let hash = self.numbers.objects.hash();
        let Ok(tree) = CommitRefIter::from_bytes(seen.bytes, hash).tree_id() else {
            return self.miss(seen.number, Flaw::Damaged("it names no folder"));
        };
        let date = CommitRefIter::from_bytes(seen.bytes, hash).committer().map_or(0, |committer| committer.seconds());
        let from = self.found.parents.len() as u32;
        let boundary = !self.shallow.is_empty() && self.shallow.contains(&self.numbers.id(seen.number));
        if !boundary {
            let parents = CommitRefIter::from_bytes(seen.bytes, hash).parent_ids();
            self.found.parents.extend(parents.map(|parent| self.numbers.number(&parent, Kind::Commit)));
        }
        self.found.commits.push(Commit {
            number: seen.number,
            tree: self.numbers.number(&tree, Kind::Tree),
            date,
            parents: (from, self.found.parents.len() as u32),
        });
    }

    fn miss(&mut self, number: u32, flaw: Flaw) {
        self.found.flaws.insert(number, flaw);
    }
}
