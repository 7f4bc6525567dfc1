//! Where a value ends.
//!
//! Owns this for every notation: the value as a parser of the notation reads it, which is
//! classified, and the longest reading of any parser, which is masked and compared for equality.
//! Must not know what a name promises, nor decide whether a value is a secret.
//!
//! A tail that is not masked is printed, and two values with a common start count as equal. So in
//! doubt the longer reading wins: up to the end of the line or of the enclosing string.

pub(super) mod among;
pub(super) mod element;
mod expression;
mod line;
mod notation;
mod quoted;
pub(super) mod space;
mod word;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

pub(super) use notation::Notation;
pub(super) use quoted::Quoted;

/// Maximum length of a value; longer ones are not secrets of this kind.
pub(super) const VALUE_MAX: usize = 2048;

/// A value and how far it may extend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// As a parser of the notation reads it, without quotes.
    pub(super) value: Range<usize>,
    /// An equally plausible reading, checked if the first is not a secret.
    pub(super) other: Option<Range<usize>>,
    /// All literals or parts of a word that make up the value; empty if it is one piece.
    pub(super) parts: Vec<Range<usize>>,
    pub(super) reach: Reach,
}

/// How far the longest reading extends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// To this position: all parsers agree, or none reads on.
    Exact(usize),
    /// To the end of the line and its continuation lines.
    Line,
    /// To the separator before another name, or the end of the enclosing string or line.
    Amid,
}

impl Extent {
    /// One piece, with the same end for all parsers.
    pub(super) fn exact(value: Range<usize>) -> Self {
        Self { reach: Reach::Exact(value.end), value, other: None, parts: Vec::new() }
    }

    /// Where the longest of these readings ends.
    pub(super) fn end(&self) -> usize {
        let parts = self.parts.last().into_iter().chain(&self.other).map(|range| range.end);
        parts.fold(self.value.end, usize::max)
    }

    /// How far the text was read to find this extent.
    pub(super) fn looked_at(&self) -> usize {
        match self.reach {
            Reach::Exact(end) => end.max(self.end()),
            Reach::Line | Reach::Amid => self.end(),
        }
    }

    /// One piece among other values.
    pub(super) fn amid(value: Range<usize>) -> Self {
        Self::new(value, Reach::Amid)
    }

    fn new(value: Range<usize>, reach: Reach) -> Self {
        Self { value, other: None, parts: Vec::new(), reach }
    }

    /// The bytes to mask. The assignment starts at `name`; `string` is the quote of the enclosing
    /// string.
    pub(super) fn longest(&self, text: &[u8], notation: Notation, name: usize, string: Option<u8>) -> Range<usize> {
        let start = self.other.as_ref().map_or(self.value.start, |other| other.start.min(self.value.start));
        let read = self.end();
        let limit = text.len().min(read + VALUE_MAX);
        let end = match self.reach {
            Reach::Exact(end) => end,
            Reach::Line => line::continued(text, name, read, limit, notation),
            Reach::Amid => {
                let line_end = line::end_of_line(text, read, limit);
                let closing = string.and_then(|mark| quoted::read(text, read, line_end, &[mark], notation, false));
                among::up_to_next_pair(text, read, closing.map_or(line_end, |closing| closing.longest))
            }
        };
        let end = match self.reach {
            Reach::Exact(end) => end,
            Reach::Line | Reach::Amid => line::behind_backslash(text, start, end, limit),
        };
        start..space::trim(text, start..end).end.max(read)
    }

    /// The value to classify: its parts joined, without the quotes between them.
    pub(super) fn plain<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        match &self.parts[..] {
            [] => Cow::Borrowed(&text[self.value.clone()]),
            parts => Cow::Owned(parts.iter().flat_map(|part| &text[part.clone()]).copied().collect()),
        }
    }
}

/// A quoted value. `start` follows the opening quote, which has `open` open brackets before it.
pub(super) fn quoted(
    text: &[u8],
    start: usize,
    limit: usize,
    close: &[u8],
    notation: Notation,
    is_raw: bool,
    open: usize,
) -> Option<Extent> {
    let found = quoted::read(text, start, limit, close, notation, is_raw)?;
    let mut extent = Extent::new(found.value.clone(), Reach::Exact(found.longest));
    if notation == Notation::Unknown {
        // Depending on the unknown path, a doubled quote may be the only escape.
        let doubled = quoted::read(text, start, limit, close, Notation::Sql, is_raw).map(|other| other.value);
        let longest = found.value.start..found.longest;
        extent.other = doubled.into_iter().chain([longest]).find(|other| *other != found.value);
    }
    if close.len() == 1 {
        let (parts, last) = quoted::joined(text, found.after, limit, notation);
        if let Some(last) = last {
            extent.reach = Reach::Exact(last.max(found.longest));
        }
        if !parts.is_empty() {
            extent.parts = std::iter::once(found.value.clone()).chain(parts).collect();
        }
    }
    let raw = quoted::bracketed(text, start, limit, notation);
    // A value quoted inside a string ends with that string.
    let joined = matches!(close[0], b'"' | b'\'' | b'`')
        .then(|| expression::last_literal(text, found.after, limit, notation, open));
    for end in raw.into_iter().chain(joined.flatten()) {
        extent.reach = match extent.reach {
            Reach::Exact(reached) => Reach::Exact(reached.max(end)),
            reach => reach,
        };
    }
    Some(extent)
}

/// One quoted argument. Its longest reading includes what is joined to it.
pub(super) fn argument(text: &[u8], start: usize, limit: usize, mark: u8, notation: Notation) -> Option<Quoted> {
    let found = quoted::read(text, start, limit, &[mark], notation, false)?;
    let joined = expression::last_literal(text, found.after, limit, notation, 0);
    Some(Quoted { longest: joined.unwrap_or(0).max(found.longest), ..found })
}

/// A list of words, `(a 'b' "c")`: where its last word ends. The first word ends at `end`.
pub(super) fn list(text: &[u8], end: usize, limit: usize, open: usize) -> usize {
    expression::last_literal(text, end, limit, Notation::Shell, open).unwrap_or(0).max(end)
}

/// A list of literals without brackets, `name "a", "b"`: where the last one ends. The first ends at
/// `end`, its closing mark.
pub(super) fn bare_list(text: &[u8], end: usize, limit: usize, notation: Notation) -> usize {
    let mut end = end;
    loop {
        let comma = space::skip_blanks(text, end + 1, limit);
        if text[..limit].get(comma) != Some(&b',') {
            return end;
        }
        match expression::last_literal(text, comma + 1, limit, notation, 0) {
            Some(last) => end = last,
            None => return end,
        }
    }
}

/// A word of a command, quoted or not.
pub(super) fn word(text: &[u8], start: usize, limit: usize) -> Option<Extent> {
    let (whole, mut parts) = word::read(text, start, limit)?;
    let reach = if word::ends_surely(text, whole.end, limit) { Reach::Exact(whole.end) } else { Reach::Line };
    let mut extent = Extent::new(whole, reach);
    match parts.len() {
        0 => return None,
        1 => extent.value = parts.remove(0),
        _ => extent.parts = parts,
    }
    Some(extent)
}

/// The value of an assignment that takes a whole line. The name starts at `name`, the value at
/// `start`.
pub(super) fn whole_line(text: &[u8], name: usize, start: usize, notation: Notation) -> Option<Extent> {
    // `- NAME=value` is one YAML scalar: after `=` there are no tags, blocks or quotes.
    let is_yaml = notation == Notation::Yaml && text[start - 1] == b':';
    let limit = text.len().min(start + VALUE_MAX);
    let start = space::skip_blanks(text, start, limit);
    let start = if is_yaml { behind_properties(text, start, limit)? } else { start };
    let first = *text.get(start)?;
    if is_yaml && matches!(first, b'|' | b'>') {
        return line::block(text, name, start, limit).map(Extent::exact);
    }
    let rest = line::rest(text, start, limit, notation);
    // In other notations only a backslash continues a quoted value on the next line.
    let line_limit = line::continued(text, name, start, limit, Notation::Dotenv).min(limit);
    if matches!(first, b'"' | b'\'' | b'`')
        && let Some(extent) =
            quoted(text, start + 1, if is_yaml { limit } else { line_limit }, &[first], notation, false, 0)
    {
        // `"a"b` is not a quoted text in these notations, and in an INI file the quotes may be part
        // of the value.
        let behind = extent.value.end + 1;
        if is_yaml {
            return Some(extent);
        }
        let is_closed = |b: &u8| matches!(b, b';' | b',' | b')');
        if behind >= rest.end || text[behind..rest.end].iter().all(is_closed) {
            return Some(Extent { reach: Reach::Line, ..extent });
        }
    }
    if rest.is_empty() {
        return None;
    }
    let reach = match notation {
        // The quote closes on a later line: most parsers of these files read it like that.
        Notation::Dotenv | Notation::Ini if matches!(first, b'"' | b'\'' | b'`') => {
            let lines = memchr::memchr(first, &text[line_limit..limit]);
            lines.map_or(Reach::Line, |length| Reach::Exact(line_limit + length))
        }
        Notation::Yaml if !continues(text, name, rest.end, limit) => Reach::Exact(rest.end),
        _ => Reach::Line,
    };
    Some(Extent::new(rest, reach))
}

/// The longest value that any notation reads on a line.
pub(super) fn any_line(text: &[u8], name: usize, start: usize) -> Option<Extent> {
    let limit = text.len().min(start + VALUE_MAX);
    let start = space::skip_blanks(text, start, limit);
    let rest = line::rest(text, start, limit, Notation::Properties);
    let block = || line::block(text, name, start, limit);
    match text.get(start)? {
        b'|' | b'>' => Some(Extent::exact(block().unwrap_or(rest))),
        _ => (!rest.is_empty()).then(|| Extent::new(rest, Reach::Line)),
    }
}

fn continues(text: &[u8], name: usize, end: usize, limit: usize) -> bool {
    line::continued(text, name, end, limit, Notation::Yaml) > line::end_of_line(text, end, limit)
}

/// The value in a YAML flow collection, `{name: value}`.
pub(super) fn in_flow(text: &[u8], start: usize) -> Option<Extent> {
    let limit = text.len().min(start + VALUE_MAX);
    let value = among::in_flow(text, start, limit);
    (!value.is_empty()).then(|| Extent::exact(value))
}

/// The rest of the line as another reading of a value, if it is one.
pub(super) fn rest_of_line(text: &[u8], start: usize, notation: Notation) -> Range<usize> {
    line::rest(text, start, text.len().min(start + VALUE_MAX), notation)
}

/// A value after a blank: the rest of the line if the name starts the line, else up to white space.
pub(super) fn behind_blank(text: &[u8], start: usize, is_line: bool, notation: Notation) -> Extent {
    let rest = rest_of_line(text, start, notation);
    let word = text[rest.clone()].iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    let value = if is_line { rest } else { rest.start..rest.start + word };
    Extent::new(value, Reach::Line)
}

/// A value at the start of a string, `"NAME=value"`, up to the next pair in it or its end.
pub(super) fn in_string(text: &[u8], start: usize, mark: u8, notation: Notation) -> Option<Range<usize>> {
    let limit = text.len().min(start + VALUE_MAX);
    let closing = quoted::read(text, start, limit, &[mark], notation, false)?;
    Some(start..among::up_to_next_pair(text, start, closing.value.end))
}

/// Past `!!str` and `&anchor`. `None` for `*alias` and `!Ref name`, which are references.
fn behind_properties(text: &[u8], start: usize, limit: usize) -> Option<usize> {
    let rest = &text[start..limit];
    let is_property = match rest {
        [b'!', b'!', ..] | [b'&', ..] => true,
        [b'*' | b'!', ..] => return None,
        _ => false,
    };
    if !is_property {
        return Some(start);
    }
    let word = rest.iter().position(u8::is_ascii_whitespace)?;
    Some(space::skip_blanks(text, start + word, limit))
}

/// Whether only syntax comes before the name at `at` on its line.
pub(super) fn begins_line(text: &[u8], at: usize) -> bool {
    line::is_head(&text[line_start(text, at)..at])
}

/// Where the line of `at` begins, or 400 bytes before `at` where it is longer.
pub(super) fn line_start(text: &[u8], at: usize) -> usize {
    let floor = at.saturating_sub(400);
    memchr::memrchr(b'\n', &text[floor..at]).map_or(floor, |found| floor + found + 1)
}
