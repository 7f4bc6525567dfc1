//! What a gitleaks configuration adds to, or puts in the place of, our own rules.
//!
//! Owns the layer: rules that are known only when the program runs, allowlists for all rules, and `.gitleaksignore`. One file per matter:
//! `document` reads a file, `chain` merges those that extend each other, `compile` makes the layer, `search` runs its rules,
//! `apply` brings it into a scan. Texts come from outside: nothing here opens a file.

mod allowlist;
mod apply;
mod book;
mod chain;
mod compile;
mod document;
mod ignore;
mod pattern;
mod search;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use aho_corasick::AhoCorasick;
use penstock_common::Severity;
use sha2::{Digest, Sha256};

pub use book::Source;
pub use chain::{ExtendError, Open};
pub use search::Memory;

use crate::checkout::Skipped;
use crate::mistake::Mistake;
use allowlist::{Allowlist, Origin};
use book::Book;
use ignore::Ignored;
use search::Dynamic;

/// How a configuration relates to the built-in rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Found in the tree: it adds to the built-in rules and removes only those that it names in `disabledRules`.
    Add,
    /// Asked for: it holds as in gitleaks, where it replaces the built-in rules unless it says `useDefault = true`.
    Exact,
}

/// A configuration to read.
pub struct Configuration {
    /// Its text.
    pub source: Source,
    /// How it relates to the built-in rules.
    pub mode: Mode,
    /// Its own path as findings name it, if it lies in what is scanned: its rules are not looked for in itself.
    pub path: Option<Vec<u8>>,
}

/// A configuration in force.
pub struct Layer {
    rules: Vec<Dynamic>,
    /// Over all keywords of all rules; which rules each leads to stands beside.
    keywords: Option<AhoCorasick>,
    keyword_rules: Vec<Vec<usize>>,
    /// Rules without keywords.
    always: Vec<usize>,
    lists: Vec<Allowlist>,
    /// Allowlists for all rules.
    global: Vec<usize>,
    /// Allowlists for one rule, by the engine's index.
    of_rule: Vec<Vec<usize>>,
    /// Built-in rules that report nothing. They still hide what they find: it is no less a secret.
    muted: Vec<bool>,
    overrides: BTreeMap<usize, Override>,
    ignored: Ignored,
    own_path: Option<Vec<u8>>,
    notices: Vec<Skipped>,
    digest: [u8; 32],
}

/// What a configuration says anew about a built-in rule.
struct Override {
    title: Option<String>,
    /// A finding's entropy must be greater.
    entropy: Option<f64>,
    severity: Option<Severity>,
}

/// Reads a configuration and lists of findings to ignore. `open` hands out the files that it extends.
pub fn read(configuration: Option<Configuration>, ignores: &[Source], open: Open<'_>) -> Result<Layer, Vec<Mistake>> {
    let mut book = Book::default();
    let mut layer = Layer::empty();
    if let Some(Configuration { source, mode, path }) = configuration {
        let merged = chain::read(&mut book, source, open);
        layer = compile::compile(&mut book, &merged, mode);
        layer.own_path = path;
    }
    if !book.mistakes.is_empty() {
        return Err(book.mistakes);
    }
    let mut digest = Sha256::new();
    for source in book.sources.iter().chain(ignores) {
        digest.update((source.text.len() as u64).to_le_bytes());
        digest.update(&source.text);
    }
    layer.digest = digest.finalize().into();
    layer.notices = book.notices;
    for source in ignores {
        layer.ignored.read(source, &mut layer.notices);
    }
    Ok(layer)
}

impl Layer {
    fn empty() -> Self {
        Self {
            rules: Vec::new(),
            keywords: None,
            keyword_rules: Vec::new(),
            always: Vec::new(),
            lists: Vec::new(),
            global: Vec::new(),
            of_rule: Vec::new(),
            muted: Vec::new(),
            overrides: BTreeMap::new(),
            ignored: Ignored::default(),
            own_path: None,
            notices: Vec::new(),
            digest: [0; 32],
        }
    }

    /// Whether an allowlist for all rules leaves out a whole file or commit.
    pub fn covers(&self, path: &[u8], commit: Option<&str>) -> bool {
        let origin = Origin { path: Some(path), commit };
        self.global.iter().any(|list| self.lists[*list].covers(origin))
    }

    /// Whether a built-in rule reports nothing.
    pub fn is_muted(&self, rule: usize) -> bool {
        self.muted.get(rule).copied().unwrap_or(false)
    }

    /// What was passed over in the configuration.
    pub fn notices(&self) -> &[Skipped] {
        &self.notices
    }

    /// Stands for the texts of all files in force.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The place of an entry of `.gitleaksignore` for a finding that touches these lines.
    pub(super) fn ignored(
        &self,
        path: &[u8],
        commit: Option<&str>,
        lines: &RangeInclusive<u32>,
        named: &dyn Fn(&str) -> bool,
    ) -> Option<&str> {
        if self.ignored.is_empty() { None } else { self.ignored.find(path, commit, lines, named) }
    }

    /// The description of an allowlist.
    pub(super) fn description(&self, list: usize) -> &str {
        self.lists.get(list).map_or("", |list| &list.description)
    }
}
