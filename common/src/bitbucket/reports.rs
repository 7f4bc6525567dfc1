//! Code Insights: reports and annotations on a commit.
//!
//! Owns their shapes and limits, after the schemas `report`, `report_data` and `report_annotation` of Bitbucket's OpenAPI document, with what the
//! server does otherwise than the document says.

use serde::{Deserialize, Serialize};

/// Most annotations of one request (the API's document).
pub const ANNOTATIONS_PER_REQUEST: usize = 100;
/// Most annotations of one report (the API's document).
pub const ANNOTATIONS_PER_REPORT: usize = 1000;
/// Most characters of an annotation's summary and of a title: the server refuses more.
pub const SUMMARY_MAX: usize = 450;
/// Most characters of details that are sent. The server's own limit is not documented.
pub const DETAILS_MAX: usize = 2000;
/// Most entries of a report's table (the API's document).
pub const DATA_MAX: usize = 10;

/// A report on a commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Shown as its name.
    pub title: String,
    /// Plain text. Required by the server.
    pub details: String,
    /// Our id; the path names the report by it.
    pub external_id: String,
    /// Who made it.
    pub reporter: String,
    /// What it is about.
    pub report_type: ReportType,
    /// What came of it.
    pub result: ReportResult,
    /// Where to read more; https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// At most [`DATA_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Data>,
}

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReportType {
    /// Secrets, vulnerabilities, configuration that opens a hole.
    Security,
    /// Test coverage.
    Coverage,
    /// Tests.
    Test,
    /// Faults in code.
    Bug,
}

/// What came of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReportResult {
    /// Everything holds.
    Passed,
    /// Something blocks.
    Failed,
    /// Still being made.
    Pending,
}

/// One entry of a report's table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// Its name.
    pub title: String,
    /// Its value with its type.
    #[serde(flatten)]
    pub value: DataValue,
}

/// A value of a report's table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DataValue {
    /// Shown as Yes or No.
    Boolean(bool),
    /// Unix milliseconds.
    Date(i64),
    /// Milliseconds.
    Duration(u64),
    /// A link.
    Link {
        /// What is shown.
        text: String,
        /// Where it leads; https.
        href: String,
    },
    /// A number.
    Number(f64),
    /// 0 to 100.
    Percentage(f64),
    /// Plain text.
    Text(String),
}

/// One finding in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// Our id, once in a report: a duplicate within one request is refused.
    pub external_id: String,
    /// What kind of thing it is.
    pub annotation_type: AnnotationType,
    /// From the root of the repository; without it, the annotation is shown with the report only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Plain text, at most [`SUMMARY_MAX`] characters. Required by the server.
    pub summary: String,
    /// Plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// What came of it.
    pub result: AnnotationResult,
    /// How bad it is.
    pub severity: AnnotationSeverity,
    /// Where to read more; https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// What kind of thing an annotation tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AnnotationType {
    /// A hole.
    Vulnerability,
    /// Code that should be better.
    CodeSmell,
    /// A fault.
    Bug,
}

/// What came of one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AnnotationResult {
    /// It does not matter.
    Passed,
    /// It counts.
    Failed,
    /// It was not judged.
    Skipped,
    /// Somebody allowed it.
    Ignored,
}

/// How bad an annotation is. Bitbucket has no "info": that is `Low`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AnnotationSeverity {
    /// Least.
    Low,
    /// More.
    Medium,
    /// Much.
    High,
    /// Most.
    Critical,
}

/// A report as the server tells it: anybody's, so nothing in it is sure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PostedReport {
    /// The server's id, in braces.
    pub uuid: Option<String>,
    /// The id of who made it.
    pub external_id: Option<String>,
    /// Shown as its name.
    pub title: Option<String>,
    /// Plain text; hostile.
    pub details: Option<String>,
    /// Who made it.
    pub reporter: Option<String>,
    /// `PASSED`, `FAILED`, `PENDING`.
    pub result: Option<String>,
}

/// An annotation as the server tells it, by its id only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnnotationName {
    /// The id of who made it.
    pub external_id: Option<String>,
}
