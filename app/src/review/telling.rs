//! What shall stand in Bitbucket.
//!
//! Owns the way from a verdict to a status and a comment: the same words as the pipe's, made by the same code. Of findings that no list can hold only
//! their number is told, so no text is read for them.

use std::collections::HashMap;

use penstock_common::bitbucket::statuses::{BuildStatus, StatusState, URL_MAX};
use penstock_common::decorate::links::segment;
use penstock_common::decorate::{Context, Identity, comment, identity, status};
use penstock_common::{
    Category, Change, Comparison, Confidence, Finding, FingerprintInput, Location, PullRequest, Run, Subject,
    Suppression, SuppressionKind, ToolRun,
};
use serde::{Deserialize, Serialize};

use super::{About, Contents, Verdict};
use crate::store::workspace::State as Tracked;
use crate::track::{BranchId, FindingId, Occurrence};

/// Most new findings whose texts are read: more than any list shows.
const SHOWN_MAX: usize = 64;

/// What is told, and where.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// Where people see Bitbucket, without a slash at the end.
    pub web: &'a str,
    /// The workspace's name in addresses.
    pub workspace: &'a str,
    /// The repository's.
    pub repository: &'a str,
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
    new.sort_by_key(|id| std::cmp::Reverse(severity(id)));
    new.truncate(SHOWN_MAX);
    new
}

/// Makes a status and a comment of a verdict. `contents` holds the texts of [`shown`] findings.
pub fn wishes(tracked: &Tracked, about: &About, verdict: &Verdict, contents: &Contents, told: &Told<'_>) -> Wishes {
    let subject = subject(tracked, about, told);
    let run = run(tracked, about, verdict, contents, told, &subject);
    let context = Context {
        subject: &subject,
        name: identity::DEFAULT_NAME,
        web: told.web,
        categories: &[Category::Secret],
        allow_incomplete: false,
    };
    let page = page(told, about);
    let mut status = status::status(&run, &context);
    status.key = Identity::new(&subject, identity::DEFAULT_NAME).app_status_key();
    if page.encode_utf16().count() <= URL_MAX {
        status.url.clone_from(&page);
    }
    let comment = about.pull_request.map(|_| {
        let comment = comment::comment(&run, &context);
        CommentWish { marker: comment.marker, body: comment.body, has_news: comment.has_news }
    });
    Wishes { status: StatusWish { status }, comment, page }
}

/// A status for a commit that has no verdict: it waits, or it ended without.
pub fn status_without_verdict(
    tracked: &Tracked,
    about: &About,
    told: &Told<'_>,
    state: StatusState,
    words: &str,
) -> StatusWish {
    let subject = subject(tracked, about, told);
    let context = Context {
        subject: &subject,
        name: identity::DEFAULT_NAME,
        web: told.web,
        categories: &[],
        allow_incomplete: false,
    };
    let mut status = status::stopped(&context, words);
    status.state = state;
    status.key = Identity::new(&subject, identity::DEFAULT_NAME).app_status_key();
    status.url = page(told, about);
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
        workspace: told.workspace.to_owned(),
        repository: told.repository.to_owned(),
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

/// The verdict in the form that is decorated.
fn run(
    tracked: &Tracked,
    about: &About,
    verdict: &Verdict,
    contents: &Contents,
    told: &Told<'_>,
    subject: &Subject,
) -> Run {
    let judgement = &verdict.judgement;
    let known = judgement.base.kind.is_known();
    let mut findings = Vec::new();
    let lists = [
        (&judgement.new, Some(Change::New), false),
        (&judgement.existing, known.then_some(Change::Existing), false),
        (&judgement.dismissed, None, true),
    ];
    for (ids, change, dismissed) in lists {
        for id in ids {
            let Some(row) = tracked.repository.occurrence(about.branch, *id) else { continue };
            let mut finding = contents
                .get(&row.content)
                .and_then(|body| serde_json::from_str(body).ok())
                .unwrap_or_else(|| placeholder(tracked, row));
            finding.change = change;
            if dismissed {
                let reason = String::new();
                finding.suppression.get_or_insert(Suppression { kind: SuppressionKind::Configuration, reason });
            } else {
                finding.suppression = None;
            }
            findings.push(finding);
        }
    }
    let rows: HashMap<FindingId, &Occurrence> = destination_rows(tracked, about);
    let fixed = judgement.fixed.iter().filter_map(|id| Some(placeholder(tracked, rows.get(id)?))).collect();
    let (leaked, policy_changes) = match told.comparison {
        Some(comparison) => (comparison.leaked.clone(), comparison.policy_changes.clone()),
        None => (Vec::new(), Vec::new()),
    };
    Run {
        schema_version: Run::SCHEMA_VERSION,
        started_at: told.started_at.to_owned(),
        tools: told.tools.clone(),
        subject: Some(subject.clone()),
        findings,
        comparison: Some(Comparison { base: judgement.base.clone(), fixed, leaked, policy_changes }),
        gate: Some(judgement.evaluation.clone()),
        notices: verdict.notices.clone(),
    }
}

fn destination_rows<'t>(tracked: &'t Tracked, about: &About) -> HashMap<FindingId, &'t Occurrence> {
    let branches = [super::destination(tracked, about), Some(about.branch)];
    let rows = branches.into_iter().flatten().flat_map(|branch| tracked.repository.occurrences(branch));
    rows.map(|row| (row.finding, row)).collect()
}

/// A finding that is only counted.
fn placeholder(tracked: &Tracked, row: &Occurrence) -> Finding {
    let finding = tracked.repository.finding(row.finding);
    let (category, rule) = finding.map_or((Category::CodeQuality, ""), |finding| (finding.category, &finding.rule));
    let input = FingerprintInput {
        category: category.name(),
        tool: &row.series.tool,
        rule,
        path: &row.path,
        context: &row.finding.to_string(),
        ordinal: 0,
    };
    Finding {
        category,
        rule: rule.to_owned(),
        title: rule.to_owned(),
        severity: row.severity,
        confidence: Confidence::Medium,
        message: rule.to_owned(),
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
    }
}
