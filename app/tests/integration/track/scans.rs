//! Random runs over a small world of code, so that likes are frequent.

use crate::program::world::verbatim;
use std::collections::BTreeSet;

use penstock_app::track::{Print, Run, RunId, Scope, ToolRun};
use proptest::prelude::*;

use super::world::{commit, moved};

/// One run.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    /// Number of the commit, or how far it is behind the head.
    pub commit: u32,
    pub at: i64,
    pub nightly: bool,
    pub configuration: u8,
    pub parts: Vec<Part>,
}

/// What one tool did.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub tool: &'static str,
    pub scope: &'static str,
    pub complete: bool,
    /// Numbers of what it saw.
    pub codes: BTreeSet<u8>,
    pub line: u32,
}

pub(super) const CODES: u8 = 6;

fn part() -> impl Strategy<Value = Part> {
    let tool = prop::sample::select(vec!["lint", "audit"]);
    let scope = prop::sample::select(vec!["tree .", "tree .", "tree lib", "tree src", "history", "range a..b"]);
    let codes = prop::collection::btree_set(0..CODES, 0..usize::from(CODES));
    (tool, scope, prop::bool::weighted(0.7), codes, 1_u32..3).prop_map(|(tool, scope, complete, codes, line)| Part {
        tool,
        scope,
        complete,
        codes,
        line,
    })
}

pub(super) fn scan(commits: std::ops::Range<u32>) -> impl Strategy<Value = Scan> {
    (commits, 0_i64..3, prop::bool::weighted(0.2), 0_u8..2, prop::collection::vec(part(), 1..3))
        .prop_map(|(commit, at, nightly, configuration, parts)| Scan { commit, at, nightly, configuration, parts })
}

/// The words of a code as a tool sees it.
pub(super) fn words(tool: &str, code: u8) -> String {
    let folder = ["lib", "src"][usize::from(code % 2)];
    format!("{tool}-{} {folder}/{code}.rs {code}", code % 3)
}

/// The same, but each context stands in several files: whether one of them was renamed is not to be told.
pub(super) fn words_alike(tool: &str, code: u8) -> String {
    let folder = ["lib", "src"][usize::from(code % 2)];
    format!("{tool} {folder}/{code}.rs {}", code / 3)
}

impl Scan {
    pub(super) fn name(&self) -> &'static str {
        if self.nightly { "nightly" } else { "penstock" }
    }

    /// With nothing of the past, and one `NAME`.
    pub(super) fn of_files(mut self) -> Self {
        self.nightly = false;
        for part in &mut self.parts {
            part.scope = if part.scope.starts_with("tree") { part.scope } else { "tree ." };
        }
        self
    }

    pub(super) fn run(&self, id: u128, branch: &str) -> Run {
        self.run_with(id, branch, words)
    }

    /// The same in other words.
    pub(super) fn run_with(&self, id: u128, branch: &str, words: fn(&str, u8) -> String) -> Run {
        let tool = |part: &Part| ToolRun {
            tool: verbatim(part.tool),
            configuration: Print(self.configuration.into()),
            scope: Scope::of_words(part.scope),
            complete: part.complete,
            sightings: part.codes.iter().map(|code| moved(&words(part.tool, *code), part.line)).collect(),
        };
        Run {
            id: RunId(id),
            commit: commit(self.commit),
            at: self.at,
            name: verbatim(self.name()),
            branch: Some(verbatim(branch)),
            pull_request: None,
            tools: self.parts.iter().map(tool).collect(),
        }
    }
}
