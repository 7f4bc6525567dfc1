//! How the entries of one pack build upon each other.
//!
//! Owns, for every entry in the order of the file (a *slot*), where it begins and which entry it is a difference to. All of it
//! is a handful of 32-bit arrays, so that millions of objects stay within the promised memory. Inflates nothing.

use std::cmp::Ordering;

use gix::odb::pack::data::{self, entry::Header};
use gix::odb::pack::index;
use gix::{ObjectId, objs::Kind};

use super::bits::Bits;
use super::offsets::Offsets;

/// No slot.
pub(super) const NONE: u32 = u32::MAX;
/// In place of a base: the entry is whole.
const WHOLE: u32 = u32::MAX - 1;
/// In place of a base: the base is not in this pack.
const OUTSIDE: u32 = u32::MAX - 2;
/// In place of a base: the header of the entry makes no sense, or it builds upon itself.
const LOST: u32 = u32::MAX - 3;
/// Bytes before the first entry of a pack.
const HEADER: u64 = 12;
/// More entries than this cannot be told apart from the marks above.
pub(super) const MOST: u32 = u32::MAX - 4;

/// What an entry is a difference to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// Nothing: the entry is whole.
    Whole,
    /// Another entry of the same pack.
    Slot(u32),
    /// An object that is not in this pack.
    Outside,
    /// Unknown: the entry cannot be read.
    Lost,
}

/// The entries of one pack.
pub(super) struct Layout {
    offsets: Offsets,
    positions: Vec<u32>,
    bases: Vec<u32>,
    first_child: Vec<u32>,
    next_sibling: Vec<u32>,
    roots: [Vec<u32>; 4],
    outside: Vec<(u32, ObjectId)>,
    lost: Vec<u32>,
}

impl Layout {
    /// Reads the header of every entry that `index` names in `data`.
    pub(super) fn new(index: &index::File, data: &data::File) -> Self {
        let (offsets, positions) = Offsets::in_order(index);
        let count = positions.len();
        let mut layout = Self {
            offsets,
            positions,
            bases: vec![LOST; count],
            first_child: vec![NONE; count],
            next_sibling: vec![NONE; count],
            roots: Default::default(),
            outside: Vec::new(),
            lost: Vec::new(),
        };
        let mut forward = false;
        for slot in 0..count as u32 {
            let base = layout.read_base(slot, index, data);
            forward |= base < MOST && base >= slot;
            layout.bases[slot as usize] = base;
        }
        layout.link();
        for slot in 0..count as u32 {
            if layout.bases[slot as usize] == LOST {
                layout.lose(slot);
            }
        }
        // Only a base behind its difference can make a cycle.
        if forward {
            layout.cut_cycles();
        }
        layout
    }

    fn read_base(&mut self, slot: u32, index: &index::File, data: &data::File) -> u32 {
        let offset = self.offsets.get(slot as usize);
        let hash = data.object_hash();
        // Only a malformed index gives one entry two names.
        let is_first = slot == 0 || self.offsets.get(slot as usize - 1) != offset;
        let entry = data
            .entry_slice(offset..data.pack_end() as u64)
            .filter(|_| offset >= HEADER && is_first)
            .and_then(|bytes| data::Entry::from_bytes(bytes, offset, hash.len_in_bytes()).ok());
        let kind = match entry.map(|entry| entry.header) {
            None => return LOST,
            Some(Header::OfsDelta { base_distance }) => {
                return Header::verified_base_pack_offset(offset, base_distance)
                    .and_then(|base| self.offsets.find_before(slot as usize, base))
                    .unwrap_or(LOST);
            }
            Some(Header::RefDelta { base_id }) => {
                let Some(position) = index.lookup(base_id) else {
                    self.outside.push((slot, base_id));
                    return OUTSIDE;
                };
                let base = index.pack_offset_at_index(position);
                return self.offsets.find_before(self.positions.len(), base).unwrap_or(LOST);
            }
            Some(Header::Commit) => Kind::Commit,
            Some(Header::Tree) => Kind::Tree,
            Some(Header::Blob) => Kind::Blob,
            Some(Header::Tag) => Kind::Tag,
        };
        self.roots[kind as usize].push(slot);
        WHOLE
    }

    /// Entries that build upon themselves, in however many steps, are lost: no root leads to them.
    fn cut_cycles(&mut self) {
        let mut reached = Bits::new(self.len());
        let mut open: Vec<u32> = (0..self.len() as u32).filter(|slot| self.bases[*slot as usize] >= MOST).collect();
        while let Some(slot) = open.pop() {
            reached.insert(slot);
            open.extend(self.children(slot));
        }
        for slot in (0..self.len() as u32).filter(|slot| !reached.contains(*slot)) {
            self.bases[slot as usize] = LOST;
            self.lost.push(slot);
        }
    }

    /// Makes the lists of children, in each the child with most descendants last: a walk that lets go of an object before it
    /// takes that path holds at most the logarithm of the tree's size.
    fn link(&mut self) {
        let count = self.bases.len();
        let mut weights = vec![1u32; count];
        for slot in (0..count).rev() {
            let base = self.bases[slot] as usize;
            if base < slot {
                weights[base] = weights[base].saturating_add(weights[slot]);
            }
        }
        for slot in 0..count as u32 {
            let base = self.bases[slot as usize];
            if base < MOST {
                let heaviest = &mut self.first_child[base as usize];
                if *heaviest == NONE || weights[*heaviest as usize] < weights[slot as usize] {
                    *heaviest = slot;
                }
            }
        }
        drop(weights);
        let heaviest = Bits::of(count, self.first_child.iter().copied().filter(|child| *child != NONE));
        for slot in (0..count as u32).rev() {
            let base = self.bases[slot as usize];
            if base < MOST && !heaviest.contains(slot) {
                self.next_sibling[slot as usize] = self.first_child[base as usize];
                self.first_child[base as usize] = slot;
            }
        }
    }

    /// The entry is lost, and with it what builds upon it.
    fn lose(&mut self, slot: u32) {
        let mut at = self.lost.len();
        self.lost.push(slot);
        while at < self.lost.len() {
            let more: Vec<u32> = self.children(self.lost[at]).collect();
            self.lost.extend(more);
            at += 1;
        }
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.positions.len()
    }

    /// The whole entries of a kind, and the differences to objects of that kind in other packs.
    pub(super) fn roots(&self, kind: Kind) -> &[u32] {
        &self.roots[kind as usize]
    }

    /// The differences to objects that are not in this pack, with those objects.
    pub(super) fn outside(&self) -> &[(u32, ObjectId)] {
        &self.outside
    }

    /// The entries that cannot be read, whatever they are.
    pub(super) fn lost(&self) -> &[u32] {
        &self.lost
    }

    /// Settles what an entry with a base outside is: of this kind, or lost.
    pub(super) fn settle(&mut self, slot: u32, kind: Option<Kind>) {
        match kind {
            Some(kind) => self.roots[kind as usize].push(slot),
            None => self.lose(slot),
        }
    }

    /// What an entry is a difference to.
    pub(super) fn base(&self, slot: u32) -> Base {
        match self.bases[slot as usize] {
            WHOLE => Base::Whole,
            OUTSIDE => Base::Outside,
            LOST => Base::Lost,
            base => Base::Slot(base),
        }
    }

    /// The differences to an entry; the one with most descendants is last.
    pub(super) fn children(&self, slot: u32) -> impl Iterator<Item = u32> {
        let some = |slot: u32| (slot != NONE).then_some(slot);
        std::iter::successors(some(self.first_child[slot as usize]), move |child| {
            some(self.next_sibling[*child as usize])
        })
    }

    /// The first difference to an entry.
    pub(super) fn first_child(&self, slot: u32) -> u32 {
        self.first_child[slot as usize]
    }

    /// The next difference to the same base.
    pub(super) fn next_sibling(&self, slot: u32) -> u32 {
        self.next_sibling[slot as usize]
    }

    /// Where the entry is in the index, which is sorted by object id.
    pub(super) fn position(&self, slot: u32) -> u32 {
        self.positions[slot as usize]
    }

    /// The slot that begins at `offset` and goes by the name at `position` of the index.
    pub(super) fn slot_at(&self, offset: u64, position: u32) -> Option<u32> {
        let key = |slot: u32| (self.offsets.get(slot as usize), self.positions[slot as usize]);
        let (mut low, mut high) = (0, self.len() as u32);
        while low < high {
            let middle = low.midpoint(high);
            match key(middle).cmp(&(offset, position)) {
                Ordering::Equal => return Some(middle),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Where the entry begins and, where that is known, where the next one does.
    pub(super) fn span(&self, slot: u32) -> (u64, Option<u64>) {
        let slot = slot as usize;
        let start = self.offsets.get(slot);
        let end = (slot + 1 < self.len()).then(|| self.offsets.get(slot + 1));
        (start, end.filter(|end| *end > start))
    }
}
