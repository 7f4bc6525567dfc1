//! Values that take the rest of a line.
//!
//! Owns whether a line is one assignment, in notations where it may be. Where its value ends is
//! decided by [`super::super::extent`].

use std::ops::Range;

use super::cursor::Cursor;
use super::{Assignment, Operator, Quote};
use crate::analyze::secrets::extent::space::skip_blanks;
use crate::analyze::secrets::extent::{self, Extent, Notation, VALUE_MAX, among, begins_line, line_start};

/// The value of a name in a notation where a whole line is one assignment. `None` if this line is
/// not one; `Some(None)` if it is and has no value.
pub(super) fn read(cursor: &Cursor<'_>, name: &Range<usize>) -> Option<Option<Assignment>> {
    let (text, notation) = (cursor.text, cursor.notation);
    if !notation.has_whole_lines() {
        return None;
    }
    let sign = skip_blanks(text, cursor.at, cursor.limit);
    let start = match text.get(sign..)? {
        // Logstash and the like: `name => "value"`.
        [b'=', b'>', b' ', ..] if notation == Notation::Ini => return None,
        [b'=', ..] => sign + 1,
        [b':', next, ..] if notation != Notation::Yaml || next.is_ascii_whitespace() => sign + 1,
        _ => return None,
    };
    let head = &text[line_start(text, name.start)..name.start];
    if !begins_line(text, name.start) {
        let is_flow = notation == Notation::Yaml && head.contains(&b'{') && text[start - 1] == b':';
        let value = start + text[start..].iter().take_while(|b| **b == b' ').count();
        let is_plain = text.get(value).is_some_and(|b| !matches!(b, b'"' | b'\'' | b'&' | b'*' | b'!' | b'[' | b'{'));
        return (is_flow && is_plain).then(|| extent::in_flow(text, start).map(|extent| whole(name, extent)));
    }
    // `name: ["value", "value"]`
    let value = start + text[start..cursor.limit.max(start)].iter().take_while(|b| **b == b' ').count();
    if notation == Notation::Yaml && matches!(text.get(value..), Some([b'[', b'"' | b'\'', ..])) {
        return None;
    }
    // `"NAME=value"` in a list: the closing quote ends the value.
    if name.start.checked_sub(1).is_some_and(|at| matches!(text[at], b'"' | b'\'')) && cursor.at == name.end {
        return None;
    }
    let Some(mut extent) = extent::whole_line(text, name.start, start, notation) else { return Some(None) };
    if matches!(text[extent.value.start - 1], b'"' | b'\'' | b'`') && extent.value.start > start {
        return Some(Some(Assignment { quote: Quote::Quoted, ..whole(name, extent) }));
    }
    // `NAME=value command`, and values followed by a remark.
    if text[extent.value.clone()].contains(&b' ') {
        let start = extent.value.start;
        let first = among::word(text, start, text.len().min(start + VALUE_MAX));
        extent.other = Some(first).filter(|word| !word.is_empty());
    }
    Some(Some(whole(name, extent)))
}

fn whole(name: &Range<usize>, extent: Extent) -> Assignment {
    Assignment { name: name.clone(), extent, quote: Quote::Line, operator: Operator::Assign, wrapped: false }
}

/// In a text of unknown notation: the value found, with the whole line as another reading where
/// some notation would read it like that.
pub(super) fn or_rest(cursor: &Cursor<'_>, name: &Range<usize>, found: Option<Assignment>) -> Option<Assignment> {
    let text = cursor.text;
    let sign = skip_blanks(text, cursor.at, cursor.limit);
    if !matches!(text.get(sign), Some(b'=' | b':')) {
        return found;
    }
    let head = &text[line_start(text, name.start)..name.start];
    let line = if begins_line(text, name.start) {
        extent::any_line(text, name.start, sign + 1)
    } else if head.contains(&b'{') {
        extent::in_flow(text, sign + 1)
    } else {
        None
    };
    match (found, line) {
        (Some(mut found), Some(line)) if line.value != found.extent.value || found.quote == Quote::Bare => {
            found.extent.other = Some(line.value);
            Some(found)
        }
        (None, Some(line)) => Some(whole(name, line)),
        (found, _) => found,
    }
}

/// In settings files, `name value`: the value may contain anything that fits on a line.
pub(super) fn behind_blank(cursor: &Cursor<'_>, name: &Range<usize>, operator: Operator) -> Option<Extent> {
    let (text, notation) = (cursor.text, cursor.notation);
    if operator != Operator::Blank || !matches!(notation, Notation::Ini | Notation::Unknown) || text[name.start] == b'-'
    {
        return None;
    }
    Some(extent::behind_blank(text, cursor.at, begins_line(text, name.start), notation))
}
