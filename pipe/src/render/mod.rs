//! How a run is told. (stand-in)
use penstock_common::Run;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
/// Formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// text
    Text,
    /// json
    Json,
}
/// Unknown.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no format")]
pub struct UnknownFormat(String);
impl FromStr for Format {
    type Err = UnknownFormat;
    fn from_str(s: &str) -> Result<Self, UnknownFormat> {
        match s {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(UnknownFormat(s.to_owned())),
        }
    }
}
/// Output.
#[derive(Clone, Debug)]
pub struct OutputFile {
    /// Format.
    pub format: Format,
    /// Path.
    pub path: PathBuf,
}
/// Bad.
#[derive(Debug, thiserror::Error)]
#[error("bad output")]
pub struct BadOutput;
impl FromStr for OutputFile {
    type Err = BadOutput;
    fn from_str(_: &str) -> Result<Self, BadOutput> {
        Err(BadOutput)
    }
}
/// What is told.
pub struct Report<'a> {
    /// The run.
    pub run: &'a Run,
    /// Verdict.
    pub verdict: Verdict,
    /// Hidden.
    pub below_minimum: u64,
    /// Colour.
    pub color: bool,
}
/// Verdict.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// failed
    pub failed: bool,
    /// condition
    pub condition: String,
}
/// Writes.
pub fn write(_: Format, report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report.run).map_err(io::Error::other)?;
    out.write_all(b"\n")
}

/// Cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("output")]
pub struct OutputError;
impl OutputFile {
    /// Writes.
    pub fn write(&self, _: &Report<'_>) -> Result<(), OutputError> {
        Ok(())
    }
}
