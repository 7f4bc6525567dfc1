//! What a pass over the objects does with them.
//!
//! Owns the border between walking, which knows packs and differences, and the passes, which know blobs, folders and commits.

use super::delta::Copied;
use super::flaw::Flaw;

/// What is done with the objects of a walk.
pub(super) trait Look {
    /// What is remembered of an object while others are read that build upon it.
    type Note;

    /// Whether it makes use of what an object has in common with the one it builds upon.
    const COMPARES: bool;

    /// Whether this copy of an object is to be seen.
    fn wants(&self, number: u32) -> bool;

    /// Sees an object.
    fn see(&mut self, seen: Seen<'_, Self::Note>) -> Self::Note;

    /// Is told of an object that was to be seen and cannot be.
    fn miss(&mut self, number: u32, flaw: Flaw);
}

/// An object, read.
pub(super) struct Seen<'a, Note> {
    /// Its number.
    pub(super) number: u32,
    /// Its content.
    pub(super) bytes: &'a [u8],
    /// What was remembered of the object that it builds upon, and the parts that are the same in both.
    pub(super) base: Option<(&'a Note, &'a [Copied])>,
}

impl<'a, Note> Seen<'a, Option<Note>> {
    /// Without the base if nothing was remembered of it.
    pub(super) fn flatten(self) -> Seen<'a, Note> {
        let base = self.base.and_then(|(note, copied)| Some((note.as_ref()?, copied)));
        Seen { number: self.number, bytes: self.bytes, base }
    }
}
