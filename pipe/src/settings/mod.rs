//! What a run is told: flags before `penstock.toml` before defaults.
//!
//! Owns putting the three together and checking them. Afterwards nothing asks again where a value came from.

mod clock;
pub mod connection;
mod environment;
pub mod file;
pub mod gitleaks;
pub mod pipe;
mod small_file;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use penstock_common::Confidence;

pub use clock::now;
pub use connection::Connection;
pub use environment::{Environment, Unreadable, Variables};
pub use file::{File, Mistake};
pub use small_file::FileError;

use crate::analyze::secrets::rule;
use crate::assess::FailOn;
use crate::checkout::{Limits, TreeOptions, Trust};
use crate::cli::ScanArgs;

/// The name of the configuration in a repository's root.
pub const FILE_NAME: &str = "penstock.toml";

/// Everything a scan is told.
#[derive(Clone, Debug)]
pub struct ScanSettings {
    /// Which files of a tree count.
    pub tree: TreeOptions,
    /// Bounds.
    pub limits: Limits,
    /// Look into archives.
    pub archives: bool,
    /// Paths to leave out.
    pub exclude: Vec<String>,
    /// Least confidence of a finding.
    pub minimum: Confidence,
    /// Rules in force, by index.
    pub enabled: Vec<bool>,
    /// What makes exit code 1.
    pub fail_on: FailOn,
    /// Whether an incomplete run may pass.
    pub allow_incomplete: bool,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Mistakes in `penstock.toml`.
    #[error("the configuration has mistakes")]
    File(Vec<Mistake>),
    /// A configuration that cannot be had.
    #[error(transparent)]
    Unreadable(#[from] FileError),
    /// A rule that does not exist.
    #[error("there is no rule `{id}`")]
    NoSuchRule {
        /// As given.
        id: String,
        /// The nearest that exists.
        near: Option<&'static str>,
    },
}

/// Reads the configuration: the named file, else `penstock.toml` in `root`, else none.
pub fn read_file(named: Option<&Path>, root: Option<&Path>) -> Result<File, Error> {
    let path = match (named, root) {
        (Some(named), _) => named.to_owned(),
        (None, Some(root)) => root.join(FILE_NAME),
        (None, None) => return Ok(File::default()),
    };
    // A link in a repository could lead anywhere, and the file is named in messages.
    let found = fs::symlink_metadata(&path).map(|metadata| !metadata.is_symlink());
    match found {
        Ok(false) if named.is_none() => return Ok(File::default()),
        // A folder that cannot be entered is told by the scan.
        Err(_) if named.is_none() => return Ok(File::default()),
        _ => {}
    }
    file::read(&path, &small_file::text_of(&path)?).map_err(Error::File)
}

/// Puts flags, file and environment together.
pub fn scan(arguments: &ScanArgs, file: &File, environment: &Environment) -> Result<ScanSettings, Error> {
    let threads = arguments.threads.map(usize::from);
    let threads = threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let defaults = Limits::default();
    Ok(ScanSettings {
        tree: TreeOptions {
            all_files: arguments.all_files || file.scan.all_files.unwrap_or(false),
            submodules: arguments.submodules || file.scan.submodules.unwrap_or(false),
            trust: Trust { foreign: arguments.trust_repository || environment.in_ci(), within: None },
        },
        limits: Limits {
            max_file_size: arguments.max_file_size.or(file.scan.max_file_size).unwrap_or(defaults.max_file_size),
            threads,
        },
        archives: arguments.archives || file.scan.archives.unwrap_or(false),
        exclude: file.scan.exclude.clone(),
        minimum: arguments.min_confidence.or(file.secrets.min_confidence).unwrap_or(Confidence::Medium),
        enabled: enabled(&arguments.rule, &[&arguments.disable_rule[..], &file.secrets.disable[..]].concat())?,
        fail_on: arguments.fail_on.or(file.gate.fail_on).unwrap_or_default(),
        allow_incomplete: arguments.allow_incomplete,
    })
}

/// Which rules are in force. Every id must exist: a typing error must not switch a rule on or off silently.
fn enabled(only: &[String], not: &[String]) -> Result<Vec<bool>, Error> {
    let rules = rule::builtin();
    let named = |ids: &[String]| -> Result<BTreeSet<usize>, Error> {
        let mut indices = BTreeSet::new();
        for id in ids {
            let before = indices.len();
            // An id of gitleaks may stand for several of ours.
            indices.extend(rules.iter().enumerate().filter(|(_, rule)| rule.is_named(id)).map(|(index, _)| index));
            if indices.len() == before && rule::find(id).is_none() {
                let near = file::nearest(id, rules.iter().map(|rule| rule.id));
                return Err(Error::NoSuchRule { id: id.clone(), near });
            }
        }
        Ok(indices)
    };
    let (only, not) = (named(only)?, named(not)?);
    Ok((0..rules.len()).map(|index| (only.is_empty() || only.contains(&index)) && !not.contains(&index)).collect())
}
