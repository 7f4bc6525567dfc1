//! Pairs of attributes in one tag: `<add key="name" value="v"/>`, in any order and with others between.
//!
//! Owns finding the attribute that holds the value when the name is itself an attribute's value.

use std::ops::Range;

use super::Quote;

/// Longest way from the name to either end of its tag.
const TAG_REACH: usize = 320;
/// Attributes that name something, and attributes that hold what it is.
const NAMING: &[&[u8]] = &[b"name", b"key", b"id", b"property", b"Name", b"Key", b"android:name"];
const HOLDING: &[&[u8]] = &[b"value", b"Value", b"content", b"defaultValue"];

/// The value that belongs to `name`, without its marks.
pub(super) fn value_of(text: &[u8], name: &Range<usize>) -> Option<(Range<usize>, Quote)> {
    let mark = *text.get(name.start.checked_sub(1)?)?;
    if !matches!(mark, b'"' | b'\'') || text.get(name.end) != Some(&mark) {
        return None;
    }
    let head = text[name.start.saturating_sub(16)..name.start - 1].strip_suffix(b"=")?;
    if !NAMING.iter().any(|word| head.ends_with(word)) {
        return None;
    }
    let floor = name.start.saturating_sub(TAG_REACH);
    let start = floor + memchr::memrchr2(b'<', b'>', &text[floor..name.start])?;
    if text[start] != b'<' {
        return None;
    }
    let ceiling = text.len().min(name.end + TAG_REACH);
    let end = name.end + memchr::memchr2(b'<', b'>', &text[name.end..ceiling])?;
    if let Some(value) = HOLDING.iter().find_map(|word| attribute(text, start..end, word)) {
        return Some((value, Quote::Quoted));
    }
    // `<string name="…" translatable="false">v</string>`
    if text[end] != b'>' || text[end - 1] == b'/' {
        return None;
    }
    let rest = &text[end + 1..text.len().min(end + 1 + TAG_REACH)];
    let length = memchr::memchr2(b'<', b'\n', rest).filter(|&at| at > 0 && rest[at] == b'<')?;
    Some((end + 1..end + 1 + length, Quote::Element))
}

/// The value of the attribute `word` within a tag; a namespace before it is allowed.
fn attribute(text: &[u8], tag: Range<usize>, word: &[u8]) -> Option<Range<usize>> {
    memchr::memmem::find_iter(&text[tag.clone()], word).find_map(|found| {
        let at = tag.start + found;
        let free = at.checked_sub(1).is_some_and(|before| text[before].is_ascii_whitespace() || text[before] == b':');
        let rest = text[at + word.len()..tag.end].strip_prefix(b"=")?;
        let (mark, rest) = rest.split_first()?;
        if !free || !matches!(mark, b'"' | b'\'') {
            return None;
        }
        let length = memchr::memchr(*mark, rest)?;
        let start = at + word.len() + 2;
        (length > 0).then_some(start..start + length)
    })
}
