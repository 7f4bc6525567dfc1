//! Secrets of two halves: matches each id with its secret.
//!
//! Owns the pairing of candidates whose rules name each other by `part_of`. No half is lost: one
//! without a partner stays a secret of its own. Pairing decides how secrets are shown and how
//! severe they are, not what is new: that is compared half by half.

use std::collections::BTreeMap;

use super::candidate::Candidate;
use super::rule::{self, Shape};

/// Maximum distance between the halves of one secret.
const PAIR_LINES: u32 = 6;
/// Maximum number of halves matched at once. A line of a generated file may have thousands; the
/// work must not grow with their square.
const CHUNK: usize = 64;

/// Indices into the candidates: one secret, of one half or of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Joined {
    /// The first half, or the only one.
    pub(super) first: usize,
    /// The half whose rule is `part_of` the first one's.
    pub(super) second: Option<usize>,
}

/// A candidate and the line it begins in.
pub(super) type Lined<'c> = (&'c Candidate, u32);

/// Pairs halves so that as many as possible have a partner of their own, as near as possible. A
/// half that is left over (a second secret under one id, a second id with the same secret) shares
/// the nearest partner. `halves` are in text order.
pub(super) fn join(halves: &[Lined<'_>]) -> Vec<Joined> {
    let mut groups: BTreeMap<(usize, bool), Group> = BTreeMap::new();
    let part_of = |index: usize| rule::builtin().get(index).and_then(|rule| rule.part_of);
    for (at, (candidate, _)) in halves.iter().enumerate() {
        // A half that a configuration allows is not paired with one that it does not allow.
        let is_allowed = candidate.allowed_by.is_some();
        if let Some(whole) = part_of(candidate.rule) {
            let group = groups.entry((whole, is_allowed)).or_default();
            group.seconds.entry(role(candidate.rule, whole)).or_default().push(at);
        }
    }
    if !groups.is_empty() {
        for (at, (candidate, _)) in halves.iter().enumerate() {
            if let Some(group) = groups.get_mut(&(candidate.rule, candidate.allowed_by.is_some())) {
                group.firsts.push(at);
            }
        }
    }
    let mut joined: Vec<Joined> = groups.values().flat_map(|group| group.join(halves)).collect();
    let mut has_partner = vec![false; halves.len()];
    for one in &joined {
        has_partner[one.first] = true;
        one.second.into_iter().for_each(|second| has_partner[second] = true);
    }
    let alone = (0..halves.len()).filter(|at| !has_partner[*at]);
    joined.extend(alone.map(|first| Joined { first, second: None }));
    joined.sort_unstable_by_key(|one| (one.second.map_or(one.first, |second| second.min(one.first)), *one));
    joined
}

/// The role of a second half. Rules without a mark of their own recognise the same value in
/// different contexts.
fn role(rule: usize, whole: usize) -> usize {
    if rule::builtin()[rule].shape == Shape::Token { rule } else { whole }
}

/// The halves of one kind of pair.
#[derive(Default)]
struct Group {
    firsts: Vec<usize>,
    /// By role: an id may have a secret and a session token.
    seconds: BTreeMap<usize, Vec<usize>>,
}

impl Group {
    fn join(&self, halves: &[Lined<'_>]) -> Vec<Joined> {
        let mut joined = Vec::new();
        let mut lonely = vec![true; self.firsts.len()];
        for seconds in self.seconds.values() {
            let mut is_left = vec![true; seconds.len()];
            for (first, second) in match_in_order(halves, &self.firsts, seconds) {
                (lonely[first], is_left[second]) = (false, false);
                joined.push(Joined { first: self.firsts[first], second: Some(seconds[second]) });
            }
            for second in (0..seconds.len()).filter(|second| is_left[*second]) {
                if let Some(first) = nearest(halves, seconds[second], &self.firsts) {
                    lonely[first] = false;
                    joined.push(Joined { first: self.firsts[first], second: Some(seconds[second]) });
                }
            }
        }
        let mut all: Vec<usize> = self.seconds.values().flatten().copied().collect();
        all.sort_unstable();
        for first in (0..self.firsts.len()).filter(|first| lonely[*first]) {
            let second = nearest(halves, self.firsts[first], &all);
            joined.extend(second.map(|second| Joined { first: self.firsts[first], second: Some(all[second]) }));
        }
        joined
    }
}

/// Distance between two halves: in lines, then in bytes, then by order, because an id usually comes
/// before its secret. `None` if they are too far apart to be a pair.
fn distance(halves: &[Lined<'_>], first: usize, second: usize) -> Option<u64> {
    let ((first, first_line), (second, second_line)) = (halves[first], halves[second]);
    let lines = first_line.abs_diff(second_line);
    let (first, second) = (&first.secret, &second.secret);
    let gap = second.start.saturating_sub(first.end).max(first.start.saturating_sub(second.end));
    let is_swapped = u64::from(second.start < first.start);
    (lines <= PAIR_LINES).then(|| (u64::from(lines) << 32) + ((gap as u64).min(u32::MAX.into()) << 1) + is_swapped)
}

/// The nearest of `others` to a half, if one is near enough.
fn nearest(halves: &[Lined<'_>], half: usize, others: &[usize]) -> Option<usize> {
    let after = others.partition_point(|other| *other < half);
    let around = [after.checked_sub(1), (after < others.len()).then_some(after)];
    let near = around.into_iter().flatten().filter_map(|at| {
        let (first, second) = (half.min(others[at]), half.max(others[at]));
        Some((distance(halves, first, second)?, at))
    });
    near.min().map(|(_, at)| at)
}

/// Pairs of `firsts` and `seconds` (by their indices in the two lists), each in at most one: as
/// many as possible, then as near as possible. An optimal matching of points on a line needs no
/// crossing pairs, so both lists are read in order.
fn match_in_order(halves: &[Lined<'_>], firsts: &[usize], seconds: &[usize]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let (mut first, mut second) = (0, 0);
    while first < firsts.len() && second < seconds.len() {
        // The halves up to the next gap that is too wide for a pair.
        let (from_first, from_second) = (first, second);
        let mut last_line = None;
        while first + second - from_first - from_second < CHUNK {
            let next = match (firsts.get(first), seconds.get(second)) {
                (Some(a), Some(b)) => *a.min(b),
                (Some(next), None) | (None, Some(next)) => *next,
                (None, None) => break,
            };
            let line = halves[next].1;
            if last_line.is_some_and(|last: u32| line.abs_diff(last) > PAIR_LINES) {
                break;
            }
            last_line = Some(line);
            if firsts.get(first) == Some(&next) { first += 1 } else { second += 1 }
        }
        let chunk = match_chunk(halves, &firsts[from_first..first], &seconds[from_second..second]);
        pairs.extend(chunk.into_iter().map(|(a, b)| (from_first + a, from_second + b)));
    }
    pairs
}

fn match_chunk(halves: &[Lined<'_>], firsts: &[usize], seconds: &[usize]) -> Vec<(usize, usize)> {
    // Indexed by the number of halves taken from each list: the number without a partner, then the
    // total distance.
    let width = seconds.len() + 1;
    let mut best = vec![(0_usize, 0_u64); (firsts.len() + 1) * width];
    let paired = |best: &[(usize, u64)], a: usize, b: usize| {
        let (lonely, far) = best[(a - 1) * width + b - 1];
        distance(halves, firsts[a - 1], seconds[b - 1]).map(|distance| (lonely, far + distance))
    };
    let passed = |best: &[(usize, u64)], at: usize| (best[at].0 + 1, best[at].1);
    for a in 0..=firsts.len() {
        for b in 0..=seconds.len() {
            let choices = [
                (a > 0).then(|| passed(&best, a.saturating_sub(1) * width + b)),
                (b > 0).then(|| passed(&best, (a * width + b).saturating_sub(1))),
                (a > 0 && b > 0).then(|| paired(&best, a, b)).flatten(),
            ];
            best[a * width + b] = choices.into_iter().flatten().min().unwrap_or_default();
        }
    }
    let (mut a, mut b) = (firsts.len(), seconds.len());
    let mut pairs = Vec::new();
    while a > 0 && b > 0 {
        let own = best[a * width + b];
        if paired(&best, a, b) == Some(own) {
            pairs.push((a - 1, b - 1));
            (a, b) = (a - 1, b - 1);
        } else if passed(&best, (a - 1) * width + b) == own {
            a -= 1;
        } else {
            b -= 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use penstock_common::Confidence;
    use proptest::prelude::*;

    use super::*;

    /// Candidates of the kinds in `text`, one in each line: `F` a first half, `S` its second, `T` a
    /// second one of another rule, `a` a first half and `s` a second that a configuration allows;
    /// anything else is a line without.
    fn candidates(text: &str) -> Vec<(Candidate, u32)> {
        let rules = ["alibaba-sts-access-key-id", "alibaba-sts-access-key-secret", "alibaba-sts-security-token"];
        let rules = rules.map(|id| rule::find(id).unwrap());
        let kinds = [('F', 0, None), ('S', 1, None), ('T', 2, None), ('a', 0, Some(0)), ('s', 1, Some(0))];
        let of = |(line, letter): (usize, char)| {
            let (_, rule, allowed_by) = kinds.into_iter().find(|(kind, ..)| *kind == letter)?;
            let candidate = Candidate {
                rule: rules[rule],
                secret: line * 10..line * 10 + 5,
                hidden: line * 10..line * 10 + 5,
                confidence: Confidence::High,
                validity: None,
                reported: true,
                encoding: None,
                identity: line as u128,
                match_start: None,
                allowed_by,
                origin: (0, 0),
            };
            Some((candidate, line as u32))
        };
        text.chars().enumerate().filter_map(of).collect()
    }

    fn joined(text: &str) -> Vec<(usize, Option<usize>)> {
        let candidates = candidates(text);
        let lined: Vec<Lined<'_>> = candidates.iter().map(|(candidate, line)| (candidate, *line)).collect();
        join(&lined).into_iter().map(|one| (one.first, one.second)).collect()
    }

    #[test]
    fn halves_find_their_partners() {
        let pair = |first, second| (first, Some(second));
        for (text, expected) in [
            ("FS", vec![pair(0, 1)]),
            ("SF", vec![pair(1, 0)]),
            ("FSFS", vec![pair(0, 1), pair(2, 3)]),
            ("SFSF", vec![pair(1, 0), pair(3, 2)]),
            ("FSSF", vec![pair(0, 1), pair(3, 2)]),
            ("SFFS", vec![pair(1, 0), pair(2, 3)]),
            ("FFSS", vec![pair(0, 2), pair(1, 3)]),
            ("F.SFS", vec![pair(0, 1), pair(2, 3)]),
            ("FSS", vec![pair(0, 1), pair(0, 2)]),
            ("FFS", vec![pair(0, 2), pair(1, 2)]),
            ("FSTFST", vec![pair(0, 1), pair(0, 2), pair(3, 4), pair(3, 5)]),
            ("F......S", vec![(0, None), (1, None)]),
            ("F.....S", vec![pair(0, 1)]),
            ("F......SF", vec![(0, None), pair(2, 1)]),
            ("Fs", vec![(0, None), (1, None)]),
            ("as", vec![pair(0, 1)]),
        ] {
            assert_eq!(joined(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_half_is_lost_and_none_is_alone_that_has_a_neighbour(text in "[FSTas.]{0,200}") {
            let halves = candidates(&text);
            let lined: Vec<Lined<'_>> = halves.iter().map(|(candidate, line)| (candidate, *line)).collect();
            let joined = join(&lined);
            let is_first = |at: usize| matches!(text.as_bytes()[halves[at].1 as usize], b'F' | b'a');
            for at in 0..halves.len() {
                let own: Vec<&Joined> = joined.iter().filter(|one| one.first == at || one.second == Some(at)).collect();
                prop_assert!(!own.is_empty(), "{at} of {text} is lost");
                let fits = |other: usize| {
                    let (first, second) = if is_first(at) { (at, other) } else { (other, at) };
                    is_first(first) && !is_first(second)
                        && lined[at].0.allowed_by == lined[other].0.allowed_by
                        && lined[at].1.abs_diff(lined[other].1) <= PAIR_LINES
                };
                let has_neighbour = (0..halves.len()).any(fits);
                prop_assert_eq!(own.iter().all(|one| one.second.is_some()), has_neighbour, "{} of {}", at, &text);
            }
            for one in &joined {
                prop_assert!(one.second.is_none_or(|second| is_first(one.first) && !is_first(second)));
            }
            prop_assert!(joined.len() <= halves.len());
        }
    }

    #[test]
    fn thousands_of_halves_are_joined_without_much_ado() {
        // All of them are on two lines: quadratic work would not finish.
        let many: Vec<(Candidate, u32)> = candidates(&"FS".repeat(100_000));
        let lined: Vec<Lined<'_>> = many.iter().map(|(candidate, line)| (candidate, line % 2)).collect();
        assert!(join(&lined).len() <= many.len());
    }
}
