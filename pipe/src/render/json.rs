//! `--format json`: the run as one object.
//!
//! Owns the shape of the document (`docs/schema/run.schema.json`) and how JSON is written so that it is harmless on a terminal too. The names
//! are stable; a change of meaning raises the run's `schema_version`.

use std::io::{self, Write};

use penstock_common::Run;
use penstock_common::gate::Verdict;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::clean::is_hazard;
use super::{Report, Summary, conditions};

/// The document: the run, and what it means.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Report of a penstock run")]
pub struct Document<'a> {
    /// The run's own fields.
    #[serde(flatten)]
    pub run: &'a Run,
    /// What it means.
    pub verdict: Verdict,
    /// Candidates that are not among the findings because their confidence was below the asked for.
    pub below_minimum: u64,
    /// The run in numbers.
    pub summary: Summary,
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        run: report.run,
        verdict: conditions::verdict(report.run),
        below_minimum: report.below_minimum,
        summary: Summary::of(report),
    };
    pretty(&document, out)
}

/// Writes `value` over several lines.
pub(super) fn pretty(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Harmless(PrettyFormatter::new())))?;
    out.write_all(b"\n")
}

/// Writes `value` as one line.
pub(super) fn compact(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Harmless(serde_json::ser::CompactFormatter)))?;
    out.write_all(b"\n")
}

/// Writes as the formatter within, but characters that act on a terminal or turn text around as `\uXXXX`. JSON itself demands that only for the
/// first 32; to a reader of JSON it is the same text.
struct Harmless<F>(F);

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| is_hazard(*c)) {
            writer.write_all(&fragment.as_bytes()[plain..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = at + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}
