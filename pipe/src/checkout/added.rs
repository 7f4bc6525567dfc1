//! What a change adds, handed to a visitor.
//!
//! Owns reading the content of changed files and finding the lines that are new in it. Shared by commits and the index.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::checkout::{CommitInfo, Skipped};
use gix::ObjectId;
use gix::diff::blob::{Algorithm, Diff, InternedInput};
use gix::objs::Kind;

use super::objects::Objects;
use super::path::display;
use super::read::too_large;
use super::repository::Repository;
use super::tally::Tally;
use super::tree_diff::Change;
use super::{Coverage, Item, Progress, Visitor};

/// Bytes at the start of a file in which a zero byte tells that it has no lines, as git does it.
const BINARY_WINDOW: usize = 8000;

/// What one thread needs to look at changes, kept from batch to batch.
pub(super) struct Worker<'a, V> {
    pub(super) objects: Objects,
    pub(super) visitor: V,
    pub(super) coverage: Coverage,
    tally: Tally<'a>,
    content: Vec<u8>,
    before: Vec<u8>,
}

impl<'a, V: Visitor> Worker<'a, V> {
    pub(super) fn new(repository: &Repository, visitor: V, progress: Option<&'a dyn Progress>) -> Self {
        let (coverage, tally) = (Coverage::default(), Tally::new(progress));
        Self { objects: Objects::new(repository), visitor, coverage, tally, content: Vec::new(), before: Vec::new() }
    }

    /// Shows the visitor what `change` adds, if it adds anything.
    pub(super) fn look(&mut self, change: &Change, commit: Option<&Arc<CommitInfo>>, limit: u64) {
        let subject = || {
            let path = display(&change.path);
            commit.map_or(path.clone(), |commit| format!("{path} in commit {}", commit.id))
        };
        if !self.visitor.wants(&change.path, commit.map(|commit| &**commit)) {
            return;
        }
        let size = match self.objects.size(change.id) {
            Ok(size) => size,
            Err(fault) => return self.coverage.pass_over(&change.path, fault.skipped(subject())),
        };
        if size > limit {
            let reason = too_large(size, limit);
            let skipped = Skipped { subject: subject(), reason, by_limit: true };
            return self.coverage.pass_over(&change.path, skipped);
        }
        if let Err(fault) = self.objects.read(change.id, Kind::Blob, &mut self.content) {
            return self.coverage.pass_over(&change.path, fault.skipped(subject()));
        }
        let lines = self.lines(&change.before, limit);
        if lines.as_ref().is_some_and(Vec::is_empty) {
            return;
        }
        self.visitor.visit(Item { path: &change.path, bytes: &self.content, lines: lines.as_deref(), commit });
        self.coverage.files += 1;
        self.coverage.bytes += self.content.len() as u64;
        self.tally.add(self.content.len());
    }

    /// Shows the visitor a whole file.
    pub(super) fn look_whole(&mut self, path: &[u8], id: ObjectId, limit: u64) {
        self.look(&Change { path: path.to_vec(), id, link: false, before: Vec::new() }, None, limit);
    }

    /// The lines that none of `before` has. None if everything is new, or if that cannot be told: then all of it counts, so
    /// that nothing is missed.
    fn lines(&mut self, before: &[ObjectId], limit: u64) -> Option<Vec<RangeInclusive<u32>>> {
        if before.is_empty() || is_binary(&self.content) {
            return None;
        }
        let mut lines: Option<Vec<RangeInclusive<u32>>> = None;
        for id in before {
            let readable = self.objects.size(*id).is_ok_and(|size| size <= limit)
                && self.objects.read(*id, Kind::Blob, &mut self.before).is_ok()
                && !is_binary(&self.before);
            if readable {
                let added = added(&self.before, &self.content);
                lines = Some(lines.map_or(added.clone(), |lines| common(&lines, &added)));
            }
        }
        lines
    }
}

fn is_binary(content: &[u8]) -> bool {
    memchr::memchr(0, &content[..content.len().min(BINARY_WINDOW)]).is_some()
}

/// The lines of `after` that are not in `before`.
pub(super) fn added(before: &[u8], after: &[u8]) -> Vec<RangeInclusive<u32>> {
    let input = InternedInput::new(before, after);
    let diff = Diff::compute(Algorithm::Histogram, &input);
    diff.hunks().filter(|hunk| !hunk.after.is_empty()).map(|hunk| hunk.after.start + 1..=hunk.after.end).collect()
}

/// The lines in both lists.
fn common(a: &[RangeInclusive<u32>], b: &[RangeInclusive<u32>]) -> Vec<RangeInclusive<u32>> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut both = Vec::new();
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        let (start, end) = (*left.start().max(right.start()), *left.end().min(right.end()));
        if start <= end {
            both.push(start..=end);
        }
        if left.end() < right.end() {
            a.next()
        } else {
            b.next()
        };
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_new_lines() {
        assert_eq!(added(b"a\nb\nc\n", b"a\nx\ny\nc\nz"), [2..=3, 5..=5]);
        assert_eq!(added(b"a\nb\n", b"a\n"), []);
        assert_eq!(added(b"", b"a\n"), [1..=1]);
        // The last line gains an end: it counts as another line, as git has it.
        assert_eq!(added(b"a", b"a\n"), [1..=1]);
    }

    #[test]
    fn keeps_lines_that_are_in_both() {
        assert_eq!(common(&[1..=5, 8..=9], &[2..=3, 5..=8]), [2..=3, 5..=5, 8..=8]);
        assert_eq!(common(&[1..=5], &[]), []);
    }
}
