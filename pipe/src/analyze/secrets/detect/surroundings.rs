//! What stands around an assignment and makes it none: strings, calls, lists, prose.
//!
//! Owns looking at the line outside name and value. Judges neither of them.

use std::ops::Range;

use crate::analyze::secrets::assignment::{self, Assignment, Operator, Quote};
use crate::analyze::secrets::names;

/// Whether what stands before a name makes it no name of a value: `!PSK:…` and `+AUTH` in lists of ciphers, `arn:aws:…:secret:…`,
/// `badge.svg?token=…`.
pub(super) fn is_about_something_else(before: &[u8]) -> bool {
    match before {
        [.., b'!' | b'+'] => true,
        [.., byte, b':'] => byte.is_ascii_alphanumeric() || *byte == b'*',
        [head @ .., b'?'] => head.ends_with(b".svg") || head.ends_with(b".png"),
        _ => false,
    }
}

/// Whether a bare value of letters is the first word of a sentence: `password: Fehler beim Lesen`.
pub(super) fn is_prose(text: &[u8], value: &Range<usize>) -> bool {
    text[value.start - 1] == b' '
        && text[value.clone()].iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80)
        && matches!(text.get(value.end..value.end + 2), Some([b' ', next]) if next.is_ascii_alphabetic() || *next == b'(')
}

/// The quotation mark of the string that `name` stands in, if it is not the whole string.
pub(super) fn quote_around(text: &[u8], name: &Range<usize>) -> Option<u8> {
    let start = assignment::line_start(text, name.start);
    let mut open = None;
    let mut opened_at = start;
    let mut at = start;
    while at < name.start {
        let byte = text[at];
        match (byte, open) {
            (b'\\', _) => at += 1,
            (_, Some(mark)) if byte == mark => open = None,
            (b'"' | b'\'' | b'`', None) => {
                if text[at..].starts_with(b"\"\"\"") || text[at..].starts_with(b"\'\'\'") {
                    at += 2;
                } else if byte != b'\'' || !is_apostrophe(text, start, at) {
                    open = Some(byte);
                    opened_at = at;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let whole = opened_at + 1 == name.start && open.is_some() && text.get(name.end).copied() == open;
    open.filter(|_| !whole)
}

/// `don't`, but not `b'…'`.
fn is_apostrophe(text: &[u8], start: usize, at: usize) -> bool {
    let letter = |back: usize| at >= start + back && text[at - back].is_ascii_alphanumeric();
    letter(1) && letter(2)
}

/// Whether the mark in front of the value is `mark` itself, not escaped.
pub(super) fn closes(text: &[u8], assignment: &Assignment, mark: u8) -> bool {
    // An attribute's value may stand before its name.
    let between = text.get(assignment.name.end..assignment.value.start).unwrap_or_default();
    memchr::memchr(mark, between).is_some_and(|at| at == 0 || between[at - 1] != b'\\') && !between.contains(&b'\n')
}

/// Whether a bracket follows the value, so that it names a function: `key = derive (…)`.
pub(super) fn called(text: &[u8], value: &Range<usize>) -> bool {
    let rest = &text[value.end..text.len().min(value.end + 2)];
    matches!(rest, [b'(', ..] | [b' ', b'('])
}

/// Whether name and value are elements of a list of texts: `{"password", "token", "secret"}`.
pub(super) fn is_listed(text: &[u8], assignment: &Assignment) -> bool {
    if assignment.operator != Operator::Argument || assignment.quote != Quote::Quoted {
        return false;
    }
    let after = &text[assignment.value.end..text.len().min(assignment.value.end + 40)];
    let mut rest = after.iter().skip(1).filter(|b| !b.is_ascii_whitespace());
    let more = rest.next() == Some(&b',') && matches!(rest.next(), Some(b'"' | b'\''));
    let between = text.get(assignment.name.end..assignment.value.start).unwrap_or_default();
    if between.contains(&b'(') {
        // `setPassword("v", …)`, but the first argument of `UserPassword("u", "p")` is the user.
        return more && names::holds_one(&text[assignment.name.clone()], &["user"]);
    }
    let before = &text[assignment::line_start(text, assignment.name.start)..assignment.name.start];
    let mut head = before.iter().rev().skip_while(|b| matches!(b, b' ' | b'"' | b'\'' | b'@'));
    let open = head.next();
    // `f("password", "v", "x")` is a call, `("password", "v", "x")` a tuple.
    let call = open == Some(&b'(') && head.next().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    more && !call
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, part: &str) -> Range<usize> {
        let start = text.find(part).unwrap();
        start..start + part.len()
    }

    #[test]
    fn strings_are_told_from_what_is_between_them() {
        for (line, inside) in [
            (r#"connect("host=h password=x")"#, true),
            (r#""User:" + u + " password:" + p"#, true),
            (r#"row["password"] = md5_pw"#, false),
            ("it isn't the user's password = x", false),
            (r#"f(b'a', password="x")"#, false),
            (r#""""password="x" in a comment"#, false),
        ] {
            assert_eq!(quote_around(line.as_bytes(), &place(line, "password")).is_some(), inside, "{line}");
        }
    }

    #[test]
    fn lists_are_told_from_calls() {
        for (line, listed) in [
            (r#"words = {"password", "x509cert", "token"}"#, true),
            (r#"("password", "string", "v9")"#, true),
            (r#"put("password", "x", "y")"#, false),
            (r#"{"password", "x"}"#, false),
        ] {
            let name = place(line, "password");
            let found = assignment::read(line.as_bytes(), name).unwrap();
            assert_eq!(is_listed(line.as_bytes(), &found), listed, "{line}");
        }
    }

    #[test]
    fn names_within_other_notations_are_passed_over() {
        for before in ["HIGH:!", "arn:aws:secretsmanager:*:*:", "https://h/badge.svg?"] {
            assert!(is_about_something_else(before.as_bytes()), "{before}");
        }
        for before in ["Foo::", "{\"a\":1,\"", "https://h/x?", ""] {
            assert!(!is_about_something_else(before.as_bytes()), "{before}");
        }
    }
}
