//! The second pass: which folders lead to the objects that are looked for.
//!
//! Owns the outline of all folders: for each what it has beyond the folder that it builds upon. That is about one entry per
//! folder and not dozens. A folder leads if anything fresh in it leads, or its base does; the latter may be wrong where an
//! entry was taken out, which costs time later and nothing else.

use std::collections::BTreeMap;

use gix::objs::Kind;

use super::bits::Bits;
use super::flaw::Flaw;
use super::layout::NONE;
use super::look::{Look, Seen};
use super::numbers::Numbers;
use super::sweep::Sweep;
use super::trees::{self, Folder};

const CHANGELING: Flaw = Flaw::Damaged("it is stored as another kind of object than what names it says");

/// What is known after the second pass.
pub(super) struct Outline {
    parts: Vec<Part>,
    /// Folders that cannot be read, and what folders take for a file or a folder and is stored as something else.
    pub(super) flaws: BTreeMap<u32, Flaw>,
}

impl Outline {
    /// Reads all folders. `targets` are all objects that may be looked for, apart from the missing ones, and `blobs` those that
    /// are known to be nothing but blobs.
    pub(super) fn read(numbers: &Numbers<'_>, threads: usize, targets: &Bits, blobs: &Bits) -> Self {
        let sweep = Sweep::of(Kind::Tree, numbers.objects, threads);
        let reader = || Reader { numbers, targets, blobs, part: Part::default(), flaws: BTreeMap::new() };
        let mut outline = Self { parts: Vec::new(), flaws: BTreeMap::new() };
        for reader in sweep.all(reader) {
            outline.parts.push(reader.part);
            outline.flaws.extend(reader.flaws);
        }
        outline
    }

    /// Every file that a folder names must have been read as a blob, and every folder, `tops` of commits included, as a folder.
    /// What was not would be passed over in silence: it joins the flaws.
    pub(super) fn find_changelings(&mut self, numbers: &Numbers<'_>, targets: &Bits, tops: impl Iterator<Item = u32>) {
        let folders = self.parts.iter().flat_map(|part| part.folders.iter().map(|folder| folder.number));
        let mut known = Bits::of(numbers.objects.len(), folders.chain(self.flaws.keys().copied()));
        let edges = self.parts.iter().flat_map(|part| part.edges.iter().copied());
        let edges = edges.filter(|child| !targets.contains(*child));
        for child in edges.chain(tops) {
            if child != NONE && !numbers.is_missing(child) && known.insert(child) {
                self.flaws.insert(child, CHANGELING);
            }
        }
    }

    /// `targets` and the folders that lead to them.
    pub(super) fn leading(&self, targets: &Bits) -> Bits {
        let mut leading = targets.clone();
        // Folders may come before what is in them or after it, so this is repeated, about as often as folders are deep.
        let mut changed = true;
        while changed {
            changed = false;
            for part in &self.parts {
                changed |= part.spread(&mut leading);
            }
        }
        leading
    }
}

/// What one thread read.
#[derive(Default)]
struct Part {
    folders: Vec<Outlined>,
    edges: Vec<u32>,
}

/// A folder by what is fresh in it.
struct Outlined {
    number: u32,
    /// Number of the folder that it builds upon, or `NONE`.
    base: u32,
    /// Where its edges end; they begin where those of the folder before it end.
    edges_end: u32,
}

impl Part {
    /// Marks the folders that lead by what leads already. Whether any was new.
    fn spread(&self, leading: &mut Bits) -> bool {
        let mut from = 0;
        let mut changed = false;
        for Outlined { number, base, edges_end } in &self.folders {
            let to = *edges_end as usize;
            let edges = &self.edges[from..to];
            from = to;
            if !leading.contains(*number)
                && (leading.contains(*base) || edges.iter().any(|child| leading.contains(*child)))
            {
                changed |= leading.insert(*number);
            }
        }
        changed
    }
}

struct Reader<'a> {
    numbers: &'a Numbers<'a>,
    targets: &'a Bits,
    blobs: &'a Bits,
    part: Part,
    flaws: BTreeMap<u32, Flaw>,
}

/// What is remembered of a folder while others build upon it.
pub(super) struct Note {
    number: u32,
    folder: Folder,
}

impl Look for Reader<'_> {
    type Note = Option<Note>;
    const COMPARES: bool = true;

    fn wants(&self, _: u32) -> bool {
        true
    }

    fn see(&mut self, seen: Seen<'_, Self::Note>) -> Self::Note {
        let number = self.numbers.objects.own(seen.number);
        let seen = seen.flatten();
        let base = seen.base.map_or(NONE, |(note, _)| note.number);
        let folder = trees::read(
            self.numbers,
            &seen,
            |note| &note.folder,
            |fresh| {
                let is_plain = !fresh.is_folder && self.blobs.contains(fresh.child);
                if fresh.is_folder && self.blobs.contains(fresh.child) {
                    self.flaws.insert(fresh.child, CHANGELING);
                }
                if fresh.child != NONE && (!is_plain || self.targets.contains(fresh.child)) {
                    self.part.edges.push(fresh.child);
                }
            },
        );
        self.part.folders.push(Outlined { number, base, edges_end: self.part.edges.len() as u32 });
        if folder.is_none() {
            self.miss(seen.number, Flaw::Damaged("this folder is malformed"));
        }
        Some(Note { number, folder: folder? })
    }

    fn miss(&mut self, number: u32, flaw: Flaw) {
        if !self.numbers.objects.is_twin(number) {
            self.flaws.insert(number, flaw);
        }
    }
}
