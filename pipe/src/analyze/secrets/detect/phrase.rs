//! Secrets that follow a phrase of a command or a language rather than a name.
//!
//! Owns the phrases of SQL, PowerShell, .NET, Java and of command line clients.

use std::ops::Range;

use super::rank;
use crate::analyze::secrets::Pass;
use crate::analyze::secrets::assignment::{Operator, Quote};
use crate::analyze::secrets::file_kind::FileKind;
use crate::analyze::secrets::judge::{self, Context, Verdict};
use crate::analyze::secrets::keywords::Hit;
use crate::analyze::secrets::names::Promise;

const REACH: usize = 240;

impl Pass<'_, '_, '_> {
    pub(in super::super) fn phrase(&mut self, hit: Hit) {
        let known = &self.scanner.engine.known;
        let (password, command_line) = (known.password, known.command_line);
        match hit.keyword().text {
            "identified by" | "securestring" => {
                if let Some(value) = first_quoted(self.text, hit.end, 40) {
                    self.phrase_value(value, password);
                }
            }
            "networkcredential(" | "passwordauthentication(" => {
                if let Some(value) = second_argument(self.text, hit.end) {
                    self.phrase_value(value, password);
                }
            }
            "sshpass" => self.option(hit, &[b" -p "], true, command_line),
            "redis-cli" => self.option(hit, &[b" -a ", b" --pass "], false, command_line),
            "mysql" => self.option(hit, &[b" -p"], false, command_line),
            "curl " => self.user_option(hit, command_line),
            _ => self.kubernetes(hit),
        }
    }

    fn phrase_value(&mut self, value: Range<usize>, rule: usize) {
        let context = Context {
            promise: Promise::Password,
            quote: Quote::Quoted,
            operator: Operator::Argument,
            kind: FileKind::Text,
        };
        match judge::judge(&self.text[value.clone()], context) {
            Verdict::Secret(confidence) => self.add(rule, value, confidence, true, rank::SYNTAX),
            Verdict::Doubtful => self.add(rule, value, penstock_common::Confidence::Low, false, rank::SYNTAX),
            Verdict::Harmless => {}
        }
    }

    /// The argument right after an option on the same line.
    fn option(&mut self, hit: Hit, options: &[&[u8]], first_only: bool, rule: usize) {
        let line = rest_of_line(self.text, hit.end);
        for option in options {
            let Some(at) = memchr::memmem::find(&self.text[line.clone()], option) else { continue };
            if first_only && at > 4 {
                continue;
            }
            if let Some(value) = argument(self.text, line.start + at + option.len(), line.end) {
                self.phrase_value(value, rule);
                return;
            }
        }
    }

    /// `-u user:password`, `--user user:password`.
    fn user_option(&mut self, hit: Hit, rule: usize) {
        let line = rest_of_line(self.text, hit.end - 1);
        for option in [&b" -u "[..], b" -u", b" --user ", b" --user=", b" --proxy-user "] {
            let Some(at) = memchr::memmem::find(&self.text[line.clone()], option) else { continue };
            let Some(value) = argument(self.text, line.start + at + option.len(), line.end) else { continue };
            let Some(colon) = memchr::memchr(b':', &self.text[value.clone()]) else { continue };
            let password = value.start + colon + 1..value.end;
            if self.text[value.start..value.start + colon].is_empty() || self.text[value.start..].starts_with(b"http") {
                // `-u :password` and `-u token:` are handled by name or mark.
                continue;
            }
            self.phrase_value(password, rule);
            return;
        }
    }
}

/// Up to the end of a line; a backslash continues it.
fn rest_of_line(text: &[u8], start: usize) -> Range<usize> {
    let limit = text.len().min(start + REACH);
    let mut at = start;
    while let Some(found) = memchr::memchr(b'\n', &text[at..limit]) {
        at += found;
        if at == start || text[at - 1] != b'\\' {
            return start..at;
        }
        at += 1;
    }
    start..limit
}

/// One argument of a command, without its quotation marks.
fn argument(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let first = *text.get(start).filter(|_| start < end)?;
    if matches!(first, b'"' | b'\'') {
        let length = memchr::memchr(first, &text[start + 1..end])?;
        return Some(start + 1..start + 1 + length);
    }
    let length = text[start..end]
        .iter()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`' | b'|' | b';' | b'&' | b')'))
        .unwrap_or(end - start);
    (length > 0 && first != b'-').then_some(start..start + length)
}

/// The first quoted text within `reach` bytes on the same line.
fn first_quoted(text: &[u8], start: usize, reach: usize) -> Option<Range<usize>> {
    let end = text.len().min(start + REACH);
    let window = &text[start..end.min(start + reach)];
    let at = window.iter().position(|b| matches!(b, b'"' | b'\'' | b'\n'))?;
    argument(text, start + at, end).filter(|_| window[at] != b'\n')
}

/// The second argument of a call, if it is a quoted text: `f(user, "password"`.
fn second_argument(text: &[u8], start: usize) -> Option<Range<usize>> {
    let end = text.len().min(start + REACH);
    let comma = memchr::memchr2(b',', b'\n', &text[start..end]).filter(|&at| text[start + at] == b',')?;
    let mut at = start + comma + 1;
    while at < end && matches!(text[at], b' ' | b'\t' | b'@') {
        at += 1;
    }
    matches!(text.get(at), Some(b'"' | b'\'')).then(|| argument(text, at, end)).flatten()
}
