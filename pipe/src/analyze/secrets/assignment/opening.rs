//! What may come between an operator and the value: prefixes of literals, brackets of lists, calls.
//!
//! Owns skipping it. Must not read the value.

use super::REACH;
use super::cursor::Cursor;

/// Functions whose argument is the value itself: conversions, wrappers, decoders.
#[rustfmt::skip]
const WRAPPERS: &[&[u8]] = &[
    b"string", b"str", b"bytes", b"byte", b"buffer", b"from", b"decode", b"secret", b"some", b"quote", b"text",
    b"encode", b"base64", b"of", b"new", b"just", b"value", b"literal", b"unhexlify", b"fromhex", b"b64decode",
    b"atob", b"btoa", b"trim", b"into", b"getbytes", b"sensitive", b"default", b"const", b"password", b"token",
    b"key", b"parse", b"raw", b"u", b"b", b"_", b"l", b"unsecure", b"stringvalue", b"cstring", b"to_string",
    b"tochararray", b"chars", b"encrypt", b"md5", b"sha1", b"sha256", b"hash",
];

/// What was skipped before a value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Opening {
    /// Number of brackets opened before the value.
    pub(super) brackets: usize,
    /// The value is the argument of a known function.
    pub(super) wrapped: bool,
}

/// Moves the cursor from behind an operator to the value or its quotation mark. `None` if the value
/// would be on the next line.
pub(super) fn skip(cursor: &mut Cursor<'_>) -> Option<Opening> {
    let text = cursor.text;
    cursor.limit = text.len().min(cursor.at + REACH);
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
    let mut brackets = 0;
    for _ in 0..3 {
        match (cursor.peek(), text.get(cursor.at + 1)) {
            (
                b'@' | b'$' | b'b' | b'r' | b'u' | b'f' | b'L' | b'R' | b'B' | b'U' | b'q' | b'N' | b'E',
                Some(b'"' | b'\''),
            ) => cursor.at += 1,
            // Rust: `r#"…"#`.
            (b'#', Some(b'"')) if cursor.at > start && text[cursor.at - 1] == b'r' => cursor.at += 1,
            (b'r', Some(b'#')) if text.get(cursor.at + 2) == Some(&b'"') => cursor.at += 1,
            (b'[' | b'(' | b'{', Some(b'"' | b'\'' | b'b' | b' ')) => {
                cursor.at += 1;
                cursor.skip_blanks();
                brackets += 1;
            }
            _ => break,
        }
    }
    let wrapped = skip_wrapper(cursor);
    Some(Opening { brackets: brackets + usize::from(wrapped), wrapped })
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
