//! From candidates to findings: places, masked excerpts, fingerprints, comments that allow, halves that belong together.
//!
//! Owns everything that is said about a secret, and is the only place where text around a secret is made fit to leave the process: whatever any
//! candidate covers, reported or not, is masked before a byte of the line is copied.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use penstock_common::fingerprint::{FingerprintInput, fold_whitespace};
use penstock_common::limits::{EXCERPT_CONTEXT, EXCERPT_LINE_MAX};
use penstock_common::redact::escape_control;
use penstock_common::{
    Category, CommitInfo, Confidence, Excerpt, ExcerptLine, Finding, Location, Reference, Secret, Skipped, Suppression,
    SuppressionKind,
};

use super::candidate::Candidate;
use super::file_kind::FileKind;
use super::view::RuleView;
use super::{Engine, Scanner, allow, rule};
use crate::checkout::content::{self, Content};
use crate::checkout::{Item, path};

/// Bytes of a value that are kept to hide it elsewhere.
const VALUE_BYTES: usize = 1024;
/// Findings of one file beyond this many are counted, not listed.
const FINDINGS_PER_FILE: usize = 2000;
/// Two halves of one secret stand at most this many lines apart.
const PAIR_LINES: u32 = 6;
/// Bytes of a line on each side of a secret that enter its fingerprint.
const CONTEXT_BYTES: usize = 200;

/// A finding and the identity of its value, which never leaves the process.
#[derive(Clone, Debug)]
pub struct Found {
    /// What may be told.
    pub finding: Finding,
    /// Equal for equal values within this process.
    pub identity: u128,
    /// The value, so that it can be hidden where somebody else repeats it; the beginning of a long one. Never told.
    pub value: Secret,
    /// Raw path of the file that holds it: for an entry of an archive, the archive's.
    pub file: Vec<u8>,
}

/// Collects the findings of one thread.
pub struct Reporter {
    /// Candidates below this confidence are hidden, but not told.
    minimum: Confidence,
    /// What was found so far.
    pub found: Vec<Found>,
    /// How many findings were left out, by file.
    pub omitted: Vec<(String, usize)>,
    /// Candidates below the minimum.
    pub below_minimum: u64,
    /// What was not done to the end.
    pub notices: Vec<Skipped>,
}

impl Reporter {
    /// A reporter for findings of at least this confidence.
    pub fn new(minimum: Confidence) -> Self {
        Self { minimum, found: Vec::new(), omitted: Vec::new(), below_minimum: 0, notices: Vec::new() }
    }

    /// Whether a scan found anything that would be told.
    pub fn is_interesting(&self, candidates: &[Candidate]) -> bool {
        candidates.iter().any(|candidate| candidate.reported && candidate.confidence >= self.minimum)
    }

    /// Whether anything in content of unknown path would be told. Under its path it may be less, never more.
    pub fn would_tell(&self, scanner: &mut Scanner<'_>, bytes: &[u8]) -> bool {
        self.is_interesting(match &content::recognise(bytes) {
            Content::Text(text) => scanner.scan(None, text),
            Content::Binary(bytes) => scanner.scan_binary(b"", bytes),
        })
    }

    /// Scans one item and takes up its findings.
    pub fn scan(&mut self, scanner: &mut Scanner<'_>, item: &Item<'_>) {
        scanner.commit = item.commit.cloned();
        let content = content::recognise(item.bytes);
        let text: &[u8] = match &content {
            Content::Text(text) => {
                scanner.scan(Some(item.path), text);
                text
            }
            Content::Binary(bytes) => {
                scanner.scan_binary(item.path, bytes);
                bytes
            }
        };
        let candidates = std::mem::take(&mut scanner.candidates);
        self.below_minimum += candidates.iter().filter(|c| c.reported && c.confidence < self.minimum).count() as u64;
        if self.is_interesting(&candidates) {
            self.take_up(scanner, item, text, &candidates, matches!(content, Content::Text(_)));
        }
        scanner.candidates = candidates;
        self.notices_of(scanner, item);
        scanner.commit = None;
    }

    /// Names the configuration's rules that were not searched for to the end of a file.
    fn notices_of(&mut self, scanner: &mut Scanner<'_>, item: &Item<'_>) {
        let mut cut = std::mem::take(&mut scanner.memory.cut);
        if cut.is_empty() {
            return;
        }
        cut.sort_unstable();
        cut.dedup();
        let subject = redact_text(scanner, &path::display(item.path));
        for number in cut {
            let view = scanner.engine.rule(rule::builtin().len() + number);
            let reason = format!(
                "the rule `{}` of the gitleaks configuration matches too much here: not searched for to the end",
                escape_control(view.id)
            );
            self.notices.push(Skipped { subject: subject.clone(), reason, by_limit: true });
        }
    }

    fn take_up(
        &mut self,
        scanner: &mut Scanner<'_>,
        item: &Item<'_>,
        text: &[u8],
        candidates: &[Candidate],
        shown: bool,
    ) {
        let page = Page::new(scanner.engine, text, candidates);
        let shown_path = redact_text(scanner, &path::display(item.path));
        let commit = item.commit.map(|commit| redact_commit(scanner, commit));
        let mut ordinals: HashMap<(usize, String), u32> = HashMap::new();
        let mut parts: Vec<(usize, Location)> = Vec::new();
        let first = self.found.len();
        let mut places = Places::new(text);
        let mut told = 0;
        for candidate in candidates.iter().filter(|c| c.reported && c.confidence >= self.minimum) {
            let location = places.locate(&shown_path, candidate.secret.clone());
            // A file that is reported for its path has no lines of its own.
            let is_file = candidate.secret.is_empty();
            let counts = is_file
                || item.lines.is_none_or(|lines| {
                    lines.iter().any(|range| *range.start() <= location.end_line && location.start_line <= *range.end())
                });
            if !counts {
                continue;
            }
            if told == FINDINGS_PER_FILE {
                match self.omitted.last_mut() {
                    Some((path, count)) if *path == shown_path => *count += 1,
                    _ => self.omitted.push((shown_path.clone(), 1)),
                }
                continue;
            }
            let engine = scanner.engine;
            let rule = engine.rule(candidate.rule);
            if rule.part_of.is_some() {
                parts.push((self.found.len(), location.clone()));
            }
            let context =
                if is_file { String::new() } else { fold_whitespace(&page.context(candidate.secret.clone())) };
            let ordinal = ordinals.entry((candidate.rule, context.clone())).or_default();
            let fingerprints = FingerprintInput {
                category: Category::Secret.name(),
                tool: "penstock",
                rule: rule.id,
                path: &shown_path,
                context: &context,
                ordinal: *ordinal,
            }
            .fingerprints();
            *ordinal += 1;
            let own_lines = page.lines_of(candidate.secret.clone());
            let inline = allow::allowed(text, page.line_before(own_lines.start), own_lines.clone(), &rule);
            let suppression =
                inline.or_else(|| configured(engine, item, text, candidate, &location, &rule)).map(|mut s| {
                    s.reason = redact_text(scanner, &escape_control(&s.reason));
                    s
                });
            // The words of a configuration may hold anything.
            let title = match engine.layer {
                Some(_) => redact_text(scanner, &escape_control(rule.title)),
                None => rule.title.to_owned(),
            };
            let finding = Finding {
                category: Category::Secret,
                rule: rule.id.to_owned(),
                title: title.clone(),
                severity: rule.severity,
                confidence: candidate.confidence,
                message: message(title, candidate, &shown_path),
                excerpt: (shown && !is_file).then(|| page.excerpt(candidate.secret.clone(), &location)),
                location,
                masked: (!is_file).then(|| rule.mask.to_string()),
                validity: candidate.validity,
                related: Vec::new(),
                group: None,
                decoded_from: candidate.encoding.map(str::to_owned),
                commit: commit.clone(),
                references: rule.references.iter().map(|url| Reference::Url((*url).to_owned())).collect(),
                remediation: rule.revoke.map(str::to_owned),
                change: None,
                fingerprints,
                suppression,
                owners: Vec::new(),
            };
            told += 1;
            let value = &text[candidate.secret.clone()];
            let value = Secret::new(String::from_utf8_lossy(&value[..value.len().min(VALUE_BYTES)]));
            self.found.push(Found { finding, identity: candidate.identity, value, file: item.path.to_vec() });
        }
        self.join_parts(first, &parts);
    }

    /// Moves second halves into the findings of their first halves.
    fn join_parts(&mut self, first: usize, parts: &[(usize, Location)]) {
        let mut joined = Vec::new();
        for (at, location) in parts {
            let rules = rule::builtin();
            let whole = rule::find(&self.found[*at].finding.rule).and_then(|index| rules[index].part_of);
            let Some(whole) = whole else { continue };
            let distance = |other: &Location| other.start_line.abs_diff(location.start_line);
            let partner = (first..self.found.len())
                .filter(|other| self.found[*other].finding.rule == rules[whole].id)
                .filter(|other| distance(&self.found[*other].finding.location) <= PAIR_LINES)
                .min_by_key(|other| distance(&self.found[*other].finding.location));
            if let Some(partner) = partner {
                self.found[partner].finding.related.push(location.clone());
                joined.push(*at);
            }
        }
        for at in joined.into_iter().rev() {
            self.found.remove(at);
        }
    }
}

/// What a configuration says against a finding: an allowlist, or an entry of `.gitleaksignore`.
fn configured(
    engine: &Engine,
    item: &Item<'_>,
    text: &[u8],
    candidate: &Candidate,
    location: &Location,
    rule: &RuleView<'_>,
) -> Option<Suppression> {
    let layer = engine.layer.as_deref()?;
    if let Some(list) = candidate.allowed_by {
        let reason = layer.description(list).to_owned();
        return Some(Suppression { kind: SuppressionKind::GitleaksAllowlist, reason });
    }
    // gitleaks names the line where the match begins, which may be above the secret.
    let above = candidate.match_start.filter(|start| *start < candidate.secret.start);
    let above = above.map_or(0, |start| memchr::memchr_iter(b'\n', &text[start..candidate.secret.start]).count());
    let first = location.start_line.saturating_sub(u32::try_from(above).unwrap_or(u32::MAX));
    let commit = item.commit.map(|commit| commit.id.as_str());
    let entry = layer.ignored(item.path, commit, &(first..=location.end_line), &|id| rule.is_named(id))?;
    Some(Suppression { kind: SuppressionKind::GitleaksIgnore, reason: entry.to_owned() })
}

fn message(title: String, candidate: &Candidate, shown_path: &str) -> String {
    if candidate.secret.is_empty() {
        return format!("file detected: {shown_path}");
    }
    let mut message = title;
    if let Some(validity) = candidate.validity {
        message.push_str(&format!(" ({})", validity.label()));
    }
    if let Some(encoding) = candidate.encoding {
        message.push_str(&format!(", {encoding}"));
    }
    message
}

/// `text` with everything masked that the engine takes for a secret, surely or not.
pub fn redact_text(scanner: &mut Scanner<'_>, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    scanner.memory.begin(text.len());
    let candidates = scanner.pass(b"", text.as_bytes(), FileKind::Text, false);
    let mut sorted = candidates;
    super::candidate::settle(&mut sorted);
    Page::new(scanner.engine, text.as_bytes(), &sorted).masked(0..text.len(), None).0
}

/// The lines of `text`, each with everything masked that the engine takes for a secret in the whole of it. What goes over several lines is masked in
/// each of them.
pub fn redact_lines(scanner: &mut Scanner<'_>, text: &str) -> Vec<String> {
    scanner.memory.begin(text.len());
    let mut sorted = scanner.pass(b"", text.as_bytes(), FileKind::Text, false);
    super::candidate::settle(&mut sorted);
    let page = Page::new(scanner.engine, text.as_bytes(), &sorted);
    let mut start = 0;
    let line = |line: &str| {
        let range = start..start + line.trim_end_matches('\n').len();
        start += line.len();
        page.masked(range, None).0
    };
    text.split_inclusive('\n').map(line).collect()
}

fn redact_commit(scanner: &mut Scanner<'_>, commit: &Arc<CommitInfo>) -> CommitInfo {
    let mut clean = |text: &str| redact_text(scanner, &escape_control(text));
    CommitInfo {
        id: commit.id.clone(),
        author: clean(&commit.author),
        email: clean(&commit.email),
        date: commit.date.clone(),
        subject: clean(&commit.subject),
    }
}

/// A text with everything in it that must not be shown.
struct Page<'t> {
    text: &'t [u8],
    /// What to hide, sorted, not overlapping, and what to show instead.
    hidden: Vec<(Range<usize>, String)>,
    /// Values that are hidden wherever else they stand.
    values: Vec<&'t [u8]>,
}

impl<'t> Page<'t> {
    fn new(engine: &Engine, text: &'t [u8], candidates: &[Candidate]) -> Self {
        let mut hidden: Vec<(Range<usize>, String)> = Vec::new();
        let mut values: Vec<&[u8]> = Vec::new();
        for candidate in candidates.iter().filter(|candidate| !candidate.secret.is_empty()) {
            let mask = engine.mask(candidate.rule).to_string();
            match hidden.last_mut() {
                // Overlapping candidates are hidden as one; the reported one names it.
                Some((last, shown)) if candidate.secret.start < last.end => {
                    last.end = last.end.max(candidate.secret.end);
                    if candidate.reported {
                        *shown = mask;
                    }
                }
                _ => hidden.push((candidate.secret.clone(), mask)),
            }
            if candidate.secret.len() >= 6 && values.len() < 256 {
                values.push(&text[candidate.secret.clone()]);
            }
        }
        values.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        values.dedup();
        Self { text, hidden, values }
    }

    fn line_start(&self, at: usize) -> usize {
        memchr::memrchr(b'\n', &self.text[..at]).map_or(0, |found| found + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        memchr::memchr(b'\n', &self.text[at..]).map_or(self.text.len(), |found| at + found)
    }

    /// The bytes of the lines that a range touches, without the last line end.
    fn lines_of(&self, range: Range<usize>) -> Range<usize> {
        self.line_start(range.start)..self.line_end(range.end)
    }

    fn line_before(&self, start: usize) -> Range<usize> {
        if start == 0 { 0..0 } else { self.line_start(start - 1)..start - 1 }
    }

    /// A stretch of the text with everything hidden that must be; also where `focus` (a hidden range) came to stand, in characters.
    fn masked(&self, range: Range<usize>, focus: Option<&Range<usize>>) -> (String, Option<(u32, u32)>) {
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
            let start = out.chars().count() as u32;
            out.push_str(mask);
            if focus.is_some_and(|focus| focus.start < hidden.end && hidden.start < focus.end) {
                mark = Some((start, out.chars().count() as u32));
            }
            at = hidden.end.max(at);
        }
        if at < range.end {
            self.push_plain(&mut out, at..range.end);
        }
        (out, mark)
    }

    /// Copies bytes that no candidate covers, hiding repetitions of values that candidates elsewhere hold.
    fn push_plain(&self, out: &mut String, range: Range<usize>) {
        let mut piece = self.text[range].to_vec();
        for value in &self.values {
            while let Some(found) = memchr::memmem::find(&piece, value) {
                piece.splice(found..found + value.len(), penstock_common::redact::DOTS.bytes());
            }
        }
        out.push_str(&path::display(&piece));
    }

    /// The masked surroundings of a secret that make its fingerprint: its own lines, bounded.
    fn context(&self, secret: Range<usize>) -> String {
        let lines = self.lines_of(secret.clone());
        let start = lines.start.max(secret.start.saturating_sub(CONTEXT_BYTES));
        let end = lines.end.min(secret.end + CONTEXT_BYTES);
        self.masked(start..end, None).0
    }

    fn excerpt(&self, secret: Range<usize>, location: &Location) -> Excerpt {
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
            // Only so much of a line is masked as is shown: lines may be megabytes long.
            let near = if is_own { secret.clone() } else { start..start };
            let (from, to) =
                (start.max(near.start.saturating_sub(EXCERPT_LINE_MAX)), end.min(near.end + EXCERPT_LINE_MAX));
            let from = self.outside_hidden(from).min(if is_own { secret.start } else { end });
            let (text, mark) = self.masked(from..to.max(from), is_own.then_some(&secret));
            let (text, mark) = cut(&text, mark, from > start, to < end);
            lines.push(ExcerptLine { number, text, mark });
            if end >= self.text.len() {
                break;
            }
            start = end + 1;
            number += 1;
        }
        Excerpt { lines }
    }

    /// `at`, or the end of the hidden range it lies in: a cut must not begin within a secret.
    fn outside_hidden(&self, at: usize) -> usize {
        let index = self.hidden.partition_point(|(hidden, _)| hidden.end <= at);
        match self.hidden.get(index) {
            Some((hidden, _)) if hidden.start < at => hidden.end,
            _ => at,
        }
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

/// Counts lines and columns while going forward through the text.
struct Places<'t> {
    text: &'t [u8],
    at: usize,
    line: u32,
    column: u32,
}

impl<'t> Places<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, line: 1, column: 1 }
    }

    /// Places are asked for in ascending order of their start.
    fn locate(&mut self, shown_path: &str, range: Range<usize>) -> Location {
        self.advance(range.start);
        let (start_line, start_column) = (self.line, self.column);
        let mut end = Self { ..*self };
        end.advance(range.end);
        Location { path: shown_path.to_owned(), start_line, start_column, end_line: end.line, end_column: end.column }
    }

    fn advance(&mut self, to: usize) {
        let stretch = &self.text[self.at..to.max(self.at)];
        let breaks = memchr::memchr_iter(b'\n', stretch).count();
        if breaks > 0 {
            self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
            self.column = 1;
        }
        let tail = memchr::memrchr(b'\n', stretch).map_or(stretch, |found| &stretch[found + 1..]);
        let characters: usize =
            tail.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum();
        self.column = self.column.saturating_add(u32::try_from(characters).unwrap_or(u32::MAX));
        self.at = to.max(self.at);
    }
}
