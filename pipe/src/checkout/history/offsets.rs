//! Where the entries of a pack begin.
//!
//! Owns the offsets in the order of the file, and finding the entry at one.

use gix::odb::pack::index;

use super::layout::MOST;

/// Where entries begin. Nearly all packs are below 4 GiB, where half the memory will do.
pub(super) enum Offsets {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

impl Offsets {
    /// The offsets of all entries, ascending, and for each where it is in the index.
    pub(super) fn in_order(index: &index::File) -> (Self, Vec<u32>) {
        let count = index.num_objects().min(MOST);
        let offset = |position| index.pack_offset_at_index(position);
        if (0..count).all(|position| offset(position) <= u64::from(u32::MAX)) {
            let mut entries: Vec<u64> =
                (0..count).map(|position| offset(position) << 32 | u64::from(position)).collect();
            entries.sort_unstable();
            let offsets = entries.iter().map(|entry| (entry >> 32) as u32).collect();
            (Self::Narrow(offsets), entries.iter().map(|entry| *entry as u32).collect())
        } else {
            let mut entries: Vec<(u64, u32)> = (0..count).map(|position| (offset(position), position)).collect();
            entries.sort_unstable();
            let offsets = entries.iter().map(|entry| entry.0).collect();
            (Self::Wide(offsets), entries.iter().map(|entry| entry.1).collect())
        }
    }

    /// The offset of a slot.
    pub(super) fn get(&self, slot: usize) -> u64 {
        match self {
            Self::Narrow(offsets) => u64::from(offsets[slot]),
            Self::Wide(offsets) => offsets[slot],
        }
    }

    /// The slot before `end` that begins at `offset`. Bases are mostly near, so the search starts from `end`.
    pub(super) fn find_before(&self, end: usize, offset: u64) -> Option<u32> {
        let mut step = 1;
        let mut low = end;
        while low > 0 && (low == end || self.get(low) > offset) {
            low = low.saturating_sub(step);
            step *= 2;
        }
        let found = match self {
            Self::Narrow(offsets) => offsets[low..end].binary_search(&u32::try_from(offset).ok()?),
            Self::Wide(offsets) => offsets[low..end].binary_search(&offset),
        };
        found.ok().map(|at| (low + at) as u32)
    }
}
