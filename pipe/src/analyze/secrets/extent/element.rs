//! Values between XML tags.
//!
//! Owns where the text of an element ends: at the next tag, at the end of its CDATA sections. Must
//! not decide which element is a name's.

use super::space::trim;
use super::{Extent, Reach, VALUE_MAX};

const OPEN: &[u8] = b"<![CDATA[";
const CLOSE: &[u8] = b"]]>";

/// The text of the element whose content starts at `start`, which may follow the opening of a CDATA
/// section.
pub(in crate::analyze::secrets) fn read(text: &[u8], start: usize) -> Option<Extent> {
    let window = &text[start..text.len().min(start + VALUE_MAX)];
    if text[..start].ends_with(OPEN) {
        let (value, longest) = sections(window)?;
        return Some(Extent { reach: Reach::Exact(start + longest), ..Extent::exact(start..start + value) });
    }
    let length = memchr::memchr(b'<', window)?;
    let value = trim(text, start..start + length);
    // Prose such as `AUTH <user> <password> (since 6.0)` closes no element.
    if !matches!(window.get(length + 1), Some(b'/' | b'!')) || text[value.clone()].contains(&b'\n') {
        return None;
    }
    let end = memchr::memmem::find(window, b"</").unwrap_or(length);
    let longest = trim(text, start..start + end).end.max(value.end);
    Some(Extent { reach: Reach::Exact(longest), ..Extent::exact(value) })
}

/// Where the first CDATA section ends, and the text of the element with all its sections.
fn sections(window: &[u8]) -> Option<(usize, usize)> {
    let first = memchr::memmem::find(window, CLOSE)?;
    // `]]>` inside a value is written as the end of one section and the start of the next.
    let mut end = first;
    while window[end + CLOSE.len()..].starts_with(OPEN) {
        let next = end + CLOSE.len();
        match memchr::memmem::find(&window[next..], CLOSE) {
            Some(length) => end = next + length,
            None => return Some((first, window.len())),
        }
    }
    // Text after a section belongs to the same value.
    let behind = &window[end + CLOSE.len()..];
    match memchr::memmem::find(behind, b"</") {
        Some(length @ 1..) => Some((first, end + CLOSE.len() + length)),
        _ => Some((first, end)),
    }
}
