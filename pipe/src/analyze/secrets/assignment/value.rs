//! Where a value begins and ends.
//!
//! Owns quotation marks, prefixes of literals, wrapping calls and the ends of bare values.

use std::ops::Range;

use super::cursor::Cursor;
use super::{Assignment, Operator, Quote, REACH};

/// Longest value that is looked at; longer ones are not secrets of this kind.
const VALUE_MAX: usize = 2048;

/// Functions whose argument is the value itself: conversions, wrappers, decoders.
#[rustfmt::skip]
const WRAPPERS: &[&[u8]] = &[
    b"string", b"str", b"bytes", b"byte", b"buffer", b"from", b"decode", b"secret", b"some", b"quote", b"text",
    b"encode", b"base64", b"of", b"new", b"just", b"value", b"literal", b"unhexlify", b"fromhex", b"b64decode",
    b"atob", b"btoa", b"trim", b"into", b"getbytes", b"sensitive", b"default", b"const", b"password", b"token",
    b"key", b"parse", b"raw", b"u", b"b", b"_", b"l", b"unsecure", b"stringvalue", b"cstring", b"to_string",
    b"tochararray", b"chars", b"encrypt", b"md5", b"sha1", b"sha256", b"hash",
];

pub(super) fn read(cursor: &mut Cursor<'_>, name: Range<usize>, operator: Operator) -> Option<Assignment> {
    let text = cursor.text;
    let limit = text.len();
    let mut wrapped = false;
    if operator != Operator::Element {
        cursor.limit = limit.min(cursor.at + REACH);
        let start = cursor.at;
        cursor.skip_blanks();
        if matches!(cursor.peek(), b'\r' | b'\n') || cursor.starts_with(b"\\\n") {
            // A value on the next line only if it is quoted: YAML's next line is another key.
            let _ = cursor.eat(b"\\");
            cursor.skip_line_end();
            if !matches!(cursor.peek(), b'"' | b'\'' | b'`') {
                cursor.at = start;
                return None;
            }
        }
        // Prefixes of literals and opening brackets of lists.
        for _ in 0..3 {
            match cursor.peek() {
                b'@' | b'$' if matches!(text.get(cursor.at + 1), Some(b'"' | b'\'')) => cursor.at += 1,
                b'b' | b'r' | b'u' | b'f' | b'L' | b'R' | b'B' | b'U' | b'q' | b'N'
                    if matches!(text.get(cursor.at + 1), Some(b'"' | b'\'')) =>
                {
                    cursor.at += 1
                }
                b'[' | b'(' | b'{' if matches!(text.get(cursor.at + 1), Some(b'"' | b'\'' | b'b' | b' ')) => {
                    cursor.at += 1;
                    cursor.skip_blanks();
                }
                _ => break,
            }
        }
        wrapped = skip_wrapper(cursor);
    }
    cursor.limit = limit.min(cursor.at + VALUE_MAX);
    let (value, quote) = if operator == Operator::Element {
        let value = until(cursor, |b| matches!(b, b'<' | b'\n' | b']'));
        // Prose such as `AUTH <user> <password> (since 6.0)` closes no element.
        if !matches!(cursor.peek(), b'<' | b']') {
            return None;
        }
        (value, Quote::Element)
    } else if let Some(close) = cursor.eat_quote() {
        (quoted(cursor, close)?, Quote::Quoted)
    } else {
        (bare(cursor), Quote::Bare)
    };
    let value = trim(text, value);
    (!value.is_empty()).then_some(Assignment { name, value, quote, operator, wrapped })
}

/// `SecretStr("`, `new String("`, `Buffer.from('`: the argument is the value.
fn skip_wrapper(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at;
    let _ = cursor.eat(b"new ") || cursor.eat(b"&") || cursor.eat(b"*");
    let mut word = cursor.at;
    let bound = cursor.limit.min(cursor.at + 48);
    while cursor.at < bound {
        match cursor.peek() {
            b if b.is_ascii_alphanumeric() || b == b'_' => cursor.at += 1,
            b'.' | b':' | b'<' | b'>' | b'[' | b']' => {
                cursor.at += 1;
                word = cursor.at;
            }
            _ => break,
        }
    }
    let name = &cursor.text[word..cursor.at];
    if cursor.peek() == b'(' && !name.is_empty() {
        cursor.at += 1;
        cursor.skip_blanks();
        let known = name.eq_ignore_ascii_case(b"byte") || WRAPPERS.iter().any(|known| ends_without_case(name, known));
        if cursor.peek() == b'b' && matches!(cursor.text.get(cursor.at + 1), Some(b'"' | b'\'')) {
            cursor.at += 1;
        }
        if known && matches!(cursor.peek(), b'"' | b'\'' | b'`') {
            return true;
        }
    }
    cursor.at = start;
    false
}

fn ends_without_case(text: &[u8], ending: &[u8]) -> bool {
    text.len() >= ending.len() && text[text.len() - ending.len()..].eq_ignore_ascii_case(ending)
}

fn until(cursor: &mut Cursor<'_>, stop: impl Fn(u8) -> bool) -> Range<usize> {
    let start = cursor.at;
    while cursor.at < cursor.limit && !stop(cursor.text[cursor.at]) {
        cursor.at += 1;
    }
    start..cursor.at
}

/// Up to the closing mark on the same line. A value that does not close is none.
fn quoted(cursor: &mut Cursor<'_>, close: &[u8]) -> Option<Range<usize>> {
    let start = cursor.at;
    let escaped_quote = close[0] == b'\\';
    while cursor.at < cursor.limit {
        if cursor.peek() == close[0] && cursor.starts_with(close) {
            let value = start..cursor.at;
            cursor.at += close.len();
            return Some(value);
        }
        match cursor.peek() {
            b'\n' if close.len() != 3 => return None,
            b'\\' if !escaped_quote => cursor.at += 2,
            _ => cursor.at += 1,
        }
    }
    None
}

/// A value without quotes ends at white space or at what closes the construct around it.
fn bare(cursor: &mut Cursor<'_>) -> Range<usize> {
    let start = cursor.at;
    while cursor.at < cursor.limit {
        let byte = cursor.text[cursor.at];
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'`' | b'<' | b'>' | 0 => break,
            b';' | b',' => {
                // `Password=a;b`: a separator ends the value; kept only in the midst of no construct at all.
                break;
            }
            b'&' if next_is_pair(&cursor.text[cursor.at + 1..cursor.limit])
                || cursor.starts_with(b"&quot;")
                || cursor.starts_with(b"&amp;") =>
            {
                break;
            }
            b'|' if cursor.starts_with(b"||") => break,
            b'\\'
                if matches!(
                    cursor.text.get(cursor.at + 1),
                    Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\\' | b'\n')
                ) =>
            {
                break;
            }
            b')' | b']' | b'}' if !opened(&cursor.text[start..cursor.at], byte) => break,
            _ => cursor.at += 1,
        }
    }
    start..cursor.at
}

/// Whether text such as `name=` follows, as after the `&` of a query.
fn next_is_pair(text: &[u8]) -> bool {
    let name =
        text.iter().take(40).take_while(|&&b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')).count();
    name > 0 && text.get(name) == Some(&b'=')
}

/// Whether the bracket that `close` closes was opened within the value.
fn opened(value: &[u8], close: u8) -> bool {
    let open = match close {
        b')' => b'(',
        b']' => b'[',
        _ => b'{',
    };
    value.iter().filter(|&&b| b == open).count() > value.iter().filter(|&&b| b == close).count()
}

fn trim(text: &[u8], value: Range<usize>) -> Range<usize> {
    let slice = &text[value.clone()];
    let start = value.start + slice.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let end = value.end - slice.iter().rev().take_while(|b| b.is_ascii_whitespace()).count();
    start..end.max(start)
}
