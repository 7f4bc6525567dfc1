//! A run: one execution of Penstock on one state of the code.
//!
//! Owns what is said about the execution itself: which tools looked at what, whether they came to the end, what was passed over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Finding;

/// One execution on one state of the code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Version of this document's shape; raised when a field changes its meaning.
    pub schema_version: u32,
    /// When it started, RFC 3339 in UTC (or `SOURCE_DATE_EPOCH`).
    pub started_at: String,
    /// Every tool that ran.
    pub tools: Vec<ToolRun>,
    /// What was found, in a stable order: path, line, column, rule.
    pub findings: Vec<Finding>,
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
    pub name: String,
    /// Its version.
    pub version: String,
    /// Digest of the configuration in force, so that a change of rules can be told from a change of code.
    pub configuration: String,
    /// What it was told to look at, in words (`tree .`, `range a..b`, `history`).
    pub scope: String,
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
    pub subject: String,
    /// Why, in one sentence.
    pub reason: String,
    /// A stated limit (`true`) leaves the run complete; something that should have been read (`false`) does not.
    pub by_limit: bool,
}
