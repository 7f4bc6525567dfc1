//! Allowlists, compiled.
//!
//! Owns what an allowlist matches, alone: which rules it holds for is not its matter, nor what becomes of a finding that it allows.

use aho_corasick::AhoCorasick;
use regex_automata::meta::Regex;

use super::document::RegexTarget;

/// One allowlist.
pub(super) struct Allowlist {
    /// In the words of its author; empty if there are none.
    pub(super) description: String,
    /// Each kind of criterion that is present must match, not one of them.
    pub(super) all: bool,
    /// In lower case.
    pub(super) commits: Vec<String>,
    pub(super) paths: Vec<Regex>,
    pub(super) target: RegexTarget,
    pub(super) regexes: Vec<Regex>,
    pub(super) stopwords: Option<AhoCorasick>,
}

/// What an allowlist is asked about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'t> {
    pub(super) origin: Origin<'t>,
    pub(super) secret: &'t [u8],
    pub(super) whole: &'t [u8],
    pub(super) line: &'t [u8],
}

/// Where a text comes from, as far as that is known. What is not known matches nothing.
#[derive(Clone, Copy, Default)]
pub(super) struct Origin<'t> {
    pub(super) path: Option<&'t [u8]>,
    pub(super) commit: Option<&'t str>,
}

impl Allowlist {
    /// Whether it allows a finding.
    pub(super) fn allows(&self, subject: &Subject<'_>) -> bool {
        let target = match self.target {
            RegexTarget::Secret => subject.secret,
            RegexTarget::Match => subject.whole,
            RegexTarget::Line => subject.line,
        };
        self.decide([
            self.commit(subject.origin),
            self.path(subject.origin),
            (!self.regexes.is_empty()).then(|| self.regexes.iter().any(|regex| regex.is_match(target))),
            self.stopwords.as_ref().map(|words| words.is_match(subject.secret)),
        ])
    }

    /// Whether it allows everything of a commit or a file, whatever stands there.
    pub(super) fn covers(&self, origin: Origin<'_>) -> bool {
        if self.all && (!self.regexes.is_empty() || self.stopwords.is_some()) {
            return false;
        }
        self.decide([self.commit(origin), self.path(origin), None, None])
    }

    fn commit(&self, origin: Origin<'_>) -> Option<bool> {
        let is_listed = |id: &str| self.commits.iter().any(|commit| commit.eq_ignore_ascii_case(id));
        (!self.commits.is_empty()).then(|| origin.commit.is_some_and(is_listed))
    }

    fn path(&self, origin: Origin<'_>) -> Option<bool> {
        let is_listed = |path: &[u8]| self.paths.iter().any(|regex| regex.is_match(path));
        (!self.paths.is_empty()).then(|| origin.path.is_some_and(is_listed))
    }

    /// Criteria that are not there do not count.
    fn decide(&self, criteria: [Option<bool>; 4]) -> bool {
        let mut present = criteria.into_iter().flatten();
        if self.all {
            present.all(|matched| matched) && criteria.iter().any(Option::is_some)
        } else {
            present.any(|matched| matched)
        }
    }
}
