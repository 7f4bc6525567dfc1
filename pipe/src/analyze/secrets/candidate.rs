//! What a scan of one text yields before it is told to anybody.
//!
//! Owns the candidate and the choice among candidates that overlap. A candidate that is not reported is kept until the text is done with, because
//! no output may show it either.

use std::ops::Range;

use penstock_common::{Confidence, Validity};

/// Something in a text that is, or might be, a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Index of the rule: the built-in ones come first, those of a configuration after them.
    pub rule: usize,
    /// The value as a parser of its notation reads it.
    pub secret: Range<usize>,
    /// The bytes to mask: the longest reading of the value. Contains `secret`.
    pub hidden: Range<usize>,
    /// How sure the engine is.
    pub confidence: Confidence,
    /// What offline validation says.
    pub validity: Option<Validity>,
    /// Whether it is a finding; otherwise it is only hidden.
    pub reported: bool,
    /// The encoding it was found under, if it does not stand there plainly.
    pub encoding: Option<&'static str>,
    /// A hash of `hidden` under this process's random key: equal for equal secrets, useless outside
    /// the process.
    pub identity: u128,
    /// Where the match began that holds the secret, if that is known.
    pub(super) match_start: Option<usize>,
    /// Number of the configuration's allowlist that allows it.
    pub(super) allowed_by: Option<usize>,
    /// A more specific origin wins over a less specific one: its rank, then how prominent the vendor is.
    pub(super) origin: (u8, usize),
}

/// Keeps the best of each cluster of overlapping candidates as reported; the others are only hidden. Leaves them sorted by place.
pub(super) fn settle(candidates: &mut Vec<Candidate>) {
    candidates.sort_by(|a, b| {
        a.secret.start.cmp(&b.secret.start).then(b.secret.end.cmp(&a.secret.end)).then(a.rule.cmp(&b.rule))
    });
    candidates.dedup_by(|b, a| a.secret == b.secret && a.rule == b.rule && (a.reported || !b.reported));
    // What is allowed must not stand in the way of what is not.
    let strength =
        |c: &Candidate| (c.allowed_by.is_none(), c.origin, c.confidence, c.secret.len(), usize::MAX - c.rule);
    for at in 0..candidates.len() {
        for other in at + 1..candidates.len() {
            if candidates[other].secret.start >= candidates[at].secret.end {
                // Sorted by start: an enclosing candidate is the only one that may still overlap, and it came first.
                break;
            }
            if candidates[at].reported && candidates[other].reported {
                let loser = if strength(&candidates[at]) >= strength(&candidates[other]) { other } else { at };
                candidates[loser].reported = false;
            }
        }
    }
}
