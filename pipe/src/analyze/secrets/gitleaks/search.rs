//! Running the rules of a configuration over a text.
//!
//! Owns the order of a rule's tests as gitleaks has it: keywords, path, pattern, group, entropy, allowlists, required rules. Work is bounded:
//! a text is searched in stretches, and what a file may cost grows with its size and no faster.

use std::ops::Range;

use penstock_common::Severity;
use regex_automata::Input;
use regex_automata::meta::{Cache, Regex};

use super::Layer;
use super::allowlist::{Origin, Subject};
use crate::analyze::secrets::Candidate;
use crate::analyze::secrets::rule;

/// A match begins within one stretch and may end this far beyond.
const STRETCH: usize = 256 << 10;
const REACH: usize = 32 << 10;
/// Bytes that may be searched for one file: some, and so many times its size.
const WORK_BASE: u64 = 256 << 20;
const WORK_FACTOR: u64 = 512;
/// Matches of one rule in one text.
const MATCHES_MAX: usize = 5000;
/// Matches of one required rule that are compared with a finding's.
const WITH_MAX: usize = 32;
/// Working memory of one thread; beyond, it starts afresh.
const CACHES_MAX: usize = 16 << 20;
/// So much of a long line is looked at on each side of a match.
const LINE_REACH: usize = 10_000;

/// A rule of a configuration.
pub(super) struct Dynamic {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) severity: Severity,
    pub(super) regex: Option<Regex>,
    pub(super) path: Option<Regex>,
    /// 0 if none is named.
    pub(super) secret_group: usize,
    pub(super) entropy: f64,
    pub(super) keywords: Vec<String>,
    pub(super) skip_report: bool,
    pub(super) required: Vec<Distance>,
}

/// Another rule that must match nearby.
pub(super) struct Distance {
    pub(super) needed: Needed,
    pub(super) lines: Option<u32>,
    pub(super) columns: Option<u32>,
}

/// Whose match is needed.
pub(super) enum Needed {
    Dynamic(usize),
    /// Any of these.
    Builtin(Vec<usize>),
}

/// One match that passed the tests of its rule, but for required rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) rule: usize,
    pub(super) whole: Range<usize>,
    pub(super) secret: Range<usize>,
    /// Number of the allowlist that allows it.
    pub(super) allowed_by: Option<usize>,
    /// It is only hidden: an auxiliary rule's, or one whose required rules did not match.
    pub(super) reported: bool,
    /// Secrets of the required rules' matches nearby. Together with its own they are what the
    /// finding is about.
    pub(super) with: Vec<Range<usize>>,
}

/// One thread's working memory.
#[derive(Default)]
pub struct Memory {
    caches: Vec<Option<Cache>>,
    size: usize,
    wanted: Vec<bool>,
    /// Bytes searched for the file so far, and how many there may be.
    work: u64,
    work_max: u64,
    /// Rules that were not searched for to the end of the file.
    pub(in super::super) cut: Vec<usize>,
}

impl Memory {
    /// Begins with a file of this size.
    pub(in super::super) fn begin(&mut self, size: usize) {
        self.work = 0;
        self.work_max = WORK_BASE + WORK_FACTOR * size as u64;
    }
}

impl Layer {
    /// All matches in a text, in no particular order. `known` are the candidates of the built-in rules.
    pub(super) fn search(
        &self,
        memory: &mut Memory,
        text: &[u8],
        origin: Origin<'_>,
        known: &[Candidate],
    ) -> Vec<Match> {
        self.choose(memory, text);
        let mut matches: Vec<Option<Vec<Match>>> = (0..self.rules.len()).map(|_| None).collect();
        for (number, rule) in self.rules.iter().enumerate() {
            if memory.wanted[number] && !rule.skip_report {
                matches[number] = Some(self.matches(memory, number, text, origin));
            }
        }
        let mut lines = None;
        for (number, rule) in self.rules.iter().enumerate() {
            let mut own = match matches[number].take() {
                Some(own) if !own.is_empty() && !rule.required.is_empty() => own,
                other => {
                    matches[number] = other;
                    continue;
                }
            };
            for distance in &rule.required {
                if let Needed::Dynamic(needed) = distance.needed
                    && needed != number
                    && matches[needed].is_none()
                {
                    // Whether its keywords occur does not matter here.
                    matches[needed] = Some(self.matches(memory, needed, text, origin));
                }
                let of_match = |one: &Match| (one.whole.start, one.secret.clone());
                let others: Vec<(usize, Range<usize>)> = match &distance.needed {
                    Needed::Dynamic(needed) if *needed == number => own.iter().map(of_match).collect(),
                    Needed::Dynamic(needed) => {
                        let others = matches[*needed].iter().flatten();
                        others.filter(|other| other.allowed_by.is_none()).map(of_match).collect()
                    }
                    Needed::Builtin(rules) => {
                        let others = known.iter().filter(|one| rules.contains(&one.rule) && one.allowed_by.is_none());
                        others.map(|candidate| (candidate.secret.start, candidate.secret.clone())).collect()
                    }
                };
                let lines: &Vec<usize> = lines.get_or_insert_with(|| memchr::memchr_iter(b'\n', text).collect());
                let places: Vec<(usize, usize)> = others.iter().map(|(start, _)| place(lines, *start)).collect();
                for one in &mut own {
                    let (line, column) = place(lines, one.whole.start);
                    let is_near = |(other_line, other_column): &(usize, usize)| {
                        distance.lines.is_none_or(|most| other_line.abs_diff(line) <= most as usize)
                            && distance.columns.is_none_or(|most| other_column.abs_diff(column) <= most as usize)
                    };
                    let near = places.iter().zip(&others).filter(|(place, _)| is_near(place));
                    let before = one.with.len();
                    one.with.extend(near.take(WITH_MAX).map(|(_, (_, secret))| secret.clone()));
                    one.reported &= one.with.len() > before;
                }
            }
            matches[number] = Some(own);
        }
        matches.into_iter().flatten().flatten().collect()
    }

    /// The number of the first allowlist that allows a finding of rule `index` of the engine.
    pub(super) fn allowed_by(&self, index: usize, subject: &Subject<'_>) -> Option<usize> {
        let lists = self.global.iter().chain(self.of_rule.get(index).into_iter().flatten());
        lists.copied().find(|list| self.lists[*list].allows(subject))
    }

    /// Which rules does the text give reason to run?
    fn choose(&self, memory: &mut Memory, text: &[u8]) {
        memory.wanted.clear();
        memory.wanted.resize(self.rules.len(), false);
        for &rule in &self.always {
            memory.wanted[rule] = true;
        }
        let Some(keywords) = &self.keywords else { return };
        let mut missing = self.rules.len() - self.always.len();
        for found in keywords.find_overlapping_iter(text) {
            for &rule in &self.keyword_rules[found.pattern().as_usize()] {
                missing -= usize::from(!std::mem::replace(&mut memory.wanted[rule], true));
            }
            if missing == 0 {
                return;
            }
        }
    }

    /// The matches of one rule after all tests but that of required rules.
    fn matches(&self, memory: &mut Memory, number: usize, text: &[u8], origin: Origin<'_>) -> Vec<Match> {
        let rule = &self.rules[number];
        let mut found = Vec::new();
        let Some(regex) = &rule.regex else { return found };
        // Where the path is not known, the rule may hold.
        if let (Some(pattern), Some(path)) = (&rule.path, origin.path)
            && !pattern.is_match(path)
        {
            return found;
        }
        let mut cache = self.cache(memory, number, regex);
        let mut groups = regex.create_captures();
        let mut at = 0;
        while at < text.len() {
            let stretch = (at / STRETCH + 1) * STRETCH;
            let range = at..text.len().min(stretch + REACH);
            memory.work += range.len() as u64;
            if memory.work > memory.work_max || found.len() >= MATCHES_MAX {
                memory.cut.push(number);
                break;
            }
            let input = Input::new(text).range(range);
            if regex.search_half_with(&mut cache, &input).is_none() {
                at = stretch;
                continue;
            }
            regex.search_captures_with(&mut cache, &input, &mut groups);
            let Some(whole) = groups.get_match().map(|whole| whole.range()).filter(|whole| whole.start < stretch)
            else {
                at = stretch;
                continue;
            };
            at = whole.end.max(at + usize::from(whole.is_empty()));
            let secret = secret_of(rule, &groups, text, &whole);
            let value = &text[secret.clone()];
            if value.is_empty() || (rule.entropy != 0.0 && entropy(value) <= rule.entropy) {
                continue;
            }
            let subject = Subject { origin, secret: value, whole: &text[whole.clone()], line: line(text, &whole) };
            let allowed_by = self.allowed_by(rule::builtin().len() + number, &subject);
            found.push(Match {
                rule: number,
                whole,
                secret,
                allowed_by,
                reported: !rule.skip_report,
                with: Vec::new(),
            });
        }
        memory.size += cache.memory_usage();
        memory.caches[number] = Some(cache);
        found
    }

    fn cache(&self, memory: &mut Memory, number: usize, regex: &Regex) -> Cache {
        if memory.size > CACHES_MAX {
            memory.caches.clear();
            memory.size = 0;
        }
        memory.caches.resize_with(self.rules.len(), || None);
        match memory.caches[number].take() {
            Some(cache) => {
                memory.size -= memory.size.min(cache.memory_usage());
                cache
            }
            None => regex.create_cache(),
        }
    }
}

/// The named group, else the first group that holds something, else the whole match.
fn secret_of(
    rule: &Dynamic,
    groups: &regex_automata::util::captures::Captures,
    text: &[u8],
    whole: &Range<usize>,
) -> Range<usize> {
    if rule.secret_group > 0 {
        return groups.get_group(rule.secret_group).map_or(whole.start..whole.start, |span| span.range());
    }
    let group = groups.iter().skip(1).flatten().find(|span| !span.is_empty());
    group.map_or_else(|| trimmed(text, whole), |span| span.range())
}

/// Without line ends around it.
fn trimmed(text: &[u8], whole: &Range<usize>) -> Range<usize> {
    let value = &text[whole.clone()];
    let Some(first) = value.iter().position(|byte| *byte != b'\n') else { return whole.start..whole.start };
    let last = value.iter().rposition(|byte| *byte != b'\n').unwrap_or(first);
    whole.start + first..whole.start + last + 1
}

/// Shannon entropy in bits a character, characters counted and divided as gitleaks does.
pub(super) fn entropy(value: &[u8]) -> f64 {
    let mut counts: std::collections::BTreeMap<char, u32> = std::collections::BTreeMap::new();
    for character in String::from_utf8_lossy(value).chars() {
        *counts.entry(character).or_default() += 1;
    }
    let length = value.len() as f64;
    counts.values().map(|count| f64::from(*count) / length).map(|share| -share * share.log2()).sum()
}

/// The lines that a range touches, bounded.
pub(super) fn line<'t>(text: &'t [u8], range: &Range<usize>) -> &'t [u8] {
    let floor = range.start.saturating_sub(LINE_REACH);
    let start = memchr::memrchr(b'\n', &text[floor..range.start]).map_or(floor, |at| floor + at + 1);
    let ceiling = text.len().min(range.end + LINE_REACH);
    let end = memchr::memchr(b'\n', &text[range.end..ceiling]).map_or(ceiling, |at| range.end + at);
    &text[start..end]
}

/// Line and column of a place, given where lines end.
fn place(line_ends: &[usize], at: usize) -> (usize, usize) {
    let line = line_ends.partition_point(|end| *end < at);
    (line, at - line.checked_sub(1).map_or(0, |before| line_ends[before] + 1))
}
