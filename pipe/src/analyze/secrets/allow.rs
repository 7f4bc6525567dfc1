//! Comments that allow a finding.
//!
//! Owns what a comment covers, and how many findings it allows. A comment after code covers its own
//! line; a comment alone on a line covers the next statement. A comment that names rules allows
//! every finding of these rules there; any other comment allows one finding. Comments of other
//! tools always cover their own line, as they do for those tools; only `allowlist nextline` covers
//! the next statement.

mod comment;
mod line;
mod statement;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use super::candidate::Candidate;
use super::page::Page;
use super::view::RuleView;
use comment::Comment;
pub use comment::Tool;

/// Maximum number of comments that name rules and cover the same lines.
const NAMED_MAX: usize = 64;
/// Maximum number of covers around a secret that are checked. A statement has fewer lines.
const COVERS_MAX: usize = 256;
/// Maximum number of comments in one text whose ids are checked.
const CHECKED_MAX: usize = 256;
/// Maximum number of lines skipped on the way to the next statement.
const SKIPPED_LINES_MAX: usize = 200;

/// Which comments count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// Only those with a reason.
    pub require_reason: bool,
    /// Other tools whose comments count.
    pub tools: Vec<Tool>,
}

impl Default for Allow {
    fn default() -> Self {
        Self { require_reason: false, tools: Tool::ALL.to_vec() }
    }
}

/// What comments say about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is allowed, with the reason. It has no secrets of the text in it; mask it before it is
    /// shown, because it may look like a secret of its own.
    Allowed(String),
    /// A comment would allow it, but a reason is required and the comment gives none.
    NoReason,
}

/// The comments of one text that allow.
pub(super) struct Comments<'t> {
    text: &'t [u8],
    page: &'t Page<'t>,
    covers: Vec<Cover>,
    /// The ids that comments name, with the position of each comment.
    named: Vec<(usize, String)>,
}

/// Lines, and the comments that cover them.
#[derive(Default)]
struct Cover {
    lines: Range<usize>,
    named: Vec<(Comment, bool)>,
    /// Each of these allows one further finding.
    any: VecDeque<Comment>,
    /// Each of these would allow one if it gave a reason.
    without_reason: VecDeque<Comment>,
}

impl<'t> Comments<'t> {
    /// Finds the comments in `text`. `candidates` are sorted by position; a mark inside a secret is
    /// not a comment.
    pub(super) fn read(
        text: &'t [u8],
        path: &[u8],
        allow: &Allow,
        candidates: &[Candidate],
        page: &'t Page<'t>,
    ) -> Self {
        let mut reader = Reader {
            text,
            candidates,
            page,
            line: 0..0,
            strings: Vec::new(),
            comment: 0,
            budget: text.len() * 4 + (1 << 20),
        };
        let mut covers: BTreeMap<(usize, usize), Cover> = BTreeMap::new();
        let mut named = Vec::new();
        for comment in comment::find(text, path.ends_with(b".go")) {
            if comment.tool.is_some_and(|tool| !allow.tools.contains(&tool)) || reader.is_text(&comment.mark) {
                continue;
            }
            if named.len() < CHECKED_MAX && comment.rules.is_some() {
                let (ids, _) = comment.as_shown(text, page);
                named.extend(ids.into_iter().map(|id| (comment.mark.start, id)));
            }
            let lines = reader.covered(&comment);
            let cover = covers.entry((lines.start, lines.end)).or_default();
            cover.lines = lines;
            let counts = !allow.require_reason || comment.tool.is_none() && !comment.reason.is_empty();
            if comment.rules.is_some() {
                if cover.named.len() < NAMED_MAX {
                    cover.named.push((comment, counts));
                }
            } else if counts {
                cover.any.push_back(comment);
            } else {
                cover.without_reason.push_back(comment);
            }
        }
        Self { text, page, covers: covers.into_values().collect(), named }
    }

    /// The ids that comments name, with the position of each comment.
    pub(super) fn named(&self) -> &[(usize, String)] {
        &self.named
    }

    /// Whether a comment allows the next finding, in text order. A comment on any part of a secret
    /// covers all of it.
    pub(super) fn answer(&mut self, parts: &[(Range<usize>, &RuleView<'_>)]) -> Option<Answer> {
        if self.covers.is_empty() {
            return None;
        }
        let mut around: Vec<usize> = parts.iter().flat_map(|(secret, _)| self.around(secret)).collect();
        // Use the narrower cover first and keep the wider one for findings that only it covers.
        around.sort_by_key(|at| (self.covers[*at].lines.end, self.covers[*at].lines.len()));
        around.dedup();
        let is_meant = |comment: &Comment| {
            let ids = comment.rules.iter().flatten();
            ids.into_iter().any(|id| parts.iter().any(|(_, rule)| rule.is_named(id)))
        };
        let named = |counts: bool| {
            let comments = around.iter().flat_map(|at| &self.covers[*at].named);
            comments
                .filter(|(comment, own)| *own == counts && is_meant(comment))
                .map(|(comment, _)| comment.clone())
                .next()
        };
        let (text, page) = (self.text, self.page);
        let allowed = |comment: Comment| Answer::Allowed(comment.as_shown(text, page).1);
        if let Some(comment) = named(true) {
            return Some(allowed(comment));
        }
        let is_named_without_reason = named(false).is_some();
        if let Some(comment) = around.iter().find_map(|at| self.covers[*at].any.pop_front()) {
            return Some(allowed(comment));
        }
        let without_reason = around.iter().find_map(|at| self.covers[*at].without_reason.pop_front());
        (is_named_without_reason || without_reason.is_some()).then_some(Answer::NoReason)
    }

    /// The covers that a secret touches.
    fn around(&self, secret: &Range<usize>) -> Vec<usize> {
        let after = self.covers.partition_point(|cover| cover.lines.start <= secret.end);
        let near = (after.saturating_sub(COVERS_MAX)..after).rev();
        near.filter(|at| self.covers[*at].lines.end >= secret.start).collect()
    }
}

/// Reads a text to find which lines its comments cover.
struct Reader<'t> {
    text: &'t [u8],
    candidates: &'t [Candidate],
    page: &'t Page<'t>,
    /// The line that was looked at last, the strings in it, and where its comment begins.
    line: Range<usize>,
    strings: Vec<Range<usize>>,
    comment: usize,
    /// Bytes that may be read on the way to and through statements.
    budget: usize,
}

impl Reader<'_> {
    /// The line of a mark. Marks come in order, and one line may have many.
    fn line_of(&mut self, mark: &Range<usize>) -> Range<usize> {
        if self.line.is_empty() || !self.line.contains(&mark.start) {
            self.line = line::line_at(self.text, mark.start);
            let own = &self.text[self.line.clone()];
            self.strings = line::strings(own);
            self.comment = line::comment_start(own, &self.strings);
        }
        self.line.clone()
    }

    /// Whether a secret touches these bytes.
    fn has_secret(&self, bytes: &Range<usize>) -> bool {
        let first = self.candidates.partition_point(|candidate| candidate.secret.start < bytes.start);
        // A secret that starts earlier may extend into them.
        let around = &self.candidates[first.saturating_sub(8)..];
        let around = around.iter().take_while(|candidate| candidate.secret.start <= bytes.end);
        around.filter(|one| one.reported && !one.secret.is_empty()).any(|one| one.secret.end > bytes.start)
    }

    /// Whether a mark is part of a string or a secret rather than a comment.
    fn is_text(&mut self, mark: &Range<usize>) -> bool {
        let line = self.line_of(mark);
        let own = mark.start - line.start;
        let after = self.strings.partition_point(|string| string.start <= own);
        if let Some(at) = after.checked_sub(1).filter(|at| own < self.strings[*at].end) {
            let string = &self.strings[at];
            // Quotes inside a comment are fine, unless they enclose a commented-out secret.
            let is_code = string.start < self.comment && !self.is_comment_of_data(at);
            if is_code || self.has_secret(&(line.start + string.start..line.start + string.end)) {
                return true;
            }
        }
        let Some(hidden) = self.page.hidden_around(mark.start) else { return false };
        let between = &self.text[hidden.start..mark.start];
        let quote = hidden.start.checked_sub(1).map(|at| self.text[at]).filter(|b| matches!(b, b'"' | b'\'' | b'`'));
        // Parsers of one format differ: some end the value here, others read the comment as part of
        // it.
        match quote.map(|quote| memchr::memchr(quote, between)) {
            None => !line::ends_with_comment(between),
            Some(None) => true,
            Some(Some(closing)) => {
                let behind = &between[closing + 1..];
                let blanks = behind.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                blanks == 0 || behind.contains(&b'\n') || !line::starts_comment(&behind[blanks..])
            }
        }
    }

    /// Whether a string is the value of a key that makes it a comment, `"//": "…"`.
    fn is_comment_of_data(&self, string: usize) -> bool {
        let Some(key) = string.checked_sub(1).map(|key| &self.strings[key]) else { return false };
        let own = &self.text[self.line.clone()];
        let between = own[key.end..self.strings[string].start].trim_ascii();
        between == b":" && line::is_comment(&own[key.start..])
    }

    /// The lines that a comment covers.
    fn covered(&mut self, comment: &Comment) -> Range<usize> {
        let line = self.line_of(&comment.mark);
        let own = &self.text[line.clone()];
        let is_alone =
            comment.is_for_next || comment.tool.is_none() && is_alone(own, &own[..comment.mark.start - line.start]);
        // In a commented-out line with a secret, the comment covers that line.
        if !is_alone || self.has_secret(&line) {
            return line;
        }
        self.next_statement(&line).unwrap_or(line)
    }

    fn next_statement(&mut self, line: &Range<usize>) -> Option<Range<usize>> {
        let own = &self.text[line.clone()];
        let mut open = line::opens_block(own).or_else(|| own.trim_ascii().starts_with(b"*").then_some(b"*/"));
        if open.is_some_and(|closing| memchr::memmem::find(own, closing).is_some()) {
            open = None;
        }
        let mut at = line.end + 1;
        for _ in 0..SKIPPED_LINES_MAX {
            if at >= self.text.len() || self.budget == 0 {
                return None;
            }
            let next = line::line_at(self.text, at);
            self.budget = self.budget.saturating_sub(next.len() + 1);
            let own = &self.text[next.clone()];
            let is_passed = match open {
                Some(closing) => {
                    if memchr::memmem::find(own, closing).is_some() {
                        open = None;
                    }
                    true
                }
                None => {
                    open = line::opens_block(own);
                    own.trim_ascii().is_empty() || line::is_comment(own)
                }
            };
            if !is_passed || self.has_secret(&next) {
                return Some(statement::of(self.text, next.start, &mut self.budget));
            }
            at = next.end + 1;
        }
        None
    }
}

/// Whether a line contains only a comment. `before` is the text before its mark.
fn is_alone(line: &[u8], before: &[u8]) -> bool {
    let is_text = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'"' | b'\'' | b'`') || !byte.is_ascii();
    line::is_comment(line) || !line::starts_block(line) && !before.iter().any(is_text)
}
