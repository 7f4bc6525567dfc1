//! `--output FORMAT=FILE`: reports in files.
//!
//! Owns the argument and how the file comes to be. A repository under scan may hold links that lead out of it, so no component of the path may be
//! one. The report is written beside its place and then put there in one step: nobody ever reads half a report.

mod folder;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use self::folder::{Folder, Standing};
use super::{Format, Report, UnknownFormat};
use crate::checkout::path::display;
use crate::checkout::platform::path_bytes;

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
    /// Somebody might have put it there to have another file overwritten.
    #[error("`{}` is not written: `{}` is a symbolic link", shown(.path), shown(.component))]
    Symlink {
        /// As asked for.
        path: PathBuf,
        /// The link.
        component: PathBuf,
    },
    /// Something else than a file stands there.
    #[error("`{}` is not written: it is a {kind}", shown(.path))]
    NotAFile {
        /// As asked for.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// The path ends in no name.
    #[error("`{}` names no file", shown(.path))]
    NoName {
        /// As asked for.
        path: PathBuf,
    },
    /// Two reports would overwrite each other.
    #[error("`{}` is asked for twice", shown(.path))]
    Twice {
        /// As asked for the second time.
        path: PathBuf,
    },
    /// A folder on the way cannot be opened or made.
    #[error("the folder `{}` cannot be used", shown(.component))]
    Folder {
        /// The folder.
        component: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("`{}` cannot be written", shown(.path))]
    Write {
        /// As asked for.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl OutputError {
    /// Whether another argument would help, rather than another disk.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Write { .. })
    }

    /// What to do.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Symlink { .. } => Some("name the place that the link leads to"),
            Self::Twice { .. } => Some("give each report a file of its own"),
            _ => None,
        }
    }
}

fn shown(path: &Path) -> String {
    display(&path_bytes(path.as_os_str()))
}

/// A place that was found fit for a report. Holds the folder open, so that nothing done to the path later leads elsewhere.
#[derive(Debug)]
pub struct Destination {
    output: OutputFile,
    folder: Folder,
    name: OsString,
}

/// Opens the folder of every report, making those that are missing, before a scan that may take long.
pub fn prepare(outputs: &[OutputFile]) -> Result<Vec<Destination>, OutputError> {
    let mut destinations: Vec<Destination> = Vec::with_capacity(outputs.len());
    for output in outputs {
        let path = &output.path;
        let name = path.file_name().ok_or_else(|| OutputError::NoName { path: path.clone() })?.to_owned();
        let folder = Folder::open(path.parent().unwrap_or(Path::new("")), path)?;
        let destination = Destination { output: output.clone(), folder, name };
        destination.check()?;
        if destinations.iter().any(|other| other.name == destination.name && other.folder.is_same(&destination.folder))
        {
            return Err(OutputError::Twice { path: path.clone() });
        }
        destinations.push(destination);
    }
    Ok(destinations)
}

impl Destination {
    /// Writes the report, without colour.
    pub fn write(&self, report: &Report<'_>) -> Result<(), OutputError> {
        self.check()?;
        let failed = |source| OutputError::Write { path: self.output.path.clone(), source };
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| failed(io::Error::other(error)))?;
        let temporary = OsString::from(format!(".penstock-{:016x}.tmp", u64::from_le_bytes(random)));
        let file = self.folder.create_new(&temporary).map_err(failed)?;
        let written = self.fill(file, report).and_then(|()| self.folder.rename(&temporary, &self.name));
        written.map_err(|error| {
            let _ = self.folder.remove(&temporary);
            failed(error)
        })
    }

    fn fill(&self, file: File, report: &Report<'_>) -> io::Result<()> {
        let mut out = BufWriter::new(file);
        super::write(self.output.format, &Report { color: false, ..report.clone() }, &mut out)?;
        out.flush()
    }

    /// Refuses what must not be replaced: links, and devices or pipes, which are not files to be put aside.
    fn check(&self) -> Result<(), OutputError> {
        let path = || self.output.path.clone();
        match self.folder.standing(&self.name) {
            Ok(Standing::Nothing | Standing::File) => Ok(()),
            Ok(Standing::Symlink) => Err(OutputError::Symlink { path: path(), component: path() }),
            Ok(Standing::Folder) => Err(OutputError::NotAFile { path: path(), kind: "folder" }),
            Ok(Standing::Special) => Err(OutputError::NotAFile { path: path(), kind: "special file" }),
            Err(source) => Err(OutputError::Write { path: path(), source }),
        }
    }
}

#[cfg(test)]
mod tests;
