//! The last pass: what was found is read again and handed over with its path and commit.
//!
//! Owns making items. Author, mail and subject of a commit are passed on raw, without judging their encoding.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::checkout::CommitInfo;
use gix::objs::{CommitRefIter, Kind};
use penstock_common::time::rfc3339;

use super::bits::Bits;
use super::flaw::Flaw;
use super::look::{Look, Seen};
use super::numbers::Numbers;
use super::sweep::Sweep;
use crate::checkout::{Item, Limits, Visitor};

/// A blob to be handed over.
pub(super) struct Parcel {
    /// The blob.
    pub(super) number: u32,
    /// What it is called.
    pub(super) path: Vec<u8>,
    /// The commit that brought it.
    pub(super) commit: Option<u32>,
}

/// Hands `parcels`, sorted by number, to visitors.
pub(super) fn hand_over<V: Visitor>(
    numbers: &Numbers<'_>,
    limits: &Limits,
    parcels: &[Parcel],
    visitor: impl Fn() -> V + Sync,
) -> Vec<V> {
    let commits: BTreeSet<u32> = parcels.iter().filter_map(|parcel| parcel.commit).collect();
    let commits = commit_infos(numbers, limits.threads, &commits);
    let objects = numbers.objects;
    let sweep = Sweep::blobs(objects, limits.threads, limits.max_file_size);
    let wanted = Bits::of(objects.len(), parcels.iter().map(|parcel| parcel.number));
    let hands = sweep.some(parcels.iter().map(|parcel| parcel.number), || Hand {
        visitor: visitor(),
        wanted: &wanted,
        parcels,
        commits: &commits,
    });
    hands.into_iter().map(|hand| hand.visitor).collect()
}

struct Hand<'a, V> {
    visitor: V,
    wanted: &'a Bits,
    parcels: &'a [Parcel],
    commits: &'a HashMap<u32, Arc<CommitInfo>>,
}

impl<V: Visitor> Look for Hand<'_, V> {
    type Note = ();
    const COMPARES: bool = false;

    fn wants(&self, number: u32) -> bool {
        self.wanted.contains(number)
    }

    fn see(&mut self, seen: Seen<'_, ()>) {
        if let Ok(at) = self.parcels.binary_search_by_key(&seen.number, |parcel| parcel.number) {
            let Parcel { path, commit, .. } = &self.parcels[at];
            let commit = commit.and_then(|commit| self.commits.get(&commit));
            if self.visitor.wants(path, commit.map(|commit| &**commit)) {
                self.visitor.visit(Item { path, bytes: seen.bytes, lines: None, commit });
            }
        }
    }

    /// It was read in the first pass.
    fn miss(&mut self, _: u32, _: Flaw) {}
}

/// Who made the commits, and when.
fn commit_infos(numbers: &Numbers<'_>, threads: usize, wanted: &BTreeSet<u32>) -> HashMap<u32, Arc<CommitInfo>> {
    let sweep = Sweep::of(Kind::Commit, numbers.objects, threads);
    let reader = || Reader { numbers, wanted, infos: HashMap::new() };
    let readers = sweep.some(wanted.iter().copied(), reader);
    readers.into_iter().flat_map(|reader| reader.infos).collect()
}

struct Reader<'a> {
    numbers: &'a Numbers<'a>,
    wanted: &'a BTreeSet<u32>,
    infos: HashMap<u32, Arc<CommitInfo>>,
}

impl Look for Reader<'_> {
    type Note = ();
    const COMPARES: bool = false;

    fn wants(&self, number: u32) -> bool {
        self.wanted.contains(&number)
    }

    fn see(&mut self, seen: Seen<'_, ()>) {
        let hash = self.numbers.objects.hash();
        let commit = || CommitRefIter::from_bytes(seen.bytes, hash);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let author = commit().author().unwrap_or_default();
        let message = commit().message().unwrap_or_default();
        let info = CommitInfo {
            id: self.numbers.id(seen.number).to_string(),
            author: text(author.name),
            email: text(author.email),
            date: rfc3339(author.seconds()),
            subject: text(message.split(|byte| *byte == b'\n').next().unwrap_or_default()),
        };
        self.infos.insert(seen.number, Arc::new(info));
    }

    /// Named when the commits were put in order.
    fn miss(&mut self, _: u32, _: Flaw) {}
}
