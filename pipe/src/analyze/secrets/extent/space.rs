//! White space around values.
//!
//! Owns skipping and trimming it. Knows no notation.

use std::ops::Range;

/// The position after the spaces and tabs at `at`, at most `limit`.
pub(in crate::analyze::secrets) fn skip_blanks(text: &[u8], at: usize, limit: usize) -> usize {
    let window = text.get(at..limit).unwrap_or_default();
    at + window.iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
}

/// A range without white space at its ends.
pub(in crate::analyze::secrets) fn trim(text: &[u8], value: Range<usize>) -> Range<usize> {
    let slice = &text[value.clone()];
    let start = value.start + (slice.len() - slice.trim_ascii_start().len());
    start..trim_end(text, start, value.end)
}

/// `end`, or the position before the white space that ends there, at least `start`.
pub(super) fn trim_end(text: &[u8], start: usize, end: usize) -> usize {
    start + text[start..end].trim_ascii_end().len()
}
