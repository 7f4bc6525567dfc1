//! The one comment on a pull request.
//!
//! Owns its words, its order and its length, and whether it is worth posting. Text of the repository comes out as text: see `markdown`. What the
//! comment shows is the state of one commit, which it names.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::annotation::{Ids, allowed, is_file, place, text_of};
use super::markdown::{escape, escape_cut};
use super::report::{base, severities};
use super::verdict::{self, Standing, result, value};
use super::{Context, Counted, short};
use crate::gate::Evaluated;
use crate::measure::is_allowed_by_change;
use crate::{Change, Finding, Masked, Run};

/// Most bytes of a comment. The server's limit is not documented.
pub const COMMENT_MAX: usize = 30_000;
/// Where each part ends at the latest, in bytes, so that what follows finds room: the table of conditions, what the change allows, what is
/// new, what leaked, the changes to the policy.
const ENDS: [usize; 5] = [6_000, 10_000, 18_000, 22_000, 24_000];
/// Most new findings that are listed.
const NEW_MAX: usize = 20;
/// Most entries of every other list.
const ENTRIES_MAX: usize = 10;
/// Most conditions that are shown.
const CONDITIONS_MAX: usize = 30;
/// Most characters of one text in a list.
const TEXT_MAX: usize = 200;

/// A comment on a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The line by which it is found again. It stands in [`Comment::body`] once.
    pub marker: String,
    /// Markdown.
    pub body: String,
    /// Whether there is anything to say to somebody who has heard nothing before.
    pub has_news: bool,
}

/// What has to be done so that the comment stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is nothing to say, and nothing was said before.
    StaySilent,
    /// Post it.
    Create,
    /// Replace what was posted before.
    Update,
    /// It stands there word by word.
    Keep,
}

impl Comment {
    /// What has to be done where `posted` is the body of what was posted before, if anything was. What was said once is corrected also when
    /// there is nothing left to say.
    pub fn step(&self, posted: Option<&str>) -> Step {
        match posted {
            None if self.has_news => Step::Create,
            None => Step::StaySilent,
            Some(posted) if posted.trim() == self.body.trim() => Step::Keep,
            Some(_) => Step::Update,
        }
    }
}

/// The comment about a run.
pub fn comment(run: &Run, context: &Context<'_>) -> Comment {
    let links = context.links();
    let marker = context.identity().marker();
    let told = Told::of(run, context.counted);
    let conditions = run.gate.as_ref().map_or(&[][..], |gate| &gate.conditions);
    let standing = Standing::of(run, context.allow_incomplete);
    let link = |commit: Option<&str>, finding: &Finding| {
        let (path, line) = (&finding.location.path, finding.location.start_line);
        let address = commit.map_or_else(|| links.source(path, line), |commit| links.source_at(commit, path, line));
        linked(&place(finding), address)
    };

    let mut page = Page { text: format!("{marker}\n\n") };
    let commit = linked(&short(&context.subject.commit), links.commit(&context.subject.commit));
    page.paragraph(&format!(
        "**{}: {}** for commit {commit}",
        escape_cut(&context.identity().title(), TEXT_MAX),
        standing.label().to_lowercase()
    ));
    page.paragraph(&format!("{}.", escape_cut(&verdict::sentence(run, context.allow_incomplete), 2 * TEXT_MAX)));
    page.conditions(conditions);
    page.list("Allowed by this pull request itself", ENDS[1], ENTRIES_MAX, &told.allowed, |finding| {
        format!(
            "{}, {}",
            entry(finding, &link(None, finding)),
            escape_cut(&allowed(finding).unwrap_or_default(), TEXT_MAX)
        )
    });
    page.list("New", ENDS[2], NEW_MAX, &told.new, |finding| entry(finding, &link(None, finding)));
    page.list("Removed, but still leaked: to be revoked", ENDS[3], ENTRIES_MAX, &told.leaked, |finding| {
        let commit = finding.commit.as_ref().map(|commit| commit.id.as_str());
        entry(finding, &link(commit, finding))
    });
    page.list("Changes to the policy, in force after the merge", ENDS[4], ENTRIES_MAX, told.policy_changes, |change| {
        escape_cut(change, 2 * TEXT_MAX)
    });
    page.paragraph(&format!("{}.", escape_cut(&told.numbers(), 2 * TEXT_MAX)));
    if let Some(comparison) = &run.comparison {
        page.paragraph(&format!("{}.", escape_cut(&base(&comparison.base), 4 * TEXT_MAX)));
    }
    Comment {
        marker,
        body: page.text.trim_end().to_owned(),
        has_news: standing != Standing::Passed || told.is_news() || conditions.iter().any(Evaluated::warns),
    }
}

/// A comment at the line of a new finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtLine {
    /// The line by which the finding is found again. It stands in [`AtLine::body`] beside that of [`Comment::marker`].
    pub marker: String,
    /// Markdown.
    pub body: String,
    /// From the root of the repository.
    pub path: String,
    /// From 1.
    pub line: u32,
}

/// Comments at the lines of the worst new findings, as many as the comment on the whole lists.
pub fn at_lines(run: &Run, context: &Context<'_>) -> Vec<AtLine> {
    let mut ids = Ids::default();
    let told =
        Told::of(run, Counted::default()).new.into_iter().take(NEW_MAX).filter(|one| is_file(&one.location.path));
    let comment = |finding: &Finding| {
        let marker = format!("[//]: # (finding.{})", ids.next(&finding.fingerprints.primary));
        let text = escape_cut(text_of(finding), TEXT_MAX);
        let mut body = format!("{}\n{marker}\n\n**{}** {text}.", context.identity().marker(), finding.severity);
        if let Some(remediation) = &finding.remediation {
            body = format!("{body} {}", escape_cut(remediation, 2 * TEXT_MAX));
        }
        let (path, line) = (finding.location.path.to_string(), finding.location.start_line.max(1));
        AtLine { marker, body, path, line }
    };
    told.map(comment).collect()
}

/// What a comment tells of the findings.
struct Told<'r> {
    allowed: Vec<&'r Finding>,
    new: Vec<&'r Finding>,
    leaked: Vec<&'r Finding>,
    policy_changes: &'r [Masked],
    existing: usize,
    not_compared: Vec<&'r Finding>,
    suppressed: usize,
    fixed: usize,
}

impl<'r> Told<'r> {
    fn of(run: &'r Run, counted: Counted) -> Self {
        let comparison = run.comparison.as_ref();
        let active = |change| run.findings.iter().filter(move |one| one.is_active() && one.change == change);
        Self {
            allowed: worst_first(run.findings.iter().filter(|one| is_allowed_by_change(one))),
            new: worst_first(active(Some(Change::New))),
            leaked: worst_first(comparison.into_iter().flat_map(|comparison| &comparison.leaked)),
            policy_changes: comparison.map_or(&[], |comparison| &comparison.policy_changes),
            existing: active(Some(Change::Existing)).count() + counted.existing,
            not_compared: active(None).collect(),
            suppressed: run.findings.iter().filter(|one| !one.is_active()).count() + counted.suppressed,
            fixed: comparison.map_or(0, |comparison| comparison.fixed.len()) + counted.fixed,
        }
    }

    fn is_news(&self) -> bool {
        !(self.allowed.is_empty() && self.new.is_empty() && self.leaked.is_empty() && self.policy_changes.is_empty())
    }

    fn numbers(&self) -> String {
        let mut parts = vec![format!("{} new", self.new.len())];
        if !self.new.is_empty() {
            parts[0] += &format!(" ({})", severities(&self.new));
        }
        if !self.not_compared.is_empty() {
            parts.push(format!("{} not compared ({})", self.not_compared.len(), severities(&self.not_compared)));
        }
        parts.push(format!("{} fixed", self.fixed));
        parts.push(format!("{} existing", self.existing));
        if self.suppressed > 0 {
            parts.push(format!("{} suppressed", self.suppressed));
        }
        parts.join(", ")
    }
}

fn worst_first<'r>(findings: impl Iterator<Item = &'r Finding>) -> Vec<&'r Finding> {
    let mut findings: Vec<&Finding> = findings.collect();
    findings.sort_by_key(|one| (Reverse(one.severity), Reverse(one.confidence)));
    findings
}

fn entry(finding: &Finding, place: &str) -> String {
    format!("**{}** {place}: {}", finding.severity, escape_cut(text_of(finding), TEXT_MAX))
}

/// `[text](address)`, or only the text. The address is ours and encoded already.
fn linked(text: &str, address: Option<String>) -> String {
    let text = escape_cut(text, TEXT_MAX);
    match address {
        Some(address) => format!("[{text}]({address})"),
        None => text,
    }
}

/// The comment as it grows.
struct Page {
    text: String,
}

impl Page {
    fn paragraph(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push_str("\n\n");
    }

    /// At most `most` of the entries, up to `end`; the others in one number.
    fn list<T>(&mut self, heading: &str, end: usize, most: usize, entries: &[T], show: impl Fn(&T) -> String) {
        if entries.is_empty() {
            return;
        }
        self.paragraph(&format!("**{heading}**"));
        let mut shown = 0;
        for entry in entries.iter().take(most) {
            let entry = show(entry);
            if self.text.len() + entry.len() > end {
                break;
            }
            let _ = writeln!(self.text, "- {entry}");
            shown += 1;
        }
        match entries.len() - shown {
            0 => {}
            rest if shown == 0 => {
                let _ = writeln!(self.text, "- {rest}, too long to be shown");
            }
            rest => {
                let _ = writeln!(self.text, "- and {rest} more");
            }
        }
        self.text.push('\n');
    }

    fn conditions(&mut self, conditions: &[Evaluated]) {
        if conditions.is_empty() {
            return;
        }
        self.text.push_str("| Condition | Value | Limit | Result |\n|---|---|---|---|\n");
        let mut ordered: Vec<&Evaluated> = conditions.iter().collect();
        // All in their order if there is room; else what did not hold before the others.
        if ordered.len() > CONDITIONS_MAX {
            ordered.sort_by_key(|one| (!one.blocks(), !one.warns()));
        }
        let mut shown = 0;
        for one in ordered.iter().take(CONDITIONS_MAX) {
            let mut result = escape(result(one));
            if one.blocks() {
                result = format!("**{result}**");
            }
            if !one.reason.trim().is_empty() {
                let _ = write!(result, ": {}", escape_cut(one.reason.trim(), TEXT_MAX));
            }
            let name = escape_cut(&one.name, TEXT_MAX / 4);
            let row = format!(
                "| {name} | {} | {} | {result} |\n",
                escape_cut(&value(one), TEXT_MAX / 4),
                escape_cut(&one.bound.to_string(), TEXT_MAX / 4)
            );
            if self.text.len() + row.len() > ENDS[0] {
                break;
            }
            self.text.push_str(&row);
            shown += 1;
        }
        if shown < conditions.len() {
            let _ = writeln!(self.text, "| and {} more | | | |", conditions.len() - shown);
        }
        self.text.push('\n');
    }
}
