//! Values that a telling name is given: a vendor's key by the vendor's name, anything else by what the name promises.
//!
//! Owns reading each assignment once, however many keywords its name holds, and choosing between vendor and generic rules.

use std::ops::Range;
use std::rc::Rc;

use penstock_common::Confidence;

use super::{rank, surroundings, token};
use crate::analyze::secrets::Pass;
use crate::analyze::secrets::assignment::{self, Assignment, Operator, Quote};
use crate::analyze::secrets::extent::{self, Extent, Notation, line_start};
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
    assignment: Option<Rc<Assignment>>,
    /// The generic judgement was made.
    judged: bool,
}

impl Pass<'_, '_, '_> {
    /// The assignment whose name holds `hit`, read now or before.
    fn reading(&mut self, hit: Hit) -> Option<Rc<Assignment>> {
        if let Some(reading) = &self.assignment
            && reading.name.start <= hit.start()
            && hit.end <= reading.name.end
        {
            return reading.assignment.clone();
        }
        let name = assignment::name_around(self.text, hit.start()..hit.end);
        let mut looked_at = name.len();
        let assignment = assignment::read(self.text, name.clone(), self.notation, &mut looked_at).map(Rc::new);
        if let Some(found) = &assignment {
            looked_at += found.extent.looked_at().saturating_sub(name.end);
        }
        let head = if self.notation.has_whole_lines() { name.start - line_start(self.text, name.start) } else { 0 };
        self.effort.spend(looked_at + head);
        self.assignment = Some(Reading { name, assignment: assignment.clone(), judged: false });
        assignment
    }

    /// A vendor's name: its own rule on the value, if the name is the assignment's; remembered for what follows otherwise.
    pub(in super::super) fn vendor(&mut self, hit: Hit, index: u16) {
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
        self.effort.spend(line.len());
        let mut at = 0;
        while let Some(open) = memchr::memchr(b'(', &line[at..]).map(|found| at + found) {
            at = open + 1;
            let Some(&mark) = line.get(at).filter(|b| matches!(b, b'"' | b'\'' | b'`')) else { continue };
            let start = hit.end + at + 1;
            let limit = hit.end + line.len();
            let Some(argument) = extent::argument(self.text, start, limit, mark, self.notation) else { return };
            // Short values would be anybody's.
            if argument.value.len() >= 20 {
                let assignment = Assignment {
                    name: hit.start()..hit.end + open,
                    extent: Extent::exact(argument.value),
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
        let extent = &assignment.extent;
        std::iter::once(&extent.value)
            .chain(&extent.other)
            .any(|value| self.vendor_reading(index, assignment, value, named))
    }

    fn vendor_reading(
        &mut self,
        index: usize,
        assignment: &Assignment,
        value: &Range<usize>,
        named: Option<Hit>,
    ) -> bool {
        let rules = rule::builtin();
        let rule = &rules[index];
        let value = token::without_scheme(self.text, value.clone());
        if value.len() > 1024 {
            return false;
        }
        self.effort.spend(value.len());
        let engine = self.scanner.engine;
        let slice = &self.text[value.clone()];
        // The form of the value refuses more than the words of the name, and sooner.
        if !engine.patterns.admit(rules, index, slice)
            || !names::holds_one(&self.text[assignment.name.clone()], rule.names)
        {
            return false;
        }
        let found = self.scanner.caches.search(&engine.patterns, rules, index, slice, 0..slice.len(), true);
        let Some(found) = found else { return false };
        let plausible = token::is_plausible(rule, &slice[found.secret.clone()], 0);
        let secret = value.start + found.secret.start..value.start + found.secret.end;
        let (confidence, origin) = match named {
            Some(hit) => (Confidence::High, (rank::NAMED, prominence(&assignment.name, hit))),
            None => (Confidence::Medium, (rank::NEAR, 0)),
        };
        // The vendor's form says where the secret ends, unless some parser reads on.
        let longest = self.longest(assignment).end;
        let end = if longest > value.end { longest } else { secret.end };
        let identity = engine.identity(&self.text[secret.clone()]);
        self.add_within(index, secret.clone(), secret.start..end, confidence, plausible, origin);
        // Values of a known form are equal regardless of the text after them.
        if let Some(added) = self.found.last_mut() {
            added.identity = identity;
        }
        true
    }

    /// The mark of the string that a name is in.
    fn string_around(&mut self, name: &Range<usize>) -> Option<u8> {
        let (mark, length) = self.strings.around(self.text, name);
        self.effort.spend(length);
        mark
    }

    /// What is masked of an assignment's value.
    fn longest(&mut self, assignment: &Assignment) -> Range<usize> {
        let string = self.string_around(&assignment.name);
        assignment.extent.longest(self.text, self.notation, assignment.name.start, string)
    }

    /// A part of a secret's name.
    pub(in super::super) fn name(&mut self, hit: Hit) {
        let Some(assignment) = self.reading(hit) else { return };
        if self.assignment.as_mut().is_some_and(|reading| std::mem::replace(&mut reading.judged, true)) {
            return;
        }
        if surroundings::is_about_something_else(&self.text[..assignment.name.start]) {
            return;
        }
        let mut promise = names::promise(self.telling_part(&assignment.name));
        if promise == Promise::Nothing || surroundings::is_listed(self.text, &assignment) {
            return;
        }
        for at in (0..self.vendors.len()).rev() {
            let (index, end) = self.vendors[at];
            if end + VENDOR_REACH < assignment.extent.value.start {
                break;
            }
            let heads = end <= assignment.name.start && stands_over(self.text, end, assignment.name.start);
            if heads && self.vendor_value(usize::from(index), &assignment, None) {
                return;
            }
        }
        if assignment.operator == Operator::Compare && promise == Promise::Perhaps {
            promise = Promise::Nothing;
        }
        let string = self.string_around(&assignment.name);
        // `"Password: " + value`: what looks like the value's opening quote closes the string. A
        // text of unknown path may lack its beginning, and an opening quote with it.
        if self.notation != Notation::Unknown
            && assignment.quote == Quote::Quoted
            && string.is_some_and(|mark| surroundings::closes(self.text, &assignment, mark))
        {
            return;
        }
        // Within a string of a program the rules of data hold: `"Server=x;Password=y"`.
        let kind = match self.kind {
            FileKind::Code if assignment.quote == Quote::Bare && string.is_some() => FileKind::Text,
            FileKind::Code
                if assignment.quote == Quote::Bare && surroundings::called(self.text, &assignment.value()) =>
            {
                return;
            }
            kind => kind,
        };
        let context = Context { promise, quote: assignment.quote, operator: assignment.operator, kind };
        let (value, verdict) = self.best_reading(&assignment, context);
        let (confidence, found) = match verdict {
            // Lock and generated files have thousands of hashes: report none, but mask them in
            // excerpts.
            Verdict::Secret(confidence) => (confidence, !matches!(self.kind, FileKind::Lock | FileKind::Generated)),
            Verdict::Doubtful => (Confidence::Low, false),
            Verdict::Harmless => return,
        };
        let mut hidden = assignment.extent.longest(self.text, self.notation, assignment.name.start, string);
        // A scheme before the value is public.
        if hidden.start == assignment.extent.value.start {
            hidden.start = value.start;
        }
        let rule = self.generic_rule(promise);
        self.add_within(rule, value, hidden, confidence, found, (rank::GENERIC, 0));
    }

    /// The reading of the value with the highest verdict, and that verdict.
    fn best_reading(&mut self, assignment: &Assignment, context: Context) -> (Range<usize>, Verdict) {
        let extent = &assignment.extent;
        // Long values are refused unread; for others each check reads the whole value.
        self.effort.spend(4 * extent.value.len().min(512));
        let value = token::without_scheme(self.text, extent.value.clone());
        let mut verdict = self.verdict(assignment, &value, context);
        if let [first, .., last] = &extent.parts[..] {
            // Check the parts joined and as written: what looks like two literals may be one with a
            // doubled quote.
            let written = self.verdict(assignment, &(first.start..last.end), context);
            verdict = verdict.max(written).max(judge::judge(&extent.plain(self.text), context));
        }
        let Some(other) = &extent.other else { return (value, verdict) };
        if matches!(verdict, Verdict::Secret(confidence) if confidence >= Confidence::Medium) {
            return (value, verdict);
        }
        self.effort.spend(4 * other.len().min(512));
        let other = token::without_scheme(self.text, other.clone());
        // The line as a whole, if the first reading was a word of it; the word, if that was the
        // line.
        let quote = if other.len() >= value.len() { Quote::Line } else { Quote::Bare };
        let second = self.verdict(assignment, &other, Context { quote, ..context });
        if second > verdict { (other, second) } else { (value, verdict) }
    }

    fn verdict(&self, assignment: &Assignment, value: &Range<usize>, context: Context) -> Verdict {
        let slice = &self.text[value.clone()];
        let prose = context.quote == Quote::Bare && surroundings::is_prose(self.text, value);
        match judge::judge(slice, context) {
            // Many ids are named token; a UUID is a secret only under an unambiguous name.
            Verdict::Secret(_)
                if prose || judge::is_uuid(slice) && !names::holds_one(&self.text[assignment.name.clone()], PLAIN) =>
            {
                Verdict::Secret(Confidence::Low)
            }
            verdict => verdict,
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

/// Whether the vendor named at `vendor` stands over the assignment at `name`: on its line, or as the head of its block, section or comment. A
/// vendor on just any line above does not count: the kind of a finding must not hang on the order of lines.
fn stands_over(text: &[u8], vendor: usize, name: usize) -> bool {
    let indent = |start: usize| text[start..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let (over, own) = (line_start(text, vendor), line_start(text, name));
    let first = text[over..].trim_ascii_start().first().copied().unwrap_or(0);
    over == own || indent(over) < indent(own) || matches!(first, b'[' | b'#' | b'/' | b'*' | b'<' | b';')
}

/// How much a keyword says about the name it stands in: names begin with the vendor, and `bamboohr` is not `bamboo`.
fn prominence(name: &Range<usize>, hit: Hit) -> usize {
    let before = hit.start().saturating_sub(name.start).min(255);
    (255 - before) * 256 + hit.keyword().text.len().min(255)
}
