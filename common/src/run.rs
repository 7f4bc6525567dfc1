//! A run: one execution of Penstock on one state of the code.
//!
//! Owns what is said about the execution itself: which tools looked at what, whether they came to the end, what was passed over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::gate::Evaluation;
use crate::{Comparison, Finding, Masked, Metrics};

/// One execution on one state of the code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Version of this document's shape; raised when a field changes its meaning.
    pub schema_version: u32,
    /// When it started, RFC 3339 in UTC (or `SOURCE_DATE_EPOCH`).
    pub started_at: String,
    /// When it had found all that it tells, likewise; never before it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Every tool that ran.
    pub tools: Vec<ToolRun>,
    /// What the run is about, if it ran in a pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// What was found, in a stable order: path, line, column, rule.
    pub findings: Vec<Finding>,
    /// What it was compared with, if a comparison was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Evaluation>,
    /// What somebody should know of how it was done: a suppression that is over, a commit that could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// What reports on tests and coverage say, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
}

/// Something to know of how a run was done. It changes no verdict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// What it is about: a place in a configuration, a commit.
    pub subject: Masked,
    /// What there is to know, in one sentence.
    pub text: Masked,
}

/// What a run in a pipeline is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// Slug of the workspace.
    pub workspace: Masked,
    /// Slug of the repository.
    pub repository: Masked,
    /// UUID of the repository, lower case, without braces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_uuid: Option<String>,
    /// The commit that was looked at, full object id.
    pub commit: String,
    /// The branch, if it was built for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Masked>,
    /// The tag, if it was built for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Masked>,
    /// The pull request, if it was built for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequest>,
    /// UUID of the pipeline, lower case, without braces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline_uuid: Option<String>,
    /// UUID of the step, lower case, without braces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_uuid: Option<String>,
    /// Number of the build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_number: Option<u64>,
}

/// The pull request that a run is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PullRequest {
    /// Its number in the repository.
    pub id: u64,
    /// The branch it shall be merged into.
    pub destination_branch: Masked,
    /// The tip of that branch as the pipeline was started with it; may be shortened to 12 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_commit: Option<String>,
}

impl Run {
    /// The current [`Run::schema_version`].
    pub const SCHEMA_VERSION: u32 = 1;

    /// Whether every tool came to its end over its whole scope.
    pub fn complete(&self) -> bool {
        self.tools.iter().all(|tool| tool.complete)
    }
}

/// What one tool did in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolRun {
    /// Tool family, such as `penstock`.
    pub name: Masked,
    /// Its version.
    pub version: Masked,
    /// Digest of the configuration in force, so that a change of rules can be told from a change of code.
    pub configuration: String,
    /// What it was told to look at, in words (`tree .`, `range a..b`, `history`).
    pub scope: Masked,
    /// It saw everything in its scope that its stated limits allow. A file that should have been read and could not makes it false.
    pub complete: bool,
    /// Files, or blobs of a history, that were read.
    pub files: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What was passed over, each with the reason.
    pub skipped: Vec<Skipped>,
}

/// Something that was not looked at, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// What: a path, an object id.
    pub subject: Masked,
    /// Why, in one sentence.
    pub reason: Masked,
    /// A stated limit (`true`) leaves the run complete; something that should have been read (`false`) does not.
    pub by_limit: bool,
}
