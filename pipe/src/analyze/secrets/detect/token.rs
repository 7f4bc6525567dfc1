//! Secrets with a vendor's mark: a literal start (`token`) or a literal nearby (`window`).
//!
//! Owns the boundaries around a token and the tests that every such secret passes: entropy, no placeholder, not made of words.

use std::ops::Range;

use penstock_common::Confidence;

use super::rank;
use crate::analyze::secrets::Pass;
use crate::analyze::secrets::boundary::starts_free;
use crate::analyze::secrets::judge::{placeholder, traits};
use crate::analyze::secrets::keywords::Hit;
use crate::analyze::secrets::rule::{self, Check, Rule, Shape};

/// Longest token.
const TOKEN_MAX: usize = 5000;

impl Pass<'_, '_, '_> {
    pub(in super::super) fn token(&mut self, hit: Hit, index: usize) {
        let start = hit.start();
        if !starts_free(self.text, start) {
            return;
        }
        let rules = rule::builtin();
        let rule = &rules[index];
        let range = start..self.text.len().min(start + TOKEN_MAX);
        let engine = self.scanner.engine;
        let found = if engine.patterns.admit(rules, index, &self.text[range.clone()]) {
            let found = self.scanner.caches.search(&engine.patterns, rules, index, self.text, range, true);
            // A search from a mark ends no later than the token.
            self.effort
                .spend(found.as_ref().map_or_else(|| token_length(&self.text[start..]), |found| found.whole.len()));
            found
        } else {
            None
        };
        let closed = found.as_ref().is_some_and(|found| {
            self.text.get(found.whole.end).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
        });
        match found {
            Some(found) if closed => {
                let plausible = is_plausible(rule, &self.text[found.secret.clone()], hit.keyword().text.len());
                let mark = hit.keyword().text.len();
                self.add(index, found.secret, Confidence::High, plausible, (form_rank(rule, mark), 0));
            }
            // `ghp_` and then something else: whatever it is, it is not what its name promises.
            _ if rule.prefix.len() >= 4
                && rule.prefix.bytes().any(|b| !b.is_ascii_alphanumeric())
                && self.text[start..].starts_with(rule.prefix.as_bytes())
                && is_short(&self.text[start..]) =>
            {
                self.malformed.push(start);
            }
            _ => {}
        }
    }

    pub(in super::super) fn window(&mut self, hit: Hit, index: usize) {
        let rules = rule::builtin();
        let rule = &rules[index];
        let Shape::Window { before, after } = rule.shape else { return };
        let mut at = hit.start().saturating_sub(usize::from(before));
        let end = self.text.len().min(hit.end + usize::from(after));
        while at < end {
            let engine = self.scanner.engine;
            let Some(found) = self.scanner.caches.search(&engine.patterns, rules, index, self.text, at..end, false)
            else {
                self.effort.spend(end - at);
                return;
            };
            self.effort.spend(found.whole.end - at);
            at = found.whole.end.max(at + 1);
            // Anything before the keyword has nothing to do with it.
            if found.whole.end <= hit.start() {
                continue;
            }
            if self.found.iter().rev().take(8).any(|known| known.rule == index && known.secret == found.secret) {
                continue;
            }
            let secret = &self.text[found.secret.clone()];
            let plausible = rule.check == Check::Pem || is_plausible(rule, secret, 0);
            // The pattern says more than the keyword: how long that is does not matter.
            self.add(index, found.secret, Confidence::High, plausible, (form_rank(rule, usize::MAX), 0));
        }
    }
}

/// Keys and tokens that many vendors hand out yield to the vendor's own rule, and so do marks too short to be anybody's own.
fn form_rank(rule: &Rule, mark: usize) -> u8 {
    if rule.group == "core" {
        rank::NEAR
    } else if mark <= 3 {
        rank::SHORT_FORM
    } else {
        rank::FORM
    }
}

/// How many bytes a search that found no token may have read.
fn token_length(text: &[u8]) -> usize {
    let text = &text[..text.len().min(TOKEN_MAX)];
    text.iter().position(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`' | b'<')).unwrap_or(text.len())
}

/// Whether what begins with a mark is too short for most vendors' tokens. A long one may be another vendor's with the same mark.
fn is_short(text: &[u8]) -> bool {
    text.iter().take(40).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count() < 32
}

/// The tests that every secret with a mark passes. `mark` is the length of the public start.
pub(super) fn is_plausible(rule: &Rule, secret: &[u8], mark: usize) -> bool {
    if rule.entropy > 0.0 && traits::entropy(secret) < rule.entropy {
        return false;
    }
    let body = &secret[mark.min(secret.len())..];
    !placeholder::is_placeholder(body)
        && !placeholder::is_reference(body, false)
        && (rule.words || !reads_like_words(body))
}

/// A long body of words is a name or a text about the token.
fn reads_like_words(body: &[u8]) -> bool {
    body.len() >= 12
        && body.len() <= 200
        && body.iter().filter(|b| b.is_ascii_digit()).count() * 8 <= body.len()
        && crate::analyze::secrets::judge::word_coverage(body) > 0.8
}

/// The range of a value that a rule looks at, with a scheme such as `Bearer ` cut off.
pub(super) fn without_scheme(text: &[u8], value: Range<usize>) -> Range<usize> {
    for scheme in [&b"bearer "[..], b"token ", b"basic ", b"apikey ", b"key "] {
        if value.len() > scheme.len() && text[value.start..value.start + scheme.len()].eq_ignore_ascii_case(scheme) {
            return value.start + scheme.len()..value.end;
        }
    }
    value
}
