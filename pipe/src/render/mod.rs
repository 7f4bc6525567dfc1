//! How a run is told.
//!
//! Owns the formats and what each says of a run. Everything that arrives here is masked already, and nothing here opens what it is told about: a
//! renderer gets a report and a place to write, and makes the same bytes of the same report. It must not let text from a repository act on
//! whoever reads: every format escapes for where it goes.

mod clean;
mod cluster;
mod conditions;
pub mod json;
mod jsonl;
mod junit;
mod markdown;
pub mod output_file;
mod sarif;
mod summary;
mod text;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::str::FromStr;

use penstock_common::Run;

pub use output_file::{BadOutput, OutputError, OutputFile};
pub use summary::{BySeverity, Changes, SkippedCount, Summary};

/// A form in which a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, on a terminal or in a log.
    Text,
    /// One object, described by `docs/schema/run.schema.json`.
    Json,
    /// One object a line: the findings, then the summary.
    Jsonl,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit's XML, for viewers of test results.
    Junit,
    /// For comments.
    Markdown,
}

impl Format {
    /// Every format, in the order of the help.
    pub const ALL: [Self; 6] = [Self::Text, Self::Json, Self::Jsonl, Self::Sarif, Self::Junit, Self::Markdown];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of text, json, jsonl, sarif, junit, markdown")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// What is told.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// The run.
    pub run: &'a Run,
    /// Candidates whose confidence was below the asked for.
    pub below_minimum: u64,
    /// Whether text may be coloured.
    pub color: bool,
}

/// Tells a run.
pub fn write(format: Format, report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    match format {
        Format::Text => text::write(report, out),
        Format::Json => json::write(report, out),
        Format::Jsonl => jsonl::write(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Junit => junit::write(report, out),
        Format::Markdown => markdown::write(report, out),
    }
}
