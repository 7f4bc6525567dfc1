//! What folders hold, read by what changed in them.
//!
//! Owns the entries of a folder as numbers. Most folders are stored as a difference to another version of themselves; the entries
//! in the parts that both have in common are taken over without being parsed or looked up again, which is what makes reading
//! all versions of a folder with thousands of entries bearable.

use gix::objs::{Kind, TreeRefIter};

use super::layout::NONE;
use super::look::Seen;
use super::numbers::Numbers;

/// The entries of a folder in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) entries: Vec<Entry>,
}

/// An entry of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it ends in the folder's bytes, and the next one begins.
    end: u32,
    /// Number of the blob or folder; `NONE` for a commit of another repository, or what a partial clone left out.
    pub(super) child: u32,
}

/// An entry that had to be parsed because the folder's base does not have it.
pub(super) struct Fresh {
    pub(super) child: u32,
    pub(super) is_folder: bool,
}

/// Reads a folder, given the entries of the one that it builds upon. `None` if it is malformed.
pub(super) fn read<Note>(
    numbers: &Numbers<'_>,
    seen: &Seen<'_, Note>,
    folder_of: impl Fn(&Note) -> &Folder,
    mut fresh: impl FnMut(Fresh),
) -> Option<Folder> {
    let size = u32::try_from(seen.bytes.len()).ok()?;
    let (base, copied) = match seen.base {
        Some((note, copied)) => (&folder_of(note).entries[..], copied),
        None => (&[][..], &[][..]),
    };
    let mut entries = Vec::with_capacity(base.len() + 1);
    let mut parts = copied.iter().peekable();
    let mut at = 0;
    while at < size {
        while parts.next_if(|part| part.result + part.len <= at).is_some() {}
        if let Some(part) = parts.peek().filter(|part| part.result <= at) {
            // The same bytes, from where an entry begins, are the same entries.
            let from = part.base + (at - part.result);
            let same = within(base, from, part.base + part.len);
            if let Some(last) = same.last() {
                entries.extend(same.iter().map(|entry| Entry { end: entry.end - from + at, ..*entry }));
                at += last.end - from;
                continue;
            }
        }
        let rest = &seen.bytes[at as usize..];
        let mut iter = TreeRefIter::from_bytes(rest, numbers.objects.hash());
        let entry = iter.next()?.ok()?;
        let is_folder = entry.mode.is_tree();
        let child = if entry.mode.is_commit() {
            NONE
        } else {
            numbers.number(entry.oid, if is_folder { Kind::Tree } else { Kind::Blob })
        };
        fresh(Fresh { child, is_folder });
        at += iter.offset_to_next_entry(rest) as u32;
        entries.push(Entry { end: at, child });
    }
    Some(Folder { entries })
}

/// The entries that lie in `from..to`, if one begins at `from`.
fn within(entries: &[Entry], from: u32, to: u32) -> &[Entry] {
    let first = match from {
        0 => 0,
        from => match entries.binary_search_by_key(&from, |entry| entry.end) {
            Ok(before) => before + 1,
            Err(_) => return &[],
        },
    };
    let last = first + entries[first..].partition_point(|entry| entry.end <= to);
    &entries[first..last]
}
