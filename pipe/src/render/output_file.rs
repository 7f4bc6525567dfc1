//! `--output FORMAT=FILE`: reports in files.
//!
//! Owns the argument, and that each report has a file of its own. Files are written by `no_follow`.

use std::path::PathBuf;
use std::str::FromStr;

use super::{Format, Report, UnknownFormat};
use crate::no_follow::{NoFollowError, NoFollowFile, shown};

/// A report that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputFile {
    /// In which form.
    pub format: Format,
    /// Where.
    pub path: PathBuf,
}

/// An `--output` that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum BadOutput {
    #[error("write it as `FORMAT=FILE`, such as `sarif=penstock.sarif`")]
    NoFormat,
    #[error(transparent)]
    Format(#[from] UnknownFormat),
    #[error("the file is missing after `=`")]
    NoFile,
    #[error("`-` is no file: `--format` chooses what is written to standard output")]
    StandardOutput,
}

impl FromStr for OutputFile {
    type Err = BadOutput;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (format, path) = text.split_once('=').ok_or(BadOutput::NoFormat)?;
        match path {
            "" => Err(BadOutput::NoFile),
            "-" => Err(BadOutput::StandardOutput),
            path => Ok(Self { format: format.parse()?, path: PathBuf::from(path) }),
        }
    }
}

/// Why a report cannot be written to its file.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file.
    #[error(transparent)]
    File(#[from] NoFollowError),
    /// Two reports would overwrite each other.
    #[error("`{}` is asked for twice", shown(.path))]
    Twice {
        /// As asked for the second time.
        path: PathBuf,
    },
}

impl OutputError {
    /// Whether another argument would help, rather than another disk.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::File(error) => error.is_usage(),
            Self::Twice { .. } => true,
        }
    }

    /// What to do.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::File(error) => error.remedy(),
            Self::Twice { .. } => Some("give each report a file of its own"),
        }
    }
}

/// A validated location for a report.
#[derive(Debug)]
pub struct Destination {
    format: Format,
    file: NoFollowFile,
}

/// Opens the folder of every report, making those that are missing, before a scan that may take long.
pub fn prepare(outputs: &[OutputFile]) -> Result<Vec<Destination>, OutputError> {
    let mut destinations: Vec<Destination> = Vec::with_capacity(outputs.len());
    for output in outputs {
        let file = NoFollowFile::open(&output.path)?;
        if destinations.iter().any(|other| other.file.is_same(&file)) {
            return Err(OutputError::Twice { path: output.path.clone() });
        }
        destinations.push(Destination { format: output.format, file });
    }
    Ok(destinations)
}

impl Destination {
    /// Writes the report, without colour.
    pub fn write(&self, report: &Report<'_>) -> Result<(), OutputError> {
        let report = Report { color: false, ..report.clone() };
        Ok(self.file.replace(|mut out| super::write(self.format, &report, &mut out))?)
    }
}

#[cfg(test)]
mod tests;
