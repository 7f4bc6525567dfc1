//! Paths of what was found.
//!
//! Owns reading names again from the few folders on the way to something found.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gix::ObjectId;
use gix::objs::{Kind, TreeRefIter};

use super::bits::Bits;
use super::flaw::Flaw;
use super::layout::NONE;
use super::look::{Look, Seen};
use super::numbers::Numbers;
use super::search::{Found, Trace};
use super::sweep::Sweep;

/// The names that paths are made of.
pub(super) struct Names {
    /// By the folder and what is in it.
    names: HashMap<(u32, u32), Vec<u8>>,
}

impl Names {
    /// Reads the names on the ways to everything in `trace`.
    pub(super) fn read(numbers: &Numbers<'_>, threads: usize, trace: &Trace) -> Self {
        let mut wanted: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        let mut known = Bits::new(trace.visits.len());
        for found in &trace.found {
            let (mut child, mut visit) = (found.number, found.visit);
            while visit != NONE {
                let folder = trace.visits[visit as usize];
                wanted.entry(folder.number).or_default().insert(child);
                if !known.insert(visit) {
                    break;
                }
                (child, visit) = (folder.number, folder.above);
            }
        }
        let folders = Bits::of(numbers.objects.len(), wanted.keys().copied());
        let sweep = Sweep::of(Kind::Tree, numbers.objects, threads);
        let reader = || Reader { numbers, folders: &folders, wanted: &wanted, names: HashMap::new() };
        let readers = sweep.some(wanted.keys().copied(), reader);
        Self { names: readers.into_iter().flat_map(|reader| reader.names).collect() }
    }

    /// The path at which something was found; empty if a tag names it directly.
    pub(super) fn path(&self, trace: &Trace, found: &Found) -> Vec<u8> {
        let mut parts: Vec<&[u8]> = Vec::new();
        let (mut child, mut visit) = (found.number, found.visit);
        while visit != NONE {
            let folder = trace.visits[visit as usize];
            parts.push(self.names.get(&(folder.number, child)).map_or(b"?", Vec::as_slice));
            (child, visit) = (folder.number, folder.above);
        }
        parts.reverse();
        parts.join(&b'/')
    }
}

struct Reader<'a> {
    numbers: &'a Numbers<'a>,
    folders: &'a Bits,
    wanted: &'a BTreeMap<u32, BTreeSet<u32>>,
    names: HashMap<(u32, u32), Vec<u8>>,
}

impl Look for Reader<'_> {
    type Note = ();
    const COMPARES: bool = false;

    fn wants(&self, number: u32) -> bool {
        self.folders.contains(number)
    }

    fn see(&mut self, seen: Seen<'_, ()>) {
        let Some(children) = self.wanted.get(&seen.number) else { return };
        let mut children: HashMap<ObjectId, u32> =
            children.iter().map(|child| (self.numbers.id(*child), *child)).collect();
        for entry in TreeRefIter::from_bytes(seen.bytes, self.numbers.objects.hash()).flatten() {
            // An object may have two names in a folder; the first one counts.
            if let Some(child) = children.remove(entry.oid) {
                self.names.insert((seen.number, child), entry.filename.to_vec());
                if children.is_empty() {
                    break;
                }
            }
        }
    }

    /// Named when the outline was made.
    fn miss(&mut self, _: u32, _: Flaw) {}
}
