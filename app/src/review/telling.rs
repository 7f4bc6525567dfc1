//! What shall stand in Bitbucket.
//!
//! Owns the way from a verdict to a status and a comment: the same words as the pipe's, made by the same code. Of findings that no list can hold only
//! their number is told, so no text is read for them.

use penstock_common::bitbucket::statuses::{BuildStatus, StatusState};
use penstock_common::decorate::links::segment;
use penstock_common::decorate::markdown::escape_cut;
use penstock_common::decorate::{Context, Counted, Identity, comment, identity, status};
use penstock_common::{
    Category, Change, Comparison, Confidence, Finding, FingerprintInput, Location, Masked, Notice, PullRequest, Run,
    Subject, ToolRun,
};
use serde::{Deserialize, Serialize};

use super::{About, Contents, Verdict};
use crate::store::workspace::{State as Tracked, restored};
use crate::track::{BranchId, FindingId, Occurrence};

/// Most new findings whose texts are read: more than any list shows.
const SHOWN_MAX: usize = 64;
/// Most findings whose IDs are listed, the digits of one, and most characters of its path.
const IDS_MAX: usize = 20;
const ID_DIGITS: usize = 10;
const PLACE_MAX: usize = 200;
/// Maximum number of notices in a comment, and characters of one.
const NOTES_MAX: usize = 15;
const NOTE_MAX: usize = 400;

/// What is told, and where.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// Where people see Bitbucket, without a slash at the end.
    pub web: &'a str,
    /// The workspace's name in addresses.
    pub workspace: &'a Masked,
    /// The repository's.
    pub repository: &'a Masked,
    /// The tools that ran.
    pub tools: Vec<ToolRun>,
    /// When the run started, RFC 3339.
    pub started_at: &'a str,
    /// What the pipe said of the comparison: secrets that leaked, changes to the policy.
    pub comparison: Option<&'a Comparison>,
}

/// A status as it waits to be posted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusWish {
    /// It.
    pub status: BuildStatus,
}

/// A comment as it waits to be posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentWish {
    /// The line by which it is found again.
    pub marker: String,
    /// Markdown.
    pub body: String,
    /// Whether there is anything to say to somebody who has heard nothing before.
    pub has_news: bool,
}

/// Status and comment of a verdict, and the page that both lead to.
pub struct Wishes {
    /// Always.
    pub status: StatusWish,
    /// On a pull request.
    pub comment: Option<CommentWish>,
    /// Bitbucket's own page that holds the app's frame.
    pub page: String,
}

/// The new findings of a verdict whose texts are worth reading, the worst first.
pub fn shown(tracked: &Tracked, branch: BranchId, verdict: &Verdict) -> Vec<FindingId> {
    let severity = |id: &FindingId| tracked.repository.occurrence(branch, *id).map(|row| row.severity);
    let mut new = verdict.judgement.new.clone();
    new.sort_by_cached_key(|id| std::cmp::Reverse(severity(id)));
    new.truncate(SHOWN_MAX);
    new
}

/// Makes a status and a comment of a verdict. `contents` holds the texts of [`shown`] findings.
pub fn wishes(tracked: &Tracked, about: &About, verdict: &Verdict, contents: &Contents, told: &Told<'_>) -> Wishes {
    let subject = subject(tracked, about, told);
    let run = run(tracked, about, verdict, contents, told, &subject);
    let context = Context {
        subject: &subject,
        name: &identity::DEFAULT_NAME.into(),
        web: told.web,
        categories: &[Category::Secret],
        allow_incomplete: false,
        counted: counted(verdict),
    };
    let page = page(told, about);
    let mut status = status::status(&run, &context);
    status.key = Identity::new(&subject, identity::DEFAULT_NAME).app_status_key();
    status::link_to(&mut status, &page);
    let comment = about.pull_request.map(|_| {
        let comment = comment::comment(&run, &context);
        let body = comment.body + &notes(&verdict.notices) + &ids(&run);
        CommentWish { marker: comment.marker, body, has_news: comment.has_news }
    });
    Wishes { status: StatusWish { status }, comment, page }
}

/// A status for a commit that has no verdict: it waits, or it ended without.
pub(super) fn status_without_verdict(
    tracked: &Tracked,
    about: &About,
    told: &Told<'_>,
    state: StatusState,
    words: &Masked,
) -> StatusWish {
    let subject = subject(tracked, about, told);
    let context = Context {
        subject: &subject,
        name: &identity::DEFAULT_NAME.into(),
        web: told.web,
        categories: &[],
        allow_incomplete: false,
        counted: Counted::default(),
    };
    let mut status = status::stopped(&context, words);
    status.state = state;
    status.key = Identity::new(&subject, identity::DEFAULT_NAME).app_status_key();
    status::link_to(&mut status, &page(told, about));
    StatusWish { status }
}

/// Bitbucket's own page that holds the app's frame: the pull request, else the commit.
fn page(told: &Told<'_>, about: &About) -> String {
    let repository = format!("{}/{}/{}", told.web, segment(told.workspace), segment(told.repository));
    match about.pull_request {
        Some(number) => format!("{repository}/pull-requests/{number}"),
        None => format!("{repository}/commits/{}", about.commit),
    }
}

fn subject(tracked: &Tracked, about: &About, told: &Told<'_>) -> Subject {
    let name = |branch| tracked.repository.branch(branch).map(|branch| branch.name.clone());
    let pull_request = about.pull_request.and_then(|number| tracked.repository.pull_request(number));
    Subject {
        workspace: told.workspace.clone(),
        repository: told.repository.clone(),
        commit: about.commit.to_string(),
        branch: name(about.branch),
        pull_request: pull_request.map(|one| PullRequest {
            id: one.number,
            destination_branch: name(one.destination).unwrap_or_default(),
            destination_commit: None,
        }),
        ..Subject::default()
    }
}

/// The verdict in the form that is decorated. Without a comment to make, no finding is told.
fn run(
    tracked: &Tracked,
    about: &About,
    verdict: &Verdict,
    contents: &Contents,
    told: &Told<'_>,
    subject: &Subject,
) -> Run {
    let judgement = &verdict.judgement;
    // What was not compared is told by severity, what exists only by its number.
    let not_compared = if judgement.base.kind.is_known() { &[][..] } else { &judgement.existing[..] };
    let lists = [(&judgement.new[..], Some(Change::New)), (not_compared, None)];
    let finding = |id: &FindingId, change| {
        let row = tracked.repository.occurrence(about.branch, *id)?;
        let shown = contents.get(&row.content).and_then(|body| restored(body));
        let finding = shown.unwrap_or_else(|| placeholder(tracked, row));
        Some(Finding { change, suppression: None, ..finding })
    };
    let findings = match about.pull_request {
        Some(_) => lists.iter().flat_map(|(ids, change)| ids.iter().filter_map(|id| finding(id, *change))).collect(),
        None => Vec::new(),
    };
    let (leaked, policy_changes, unread) = match told.comparison {
        Some(comparison) => (comparison.leaked.clone(), comparison.policy_changes.clone(), comparison.unread),
        None => (Vec::new(), Vec::new(), None),
    };
    Run {
        schema_version: Run::SCHEMA_VERSION,
        started_at: told.started_at.to_owned(),
        finished_at: None,
        tools: told.tools.clone(),
        subject: Some(subject.clone()),
        findings,
        comparison: Some(Comparison {
            base: judgement.base.clone(),
            fixed: Vec::new(),
            leaked,
            policy_changes,
            unread,
        }),
        gate: Some(judgement.evaluation.clone()),
        notices: verdict.notices.clone(),
        metrics: None,
    }
}

/// What is told by its number only.
fn counted(verdict: &Verdict) -> Counted {
    let judgement = &verdict.judgement;
    Counted {
        existing: if judgement.base.kind.is_known() { judgement.existing.len() } else { 0 },
        suppressed: judgement.dismissed.len(),
        fixed: judgement.fixed.len(),
    }
}

/// What there is to know of how the verdict came about: dismissals that do not count, runs that
/// contradict each other.
fn notes(notices: &[Notice]) -> String {
    if notices.is_empty() {
        return String::new();
    }
    let note = |notice: &Notice| {
        format!("- {}: {}", escape_cut(&notice.subject, PLACE_MAX), escape_cut(&notice.text, NOTE_MAX))
    };
    let notes: Vec<String> = notices.iter().take(NOTES_MAX).map(note).collect();
    format!("\n\nTo know:\n\n{}", notes.join("\n"))
}

/// By which IDs new findings can be ignored in a comment.
fn ids(run: &Run) -> String {
    let new = run.findings.iter().filter(|finding| finding.change == Some(Change::New));
    let digits = |finding: &Finding| {
        let print = finding.fingerprints.primary.as_str().trim_start_matches("pf1:");
        print.get(..ID_DIGITS).map(str::to_owned)
    };
    let place = |finding: &Finding| escape_cut(&finding.location.path, PLACE_MAX);
    let listed: Vec<String> =
        new.take(IDS_MAX).filter_map(|finding| Some(format!("- `{}` {}", digits(finding)?, place(finding)))).collect();
    if listed.is_empty() {
        return String::new();
    }
    format!("\n\nWho may write here can ignore one with `/penstock ignore ID reason`:\n\n{}", listed.join("\n"))
}

/// A finding that is only counted.
fn placeholder(tracked: &Tracked, row: &Occurrence) -> Finding {
    let finding = tracked.repository.finding(row.finding);
    let (category, rule) =
        finding.map_or((Category::CodeQuality, Masked::EMPTY), |finding| (finding.category, finding.rule.clone()));
    let input = FingerprintInput {
        category: category.name(),
        tool: &row.series.tool,
        rule: &rule,
        path: &row.path,
        context: &row.finding.to_string(),
        ordinal: 0,
    };
    Finding {
        category,
        rule: rule.clone(),
        title: rule.clone(),
        severity: row.severity,
        confidence: Confidence::Medium,
        message: rule.clone(),
        location: Location { path: row.path.clone(), start_line: 1, start_column: 1, end_line: 1, end_column: 1 },
        masked: None,
        validity: None,
        excerpt: None,
        related: Vec::new(),
        group: None,
        decoded_from: None,
        commit: None,
        references: Vec::new(),
        remediation: None,
        change: None,
        fingerprints: input.fingerprints(),
        suppression: None,
        owners: Vec::new(),
    }
}
