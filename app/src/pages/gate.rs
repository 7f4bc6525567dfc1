//! A verdict as pages show it.
//!
//! Owns the view of the gate's conditions, the base and the lists of findings, which the panels share. What was decided is read from what was kept; nothing
//! is decided here.

use crate::store::workspace::restored;
use penstock_common::gate::{Outcome, Verdict};
use penstock_common::{BaseKind, Category, Finding, Notice};

use super::refusal::sentence;
use super::visit::InRepository;
use super::words::{self, Lozenge};
use crate::review::Kept;
use crate::store::workspace::{Found, VerdictRow};

/// Most characters of a line of code in a list.
const SNIPPET_MAX: usize = 120;

/// A condition of the gate.
#[derive(Clone, Debug)]
pub(super) struct ConditionView {
    /// What it looks at.
    pub(super) what: String,
    /// What was measured.
    pub(super) value: String,
    /// What is allowed.
    pub(super) limit: String,
    /// How it came out.
    pub(super) outcome: Lozenge,
    /// Why it is not known; empty if it is.
    pub(super) reason: String,
}

/// A verdict.
#[derive(Clone, Debug)]
pub(super) struct GateView {
    /// Class of the box.
    pub(super) class: &'static str,
    /// The answer in two words.
    pub(super) lozenge: Lozenge,
    /// Why it does not pass: one sentence for each condition that blocks.
    pub(super) why: Vec<String>,
    /// All conditions, those that block first.
    pub(super) conditions: Vec<ConditionView>,
    /// With what it was compared, in a sentence.
    pub(super) base: String,
    /// What to do for a better base.
    pub(super) base_hint: String,
    /// The base's commit, short, with its address.
    pub(super) base_commit: Option<(String, String)>,
    /// What the change alters in the policy.
    pub(super) policy_changes: Vec<String>,
    /// What there is to know.
    pub(super) notices: Vec<Notice>,
    /// Tools that did not come to their end.
    pub(super) incomplete: Vec<String>,
}

impl GateView {
    /// Of what was kept.
    pub(super) fn new(at: &InRepository, kept: &Kept) -> Self {
        let verdict = kept.evaluation.verdict();
        let mut conditions: Vec<_> = kept.evaluation.conditions.iter().collect();
        conditions.sort_by_key(|one| (!one.blocks(), !words::is_warning(one) || one.outcome == Outcome::Passed));
        let view = |one: &&penstock_common::gate::Evaluated| ConditionView {
            what: words::condition(&one.name),
            value: one.value.map_or_else(|| "–".to_owned(), words::number),
            limit: words::bound(one.bound),
            outcome: words::outcome(one),
            reason: one.reason.to_string(),
        };
        let base = &kept.base;
        let base_commit = base.commit.as_ref().map(|commit| (short(commit), at.commit(commit)));
        Self {
            class: words::verdict_class(verdict),
            lozenge: words::verdict(verdict),
            why: conditions.iter().filter(|one| one.blocks()).map(|one| words::why(one)).collect(),
            conditions: conditions.iter().map(view).collect(),
            base: match base.kind {
                BaseKind::Unknown => format!("There is nothing to compare with: {}.", base.reason),
                BaseKind::NotApplicable => format!("Nothing is compared: {}.", base.reason),
                BaseKind::MergeBase => {
                    format!("Compared with where this change began: the {}.", base.reason.replace('`', ""))
                }
                _ => format!("Compared with the {}.", base.reason.replace('`', "")),
            },
            base_hint: base.hint.to_string(),
            base_commit,
            policy_changes: kept.policy_changes.iter().map(ToString::to_string).collect(),
            notices: kept.notices.clone(),
            incomplete: kept.tools.iter().filter(|tool| !tool.complete).map(|tool| tool.name.to_string()).collect(),
        }
    }
}

/// What was kept in a row; nothing if this program cannot read it, which a later one may have written.
pub(super) fn kept(row: &VerdictRow) -> Option<Kept> {
    restored(&row.body)
}

/// The answer that was kept.
pub(super) fn answer(row: &VerdictRow) -> Option<Verdict> {
    kept(row).map(|kept| kept.evaluation.verdict())
}

/// A commit as people write it.
pub(super) fn short(commit: &str) -> String {
    commit.chars().take(7).collect()
}

/// A finding in a list.
#[derive(Clone, Debug)]
pub(super) struct FindingView {
    /// Its id.
    pub(super) id: String,
    /// How bad it is.
    pub(super) severity: Lozenge,
    /// What kind of thing it is.
    pub(super) category: &'static str,
    /// What machines say.
    pub(super) state: Lozenge,
    /// What people say, if they said anything.
    pub(super) status: Option<Lozenge>,
    /// Its title.
    pub(super) title: String,
    /// One sentence for this very one.
    pub(super) message: String,
    /// Rule.
    pub(super) rule: String,
    /// Who owns its file; empty if nobody was told.
    pub(super) owner: String,
    /// Path from the root.
    pub(super) path: String,
    /// From 1; 0 if it is not known.
    pub(super) line: u32,
    /// Where that is in Bitbucket.
    pub(super) link: Option<String>,
    /// By what it can be named in a comment.
    pub(super) digits: String,
    /// Tool.
    pub(super) tool: String,
    /// Since when it is known here.
    pub(super) since: super::moment::Moment,
    /// The pull request that brought it.
    pub(super) introduced_by: Option<u64>,
    /// What to do about it.
    pub(super) remediation: String,
    /// Its line, masked, without the space at its beginning.
    pub(super) snippet: String,
    /// Whether it is a secret.
    pub(super) is_secret: bool,
    /// Whether its tool has not run for long.
    pub(super) stale: bool,
}

impl FindingView {
    /// Of a row, at a commit.
    pub(super) fn new(at: &InRepository, commit: Option<&str>, found: Found) -> Self {
        let snippet = found.shown.as_ref().map(snippet).unwrap_or_default();
        let (title, message, line, remediation) = match found.shown {
            Some(shown) => {
                let line = shown.location.start_line;
                (shown.title.into(), shown.message.into(), line, shown.remediation.unwrap_or_default().into())
            }
            None => (found.rule.clone(), String::new(), 0, String::new()),
        };
        let status = match (found.status, found.allowed) {
            (_, true) => Some(Lozenge { word: "Allowed in code", look: "information" }),
            (crate::track::Status::NeedsTriage, false) => None,
            (status, false) => Some(words::status(status)),
        };
        Self {
            id: found.finding.to_string(),
            severity: words::severity(found.severity),
            category: words::category(found.category),
            state: words::state(found.gone),
            status,
            message: beside(&title, &message),
            title,
            snippet,
            is_secret: found.category == Category::Secret,
            link: commit.and_then(|commit| at.source(commit, &found.path, line)),
            rule: found.rule,
            owner: found.owner,
            path: found.path,
            line,
            digits: found.ours.to_string().chars().take(10).collect(),
            tool: found.tool,
            since: at.moment(found.since),
            introduced_by: found.introduced_by,
            remediation,
            stale: false,
        }
    }
}

/// The line of a finding as it was told, masked.
fn snippet(finding: &Finding) -> String {
    let lines = finding.excerpt.as_ref().map(|excerpt| excerpt.lines.as_slice()).unwrap_or_default();
    let line = lines.iter().find(|line| line.number == finding.location.start_line);
    line.map(|line| line.text.trim().chars().take(SNIPPET_MAX).collect()).unwrap_or_default()
}

/// What a message says beyond the title that stands above it.
fn beside(title: &str, message: &str) -> String {
    match message.strip_prefix(title) {
        Some(rest) => {
            let rest = rest.trim_matches(|one: char| one.is_whitespace() || matches!(one, '(' | ')' | ':' | '.'));
            if rest.is_empty() { String::new() } else { sentence(rest) }
        }
        None => message.to_owned(),
    }
}

/// Findings of a file.
#[derive(Clone, Debug)]
pub(super) struct FileView {
    /// Its path.
    pub(super) path: String,
    /// What is in it.
    pub(super) findings: Vec<FindingView>,
}

/// Findings by their files, each file where its worst finding is, and in it from top to bottom.
pub(super) fn by_file(findings: Vec<FindingView>) -> Vec<FileView> {
    let mut files: Vec<FileView> = Vec::new();
    for finding in findings {
        match files.iter_mut().find(|file| file.path == finding.path) {
            Some(file) => file.findings.push(finding),
            None => files.push(FileView { path: finding.path.clone(), findings: vec![finding] }),
        }
    }
    files.iter_mut().for_each(|file| file.findings.sort_by_key(|one| one.line));
    files
}
