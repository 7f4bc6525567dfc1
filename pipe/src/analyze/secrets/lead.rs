//! What a text must begin with for an expression to match there.
//!
//! Owns reading the first bytes, and the lengths, off a rule's expression, so that most places are refused before it is compiled, let alone
//! run: what follows a vendor's mark is mostly an identifier that goes on in its own way. May let pass what does not match, never the other
//! way round.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Bytes that are looked at.
const BYTES: usize = 24;

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set([u64; 4]);

/// The first bytes of every match, and how long a match is.
#[derive(Debug)]
pub(super) struct Lead {
    sets: Vec<Set>,
    least: usize,
    most: usize,
}

impl Set {
    fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }
}

impl Lead {
    /// Of a rule's pattern, with the options that rules are compiled with. What cannot be told restricts nothing.
    pub(super) fn of(pattern: &str) -> Self {
        let Ok(hir) = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern) else {
            return Self { sets: Vec::new(), least: 0, most: usize::MAX };
        };
        let mut sets = Vec::new();
        follow(&hir, &mut sets);
        let (least, most) = (hir.properties().minimum_len(), hir.properties().maximum_len());
        Self { sets, least: least.unwrap_or(0), most: most.unwrap_or(usize::MAX) }
    }

    /// Whether a match may begin where `text` does.
    #[inline]
    pub(super) fn admits(&self, text: &[u8]) -> bool {
        text.len() >= self.least && self.sets.iter().zip(text).all(|(set, byte)| set.has(*byte))
    }

    /// Whether `text` as a whole may match.
    #[inline]
    pub(super) fn admits_whole(&self, text: &[u8]) -> bool {
        text.len() <= self.most && self.admits(text)
    }
}

/// Appends what the next bytes of a match of `hir` can be; whether that is all of it, so that what comes after stands at a known place.
fn follow(hir: &Hir, sets: &mut Vec<Set>) -> bool {
    if sets.len() >= BYTES {
        return false;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            for &byte in &*literal.0 {
                let mut set = Set::default();
                set.insert(byte);
                sets.push(set);
            }
            true
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut set = Set::default();
            class.ranges().iter().flat_map(|range| range.start()..=range.end()).for_each(|byte| set.insert(byte));
            sets.push(set);
            true
        }
        HirKind::Class(Class::Unicode(_)) => false,
        HirKind::Capture(capture) => follow(&capture.sub, sets),
        HirKind::Concat(parts) => parts.iter().all(|part| follow(part, sets)),
        HirKind::Repetition(repetition) => {
            (0..repetition.min).all(|_| follow(&repetition.sub, sets)) && repetition.max == Some(repetition.min)
        }
        HirKind::Alternation(branches) => {
            let mut union: Option<(Vec<Set>, bool)> = None;
            for branch in branches {
                let mut own = Vec::new();
                let whole = follow(branch, &mut own);
                union = Some(match union {
                    None => (own, whole),
                    Some((mut sets, all)) => {
                        let same = all && whole && sets.len() == own.len();
                        sets.truncate(own.len());
                        for (set, other) in sets.iter_mut().zip(own) {
                            set.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
                        }
                        (sets, same)
                    }
                });
            }
            let (own, whole) = union.unwrap_or_default();
            sets.extend(own);
            whole
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::secrets::{patterns, rule};
    use proptest::prelude::*;
    use regex_automata::{Anchored, Input};

    #[test]
    fn what_cannot_match_is_refused() {
        let lead = Lead::of(r"(?:ab|cd?e)_[0-9a-f]{4}\b");
        for text in ["ab_12ef", "ce_12ef ", "cde_12ef"] {
            assert!(lead.admits(text.as_bytes()), "{text}");
        }
        for text in ["ab_12e", "xb_12ef", ""] {
            assert!(!lead.admits(text.as_bytes()), "{text}");
        }
        let whole = Lead::of(r"\A(?:[0-9]{4,6})\z");
        assert!(whole.admits_whole(b"12345") && !whole.admits_whole(b"1234567") && !whole.admits_whole(b"12a45"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_matches_is_admitted(index in 0..rule::builtin().len(), tail in "[ -~]{0,40}") {
            let rule = &rule::builtin()[index];
            let Ok(strategy) = prop::string::bytes_regex(&rule.pattern.replace(r"\b", "")) else { return Ok(()) };
            let regex = patterns::compile(rule).unwrap();
            let lead = Lead::of(&patterns::written(rule));
            proptest!(ProptestConfig::with_cases(8), |(text in strategy)| {
                let text = [&text[..], tail.as_bytes()].concat();
                if regex.search_half(&Input::new(&text).anchored(Anchored::Yes)).is_some() {
                    prop_assert!(lead.admits(&text));
                }
            });
        }
    }
}
