//! A text with its secrets masked.
//!
//! Owns masking: bytes of any candidate, reported or not, are replaced before a line is copied.
//! Decides what is hidden and how excerpts are cut, never what is a finding.

use std::cell::{Cell, OnceCell};
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use penstock_common::limits::{EXCERPT_CONTEXT, EXCERPT_LINE_MAX};
use penstock_common::redact::DOTS;
use penstock_common::{Excerpt, ExcerptLine, Location, Masked, Redact};

use super::Engine;
use super::candidate::Candidate;
use crate::checkout::path;

/// Bytes of a line on each side of a secret that enter its fingerprint.
const CONTEXT_BYTES: usize = 200;
/// Shorter values are hidden only where they were found: elsewhere they may be any word.
const REPEATED_MIN: usize = 6;
/// Values of one text that are hidden elsewhere, too.
const REPEATED_MAX: usize = 512;

/// A text and the ranges in it that must not be shown.
pub(super) struct Page<'t> {
    text: &'t [u8],
    /// What to hide, sorted, not overlapping, and what to show instead.
    hidden: Vec<(Range<usize>, String)>,
    /// Values that are hidden wherever they are repeated, and the search for all of them at once.
    values: Vec<&'t [u8]>,
    repeated: OnceCell<Option<AhoCorasick>>,
    /// The last requested line, as far as it was searched: lines may be megabytes long, with
    /// thousands of secrets.
    starts: Cell<Searched>,
    ends: Cell<Searched>,
}

/// A range without a line break.
type Searched = (usize, usize);

impl<'t> Page<'t> {
    pub(super) fn new(engine: &Engine, text: &'t [u8], candidates: &[Candidate]) -> Self {
        let mut hidden: Vec<(Range<usize>, String)> = Vec::new();
        let mut values: Vec<&[u8]> = Vec::new();
        let mut covering: Vec<&Candidate> = candidates.iter().filter(|one| !one.secret.is_empty()).collect();
        covering.sort_by_key(|one| one.hidden.start);
        for candidate in covering {
            let mask = engine.mask(candidate.rule).to_string();
            match hidden.last_mut() {
                // Overlapping candidates are hidden as one; the reported one names it.
                Some((last, shown)) if candidate.hidden.start < last.end => {
                    last.end = last.end.max(candidate.hidden.end);
                    if candidate.reported {
                        *shown = mask;
                    }
                }
                _ => hidden.push((candidate.hidden.clone(), mask)),
            }
            for value in [&candidate.hidden, &candidate.secret] {
                if value.len() >= REPEATED_MIN && values.len() < REPEATED_MAX {
                    values.push(&text[value.clone()]);
                }
            }
        }
        let nothing = (usize::MAX, 0);
        let (starts, ends) = (Cell::new(nothing), Cell::new(nothing));
        Self { text, hidden, values, repeated: OnceCell::new(), starts, ends }
    }

    /// Whether there is nothing to hide.
    pub(super) fn hides_nothing(&self) -> bool {
        self.hidden.is_empty()
    }

    fn line_start(&self, at: usize) -> usize {
        let (start, searched) = self.starts.get();
        if (start..=searched).contains(&at) {
            return start;
        }
        let known = if start <= searched && searched < at { searched } else { 0 };
        let found = memchr::memrchr(b'\n', &self.text[known..at]).map(|found| known + found + 1);
        let start = found.unwrap_or(if known > 0 { start } else { 0 });
        self.starts.set((start, at));
        start
    }

    fn line_end(&self, at: usize) -> usize {
        let (searched, end) = self.ends.get();
        if (searched..=end).contains(&at) {
            return end;
        }
        let end = memchr::memchr(b'\n', &self.text[at..]).map_or(self.text.len(), |found| at + found);
        self.ends.set((at, end));
        end
    }

    /// The bytes of the lines that a range touches, without the last line end.
    pub(super) fn lines_of(&self, range: Range<usize>) -> Range<usize> {
        self.line_start(range.start)..self.line_end(range.end)
    }

    /// The hidden range around a position.
    pub(super) fn hidden_around(&self, at: usize) -> Option<Range<usize>> {
        let index = self.hidden.partition_point(|(hidden, _)| hidden.end <= at);
        self.hidden.get(index).map(|(hidden, _)| hidden.clone()).filter(|hidden| hidden.start <= at)
    }

    /// A range of the text, masked; also the new position of `focus` (a hidden range), in
    /// characters.
    pub(super) fn masked(&self, range: Range<usize>, focus: Option<&Range<usize>>) -> (String, Option<(u32, u32)>) {
        // A carriage return before a line end belongs to the line end.
        let ends_line = self.text[range.clone()].ends_with(b"\r");
        let range = range.start..range.end - usize::from(ends_line);
        let mut out = String::new();
        let mut mark = None;
        let mut at = range.start;
        let first = self.hidden.partition_point(|(hidden, _)| hidden.end <= range.start);
        for (hidden, mask) in self.hidden[first..].iter().take_while(|(hidden, _)| hidden.start < range.end) {
            if hidden.start > at {
                self.push_plain(&mut out, at..hidden.start);
            }
            if focus.is_some_and(|focus| focus.start < hidden.end && hidden.start < focus.end) {
                let start = out.chars().count() as u32;
                mark = Some((start, start + mask.chars().count() as u32));
            }
            out.push_str(mask);
            at = hidden.end.max(at);
        }
        if at < range.end {
            self.push_plain(&mut out, at..range.end);
        }
        (out, mark)
    }

    /// A comment, masked. A hidden range that starts before it does not hide it: to some parsers
    /// the value ends there.
    pub(super) fn masked_comment(&self, range: Range<usize>) -> String {
        let mut out = String::new();
        let mut at = range.start;
        let first = self.hidden.partition_point(|(hidden, _)| hidden.start < range.start);
        for (hidden, mask) in self.hidden[first..].iter().take_while(|(hidden, _)| hidden.start < range.end) {
            self.push_plain(&mut out, at..hidden.start.max(at));
            out.push_str(mask);
            at = hidden.end.max(at);
        }
        self.push_plain(&mut out, at..range.end.max(at));
        out
    }

    /// Copies bytes outside all candidates, hiding repeated values of candidates elsewhere.
    fn push_plain(&self, out: &mut String, range: Range<usize>) {
        let piece = &self.text[range];
        if piece.len() < REPEATED_MIN || self.values.is_empty() {
            out.push_str(&path::display(piece));
            return;
        }
        // One search for all values: a text may have many of them and many pieces.
        let build = || AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(&self.values).ok();
        let Some(repeated) = self.repeated.get_or_init(build) else {
            out.push_str(DOTS);
            return;
        };
        let mut found: Vec<Range<usize>> = repeated.find_overlapping_iter(piece).map(|found| found.range()).collect();
        found.sort_unstable_by_key(|range| range.start);
        let mut at = 0;
        for range in found {
            // Values that overlap are hidden as one.
            if range.start >= at {
                out.push_str(&path::display(&piece[at..range.start]));
                out.push_str(DOTS);
            }
            at = at.max(range.end);
        }
        out.push_str(&path::display(&piece[at..]));
    }

    /// The masked text around a secret that enters its fingerprint: its own lines, bounded.
    pub(super) fn context(&self, secret: Range<usize>) -> String {
        let lines = self.lines_of(secret.clone());
        let start = lines.start.max(secret.start.saturating_sub(CONTEXT_BYTES));
        let end = lines.end.min(secret.end + CONTEXT_BYTES);
        self.masked(start..end, None).0
    }

    pub(super) fn excerpt(&self, secret: Range<usize>, location: &Location) -> Excerpt {
        let own = self.line_start(secret.start);
        let mut lines = Vec::new();
        let mut start = own;
        let mut number = location.start_line;
        for _ in 0..EXCERPT_CONTEXT {
            if start > 0 {
                start = self.line_start(start - 1);
                number -= 1;
            }
        }
        while number <= location.start_line + EXCERPT_CONTEXT && start <= self.text.len() {
            let end = self.line_end(start);
            if start == self.text.len() && number > location.start_line {
                break;
            }
            let is_own = start == own;
            // Mask only the part of a line that is shown: lines may be megabytes long.
            let near = if is_own { secret.clone() } else { start..start };
            let (from, to) =
                (start.max(near.start.saturating_sub(EXCERPT_LINE_MAX)), end.min(near.end + EXCERPT_LINE_MAX));
            let from = self.outside_hidden(from).min(if is_own { secret.start } else { end });
            let (text, mark) = self.masked(from..to.max(from), is_own.then_some(&secret));
            let (text, mark) = cut(&text, mark, from > start, to < end);
            lines.push(ExcerptLine { number, text: Masked::new(&mut OfPage, &text), mark });
            if end >= self.text.len() {
                break;
            }
            start = end + 1;
            number += 1;
        }
        Excerpt { lines }
    }

    /// `at`, or the end of the hidden range that contains it: a cut must not start inside a secret.
    fn outside_hidden(&self, at: usize) -> usize {
        let index = self.hidden.partition_point(|(hidden, _)| hidden.end <= at);
        match self.hidden.get(index) {
            Some((hidden, _)) if hidden.start < at => hidden.end,
            _ => at,
        }
    }
}

/// The result of [`Page::masked`]: masked with all candidates of the whole text, which finds more
/// than a search of the line alone.
struct OfPage;

impl Redact for OfPage {
    fn redact(&mut self, text: &str) -> String {
        text.to_owned()
    }
}

/// Cuts a masked line to what is shown, around the mark, with `…` where something was left out.
fn cut(text: &str, mark: Option<(u32, u32)>, cut_before: bool, cut_after: bool) -> (String, Option<(u32, u32)>) {
    let length = text.chars().count();
    let (mark_start, mark_end) = mark.map_or((0, 0), |(start, end)| (start as usize, end as usize));
    let mut start = 0;
    if length > EXCERPT_LINE_MAX && mark_end > EXCERPT_LINE_MAX * 2 / 3 {
        start = mark_start.saturating_sub(EXCERPT_LINE_MAX / 3);
    }
    let end = length.min(start + EXCERPT_LINE_MAX);
    let mut out: String = text.chars().skip(start).take(end - start).collect();
    let mut shift = start as i64;
    if cut_before || start > 0 {
        out.insert(0, '…');
        shift -= 1;
    }
    if cut_after || end < length {
        out.push('…');
    }
    let shown = out.chars().count() as u32;
    let moved = |at: u32| (i64::from(at) - shift).clamp(0, i64::from(shown)) as u32;
    (out, mark.map(|(start, end)| (moved(start), moved(end))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use penstock_common::Confidence;
    use proptest::prelude::*;

    fn candidate(range: Range<usize>) -> Candidate {
        Candidate {
            rule: 0,
            secret: range.clone(),
            hidden: range,
            confidence: Confidence::High,
            validity: None,
            reported: true,
            encoding: None,
            identity: 0,
            match_start: None,
            allowed_by: None,
            origin: (0, 0),
        }
    }

    proptest! {
        /// However values overlap, every byte of each is hidden, and nothing else.
        #[test]
        fn repeated_values_are_hidden_wherever_they_are(
            text in "[ab]{0,40}", values in prop::collection::vec("[ab]{6,8}", 1..4),
        ) {
            let all = format!("{}\n{text}", values.join("\n"));
            let mut at = 0;
            let engine = Engine::new([7; 16], 0, &[]);
            let candidates: Vec<Candidate> = values.iter().map(|value| {
                let range = at..at + value.len();
                at += value.len() + 1;
                candidate(range)
            }).collect();
            let page = Page::new(&engine, all.as_bytes(), &candidates);
            let mut hidden = vec![false; text.len()];
            for start in 0..text.len() {
                for value in values.iter().filter(|value| text[start..].starts_with(value.as_str())) {
                    hidden[start..start + value.len()].fill(true);
                }
            }
            let shown: String = text.chars().zip(&hidden).filter(|(_, hidden)| !**hidden).map(|(letter, _)| letter).collect();
            let (masked, _) = page.masked(all.len() - text.len()..all.len(), None);
            prop_assert_eq!(masked.replace(DOTS, ""), shown);
        }

        #[test]
        fn lines_are_the_same_in_whatever_order_they_are_asked_for(text in "[a\n]{0,60}", places in prop::collection::vec(0..60_usize, 0..20)) {
            let engine = Engine::new([7; 16], 0, &[]);
            let page = Page::new(&engine, text.as_bytes(), &[]);
            for at in places.into_iter().map(|at| at.min(text.len())) {
                prop_assert_eq!(page.line_start(at), text[..at].rfind('\n').map_or(0, |found| found + 1));
                prop_assert_eq!(page.line_end(at), text[at..].find('\n').map_or(text.len(), |found| at + found));
            }
        }
    }
}
