//! Values that a telling name is given: a vendor's key by the vendor's name, anything else by what the name promises.
//!
//! Owns reading each assignment once, however many keywords its name holds, and choosing between vendor and generic rules.

use std::ops::Range;

use penstock_common::Confidence;

use super::{rank, token};
use crate::analyze::secrets::Pass;
use crate::analyze::secrets::assignment::{self, Assignment, Operator, Quote};
use crate::analyze::secrets::file_kind::FileKind;
use crate::analyze::secrets::judge::{self, Context, Verdict};
use crate::analyze::secrets::keywords::Hit;
use crate::analyze::secrets::names::{self, Promise};
use crate::analyze::secrets::rule;

/// How far a vendor's name reaches to a secret-named assignment after it.
const VENDOR_REACH: usize = 240;

/// How far a vendor's name reaches to an argument on its line.
const ARGUMENT_REACH: usize = 160;

/// The assignment around the last keyword.
#[derive(Clone, Debug)]
pub(in super::super) struct Reading {
    name: Range<usize>,
    assignment: Option<Assignment>,
    /// The generic judgement was made.
    judged: bool,
}

impl Pass<'_, '_, '_> {
    /// The assignment whose name holds `hit`, read now or before.
    fn reading(&mut self, hit: Hit) -> Option<Assignment> {
        if let Some(reading) = &self.assignment
            && reading.name.start <= hit.start()
            && hit.end <= reading.name.end
        {
            return reading.assignment.clone();
        }
        let name = assignment::name_around(self.text, hit.start()..hit.end);
        let assignment = assignment::read(self.text, name.clone());
        self.assignment = Some(Reading { name, assignment: assignment.clone(), judged: false });
        assignment
    }

    /// A vendor's name: its own rule on the value, if the name is the assignment's; remembered for what follows otherwise.
    pub(in super::super) fn vendor(&mut self, hit: Hit, index: u16) {
        if !self.scanner.engine.enabled[usize::from(index)] {
            return;
        }
        if self.vendors.len() >= 16 {
            self.vendors.remove(0);
        }
        self.vendors.push((index, hit.end));
        if let Some(assignment) = self.reading(hit)
            && self.vendor_value(usize::from(index), &assignment, Some(hit))
        {
            return;
        }
        self.vendor_argument(hit, usize::from(index));
    }

    /// `createClient("…")  // vendor`: a quoted argument on the vendor's line that has just the vendor's form.
    fn vendor_argument(&mut self, hit: Hit, index: usize) {
        let end = self.text.len().min(hit.end + ARGUMENT_REACH);
        let line = &self.text[hit.end..end];
        let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
        let mut at = 0;
        while let Some(open) = memchr::memchr(b'(', &line[at..]).map(|found| at + found) {
            at = open + 1;
            let Some(&mark) = line.get(at).filter(|b| matches!(b, b'"' | b'\'' | b'`')) else { continue };
            let Some(length) = memchr::memchr(mark, &line[at + 1..]) else { return };
            // Short values would be anybody's.
            if length >= 20 {
                let value = hit.end + at + 1..hit.end + at + 1 + length;
                let assignment = Assignment {
                    name: hit.start()..hit.end + open,
                    value,
                    quote: Quote::Quoted,
                    operator: Operator::Argument,
                    wrapped: false,
                };
                if self.vendor_value(index, &assignment, None) {
                    return;
                }
            }
        }
    }

    /// Whether the vendor's pattern holds for the value; adds it if so. `named` is the keyword, if it stands in the assignment's name.
    fn vendor_value(&mut self, index: usize, assignment: &Assignment, named: Option<Hit>) -> bool {
        let rules = rule::builtin();
        let rule = &rules[index];
        let name = &self.text[assignment.name.clone()];
        if !names::holds_one(name, rule.names) {
            return false;
        }
        let value = token::without_scheme(self.text, assignment.value.clone());
        if value.len() > 1024 {
            return false;
        }
        let engine = self.scanner.engine;
        let slice = &self.text[value.clone()];
        let found = self.scanner.caches.search(&engine.patterns, rules, index, slice, 0..slice.len(), true);
        let Some(found) = found else { return false };
        let plausible = token::is_plausible(rule, &slice[found.secret.clone()], 0);
        let secret = value.start + found.secret.start..value.start + found.secret.end;
        let (confidence, origin) = match named {
            Some(hit) => (Confidence::High, (rank::NAMED, prominence(&assignment.name, hit))),
            None => (Confidence::Medium, (rank::NEAR, 0)),
        };
        self.add(index, secret, confidence, plausible, origin);
        true
    }

    /// A part of a secret's name.
    pub(in super::super) fn name(&mut self, hit: Hit) {
        let Some(assignment) = self.reading(hit) else { return };
        if self.assignment.as_mut().is_some_and(|reading| std::mem::replace(&mut reading.judged, true)) {
            return;
        }
        if is_about_something_else(&self.text[..assignment.name.start]) {
            return;
        }
        let mut promise = names::promise(self.telling_part(&assignment.name));
        if promise == Promise::Nothing || is_listed(self.text, &assignment) {
            return;
        }
        for at in (0..self.vendors.len()).rev() {
            let (index, end) = self.vendors[at];
            if end + VENDOR_REACH < assignment.value.start {
                break;
            }
            if end <= assignment.name.start && self.vendor_value(usize::from(index), &assignment, None) {
                return;
            }
        }
        if matches!(self.kind, FileKind::Lock | FileKind::Generated) {
            return;
        }
        if assignment.operator == Operator::Compare && promise == Promise::Perhaps {
            promise = Promise::Nothing;
        }
        let value = token::without_scheme(self.text, assignment.value.clone());
        let string = quote_around(self.text, &assignment.name);
        // `"Password: " + value`: what looks like the value's opening mark closes the string.
        if assignment.quote == Quote::Quoted && string.is_some_and(|mark| closes(self.text, &assignment, mark)) {
            return;
        }
        // Within a string of a program the rules of data hold: `"Server=x;Password=y"`.
        let kind = match self.kind {
            FileKind::Code if assignment.quote == Quote::Bare && string.is_some() => FileKind::Text,
            FileKind::Code if assignment.quote == Quote::Bare && called(self.text, &assignment.value) => return,
            kind => kind,
        };
        let context = Context { promise, quote: assignment.quote, operator: assignment.operator, kind };
        let slice = &self.text[value.clone()];
        let prose = assignment.quote == Quote::Bare && is_prose(self.text, &value);
        match judge::judge(slice, context) {
            Verdict::Secret(confidence) => {
                // Many ids are called tokens; a UUID is a secret only by a plain name.
                let id = judge::is_uuid(slice) && !names::holds_one(&self.text[assignment.name.clone()], PLAIN);
                let confidence = if prose || id { Confidence::Low } else { confidence };
                let rule = self.generic_rule(promise);
                self.add(rule, value, confidence, true, (rank::GENERIC, 0));
            }
            Verdict::Doubtful => {
                let rule = self.generic_rule(promise);
                self.add(rule, value, Confidence::Low, false, (rank::GENERIC, 0));
            }
            Verdict::Harmless => {}
        }
    }

    /// The part of a name that says what the value is. In code the object before the last point does not: `token.FLOAT`, `pass.Pkg`.
    fn telling_part(&self, name: &Range<usize>) -> &[u8] {
        let whole = &self.text[name.clone()];
        let quoted = name.start.checked_sub(1).is_some_and(|at| matches!(self.text[at], b'"' | b'\'' | b'`'));
        if self.kind != FileKind::Code || quoted {
            return whole;
        }
        let mut parts = whole.rsplitn(3, |b| *b == b'.');
        let (last, before) = (parts.next().unwrap_or(whole), parts.next());
        match before {
            // `password.value = "…"`
            Some(before) if matches!(last, b"value" | b"text" | b"default" | b"val" | b"Text" | b"Value") => before,
            _ => last,
        }
    }

    fn generic_rule(&self, promise: Promise) -> usize {
        let known = &self.scanner.engine.known;
        let ends = |ending: &[u8]| {
            self.path.len() >= ending.len() && self.path[self.path.len() - ending.len()..].eq_ignore_ascii_case(ending)
        };
        match promise {
            Promise::Password if ends(b".tf") || ends(b".tfvars") || ends(b".hcl") => known.terraform,
            Promise::Password if ends(b"nuget.config") => known.nuget,
            Promise::Password => known.password,
            Promise::Secret => known.token,
            Promise::Perhaps | Promise::Nothing => known.key_material,
        }
    }
}

/// Names that leave no doubt that a UUID is a secret.
const PLAIN: &[&str] = &["secret", "api_key", "apikey", "api-key", "access", "auth", "password"];

/// Whether what stands before a name makes it no name of a value: `!PSK:…` and `+AUTH` in lists of ciphers, `arn:aws:…:secret:…`,
/// `badge.svg?token=…`.
fn is_about_something_else(before: &[u8]) -> bool {
    match before {
        [.., b'!' | b'+'] => true,
        [.., byte, b':'] => byte.is_ascii_alphanumeric() || *byte == b'*',
        [head @ .., b'?'] => head.ends_with(b".svg") || head.ends_with(b".png"),
        _ => false,
    }
}

/// How much a keyword says about the name it stands in: names begin with the vendor, and `bamboohr` is not `bamboo`.
fn prominence(name: &Range<usize>, hit: Hit) -> usize {
    let before = hit.start().saturating_sub(name.start).min(255);
    (255 - before) * 256 + hit.keyword().text.len().min(255)
}

/// Whether a bare value of letters is the first word of a sentence: `password: Fehler beim Lesen`.
fn is_prose(text: &[u8], value: &Range<usize>) -> bool {
    text[value.start - 1] == b' '
        && text[value.clone()].iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80)
        && matches!(text.get(value.end..value.end + 2), Some([b' ', next]) if next.is_ascii_alphabetic() || *next == b'(')
}

/// The quotation mark of the string that `name` stands in, if it is not the whole string.
fn quote_around(text: &[u8], name: &Range<usize>) -> Option<u8> {
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
fn closes(text: &[u8], assignment: &Assignment, mark: u8) -> bool {
    // An attribute's value may stand before its name.
    let between = text.get(assignment.name.end..assignment.value.start).unwrap_or_default();
    memchr::memchr(mark, between).is_some_and(|at| at == 0 || between[at - 1] != b'\\') && !between.contains(&b'\n')
}

/// Whether a bracket follows the value, so that it names a function: `key = derive (…)`.
fn called(text: &[u8], value: &Range<usize>) -> bool {
    let rest = &text[value.end..text.len().min(value.end + 2)];
    matches!(rest, [b'(', ..] | [b' ', b'('])
}

/// Whether name and value are elements of a list of texts: `{"password", "token", "secret"}`.
fn is_listed(text: &[u8], assignment: &Assignment) -> bool {
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
