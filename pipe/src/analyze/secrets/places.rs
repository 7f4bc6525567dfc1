//! Lines and columns of byte ranges.
//!
//! Owns turning a range of a text into a location. Reads forward only, so that each line is counted
//! once.

use std::ops::Range;

use penstock_common::{Location, Masked};

/// Counts lines and columns while reading forward.
pub(super) struct Places<'t> {
    text: &'t [u8],
    at: usize,
    line: u32,
    column: u32,
}

impl<'t> Places<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, line: 1, column: 1 }
    }

    /// Ranges must come in ascending order of their start.
    pub(super) fn locate(&mut self, shown_path: &Masked, range: Range<usize>) -> Location {
        self.advance(range.start);
        let (start_line, start_column) = (self.line, self.column);
        let mut end = Self { ..*self };
        end.advance(range.end);
        Location { path: shown_path.clone(), start_line, start_column, end_line: end.line, end_column: end.column }
    }

    fn advance(&mut self, to: usize) {
        let stretch = &self.text[self.at..to.max(self.at)];
        let breaks = memchr::memchr_iter(b'\n', stretch).count();
        if breaks > 0 {
            self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
            self.column = 1;
        }
        let tail = memchr::memrchr(b'\n', stretch).map_or(stretch, |found| &stretch[found + 1..]);
        let characters: usize =
            tail.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum();
        self.column = self.column.saturating_add(u32::try_from(characters).unwrap_or(u32::MAX));
        self.at = to.max(self.at);
    }
}
