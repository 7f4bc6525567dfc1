//! One pack, mapped into memory.
//!
//! Owns the pairing of a pack with its index and the access to single entries. Formats are parsed by the library; sizes it
//! reports are claims of the file until they are checked.

use std::path::Path;

use gix::objs::Kind;
use gix::odb::pack::data::{self, entry::Header};
use gix::odb::pack::index;
use gix::{ObjectId, oid};

use super::flaw::Flaw;
use super::inflate::plausible;
use super::layout::{Layout, MOST};

/// A pack and its index.
pub(super) struct Pack {
    index: index::File,
    data: data::File,
    pub(super) layout: Layout,
}

/// What a pack holds for one object.
pub(super) struct Entry<'a> {
    /// The kind, unless it is a difference.
    pub(super) kind: Option<Kind>,
    /// The other object, if that one is named by its id.
    pub(super) base_id: Option<ObjectId>,
    /// Inflated size of the object or of the difference; possible for this many stored bytes.
    pub(super) size: u64,
    /// The deflated bytes, and possibly some after them.
    pub(super) stored: &'a [u8],
}

impl Pack {
    /// Opens the pack beside the index `path`; else a sentence why that cannot be.
    pub(super) fn open(path: &Path, hash: gix::hash::Kind) -> Result<Self, String> {
        let regular = |path: &Path| match std::fs::metadata(path) {
            Ok(found) if found.is_file() => Ok(()),
            Ok(_) => Err("the pack is no regular file".to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err("the index has no pack, as after an interrupted fetch".to_owned())
            }
            Err(error) => Err(format!("the pack cannot be read: {error}")),
        };
        let pack = path.with_extension("pack");
        regular(path)?;
        regular(&pack)?;
        let index =
            index::File::at(path, hash).map_err(|error| format!("the index of the pack is damaged: {error}"))?;
        let data = data::File::at(&pack, hash).map_err(|error| format!("the pack is damaged: {error}"))?;
        if index.num_objects() > MOST {
            return Err("the pack has more objects than penstock can number".to_owned());
        }
        let layout = Layout::new(&index, &data);
        Ok(Self { index, data, layout })
    }

    /// Number of objects.
    pub(super) fn len(&self) -> u32 {
        self.layout.len() as u32
    }

    /// The id at a position of the index.
    pub(super) fn id(&self, position: u32) -> &oid {
        self.index.oid_at_index(position)
    }

    /// The position of an id in the index.
    pub(super) fn find(&self, id: &oid) -> Option<u32> {
        self.index.lookup(id)
    }

    /// The slot of a position in the index.
    pub(super) fn slot(&self, position: u32) -> Option<u32> {
        self.layout.slot_at(self.index.pack_offset_at_index(position), position)
    }

    /// Reads the header of an entry.
    pub(super) fn entry(&self, slot: u32) -> Result<Entry<'_>, Flaw> {
        const TRUNCATED: Flaw = Flaw::Damaged("the pack ends before it");
        let (start, end) = self.layout.span(slot);
        let end = end.unwrap_or(u64::MAX).min(self.data.pack_end() as u64);
        let bytes = self.data.entry_slice(start..end).ok_or(TRUNCATED)?;
        let entry = data::Entry::from_bytes(bytes, start, self.data.object_hash().len_in_bytes())
            .map_err(|_| Flaw::Damaged("its header is malformed"))?;
        let stored = usize::try_from(entry.data_offset - start).ok().and_then(|at| bytes.get(at..)).ok_or(TRUNCATED)?;
        let size = entry.decompressed_size;
        plausible(size, stored.len())?;
        let base_id = match entry.header {
            Header::RefDelta { base_id } => Some(base_id),
            _ => None,
        };
        Ok(Entry { kind: entry.header.as_kind(), base_id, size, stored })
    }
}
