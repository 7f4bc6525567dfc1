//! All objects of a repository under one numbering.
//!
//! Owns the packs and loose objects of all object folders, alternates included. Every stored copy of an object has a number:
//! first the packs', in the order of their indices, then the loose ones. Sets of objects are bits over these numbers. An
//! object's *own* number is that of its first copy; later copies are twins.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::checkout::Skipped;
use gix::objs::Kind;
use gix::{ObjectId, oid};

use super::HistoryError;
use super::bits::Bits;
use super::flaw::Flaw;
use super::layout::Base;
use super::loose::{Loose, list_folder};
use super::pack::Pack;
use crate::checkout::path::display;

/// The objects of a repository.
pub(super) struct Objects {
    packs: Vec<Pack>,
    /// The first number of each pack, and behind them that of the loose objects.
    starts: Vec<u32>,
    loose: Loose,
    twins: Bits,
    hash: gix::hash::Kind,
}

/// Where a copy of an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a pack.
    Packed { pack: usize, slot: u32 },
    /// In a file of its own.
    Loose(usize),
}

impl Objects {
    /// Opens all packs and lists all loose objects in `folders`. What cannot be opened is added to `skipped`.
    pub(super) fn open(
        folders: &[PathBuf],
        hash: gix::hash::Kind,
        skipped: &mut Vec<Skipped>,
    ) -> Result<Self, HistoryError> {
        let mut packs = Vec::new();
        for folder in folders {
            for index in pack_indices(&folder.join("pack"), skipped) {
                match Pack::open(&index, hash) {
                    Ok(pack) => packs.push(pack),
                    Err(reason) => {
                        let subject = name(&index.with_extension("pack"));
                        skipped.push(Skipped { subject, reason, by_limit: false });
                    }
                }
            }
        }
        // Most look-ups then end in the first pack.
        packs.sort_by_key(|pack| Reverse(pack.len()));
        let loose = Loose::list(folders, hash, skipped);
        let mut starts = vec![0u32];
        for count in packs.iter().map(Pack::len).chain([u32::try_from(loose.len()).unwrap_or(u32::MAX)]) {
            let last = starts[starts.len() - 1];
            starts.push(last.checked_add(count).ok_or(HistoryError::TooManyObjects)?);
        }
        let mut objects = Self { packs, starts, loose, twins: Bits::default(), hash };
        objects.mark_twins();
        objects.settle_outside_bases();
        Ok(objects)
    }

    /// One above the highest number.
    pub(super) fn len(&self) -> usize {
        self.starts[self.starts.len() - 1] as usize
    }

    pub(super) fn packs(&self) -> &[Pack] {
        &self.packs
    }

    pub(super) fn loose(&self) -> &Loose {
        &self.loose
    }

    pub(super) fn hash(&self) -> gix::hash::Kind {
        self.hash
    }

    /// Whether `number` is a later copy of an object.
    pub(super) fn is_twin(&self, number: u32) -> bool {
        self.twins.contains(number)
    }

    /// The number of what a pack holds in a slot.
    pub(super) fn packed(&self, pack: usize, slot: u32) -> u32 {
        self.starts[pack] + self.packs[pack].layout.position(slot)
    }

    /// The number of a loose object.
    pub(super) fn loosened(&self, at: usize) -> u32 {
        self.starts[self.packs.len()] + at as u32
    }

    /// The object's own number, of any copy's.
    pub(super) fn own(&self, number: u32) -> u32 {
        if self.is_twin(number) { self.find(&self.id(number)).unwrap_or(number) } else { number }
    }

    /// The number of an object.
    pub(super) fn find(&self, id: &oid) -> Option<u32> {
        let packed = self.packs.iter().zip(&self.starts).find_map(|(pack, start)| Some(start + pack.find(id)?));
        packed.or_else(|| Some(self.loosened(self.loose.find(id)?)))
    }

    /// The id of a number.
    pub(super) fn id(&self, number: u32) -> ObjectId {
        match self.pack_of(number) {
            Some(pack) => self.packs[pack].id(number - self.starts[pack]).to_owned(),
            None => self.loose.id((number - self.starts[self.packs.len()]) as usize),
        }
    }

    /// Where a number's copy is; `None` if the index of its pack contradicts itself.
    pub(super) fn place(&self, number: u32) -> Option<Place> {
        Some(match self.pack_of(number) {
            Some(pack) => Place::Packed { pack, slot: self.packs[pack].slot(number - self.starts[pack])? },
            None => Place::Loose((number - self.starts[self.packs.len()]) as usize),
        })
    }

    /// The numbers of all other copies of an object.
    pub(super) fn copies(&self, number: u32) -> Vec<u32> {
        let id = self.id(number);
        let packed = self.packs.iter().zip(&self.starts).filter_map(|(pack, start)| Some(start + pack.find(&id)?));
        let loose = self.loose.find(&id).map(|at| self.loosened(at));
        packed.chain(loose).filter(|copy| *copy != number).collect()
    }

    fn pack_of(&self, number: u32) -> Option<usize> {
        let behind = self.starts.partition_point(|start| *start <= number);
        // Empty packs share their start with the next one, which is the one meant.
        behind.checked_sub(1).filter(|pack| *pack < self.packs.len())
    }

    /// Merges the sorted indices to find what is stored more than once.
    fn mark_twins(&mut self) {
        let mut twins = Bits::new(self.len());
        let mut heads: BinaryHeap<Reverse<(&oid, usize, u32)>> = BinaryHeap::new();
        if self.packs.len() > 1 {
            heads.extend(
                self.packs
                    .iter()
                    .enumerate()
                    .filter(|(_, pack)| pack.len() > 0)
                    .map(|(at, pack)| Reverse((pack.id(0), at, 0))),
            );
        }
        let mut last: Option<&oid> = None;
        while let Some(Reverse((id, at, position))) = heads.pop() {
            if last == Some(id) {
                twins.insert(self.starts[at] + position);
            }
            last = Some(id);
            if position + 1 < self.packs[at].len() {
                heads.push(Reverse((self.packs[at].id(position + 1), at, position + 1)));
            }
        }
        for at in 0..self.loose.len() {
            let (id, number) = (self.loose.id(at), self.loosened(at));
            if self.find(&id).is_some_and(|own| own != number) {
                twins.insert(number);
            }
        }
        self.twins = twins;
    }

    /// Finds out of which kind the objects are that a pack stores as differences to objects outside of it.
    fn settle_outside_bases(&mut self) {
        for pack in 0..self.packs.len() {
            for (slot, base) in self.packs[pack].layout.outside().to_vec() {
                let kind = self.find(&base).and_then(|base| self.kind(base));
                self.packs[pack].layout.settle(slot, kind);
            }
        }
    }

    /// The kind of an object, read off the far end of its chain of differences.
    pub(super) fn kind(&self, number: u32) -> Option<Kind> {
        let mut place = self.place(number)?;
        // A chain that leaves packs again and again is a cycle.
        let mut packs_left = 0;
        while packs_left < 16 {
            let (pack, mut slot) = match place {
                Place::Packed { pack, slot } => (pack, slot),
                Place::Loose(at) => return Some(self.loose.kind(at)),
            };
            while let Base::Slot(base) = self.packs[pack].layout.base(slot) {
                slot = base;
            }
            match self.packs[pack].entry(slot).ok()?.kind {
                Some(kind) => return Some(kind),
                None => place = self.base_place(pack, slot).ok()?,
            }
            packs_left += 1;
        }
        None
    }

    /// Where the object is that a packed one is a difference to.
    pub(super) fn base_place(&self, pack: usize, slot: u32) -> Result<Place, Flaw> {
        match self.packs[pack].layout.base(slot) {
            Base::Slot(slot) => Ok(Place::Packed { pack, slot }),
            Base::Outside => {
                let id = self.packs[pack].entry(slot)?.base_id.ok_or(Flaw::Damaged("its base is unknown"))?;
                let base = self.find(&id).and_then(|number| self.place(number));
                base.ok_or(Flaw::Damaged("the object it is stored as a difference to is missing"))
            }
            Base::Whole | Base::Lost => Err(Flaw::Damaged("its entry in the pack makes no sense")),
        }
    }
}

/// The indices in a folder of packs, sorted. Left-overs of an interrupted fetch are named; git does not read them either.
fn pack_indices(folder: &Path, skipped: &mut Vec<Skipped>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = list_folder(folder, skipped).iter().map(fs::DirEntry::path).collect();
    files.sort();
    for file in &files {
        let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let unfinished = name(file).starts_with("tmp_") || extension == "pack" && !file.with_extension("idx").exists();
        if unfinished {
            let reason = "left by an interrupted fetch or repack; git does not read it either".to_owned();
            skipped.push(Skipped { subject: name(file), reason, by_limit: true });
        }
    }
    files
        .retain(|file| file.extension().is_some_and(|extension| extension == "idx") && !name(file).starts_with("tmp_"));
    files
}

/// The last part of a path, as it may be shown.
pub(super) fn name(path: &Path) -> String {
    display(path.file_name().unwrap_or_default().as_encoded_bytes())
}
