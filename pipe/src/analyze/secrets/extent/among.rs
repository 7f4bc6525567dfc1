//! Values without quotation marks among others.
//!
//! Owns the separators that end one: those that a parser would stop at, and those that certainly
//! end it, because another name follows.

use std::ops::Range;

use super::line::end_of_line;
use super::space::{skip_blanks, trim, trim_end};

/// Maximum length of a name that may follow a separator.
const NAME_MAX: usize = 40;

/// The first word of a value: up to white space or the end of the enclosing construct.
pub(in crate::analyze::secrets) fn word(text: &[u8], start: usize, limit: usize) -> Range<usize> {
    let mut at = start;
    while at < limit {
        let rest = &text[at..limit];
        match rest {
            [b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'`' | b';' | b'<' | b'>' | b',' | 0, ..] => break,
            [b'&', behind @ ..] if name_length(behind, 1).is_some() => break,
            [b'&', ..] if rest.starts_with(b"&quot;") || rest.starts_with(b"&amp;") => break,
            [b'|', b'|', ..] => break,
            [b'\\', ..] if matches!(text.get(at + 1), Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\\' | b'\n')) => break,
            [close @ (b')' | b']' | b'}'), ..] if !opened(&text[start..at], *close) => break,
            _ => at += 1,
        }
    }
    start..at
}

/// Whether the bracket that `close` closes was opened within the value.
fn opened(value: &[u8], close: u8) -> bool {
    let open = match close {
        b')' => b'(',
        b']' => b'[',
        _ => b'{',
    };
    memchr::memchr_iter(open, value).count() > memchr::memchr_iter(close, value).count()
}

/// The value of a pair in a list, `a=b;name=value;`: up to the next `;` or the closing quote of the
/// string.
pub(in crate::analyze::secrets) fn item(text: &[u8], start: usize, limit: usize) -> Range<usize> {
    let mut at = start;
    while at < limit {
        let next = text.get(at + 1);
        match text[at] {
            b';' | b'"' | b'\'' | b'\r' | b'\n' | 0 => break,
            b'\\' if next == Some(&b'\\') => at += 2,
            b'\\' if matches!(next, Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\n')) => break,
            b'&' if text[at..limit].starts_with(b"&quot;") => break,
            _ => at += 1,
        }
    }
    start..at.min(limit)
}

/// A plain scalar in a YAML flow collection, `{a: b, c: d}`: up to the comma or bracket that ends
/// it.
pub(super) fn in_flow(text: &[u8], start: usize, limit: usize) -> Range<usize> {
    let line = &text[start..end_of_line(text, start, limit)];
    let length = line.iter().position(|b| matches!(b, b',' | b'[' | b']' | b'{' | b'}')).unwrap_or(line.len());
    trim(text, start..start + length)
}

/// For a value whose shortest reading ends at `end`: up to a separator followed by another
/// assignment, or `limit`.
pub(super) fn up_to_next_pair(text: &[u8], end: usize, limit: usize) -> usize {
    let is_separator = |at: &usize| {
        matches!(text[*at], b' ' | b'\t' | b';' | b'&' | b',')
            && is_pair(&text[skip_blanks(text, at + 1, limit)..limit])
    };
    trim_end(text, end, (end..limit).find(is_separator).unwrap_or(limit.max(end)))
}

/// Whether `text` starts with another name and `=`. A name may have several words:
/// `TrustServerCertificate=…`, `User Id=…`.
fn is_pair(text: &[u8]) -> bool {
    let words = || text.iter().take(24).take_while(|b| is_name_byte(**b) || **b == b' ').count();
    text.first().is_some_and(u8::is_ascii_alphabetic)
        && text.get(1).is_some_and(|b| is_name_byte(*b))
        && (name_length(text, 2).is_some() || words() < 24 && text.get(words()) == Some(&b'='))
}

/// The length of the name, of at least `min` bytes, with which `text` starts, if `=` follows.
fn name_length(text: &[u8], min: usize) -> Option<usize> {
    let length = text.iter().take(NAME_MAX).take_while(|b| is_name_byte(**b)).count();
    (length >= min && text.get(length) == Some(&b'=')).then_some(length)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_pair_surely_ends_a_value_amid_others() {
        for (line, end) in [
            ("a;b;Encrypt=true", "a;b"),
            ("a;User Id=x", "a"),
            ("a b)c, user=x", "a b)c"),
            ("a&b=c&other=1", "a&b=c"),
            ("a;92=b", "a;92=b"),
        ] {
            assert_eq!(&line[..up_to_next_pair(line.as_bytes(), 1, line.len())], end, "{line}");
        }
    }

    #[test]
    fn a_word_ends_where_a_parser_stops() {
        for (line, value) in [
            ("abc def", "abc"),
            ("a;b", "a"),
            ("f(x)) y", "f(x)"),
            ("a]b", "a"),
            ("a&b=c", "a"),
            ("a&b", "a&b"),
            ("a&amp;b", "a"),
            ("a||b", "a"),
            (r"a\nb", "a"),
            (r"a\xb", r"a\xb"),
        ] {
            assert_eq!(&line[word(line.as_bytes(), 0, line.len())], value, "{line}");
        }
    }

    #[test]
    fn an_item_of_a_list_ends_at_a_semicolon_or_with_the_string() {
        for (line, value) in
            [("a b,c;d", "a b,c"), ("a\"b", "a"), (r"a\\;b", r"a\\"), (r"a\nb", "a"), ("a&quot;b", "a")]
        {
            assert_eq!(&line[item(line.as_bytes(), 0, line.len())], value, "{line}");
        }
    }
}
