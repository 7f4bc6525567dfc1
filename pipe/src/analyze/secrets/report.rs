//! From candidates to findings: their locations, fingerprints, suppressions and messages.
//!
//! Owns all text about a secret. Text around a secret comes from `page`, which masks it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use penstock_common::compare::Part;
use penstock_common::fingerprint::{FingerprintInput, fold_whitespace};
use penstock_common::redact::{DOTS, escape_control};
use penstock_common::{
    Category, CommitInfo, Confidence, Finding, Fingerprints, Location, Masked, Notice, Reference, Secret, Suppression,
    SuppressionKind, masked,
};

use super::allow::{Answer, Comments};
use super::candidate::Candidate;
use super::file_kind::FileKind;
use super::page::Page;
use super::places::Places;
use super::view::RuleView;
use super::{Engine, Scanner, pairs, rule};
use crate::checkout::content::{self, Content};
use crate::checkout::{self, Item, Skipped, path};
use crate::mistake::nearest;

/// Bytes of a value that are kept to hide it elsewhere.
const VALUE_BYTES: usize = 1024;
/// Findings of one file beyond this many are counted, not listed.
const FINDINGS_PER_FILE: usize = 2000;
/// Maximum number of comments with an unknown rule that one thread reports, and of characters shown
/// of an id.
const UNKNOWN_RULES: usize = 100;
const ID_SHOWN: usize = 60;

/// A finding and the identity of its values, which never leaves the process.
#[derive(Clone, Debug)]
pub struct Found {
    /// What may be told.
    pub finding: Finding,
    /// Equal for equal values within this process. Of a secret of two halves it covers both.
    pub identity: u128,
    /// The values one by one: one, or the halves of a pair.
    pub parts: Vec<Part>,
    /// The values as text, so that they can be hidden where another tool repeats them; the
    /// beginning of a long one. Never shown.
    pub values: Vec<Secret>,
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
    /// Comments that name rules which do not exist.
    pub unknown_rules: Vec<Notice>,
}

impl Reporter {
    /// A reporter for findings of at least this confidence.
    pub fn new(minimum: Confidence) -> Self {
        Self {
            minimum,
            found: Vec::new(),
            omitted: Vec::new(),
            below_minimum: 0,
            notices: Vec::new(),
            unknown_rules: Vec::new(),
        }
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

    /// Reports what was not searched for in all of a file: keywords beyond its byte budget, rules
    /// of the configuration.
    fn notices_of(&mut self, scanner: &mut Scanner<'_>, item: &Item<'_>) {
        let passed_over = std::mem::take(&mut scanner.passed_over);
        if passed_over > 0 {
            let subject = path::display(item.path);
            let reason = format!("signs of secrets follow each other too closely: {passed_over} of them not looked at");
            self.notices.push(Skipped { subject, reason, by_limit: true });
        }
        let mut cut = std::mem::take(&mut scanner.memory.cut);
        if cut.is_empty() {
            return;
        }
        cut.sort_unstable();
        cut.dedup();
        let subject = path::display(item.path);
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
        let file = File {
            item,
            text,
            page: &page,
            path: Masked::new(scanner, &path::display(item.path)),
            commit: item.commit.map(|commit| redact_commit(scanner, commit)),
            // Show no line of a text that was not searched completely: it may contain unknown
            // secrets.
            shown: shown && scanner.passed_over == 0,
        };
        let engine = scanner.engine;
        let mut places = Places::new(text);
        let reported = candidates.iter().filter(|candidate| candidate.reported);
        let halves: Vec<Half<'_>> = reported
            .map(|candidate| {
                let location = places.locate(&file.path, candidate.secret.clone());
                Half { candidate, rule: engine.rule(candidate.rule), location }
            })
            .collect();
        let mut ordinals = Ordinals::default();
        // Of the halves up to the last one that is listed: a line may have hundreds of thousands
        // more.
        let mut alone: Vec<Option<(String, u32)>> = Vec::new();
        let lined: Vec<pairs::Lined<'_>> =
            halves.iter().map(|half| (half.candidate, half.location.start_line)).collect();
        let mut comments = Comments::read(text, item.path, &engine.allow, candidates, &page);
        self.name_unknown_rules(scanner, text, &file.path, &comments);
        let mut listed = 0;
        for joined in pairs::join(&lined) {
            let first = &halves[joined.first];
            let second = joined.second.map(|second| &halves[second]);
            let parts: Vec<&Half<'_>> = [Some(first), second].into_iter().flatten().collect();
            if parts.iter().all(|half| half.candidate.confidence < self.minimum) {
                continue;
            }
            // Check this before lines: which finding a comment allows must not depend on what a
            // change touches.
            let is_listed = parts.iter().all(|half| half.candidate.allowed_by.is_some());
            let about: Vec<_> = parts.iter().map(|half| (half.candidate.secret.clone(), &half.rule)).collect();
            let answer = if is_listed { None } else { comments.answer(&about) };
            if !parts.iter().any(|half| half.counts(item)) {
                continue;
            }
            if listed == FINDINGS_PER_FILE {
                match self.omitted.last_mut() {
                    Some((path, count)) if file.path == *path => *count += 1,
                    _ => self.omitted.push((file.path.to_string(), 1)),
                }
                continue;
            }
            listed += 1;
            for half in halves.iter().take(joined.first + 1).skip(alone.len()) {
                let counts = half.candidate.confidence >= self.minimum && half.counts(item);
                alone.push(counts.then(|| ordinals.of_half(half, &page)));
            }
            let fingerprints = match (second, &alone[joined.first]) {
                (None, Some((context, ordinal))) => first.rule.fingerprints(&file.path, context, *ordinal),
                _ => pair_fingerprints(&parts, &file, &mut ordinals),
            };
            self.found.push(Found {
                finding: file.finding(scanner, first, second, answer, fingerprints),
                identity: engine.joint_identity(parts.iter().map(|half| half.candidate.identity)),
                parts: parts.iter().map(|half| half.part()).collect(),
                values: parts.iter().map(|half| half.value(text)).collect(),
                file: item.path.to_vec(),
            });
        }
    }
}

/// A scanned text, as its findings show it.
struct File<'r> {
    item: &'r Item<'r>,
    text: &'r [u8],
    page: &'r Page<'r>,
    path: Masked,
    commit: Option<CommitInfo>,
    /// Whether lines of it are shown.
    shown: bool,
}

impl File<'_> {
    /// The finding of a secret, or of the two halves of one.
    fn finding(
        &self,
        scanner: &mut Scanner<'_>,
        first: &Half<'_>,
        second: Option<&Half<'_>>,
        answer: Option<Answer>,
        fingerprints: Fingerprints,
    ) -> Finding {
        let built_in = rule::builtin().get(first.candidate.rule);
        // The words of a configuration may be anything.
        let rule = built_in.map_or_else(|| Masked::new(scanner, first.rule.id), |rule| rule.id.into());
        let title = match (built_in, &scanner.engine.layer) {
            (Some(rule), None) => rule.title.into(),
            _ => Masked::new(scanner, &escape_control(first.rule.title)),
        };
        let described = if second.is_some() { masked![title, ", with its secret"] } else { title.clone() };
        let mut message = message(described, first.candidate, &self.path);
        if answer == Some(Answer::NoReason) {
            message = masked![
                message,
                "; the comment that would allow it gives no reason, and `allow.require-reason` requires one"
            ];
        }
        let is_file = first.is_file();
        let parts = || std::iter::once(first).chain(second);
        // The more severe half gives the severity and the remedy; the first one if they are equal.
        let worse = second.filter(|second| second.rule.severity > first.rule.severity).unwrap_or(first);
        let mut references: Vec<Reference> = Vec::new();
        for url in parts().flat_map(|half| half.rule.references) {
            let reference = Reference::Url((*url).into());
            if !references.contains(&reference) {
                references.push(reference);
            }
        }
        Finding {
            category: Category::Secret,
            rule,
            title,
            severity: worse.rule.severity,
            confidence: second.map_or(first.candidate.confidence, |second| {
                first.candidate.confidence.max(second.candidate.confidence)
            }),
            message,
            excerpt: (self.shown && !is_file)
                .then(|| self.page.excerpt(first.candidate.secret.clone(), &first.location)),
            location: first.location.clone(),
            masked: (!is_file).then(|| first.rule.mask.into()),
            validity: first.candidate.validity,
            related: second.map(|second| second.location.clone()).into_iter().collect(),
            group: None,
            decoded_from: first.candidate.encoding.map(Masked::from),
            commit: self.commit.clone(),
            references,
            remediation: worse.rule.revoke.map(Masked::from),
            change: None,
            fingerprints,
            suppression: self.suppression(scanner, parts(), answer),
            owners: Vec::new(),
        }
    }

    /// Why a finding does not count: a comment, or else a configuration.
    fn suppression<'h>(
        &self,
        scanner: &mut Scanner<'_>,
        mut parts: impl Iterator<Item = &'h Half<'h>>,
        answer: Option<Answer>,
    ) -> Option<Suppression> {
        let (kind, reason) = match answer {
            Some(Answer::Allowed(reason)) => (SuppressionKind::Inline, reason),
            _ => parts.find_map(|half| self.configured(scanner.engine, half))?,
        };
        Some(Suppression { kind, reason: Masked::new(scanner, &escape_control(&reason)) })
    }

    /// What a configuration says against a finding: an allowlist, or an entry of `.gitleaksignore`.
    fn configured(&self, engine: &Engine, half: &Half<'_>) -> Option<(SuppressionKind, String)> {
        let Half { candidate, rule, location, .. } = half;
        let layer = engine.layer.as_deref()?;
        if let Some(list) = candidate.allowed_by {
            let reason = layer.description(list).to_owned();
            return Some((SuppressionKind::GitleaksAllowlist, reason));
        }
        // gitleaks names the line where the match begins, which may be above the secret.
        let above = candidate.match_start.filter(|start| *start < candidate.secret.start);
        let above =
            above.map_or(0, |start| memchr::memchr_iter(b'\n', &self.text[start..candidate.secret.start]).count());
        let first = location.start_line.saturating_sub(u32::try_from(above).unwrap_or(u32::MAX));
        let commit = self.item.commit.map(|commit| commit.id.as_str());
        let entry = layer.ignored(self.item.path, commit, &(first..=location.end_line), &|id| rule.is_named(id))?;
        Some((SuppressionKind::GitleaksIgnore, entry.to_owned()))
    }
}

impl Reporter {
    /// Reports comments that name unknown rules: such a comment allows less than its author
    /// expects.
    fn name_unknown_rules(&mut self, scanner: &mut Scanner<'_>, text: &[u8], path: &Masked, comments: &Comments<'_>) {
        let mut places = Places::new(text);
        let mut known = BTreeSet::new();
        for (mark, id) in comments.named() {
            if self.unknown_rules.len() >= UNKNOWN_RULES || scanner.engine.has_rule(id) || !known.insert((mark, id)) {
                continue;
            }
            let line = places.locate(path, *mark..*mark).start_line;
            let shown: String = Masked::new(scanner, &escape_control(id)).chars().take(ID_SHOWN).collect();
            // Longer than any id, and comparing it with each of them takes time.
            let near = Some(id).filter(|id| id.len() <= ID_SHOWN);
            let near = near.and_then(|id| nearest(id, rule::builtin().iter().map(|rule| rule.id)));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let text = format!("a comment allows `{shown}`, and there is no such rule{hint}");
            self.unknown_rules.push(Notice { subject: masked![path, ":", line], text: Masked::new(scanner, &text) });
        }
    }
}

/// A candidate that is a secret of its own or half of one.
struct Half<'c> {
    candidate: &'c Candidate,
    rule: RuleView<'c>,
    location: Location,
}

impl Half<'_> {
    /// A file that is reported for its path has no line.
    fn is_file(&self) -> bool {
        self.candidate.secret.is_empty()
    }

    /// Whether it is on one of the lines that count.
    fn counts(&self, item: &Item<'_>) -> bool {
        let Location { start_line, end_line, .. } = self.location;
        let touches = |range: &RangeInclusive<u32>| *range.start() <= end_line && start_line <= *range.end();
        self.is_file() || item.lines.is_none_or(|lines| lines.iter().any(touches))
    }

    /// The masked surroundings that enter its fingerprint.
    fn context(&self, page: &Page<'_>) -> String {
        if self.is_file() { String::new() } else { fold_whitespace(&page.context(self.candidate.secret.clone())) }
    }

    fn part(&self) -> Part {
        let whole = rule::builtin().get(self.candidate.rule).and_then(|own| own.part_of);
        let kind = whole.map_or(self.rule.id, |whole| rule::builtin()[whole].id);
        Part { kind: kind.to_owned(), location: self.location.clone(), value: self.candidate.identity }
    }

    fn value(&self, text: &[u8]) -> Secret {
        let value = &text[self.candidate.secret.clone()];
        Secret::new(String::from_utf8_lossy(&value[..value.len().min(VALUE_BYTES)]))
    }
}

/// How many findings of the same rules have the same surroundings: counts them, in text order.
#[derive(Default)]
struct Ordinals(HashMap<(Vec<usize>, Vec<String>), u32>);

impl Ordinals {
    fn next(&mut self, rules: Vec<usize>, contexts: Vec<String>) -> u32 {
        let count = self.0.entry((rules, contexts)).or_default();
        *count += 1;
        *count - 1
    }

    /// The context of a half that may be a finding by itself, with its ordinal.
    fn of_half(&mut self, half: &Half<'_>, page: &Page<'_>) -> (String, u32) {
        let context = half.context(page);
        let ordinal = self.next(vec![half.candidate.rule], vec![context.clone()]);
        (context, ordinal)
    }
}

/// The fingerprints of a pair are made from both halves, so that accepting an id alone does not
/// accept its secret. They do not depend on the lines between the halves.
fn pair_fingerprints(parts: &[&Half<'_>], file: &File<'_>, ordinals: &mut Ordinals) -> Fingerprints {
    let contexts: Vec<String> = parts.iter().map(|half| half.context(file.page)).collect();
    let context = contexts.join("\n");
    FingerprintInput {
        category: Category::Secret.name(),
        tool: "penstock",
        // No id of a rule has a `+`.
        rule: &format!("{}+secret", parts[0].rule.id),
        path: &file.path,
        context: &context,
        // Which rule recognises a second half may depend on whether the first comes before it.
        ordinal: ordinals.next(vec![parts[0].candidate.rule, usize::MAX], contexts),
    }
    .fingerprints()
}

fn message(title: Masked, candidate: &Candidate, shown_path: &Masked) -> Masked {
    if candidate.secret.is_empty() {
        return masked!["file detected: ", shown_path];
    }
    let mut message = title;
    if let Some(validity) = candidate.validity {
        message = masked![message, " (", validity.label(), ")"];
    }
    if let Some(encoding) = candidate.encoding {
        message = masked![message, ", ", encoding];
    }
    message
}

/// Whether a value is the masked form that some rule shows.
fn is_mask(value: &[u8]) -> bool {
    static MASKS: LazyLock<HashSet<String>> =
        LazyLock::new(|| rule::builtin().iter().map(|rule| rule.mask().to_string()).collect());
    value.ends_with(DOTS.as_bytes()) && str::from_utf8(value).is_ok_and(|value| MASKS.contains(value))
}

/// The ranges to hide in a text; none if it could not be searched completely and must be hidden as
/// a whole.
fn covered(scanner: &mut Scanner<'_>, text: &str) -> Option<Vec<Candidate>> {
    scanner.memory.begin(text.len());
    let before = std::mem::take(&mut scanner.passed_over);
    let found = scanner.pass(b"", text.as_bytes(), FileKind::Text, false);
    let passed_over = std::mem::replace(&mut scanner.passed_over, before);
    (passed_over == 0).then_some(found)
}

/// `text` with every candidate masked, whatever its confidence. If the text could not be searched
/// completely, all of it is hidden.
pub fn redact_text(scanner: &mut Scanner<'_>, text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let Some(mut sorted) = covered(scanner, text) else { return DOTS.to_owned() };
    // Text that is already masked stays as it is.
    sorted.retain(|candidate| !is_mask(&text.as_bytes()[candidate.secret.clone()]));
    super::candidate::settle(&mut sorted);
    let page = Page::new(scanner.engine, text.as_bytes(), &sorted);
    // Only secrets are changed: escaping is up to the caller.
    if page.hides_nothing() { text.to_owned() } else { page.masked(0..text.len(), None).0 }
}

/// The lines of `text`, each with everything masked that the engine takes for a secret in the whole of it. What goes over several lines is masked in
/// each of them.
pub fn redact_lines(scanner: &mut Scanner<'_>, text: &str) -> Vec<String> {
    let Some(mut sorted) = covered(scanner, text) else { return text.lines().map(|_| DOTS.to_owned()).collect() };
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

fn redact_commit(scanner: &mut Scanner<'_>, commit: &Arc<checkout::CommitInfo>) -> CommitInfo {
    let mut clean = |text: &str| Masked::new(scanner, &escape_control(text));
    CommitInfo {
        id: commit.id.clone(),
        author: clean(&commit.author),
        email: clean(&commit.email),
        date: commit.date.clone(),
        subject: clean(&commit.subject),
    }
}
