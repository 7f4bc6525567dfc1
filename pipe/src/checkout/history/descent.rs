//! The way down from a folder to the objects that are looked for.
//!
//! Owns, for every folder that leads somewhere, its entries that do. Their names are not kept.

use gix::objs::Kind;

use super::bits::Bits;
use super::flaw::Flaw;
use super::look::{Look, Seen};
use super::numbers::Numbers;
use super::sweep::Sweep;
use super::trees::{self, Folder};

/// The leading entries of all leading folders.
pub(super) struct Descent {
    /// Sorted by the folder's number: the folder, and where its entries are in the list.
    folders: Vec<(u32, u32, u32)>,
    entries: Vec<u32>,
}

impl Descent {
    /// Reads the folders in `leading` again. `None` if that needs a list of more than `most` entries.
    pub(super) fn read(numbers: &Numbers<'_>, threads: usize, leading: &Bits, most: usize) -> Option<Self> {
        let sweep = Sweep::of(Kind::Tree, numbers.objects, threads);
        let share = most / threads.max(1);
        let wanted = (0..numbers.objects.len() as u32).filter(|number| leading.contains(*number));
        let readers =
            sweep.some(wanted, || Reader { numbers, leading, share, folders: Vec::new(), entries: Vec::new() });
        let mut all = Self { folders: Vec::new(), entries: Vec::new() };
        for Reader { folders, entries, .. } in readers {
            if entries.len() > share {
                return None;
            }
            let before = all.entries.len() as u32;
            all.folders.extend(folders.into_iter().map(|(number, from, to)| (number, from + before, to + before)));
            all.entries.extend(entries);
        }
        all.folders.sort_unstable();
        Some(all)
    }

    /// The leading entries of a folder, in its order.
    pub(super) fn entries(&self, folder: u32) -> &[u32] {
        match self.folders.binary_search_by_key(&folder, |entry| entry.0) {
            Ok(at) => &self.entries[self.folders[at].1 as usize..self.folders[at].2 as usize],
            Err(_) => &[],
        }
    }
}

struct Reader<'a> {
    numbers: &'a Numbers<'a>,
    leading: &'a Bits,
    share: usize,
    folders: Vec<(u32, u32, u32)>,
    entries: Vec<u32>,
}

impl Look for Reader<'_> {
    type Note = Option<Folder>;
    const COMPARES: bool = true;

    fn wants(&self, number: u32) -> bool {
        self.leading.contains(number)
    }

    fn see(&mut self, seen: Seen<'_, Self::Note>) -> Self::Note {
        if self.entries.len() > self.share {
            return None;
        }
        let number = seen.number;
        let folder = trees::read(self.numbers, &seen.flatten(), |folder| folder, |_| {})?;
        let from = self.entries.len() as u32;
        let leading = folder.entries.iter().map(|entry| entry.child).filter(|child| self.leading.contains(*child));
        self.entries.extend(leading);
        self.folders.push((number, from, self.entries.len() as u32));
        Some(folder)
    }

    /// Named when the outline was made.
    fn miss(&mut self, _: u32, _: Flaw) {}
}
