//! What connects a name with its value: signs, commas, brackets and tags.
//!
//! Owns telling an operator from punctuation. A blank as operator is the business of `after_blank`.

use std::ops::Range;

use super::cursor::Cursor;
use super::{Operator, after_blank};

pub(super) fn read(
    cursor: &mut Cursor<'_>,
    name: &Range<usize>,
    before: u8,
    quoted_name: bool,
    called: bool,
    blank: bool,
) -> Option<Operator> {
    if called {
        // Only a default may follow a closed call: `getenv("TOKEN") or "…"`, `['password'] = …` was handled before.
        return read_default(cursor);
    }
    match cursor.peek() {
        b'=' => {
            let compare = cursor.eat(b"===") || cursor.eat(b"==");
            if compare {
                return Some(Operator::Compare);
            }
            let _ = cursor.eat(b"=>") || cursor.eat(b"=~") || cursor.eat(b"=");
            Some(Operator::Assign)
        }
        b':' => {
            if cursor.eat(b":-") {
                return Some(Operator::Default);
            }
            // `scheme://`, `${NAME:?message}`, `show-password :placeholder="…"`
            if cursor.starts_with(b"://") || cursor.starts_with(b":?") {
                return None;
            }
            if blank && cursor.text.get(cursor.at + 1).is_some_and(u8::is_ascii_alphabetic) {
                return None;
            }
            let _ = cursor.eat(b"::=") || cursor.eat(b":=") || cursor.eat(b"::") || cursor.eat(b":");
            after_blank::skip_type(cursor);
            Some(Operator::Assign)
        }
        b'+' if cursor.eat(b"+=") => Some(Operator::Assign),
        b'!' if cursor.eat(b"!==") || cursor.eat(b"!=") => Some(Operator::Compare),
        b'-' if cursor.eat(b"->") => Some(Operator::Assign),
        b'|' | b'?' => {
            if cursor.eat(b"||=") || cursor.eat(b"??=") || cursor.eat(b"?=") {
                return Some(Operator::Assign);
            }
            read_default(cursor)
        }
        b',' => {
            cursor.at += 1;
            cursor.skip_line_end();
            // `name: TOKEN, value: …`
            if eat_value_word(cursor) {
                return Some(Operator::Attribute);
            }
            // `set("token", "…")`, `{"token", "…"}`: the first of a pair, not one of many in a list.
            let open = opening(cursor.text, name.start, quoted_name);
            (open && matches!(cursor.peek(), b'"' | b'\'' | b'@' | b'b')).then_some(Operator::Argument)
        }
        b'(' if !blank => {
            cursor.at += 1;
            cursor.skip_blanks();
            matches!(cursor.peek(), b'"' | b'\'' | b'`' | b'@').then_some(Operator::Argument)
        }
        // `<name>value`, `<property name="name">value`, `<name><value>value`
        b'>' if before == b'<' || before == b':' || (quoted_name && !blank) => {
            cursor.at += 1;
            let _ = eat_tag(cursor, b"<");
            let _ = cursor.eat(b"<![CDATA[");
            Some(Operator::Element)
        }
        // A property list: `<key>name</key>`, then `<string>value`.
        b'<' if before == b'>' && eat_tag(cursor, b"</") => {
            cursor.skip_line_end();
            eat_tag(cursor, b"<").then_some(Operator::Element)
        }
        b'<' if cursor.eat(b"<-") => Some(Operator::Assign),
        // C++: `name{"value"}`.
        b'{' if matches!(cursor.text.get(cursor.at + 1), Some(b'"')) => {
            cursor.at += 1;
            Some(Operator::Assign)
        }
        b'%' if cursor.eat(b"%3D") || cursor.eat(b"%3d") || cursor.eat(b"%3A") || cursor.eat(b"%3a") => {
            Some(Operator::Assign)
        }
        b'\\' if cursor.eat(b"\\u003d") || cursor.eat(b"\\u003D") || cursor.eat(b"\\u003a") => Some(Operator::Assign),
        b'&' if cursor.eat(b"&#61;") || cursor.eat(b"&#x3d;") || cursor.eat(b"&equals;") => Some(Operator::Assign),
        b'\r' | b'\n' => {
            // YAML: `- name: TOKEN` and on the next line `value: …`.
            cursor.skip_line_end();
            eat_value_word(cursor).then_some(Operator::Attribute)
        }
        _ if blank => after_blank::read(cursor, name, before, quoted_name),
        _ => None,
    }
}

/// Whether the name (with its quotation mark) directly follows an opening bracket.
fn opening(text: &[u8], start: usize, quoted: bool) -> bool {
    let mut at = start.saturating_sub(usize::from(quoted));
    while at > 0 && matches!(text[at - 1], b' ' | b'\t' | b'\n' | b'\r' | b'@' | b'b') {
        at -= 1;
    }
    at > 0 && matches!(text[at - 1], b'(' | b'{')
}

/// A tag such as `<string>` or `</key>`, without attributes.
fn eat_tag(cursor: &mut Cursor<'_>, open: &[u8]) -> bool {
    let start = cursor.at;
    if cursor.eat(open) {
        while cursor.peek().is_ascii_alphanumeric() || matches!(cursor.peek(), b'-' | b'_' | b':') {
            cursor.at += 1;
        }
        if cursor.at > start + open.len() && cursor.eat(b">") {
            return true;
        }
    }
    cursor.at = start;
    false
}

/// `|| "v"`, `?? "v"`, `?: "v"`, `or "v"`, `, "v"` within the call that was just closed is handled as an argument.
pub(super) fn read_default(cursor: &mut Cursor<'_>) -> Option<Operator> {
    cursor.skip_blanks();
    let _ = cursor.eat(b"]");
    cursor.skip_blanks();
    let found = cursor.eat(b"||")
        || cursor.eat(b"??")
        || cursor.eat(b"?:")
        || (cursor.eat(b"or ") && matches!(cursor.peek(), b'"' | b'\''))
        || cursor.eat(b".unwrap_or(")
        || cursor.eat(b".unwrap_or_else(|_| ")
        || cursor.eat(b"= ")
        || cursor.eat(b"=> ");
    found.then_some(Operator::Default)
}

/// `value=`, `"value":`, `Value=` …: the second half of a pair of attributes.
pub(super) fn eat_value_word(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at;
    let _ = cursor.eat_quote();
    if !matches!(cursor.peek(), b'v' | b'V' | b'c' | b'd') {
        cursor.at = start;
        return false;
    }
    for word in [&b"value"[..], b"Value", b"VALUE", b"content", b"default"] {
        if cursor.eat(word) {
            let _ = cursor.eat_quote();
            cursor.skip_blanks();
            if cursor.eat(b"=>") || cursor.eat(b"=") || cursor.eat(b":") {
                return true;
            }
        }
    }
    cursor.at = start;
    false
}
