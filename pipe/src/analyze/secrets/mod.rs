//! Secrets: known kinds by their form, unknown ones by name and value.
//!
//! Owns the engine. One pass over the bytes finds keywords (`keywords`); each leads to a rule or a detector that looks at a few hundred bytes
//! around it (`detect`); what overlaps is settled (`candidate`); what is left becomes findings (`report`). Never asks the network, never
//! reads a file, never prints.

pub mod allow;
mod assignment;
mod boundary;
mod candidate;
mod detect;
mod effort;
mod extent;
mod file_kind;
pub mod gitleaks;
mod judge;
mod keywords;
mod lead;
mod mask;
mod names;
mod page;
mod pairs;
mod patterns;
mod places;
mod report;
pub mod rule;
mod simd;
mod validate;
mod view;

use std::ops::Range;
use std::sync::Arc;

use penstock_common::Confidence;
use siphasher::sip128::SipHasher13;

pub use candidate::Candidate;
#[cfg(test)]
pub(crate) use mask::verbatim;
pub use mask::{BuiltIn, mask};
pub use report::{Found, Reporter, redact_lines, redact_text};

use detect::Known;
use effort::Effort;
use extent::Notation;
use file_kind::FileKind;
use keywords::{Action, Finder, Hit};
use patterns::{Caches, Patterns};

use crate::checkout::CommitInfo;

/// More keys, salts and nonces than this in one text are test vectors.
const VECTORS: usize = 8;

/// The rules in force, shared by all threads.
pub struct Engine {
    patterns: Patterns,
    enabled: Vec<bool>,
    known: Known,
    key: (u64, u64),
    now: i64,
    /// What a gitleaks configuration adds.
    layer: Option<Arc<gitleaks::Layer>>,
    /// Which comments count.
    allow: allow::Allow,
}

impl Engine {
    /// An engine with those built-in rules for which `enabled` holds, by index. `now` (unix seconds) decides what has expired. `key` makes the identities of
    /// values; it must be random and is forgotten with the engine.
    pub fn new(key: [u8; 16], now: i64, enabled: &[bool]) -> Self {
        let rules = rule::builtin();
        let (low, high) = key.split_at(8);
        let word = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte));
        Self {
            patterns: Patterns::new(rules.len()),
            enabled: (0..rules.len()).map(|index| enabled.get(index).copied().unwrap_or(true)).collect(),
            known: Known::find(),
            key: (word(low), word(high)),
            now,
            layer: None,
            allow: allow::Allow::default(),
        }
    }

    /// The same engine under a gitleaks configuration.
    pub fn with_layer(self, layer: Option<Arc<gitleaks::Layer>>) -> Self {
        Self { layer, ..self }
    }

    /// The same engine where other comments count.
    pub fn with_allow(self, allow: allow::Allow) -> Self {
        Self { allow, ..self }
    }

    /// Whether an id names a rule, built in or of a configuration.
    fn has_rule(&self, id: &str) -> bool {
        rule::find(id).is_some() || self.layer.as_ref().is_some_and(|layer| layer.has_rule(id))
    }

    /// A scanner for one thread.
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner {
            engine: self,
            caches: Caches::new(rule::builtin().len()),
            finder: Box::default(),
            spare: Vec::new(),
            candidates: Vec::new(),
            memory: gitleaks::Memory::default(),
            visited: 0,
            passed_over: 0,
            decoded: 0,
            commit: None,
        }
    }

    fn identity(&self, value: &[u8]) -> u128 {
        SipHasher13::new_with_keys(self.key.0, self.key.1).hash(value).as_u128()
    }

    /// The identity of a secret with these parts; with one part it is that part's identity.
    fn joint_identity(&self, parts: impl Iterator<Item = u128>) -> u128 {
        let parts: Vec<[u8; 16]> = parts.map(u128::to_le_bytes).collect();
        match parts.as_slice() {
            [only] => u128::from_le_bytes(*only),
            parts => self.identity(parts.as_flattened()),
        }
    }
}

/// One thread's way through texts, with its working memory.
pub struct Scanner<'e> {
    engine: &'e Engine,
    caches: Caches,
    finder: Box<Finder>,
    spare: Vec<Vec<Hit>>,
    candidates: Vec<Candidate>,
    memory: gitleaks::Memory,
    /// Bytes read in the last text, and keywords skipped because its budget was used up.
    visited: u64,
    passed_over: u64,
    /// Bytes read in decoded text that are not in any budget yet.
    decoded: u64,
    /// The commit that brought what is scanned, if it is known.
    commit: Option<Arc<CommitInfo>>,
}

/// One text on its way through the detectors.
struct Pass<'s, 'e, 't> {
    scanner: &'s mut Scanner<'e>,
    text: &'t [u8],
    kind: FileKind,
    notation: Notation,
    path: &'t [u8],
    /// Of decoded text: no further decoding.
    nested: bool,
    found: Vec<Candidate>,
    /// The assignment read last, so that the keywords within one name read it once.
    assignment: Option<detect::assigned::Reading>,
    /// Vendors named lately, newest last.
    vendors: Vec<(u16, usize)>,
    /// Where vendors' marks stand whose forms did not hold.
    malformed: Vec<usize>,
    /// Escaped text is decoded up to here.
    unescaped: usize,
    /// Manifests are read up to here.
    manifests: usize,
    effort: Effort,
    /// Which string the last name was in.
    strings: detect::surroundings::Strings,
}

impl Scanner<'_> {
    /// Every candidate in `text`, sorted by place. `path` says what kind of file it is; without one nothing is left out for its file's sake.
    pub fn scan(&mut self, path: Option<&[u8]>, text: &[u8]) -> &[Candidate] {
        let path = path.unwrap_or(b"");
        self.scan_as(path, text, file_kind::of(path))
    }

    /// The same for bytes that are no text: only what a vendor's mark or a key's armour proves.
    pub fn scan_binary(&mut self, path: &[u8], bytes: &[u8]) -> &[Candidate] {
        self.scan_as(path, bytes, FileKind::Binary)
    }

    fn scan_as(&mut self, path: &[u8], text: &[u8], kind: FileKind) -> &[Candidate] {
        self.memory.begin(text.len());
        self.memory.cut.clear();
        (self.visited, self.passed_over) = (0, 0);
        let mut found = self.pass(path, text, kind, false);
        self.consult_path(path, text, &mut found);
        candidate::settle(&mut found);
        self.candidates = found;
        &self.candidates
    }

    fn pass(&mut self, path: &[u8], text: &[u8], kind: FileKind, nested: bool) -> Vec<Candidate> {
        let mut hits = self.spare.pop().unwrap_or_default();
        keywords::find(text, &mut self.finder, &mut hits);
        let mut pass = Pass {
            scanner: self,
            text,
            kind,
            notation: Notation::of(path),
            path,
            nested,
            found: Vec::new(),
            assignment: None,
            vendors: Vec::new(),
            malformed: Vec::new(),
            unescaped: 0,
            manifests: 0,
            effort: if nested { Effort::of_decoded(text.len()) } else { Effort::of_text() },
            strings: detect::surroundings::Strings::default(),
        };
        for &hit in &hits {
            pass.visit(hit);
        }
        match kind {
            FileKind::Binary => pass.key_store(),
            FileKind::Code | FileKind::Text if !nested => pass.decode_runs(),
            _ => {}
        }
        pass.second_thoughts();
        let Pass { mut found, effort, .. } = pass;
        let visited = effort.visited(text.len());
        // Reading decoded text counts against the budget of the text that contains it.
        if nested {
            self.decoded += visited;
        } else {
            self.visited += visited;
        }
        self.passed_over += effort.passed_over;
        self.spare.push(hits);
        self.consult(path, text, kind != FileKind::Binary, &mut found);
        found
    }
}

impl Pass<'_, '_, '_> {
    fn visit(&mut self, hit: Hit) {
        if self.effort.is_used_up(hit.end) {
            return;
        }
        for &action in hit.actions() {
            match action {
                _ if self.kind == FileKind::Binary && !matches!(action, Action::Token(_) | Action::Window(_)) => {}
                Action::Token(rule) => self.token(hit, usize::from(rule)),
                Action::Window(rule) => self.window(hit, usize::from(rule)),
                Action::Vendor(rule) => self.vendor(hit, rule),
                Action::Name => self.name(hit),
                Action::Url => self.url(hit),
                Action::Scheme => self.scheme(hit),
                Action::Phrase => self.phrase(hit),
                Action::Call => self.call(hit),
                Action::Escape => self.escape(hit),
            }
        }
    }

    /// Lowers what only the whole text shows to be none: values that begin with a vendor's mark and are not that vendor's, and rows of test vectors.
    fn second_thoughts(&mut self) {
        let key_material = self.scanner.engine.known.key_material;
        self.malformed.sort_unstable();
        let vectors = self.found.iter().filter(|c| c.rule == key_material && c.reported).count() > VECTORS;
        for candidate in &mut self.found {
            let generic = candidate.origin.0 <= detect::rank::SYNTAX;
            if generic && self.malformed.binary_search(&candidate.secret.start).is_ok()
                || vectors && candidate.rule == key_material
            {
                candidate.confidence = Confidence::Low;
            }
        }
    }

    /// Takes up a candidate whose value stands in the text as it is. `origin` is its rank and how prominent the vendor is.
    fn add(&mut self, rule: usize, secret: Range<usize>, confidence: Confidence, reported: bool, origin: (u8, usize)) {
        self.add_within(rule, secret.clone(), secret, confidence, reported, origin);
    }

    /// The same for a value with a longer reading: `hidden` is the longest one.
    fn add_within(
        &mut self,
        rule: usize,
        secret: Range<usize>,
        hidden: Range<usize>,
        confidence: Confidence,
        reported: bool,
        origin: (u8, usize),
    ) {
        let hidden = hidden.start.min(secret.start)..hidden.end.max(secret.end);
        let engine = self.scanner.engine;
        let (confidence, validity) =
            validate::check(&rule::builtin()[rule], &self.text[secret.clone()], confidence, engine.now);
        self.found.push(Candidate {
            rule,
            identity: engine.identity(&self.text[hidden.clone()]),
            secret,
            hidden,
            confidence,
            validity,
            // What a rule that is not in force finds is no finding, but no output may show it either.
            reported: reported && engine.enabled[rule],
            encoding: None,
            match_start: None,
            allowed_by: None,
            origin,
        });
    }
}
