//! A run as it is applied: what each tool saw.
//!
//! Owns the reduction of what was uploaded to what decides about identity and state. Texts for people stay with the upload; of them only
//! a digest comes here, which tells whether there is something to write.

use penstock_common::{Category, Change, Finding, Masked, Severity, SuppressionKind};
use serde::Serialize;

use super::{Commit, Print, RunId, Scope};

/// One execution on one commit.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The commit that was looked at.
    pub commit: Commit,
    /// When it started, in unix milliseconds. Orders the runs on one commit.
    pub at: i64,
    /// `NAME` of the upload: steps with different names never speak for each other.
    pub name: Masked,
    /// The branch it was built for; none for a tag.
    pub branch: Option<Masked>,
    /// The pull request it was built for.
    pub pull_request: Option<u64>,
    /// What each tool did.
    pub tools: Vec<ToolRun>,
}

/// What one tool did in a run.
#[derive(Clone, Debug)]
pub struct ToolRun {
    /// Tool family, such as `penstock`.
    pub tool: Masked,
    /// Digest of the configuration in force.
    pub configuration: Print,
    /// What it was told to look at.
    pub scope: Scope,
    /// It saw everything in its scope.
    pub complete: bool,
    /// What it found, in any order.
    pub sightings: Vec<Sighting>,
}

/// A finding as one run saw it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// Path from the root.
    pub path: Masked,
    /// Our fingerprint.
    pub ours: Print,
    /// Our fingerprint without the path.
    pub path_free: Print,
    /// The tool's own fingerprints, each with its kind, the tool and the rule in the digest.
    pub own: Vec<Print>,
    /// The rule's id.
    pub rule: Masked,
    /// What kind of thing it is.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// Stands for everything that is shown of it, its line among it.
    pub content: Print,
    /// Of a secret: whether its value also stands in the base. Absent if nothing was compared.
    pub value_in_base: Option<bool>,
    /// Whether it is in the base, by the pipe's comparison of trees. Absent if nothing was
    /// compared.
    pub in_base: Option<bool>,
    /// By which means the code says that it does not count.
    pub allowed: Option<SuppressionKind>,
    /// Who owns its file, in the order in which that was told, with spaces between; empty if nobody was.
    pub owner: Masked,
}

impl Sighting {
    /// Most of a tool's own fingerprints that are looked at. Tools give one to three.
    pub const OWN_MAX: usize = 8;

    /// From a finding of an upload. `own` are the tool's own fingerprints as kind and value.
    pub fn of(finding: &Finding, tool: &str, own: &[(&str, &str)], value_in_base: Option<bool>) -> Self {
        let print = |&(kind, value): &(&str, &str)| Print::of(&[tool, &finding.rule, kind, value].map(str::as_bytes));
        Self {
            path: finding.location.path.clone(),
            ours: Print::of_fingerprint(finding.fingerprints.primary.as_str()),
            path_free: Print::of_fingerprint(finding.fingerprints.path_free.as_str()),
            own: own.iter().take(Self::OWN_MAX).map(print).collect(),
            rule: finding.rule.clone(),
            category: finding.category,
            severity: finding.severity,
            content: content(finding),
            value_in_base: value_in_base.filter(|_| finding.category == Category::Secret),
            in_base: finding.change.map(|change| change == Change::Existing),
            allowed: finding.suppression.as_ref().map(|suppression| suppression.kind),
            owner: Masked::join(&finding.owners, " "),
        }
    }
}

/// Everything but what means nothing outside the run (the group's number, and the place in a comparison), and owners, which change without the code.
fn content(finding: &Finding) -> Print {
    #[derive(Serialize)]
    struct Shown<'a>(
        (&'a str, Severity, penstock_common::Confidence, &'a str),
        &'a penstock_common::Location,
        (&'a Option<Masked>, &'a Option<penstock_common::Validity>, &'a Option<penstock_common::Excerpt>),
        (&'a [penstock_common::Location], &'a Option<Masked>, &'a Option<penstock_common::CommitInfo>),
        (&'a [penstock_common::Reference], &'a Option<Masked>, &'a Option<penstock_common::Suppression>),
    );
    let shown = Shown(
        (&finding.title, finding.severity, finding.confidence, &finding.message),
        &finding.location,
        (&finding.masked, &finding.validity, &finding.excerpt),
        (&finding.related, &finding.decoded_from, &finding.commit),
        (&finding.references, &finding.remediation, &finding.suppression),
    );
    // Data like this always has a JSON form; the empty one would only mean a row that is written once more.
    Print::of(&[&serde_json::to_vec(&shown).unwrap_or_default()])
}
