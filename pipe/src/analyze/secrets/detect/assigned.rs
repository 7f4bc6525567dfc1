//! Values that a telling name is given: a vendor's key by the vendor's name, anything else by what the name promises.
//!
//! Owns reading each assignment once, however many keywords its name holds, and choosing between vendor and generic rules.

use std::ops::Range;

use penstock_common::Confidence;

use super::{rank, token};
use crate::analyze::secrets::Pass;
use crate::analyze::secrets::assignment::{self, Assignment};
use crate::analyze::secrets::file_kind::FileKind;
use crate::analyze::secrets::judge::{self, Context, Verdict};
use crate::analyze::secrets::keywords::Hit;
use crate::analyze::secrets::names::{self, Promise};
use crate::analyze::secrets::rule;

/// How far a vendor's name reaches to a secret-named assignment after it.
const VENDOR_REACH: usize = 240;

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
        if let Some(assignment) = self.reading(hit) {
            self.vendor_value(usize::from(index), &assignment, true);
        }
    }

    /// Whether the vendor's pattern holds for the value; adds it if so.
    fn vendor_value(&mut self, index: usize, assignment: &Assignment, named: bool) -> bool {
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
        let confidence = if named { Confidence::High } else { Confidence::Medium };
        self.add(index, secret, confidence, plausible, rank::VENDOR);
        true
    }

    /// A part of a secret's name.
    pub(in super::super) fn name(&mut self, hit: Hit) {
        let Some(assignment) = self.reading(hit) else { return };
        if self.assignment.as_mut().is_some_and(|reading| std::mem::replace(&mut reading.judged, true)) {
            return;
        }
        let mut promise = names::promise(&self.text[assignment.name.clone()]);
        if promise == Promise::Nothing {
            return;
        }
        for at in (0..self.vendors.len()).rev() {
            let (index, end) = self.vendors[at];
            if end + VENDOR_REACH < assignment.value.start {
                break;
            }
            if end <= assignment.name.start && self.vendor_value(usize::from(index), &assignment, false) {
                return;
            }
        }
        if matches!(self.kind, FileKind::Lock | FileKind::Generated) {
            return;
        }
        if assignment.operator == assignment::Operator::Compare && promise == Promise::Perhaps {
            promise = Promise::Nothing;
        }
        let value = token::without_scheme(self.text, assignment.value.clone());
        let context = Context { promise, quote: assignment.quote, operator: assignment.operator, kind: self.kind };
        let slice = &self.text[value.clone()];
        match judge::judge(slice, context) {
            Verdict::Secret(confidence) => {
                let confidence = if self.malformed == Some(value.start) { Confidence::Low } else { confidence };
                let rule = self.generic_rule(promise);
                self.add(rule, value, confidence, true, rank::GENERIC);
            }
            Verdict::Doubtful => {
                let rule = self.generic_rule(promise);
                self.add(rule, value, Confidence::Low, false, rank::GENERIC);
            }
            Verdict::Harmless => {}
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
