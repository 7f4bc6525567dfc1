//! What a run is told: flags before `penstock.toml` before defaults.
//!
//! Owns putting the three together and checking them. Afterwards nothing asks again where a value came from.

mod clock;
pub mod connection;
mod environment;
pub mod file;
pub mod gitleaks;
pub mod pipe;
mod root;
mod small_file;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use penstock_common::Confidence;

pub use clock::now;
pub use connection::Connection;
pub use environment::{Environment, Unreadable, Variables};
pub use file::{File, Mistake};
pub use root::{CommitFiles, Root};
pub use small_file::FileError;

use crate::analyze::secrets::allow::{Allow, Tool};
use crate::analyze::secrets::rule;
use crate::assess::{Conditions, FailOn, Layers, Suppress, conditions};
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
    /// What must hold of a run that is compared with a base.
    pub compared: Conditions,
    /// What must hold of one that is not.
    pub alone: Conditions,
    /// Findings that somebody decided to live with.
    pub suppress: Vec<Suppress>,
    /// Which comments allow a finding.
    pub allow: Allow,
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
    /// `never` beside conditions.
    #[error("`--fail-on never` stands alone")]
    NeverWithOthers,
    /// What is new was asked for where nothing is compared.
    #[error("`--fail-on {0}` needs a base")]
    NoBase(FailOn),
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
pub fn read_file(named: Option<&Path>, root: Root<'_>) -> Result<File, Error> {
    let (path, text) = match (named, root) {
        (Some(named), root) => (named.to_owned(), Some(root.named(named)?)),
        (None, Root::Folder(root)) => {
            let path = root.join(FILE_NAME);
            // A link in a repository could lead anywhere, and the file is named in messages. A folder that cannot be entered is told by the
            // scan.
            let is_there = fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_symlink());
            let text = is_there.then(|| small_file::text_of(&path)).transpose()?;
            (path, text)
        }
        (None, Root::Commit(files)) => (FILE_NAME.into(), root::in_commit(files, FILE_NAME)?),
        (None, Root::Nowhere) => return Ok(File::default()),
    };
    text.map_or(Ok(File::default()), |text| file::read(&path, &text)).map_err(Error::File)
}

/// What a repository of somebody else may do.
pub fn trust(arguments: &ScanArgs, environment: &Environment) -> Trust {
    let foreign = arguments.trust_repository || environment.in_ci();
    Trust { foreign, within: None, environment: environment.git.clone() }
}

/// Puts flags, file and environment together.
pub fn scan(arguments: &ScanArgs, file: &File, environment: &Environment) -> Result<ScanSettings, Error> {
    let threads = arguments.threads.map(usize::from);
    let threads = threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let defaults = Limits::default();
    if arguments.fail_on.contains(&FailOn::Never) && arguments.fail_on.iter().any(|word| *word != FailOn::Never) {
        return Err(Error::NeverWithOthers);
    }
    let single = file.gate.conditions();
    let layers = Layers { file_fail_on: file.gate.fail_on.as_deref(), file: &single, flag: &arguments.fail_on };
    Ok(ScanSettings {
        tree: TreeOptions {
            all_files: arguments.all_files || file.scan.all_files.unwrap_or(false),
            submodules: arguments.submodules || file.scan.submodules.unwrap_or(false),
            trust: trust(arguments, environment),
        },
        limits: Limits {
            max_file_size: arguments.max_file_size.or(file.scan.max_file_size).unwrap_or(defaults.max_file_size),
            threads,
        },
        archives: arguments.archives || file.scan.archives.unwrap_or(false),
        exclude: file.scan.exclude.clone(),
        minimum: arguments.min_confidence.or(file.secrets.min_confidence).unwrap_or(Confidence::Medium),
        enabled: enabled(&arguments.rule, &[&arguments.disable_rule[..], &file.secrets.disable[..]].concat())?,
        compared: conditions(&layers, true),
        alone: conditions(&layers, false),
        suppress: file.suppress.clone(),
        allow: Allow {
            require_reason: file.allow.require_reason.unwrap_or(false),
            tools: file.allow.tools.clone().unwrap_or_else(|| Tool::ALL.to_vec()),
        },
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
