//! From objects to their first commits and paths.
//!
//! Owns keeping the search within memory: when too much leads to what is looked for, it looks for one half and then the other.

use super::bits::Bits;
use super::descent::Descent;
use super::names::Names;
use super::numbers::Numbers;
use super::outline::Outline;
use super::search::search;

/// Entries of folders that may be held for the search, 4 bytes each.
const MOST_ENTRIES: usize = 12 << 20;

/// An object and where it was first reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) number: u32,
    /// Its path; empty if a tag names the object directly.
    pub(super) path: Vec<u8>,
    /// Number of the commit, unless a tag names the object, or a folder above it, directly.
    pub(super) commit: Option<u32>,
}

/// What the search starts from.
pub(super) struct Search<'a> {
    pub(super) numbers: &'a Numbers<'a>,
    pub(super) outline: &'a Outline,
    pub(super) threads: usize,
    /// Commits with their folders in order, and what tags name directly.
    pub(super) starts: &'a [(Option<u32>, u32)],
}

impl Search<'_> {
    /// Finds those of `targets` that are reachable.
    pub(super) fn locate(&self, targets: &[u32]) -> Vec<Located> {
        self.locate_within(targets, MOST_ENTRIES)
    }

    fn locate_within(&self, targets: &[u32], most: usize) -> Vec<Located> {
        let Self { numbers, threads, .. } = *self;
        let bits = Bits::of(numbers.len(), targets.iter().copied());
        let leading = self.outline.leading(&bits);
        let most = if targets.len() > 1 { most } else { usize::MAX };
        let Some(descent) = Descent::read(numbers, threads, &leading, most) else {
            let (first, second) = targets.split_at(targets.len() / 2);
            let mut located = self.locate_within(first, most);
            located.extend(self.locate_within(second, most));
            return located;
        };
        let trace = search(&descent, &leading, &bits, numbers.len(), self.starts.iter().copied());
        drop(descent);
        let names = Names::read(numbers, threads, &trace);
        let located = trace.found.iter().map(|found| Located {
            number: found.number,
            path: names.path(&trace, found),
            commit: found.commit,
        });
        located.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use gix::objs::Kind;

    use super::super::commits::Commits;
    use super::super::objects::Objects;
    use super::super::tests::versions;
    use super::*;
    use crate::checkout::fixture::Fixture;

    #[test]
    fn little_memory_only_takes_longer() {
        let git = Fixture::new();
        versions(&git, 30);
        git.git(&["repack", "-adfq"]);
        let objects = Objects::open(&[git.at(".git/objects")], gix::hash::Kind::Sha1, &mut Vec::new()).unwrap();
        let numbers = Numbers::new(&objects, false);
        let commits = Commits::read(&numbers, 1, &BTreeSet::new());
        let head = git.git(&["rev-parse", "HEAD"]).parse::<gix::ObjectId>().unwrap();
        let order = commits.order(&numbers, objects.find(&head));
        let targets: Vec<u32> =
            (0..objects.len() as u32).filter(|number| objects.kind(*number) == Some(Kind::Blob)).collect();
        let bits = Bits::of(objects.len(), targets.iter().copied());
        let outline = Outline::read(&numbers, 1, &bits, &Bits::default());
        let starts: Vec<_> = order.commits.iter().map(|(commit, folder)| (Some(*commit), *folder)).collect();
        let search = Search { numbers: &numbers, outline: &outline, threads: 2, starts: &starts };
        let mut located = [1000, 60, 0].map(|most| search.locate_within(&targets, most));
        located.iter_mut().for_each(|located| located.sort_by_key(|located| located.number));
        assert_eq!(located[0].len(), 60);
        assert!(located.iter().all(|some| *some == located[0]));
    }
}
