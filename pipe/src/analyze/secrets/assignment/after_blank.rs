//! Names and values with a blank between them, and the types that some languages write there.
//!
//! Owns the list of syntaxes in which a blank connects: options, directives, Lisp, configuration lines, declared types.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::cursor::Cursor;
use super::{Operator, operator};
use crate::analyze::secrets::extent::{Notation, line_start};

static LOGIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"login "));

/// A blank connects only where some syntax says so.
pub(super) fn read(cursor: &mut Cursor<'_>, name: &Range<usize>, before: u8, quoted_name: bool) -> Option<Operator> {
    let text = cursor.text;
    if quoted_name && operator::eat_value_word(cursor) {
        return Some(Operator::Attribute);
    }
    let has_defaults = cursor.notation != Notation::Ini;
    if has_defaults && (cursor.starts_with(b"or ") || cursor.starts_with(b"||") || cursor.starts_with(b"??")) {
        return operator::read_default(cursor);
    }
    let line = line_start(text, name.start);
    let head = &text[line..name.start];
    let trimmed = head.trim_ascii_start();
    let quote_follows = matches!(cursor.peek(), b'"' | b'\'' | b'`');
    // C#: `Password { get; set; } = "…"`.
    if cursor.starts_with(b"{ get;") {
        let rest = &text[cursor.at..cursor.limit];
        cursor.at += memchr::memchr(b'}', rest)? + 1;
        cursor.skip_blanks();
        return cursor.eat(b"=").then_some(Operator::Assign);
    }
    // Ruby's factories: `password { "…" }`.
    if trimmed.is_empty() && (cursor.starts_with(b"{ \"") || cursor.starts_with(b"{ '")) {
        cursor.at += 2;
        return Some(Operator::Assign);
    }
    // Terraform: `variable "name" {` and within the block `default = "…"`.
    if quoted_name && cursor.peek() == b'{' && trimmed.starts_with(b"variable") {
        cursor.limit = text.len().min(cursor.at + 400);
        let block = &text[cursor.at..cursor.limit];
        let block = &block[..memchr::memchr(b'}', block).unwrap_or(block.len())];
        cursor.at += memchr::memmem::find(block, b"default")? + b"default".len();
        cursor.skip_blanks();
        return cursor.eat(b"=").then_some(Operator::Default);
    }
    // `var password string = "…"`, `String password`, C: `char password [] =` come with an operator later on.
    if let Some(operator) = skip_declared_type(cursor) {
        return Some(operator);
    }
    let flag = text[name.start..].starts_with(b"-") || head.ends_with(b"-");
    let directive = trimmed.starts_with(b"ENV ")
        || trimmed.starts_with(b"ARG ")
        || trimmed.starts_with(b"#define ")
        || trimmed.starts_with(b"setenv ");
    let netrc = || LOGIN.find(head).is_some();
    let lisp = before == b':'
        || head.ends_with(b"setq ")
        || head.ends_with(b"def ")
        || head.ends_with(b"defvar ")
        || head.ends_with(b"setenv ")
        || before == b'(';
    let ascii_upper = text[name.clone()].iter().all(|b| !b.is_ascii_lowercase());
    if flag || directive || (quote_follows && (lisp || ascii_upper || (trimmed.is_empty() && !quoted_name))) || netrc()
    {
        return Some(Operator::Blank);
    }
    // An unquoted line of its own, as in `requirepass …` or `password …` of configuration files.
    (trimmed.is_empty() && !quoted_name && !quote_follows && config_line(cursor)).then_some(Operator::Blank)
}

/// Name and one word make the whole line.
fn config_line(cursor: &Cursor<'_>) -> bool {
    let rest = &cursor.text[cursor.at..cursor.limit];
    let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
    let line = line.trim_ascii_end();
    let is_config = matches!(cursor.notation, Notation::Ini | Notation::Properties | Notation::Unknown);
    let is_other =
        |b: &u8| matches!(b, b' ' | b'\t') || !is_config && matches!(b, b'(' | b')' | b'{' | b'}' | b';' | b'=' | b',');
    line.len() >= 6 && !line.iter().any(is_other)
}

/// `: string = "…"`, `: &'static str = "…"`: the type between the colon and the operator is passed over.
pub(super) fn skip_type(cursor: &mut Cursor<'_>) {
    let start = cursor.at;
    cursor.skip_blanks();
    let first = cursor.peek();
    if !(first.is_ascii_alphabetic() || matches!(first, b'&' | b'?' | b'[' | b'*')) {
        cursor.at = start;
        return;
    }
    let bound = cursor.limit.min(cursor.at + 40);
    while cursor.at < bound {
        match cursor.peek() {
            b'=' if !cursor.starts_with(b"==") => {
                cursor.at += 1;
                let value = cursor.at;
                cursor.skip_blanks();
                // Outside of programs `name: a=b` has no type, and `a=b` is the value.
                if cursor.notation == Notation::Code || matches!(cursor.peek(), b'"' | b'\'' | b'`') {
                    cursor.at = value;
                    return;
                }
                break;
            }
            b'\'' if cursor.starts_with(b"'static") => cursor.at += 7,
            b if b.is_ascii_alphanumeric()
                || matches!(
                    b,
                    b'_' | b'&' | b'<' | b'>' | b'[' | b']' | b'?' | b'.' | b'|' | b' ' | b'*' | b':' | b','
                ) =>
            {
                cursor.at += 1
            }
            _ => break,
        }
    }
    cursor.at = start;
}

/// Go's `password string = "…"` and Swift-like forms without a colon.
fn skip_declared_type(cursor: &mut Cursor<'_>) -> Option<Operator> {
    let start = cursor.at;
    // Each of them begins so; asking for ten words costs more.
    if !matches!(cursor.peek(), b's' | b'S' | b'[' | b't' | b'v' | b'*' | b'i' | b'A' | b'a') {
        return None;
    }
    for word in [
        &b"string"[..],
        b"String",
        b"[]byte",
        b"str",
        b"text",
        b"varchar",
        b"*string",
        b"interface{}",
        b"As String",
        b"as string",
    ] {
        if cursor.eat(word) {
            cursor.skip_blanks();
            if cursor.eat(b":=") || (cursor.peek() == b'=' && !cursor.starts_with(b"==") && cursor.eat(b"=")) {
                return Some(Operator::Assign);
            }
            cursor.at = start;
        }
    }
    None
}
