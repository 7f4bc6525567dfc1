//! Where a finding stands, and the few lines around it as they may be shown.
//!
//! Owns positions and excerpts. Everything here is already masked: whoever builds an [`Excerpt`] masks first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Masked;

/// A place in a file. Lines and columns count from 1; columns count characters (Unicode scalar values; an invalid
/// UTF-8 byte counts as one), as SARIF's `unicodeCodePoints`. The end is inclusive of `end_line` and exclusive of `end_column`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// Path from the root of what was scanned, with `/` between segments. Bytes that are not UTF-8 and control characters are
    /// shown as `\xNN`; an entry of an archive follows its archive after `!`.
    pub path: Masked,
    /// First line.
    pub start_line: u32,
    /// First column.
    pub start_column: u32,
    /// Last line.
    pub end_line: u32,
    /// One past the last column.
    pub end_column: u32,
}

/// The commit that brought a finding into the history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct CommitInfo {
    /// Full object id, lower-case hex.
    pub id: String,
    /// Author's name, masked and without control characters.
    pub author: Masked,
    /// Author's mail address, masked and without control characters.
    pub email: Masked,
    /// Author's date, RFC 3339 in UTC.
    pub date: String,
    /// First line of the message, masked and without control characters.
    pub subject: Masked,
}

/// The lines around a finding, masked, ready to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Excerpt {
    /// Lines in order; long ones are cut to a window around the finding.
    pub lines: Vec<ExcerptLine>,
}

/// One masked line of an excerpt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExcerptLine {
    /// Line number, from 1.
    pub number: u32,
    /// The text, masked; control characters are escaped, tabs are kept.
    pub text: Masked,
    /// Where in `text` to point at, as character offsets `[start, end)`; absent on lines that only give context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<(u32, u32)>,
}
