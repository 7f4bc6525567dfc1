//! The value of an assignment.
//!
//! Owns the choice of the rule by which the value ends. The rules are in [`super::super::extent`].

use std::ops::Range;

use super::cursor::Cursor;
use super::opening::{self, Opening};
use super::{Assignment, Operator, Quote, line};
use crate::analyze::secrets::extent::space::trim;
use crate::analyze::secrets::extent::{
    self, Extent, Notation, Reach, VALUE_MAX, among, begins_line, element, line_start,
};

/// Reads the value at the cursor, which is behind the operator. `None` if there is none, or it does
/// not end.
pub(super) fn read(cursor: &mut Cursor<'_>, name: Range<usize>, operator: Operator) -> Option<Assignment> {
    let text = cursor.text;
    let line = line::behind_blank(cursor, &name, operator);
    if let Some((extent, quote)) = in_string(cursor, &name, operator) {
        return Some(Assignment { name, extent, quote, operator: Operator::Assign, wrapped: false });
    }
    let is_element = operator == Operator::Element;
    let Opening { brackets, wrapped } = if is_element { Opening::default() } else { opening::skip(cursor)? };
    cursor.limit = text.len().min(cursor.at + VALUE_MAX);
    let found = if is_element {
        element::read(text, cursor.at).map(|extent| (extent, Quote::Element))
    } else if let Some(word) = by_word(cursor, &name, operator, brackets) {
        Some(word)
    } else if let Some(extent) = quoted(cursor, brackets) {
        extent.map(|extent| (with_bare_list(cursor, &name, operator, extent), Quote::Quoted))
    } else {
        Some(unquoted(cursor, &name, operator))
    };
    let Some((mut extent, quote)) = choose(found, line, cursor.notation) else { return search_in_vain(cursor) };
    // `ENV NAME "a" "b"`: all of it is the value.
    if operator == Operator::Blank && cursor.notation == Notation::Shell && begins_line(text, name.start) {
        extent.reach = Reach::Line;
    }
    extent.value = trim(text, extent.value);
    if extent.value.is_empty()
        && let Some(other) = extent.other.take()
    {
        extent.value = other;
    }
    (!extent.value.is_empty()).then_some(Assignment { name, extent, quote, operator, wrapped })
}

/// The value found, or the rest of the line, if that may be one.
fn choose(found: Option<(Extent, Quote)>, line: Option<Extent>, notation: Notation) -> Option<(Extent, Quote)> {
    let Some(line) = line else { return found };
    match found {
        Some((extent, Quote::Quoted)) if notation != Notation::Ini || line.value.end <= extent.end() + 1 => {
            Some((extent, Quote::Quoted))
        }
        Some((extent, quote)) if notation != Notation::Ini => {
            Some((Extent { other: Some(line.value), ..extent }, quote))
        }
        // `name 'a'b`: the quotes are part of the value.
        _ => Some((line, Quote::Line)),
    }
}

/// Counts the bytes searched for the end of a value that does not end.
fn search_in_vain(cursor: &mut Cursor<'_>) -> Option<Assignment> {
    let rest = &cursor.text[cursor.at.min(cursor.limit)..cursor.limit];
    cursor.in_vain += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    None
}

/// Shells and command lines: a word may be quoted in parts. `brackets` were opened before it.
fn by_word(cursor: &Cursor<'_>, name: &Range<usize>, operator: Operator, brackets: usize) -> Option<(Extent, Quote)> {
    let is_flag = operator == Operator::Blank && cursor.text[name.start..].starts_with(b"-");
    let is_shell =
        cursor.notation == Notation::Shell && operator == Operator::Assign && cursor.text[cursor.at - 1] == b'=';
    if !(is_shell || is_flag && cursor.notation != Notation::Code) {
        return None;
    }
    let mut extent = extent::word(cursor.text, cursor.at, cursor.limit)?;
    if let (1.., Reach::Exact(end)) = (brackets, extent.reach) {
        extent.reach = Reach::Exact(extent::list(cursor.text, end, cursor.limit, brackets));
    }
    let is_quoted = matches!(cursor.peek(), b'"' | b'\'') || !extent.parts.is_empty();
    Some((extent, if is_quoted { Quote::Quoted } else { Quote::Bare }))
}

/// A quoted value with those that follow it, if several may follow a name without brackets around
/// them: `name "a", "b"` and `other, name = "a", "b"`.
fn with_bare_list(cursor: &Cursor<'_>, name: &Range<usize>, operator: Operator, extent: Extent) -> Extent {
    let is_program = matches!(cursor.notation, Notation::Code | Notation::Unknown);
    let is_list = match operator {
        Operator::Blank => is_program,
        Operator::Assign => is_program && cursor.text[..name.start].trim_ascii_end().ends_with(b","),
        _ => false,
    };
    match extent.reach {
        Reach::Exact(end) if is_list => {
            let end = extent::bare_list(cursor.text, end, cursor.limit, cursor.notation);
            Extent { reach: Reach::Exact(end), ..extent }
        }
        _ => extent,
    }
}

/// A value between marks. `None` if no mark comes next, `Some(None)` if it does not close.
fn quoted(cursor: &mut Cursor<'_>, open: usize) -> Option<Option<Extent>> {
    let (text, limit, notation) = (cursor.text, cursor.limit, cursor.notation);
    let start = cursor.at;
    let is_raw = start > 0 && matches!(text[start - 1], b'@' | b'r' | b'R')
        || cursor.peek() == b'`' && notation == Notation::Code;
    // Rust's raw strings, with one `#`.
    if start > 0 && text[start - 1] == b'#' || text[start..].starts_with(b"#\"") {
        cursor.at += usize::from(cursor.peek() == b'#') + 1;
        let end = memchr::memmem::find(&text[cursor.at.min(limit)..limit], b"\"#");
        return Some(end.map(|length| Extent::exact(cursor.at..cursor.at + length)));
    }
    let close = cursor.eat_quote()?;
    let read = |start: usize, close: &[u8]| extent::quoted(text, start, limit, close, notation, is_raw, open);
    let found = read(cursor.at, close);
    // Where there are no triple quotes, `'''a'` starts with a doubled one.
    let is_triple = close.len() == 3 && close[0] == close[2] && close[0] != b'\\';
    Some(match found {
        None if is_triple => read(start + 1, &close[..1]),
        Some(_)
            if is_triple && matches!(notation, Notation::Yaml | Notation::Sql | Notation::Basic | Notation::Shell) =>
        {
            read(start + 1, &close[..1])
        }
        // `name=%22a%22b&other=…`: some clients send the marks as part of a longer value.
        Some(extent)
            if close[0] == b'%'
                && start > 0
                && text[start - 1] == b'='
                && goes_on(text, extent.end() + close.len()) =>
        {
            Some(Extent { reach: Reach::Amid, ..extent })
        }
        found => found,
    })
}

/// Whether the value of a URL's parameter goes on at `at`.
fn goes_on(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|b| {
        b.is_ascii_alphanumeric() || matches!(b, b'%' | b'+' | b'-' | b'.' | b'_' | b'~' | b'!' | b'*')
    })
}

/// A value within a string: `"NAME=value"`, to the next pair or the string's end, and
/// `a=b;NAME=value;`, to the next `;`.
fn in_string(cursor: &mut Cursor<'_>, name: &Range<usize>, operator: Operator) -> Option<(Extent, Quote)> {
    let (text, notation) = (cursor.text, cursor.notation);
    if !matches!(operator, Operator::Assign | Operator::Compare) || text.get(name.end) != Some(&b'=') {
        return None;
    }
    let start = name.end + 1;
    let limit = text.len().min(start + VALUE_MAX);
    if is_in_list(cursor, name) {
        // A value in a list may have quotes of its own.
        let is_quoted = matches!(text.get(start), Some(b'"' | b'\'')) || text[start..].starts_with(b"\\\"");
        let value = among::item(text, start, limit);
        return (!is_quoted && !value.is_empty()).then(|| (Extent::amid(value), Quote::Line));
    }
    let mark = *text.get(name.start.checked_sub(1)?).filter(|b| matches!(b, b'"' | b'\'' | b'`'))?;
    let value = extent::in_string(text, start, mark, notation).filter(|value| !value.is_empty())?;
    let first = among::word(text, start, limit);
    let mut extent = Extent::amid(value.clone());
    extent.other = Some(first).filter(|first| !first.is_empty() && *first != value);
    Some((extent, Quote::Line))
}

/// A value without marks.
fn unquoted(cursor: &mut Cursor<'_>, name: &Range<usize>, operator: Operator) -> (Extent, Quote) {
    let (text, notation, start) = (cursor.text, cursor.notation, cursor.at);
    let read = if is_in_list(cursor, name) { among::item } else { among::word };
    let value = read(text, start, cursor.limit);
    let mut extent = Extent::exact(value.clone());
    extent.reach = match (operator, notation) {
        // A number. Inside a JSON string other rules apply.
        (_, Notation::Json) if text.get(name.end) == Some(&b'"') => Reach::Exact(value.end),
        (Operator::Blank, _) => Reach::Line,
        _ => Reach::Amid,
    };
    let is_line = || begins_line(text, name.start);
    extent.other = match (operator, notation) {
        (Operator::Assign, Notation::Text) if is_line() => {
            Some(extent::rest_of_line(text, start, notation)).filter(|line| !text[line.clone()].contains(&b' '))
        }
        (Operator::Blank, Notation::Code | Notation::Basic) => None,
        (Operator::Blank, _) if is_line() => Some(extent::rest_of_line(text, start, notation)),
        (Operator::Blank, _) => {
            Some(start..start + text[start..cursor.limit].iter().take_while(|b| !b.is_ascii_whitespace()).count())
        }
        _ => None,
    };
    extent.other = extent.other.filter(|other| other.len() > value.len());
    (extent, Quote::Bare)
}

/// Whether a name is part of a list of pairs, `a=b;name=value;`. In a program such a list is inside
/// a string.
fn is_in_list(cursor: &mut Cursor<'_>, name: &Range<usize>) -> bool {
    let before = cursor.text[..name.start].iter().rev().find(|byte| !matches!(byte, b' ' | b'\t'));
    if before != Some(&b';') || !matches!(cursor.notation, Notation::Code | Notation::Basic) {
        return before == Some(&b';');
    }
    let head = &cursor.text[line_start(cursor.text, name.start)..name.start];
    cursor.in_vain += head.len();
    [b'"', b'\''].iter().any(|mark| head.iter().filter(|byte| *byte == mark).count() % 2 == 1)
}
