//! What stands around an assignment and makes it none: strings, calls, lists, prose.
//!
//! Owns looking at the line outside name and value. Judges neither of them.

use std::ops::Range;

use crate::analyze::secrets::assignment::{Assignment, Operator, Quote};
use crate::analyze::secrets::extent::line_start;
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
    value.start > 0
        && text[value.start - 1] == b' '
        && text[value.clone()].iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80)
        && matches!(text.get(value.end..value.end + 2), Some([b' ', next]) if next.is_ascii_alphabetic() || *next == b'(')
}

/// Finds the string that a position is in. Positions must not go backwards, so that a line with
/// many names is read once.
#[derive(Debug, Default)]
pub(in super::super) struct Strings {
    at: usize,
    open: Option<u8>,
    opened_at: usize,
}

impl Strings {
    /// The quotation mark of the string that contains `name`, unless `name` is the whole string;
    /// and the number of bytes read.
    pub(super) fn around(&mut self, text: &[u8], name: &Range<usize>) -> (Option<u8>, usize) {
        let line = line_start(text, name.start);
        if self.at < line || self.at > name.start {
            *self = Self { at: line, open: None, opened_at: line };
        }
        let from = self.at;
        while self.at < name.start {
            let byte = text[self.at];
            match (byte, self.open) {
                (b'\\', _) => self.at += 1,
                (_, Some(mark)) if byte == mark => self.open = None,
                (b'"' | b'\'' | b'`', None) => {
                    if text[self.at..].starts_with(b"\"\"\"") || text[self.at..].starts_with(b"\'\'\'") {
                        self.at += 2;
                    } else if byte != b'\'' || !is_apostrophe(text, line, self.at) {
                        self.open = Some(byte);
                        self.opened_at = self.at;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        let whole = self.opened_at + 1 == name.start && self.open.is_some() && text.get(name.end).copied() == self.open;
        (self.open.filter(|_| !whole), self.at - from)
    }
}

/// `don't`, but not `b'…'`.
fn is_apostrophe(text: &[u8], start: usize, at: usize) -> bool {
    let letter = |back: usize| at >= start + back && text[at - back].is_ascii_alphanumeric();
    letter(1) && letter(2)
}

/// Whether the mark in front of the value is `mark` itself, not escaped.
pub(super) fn closes(text: &[u8], assignment: &Assignment, mark: u8) -> bool {
    // An attribute's value may stand before its name.
    let between = text.get(assignment.name.end..assignment.extent.value.start).unwrap_or_default();
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
    let after = &text[assignment.extent.value.end..text.len().min(assignment.extent.value.end + 40)];
    let mut rest = after.iter().skip(1).filter(|b| !b.is_ascii_whitespace());
    let more = rest.next() == Some(&b',') && matches!(rest.next(), Some(b'"' | b'\''));
    let between = text.get(assignment.name.end..assignment.extent.value.start).unwrap_or_default();
    if between.contains(&b'(') {
        // `setPassword("v", …)`, but the first argument of `UserPassword("u", "p")` is the user.
        return more && names::holds_one(&text[assignment.name.clone()], &["user"]);
    }
    let before = &text[line_start(text, assignment.name.start)..assignment.name.start];
    let mut head = before.iter().rev().skip_while(|b| matches!(b, b' ' | b'"' | b'\'' | b'@'));
    let open = head.next();
    // `f("password", "v", "x")` is a call, `("password", "v", "x")` a tuple.
    let call = open == Some(&b'(') && head.next().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    more && !call
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::secrets::extent::Notation;

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
            let (mark, _) = Strings::default().around(line.as_bytes(), &place(line, "password"));
            assert_eq!(mark.is_some(), inside, "{line}");
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
            let found =
                crate::analyze::secrets::assignment::read(line.as_bytes(), name, Notation::Code, &mut 0).unwrap();
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
