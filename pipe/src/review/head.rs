//! What is looked at.
//!
//! Owns the choice of the head: in a build the commit that it is about, because the work tree may hold a local merge and what earlier steps
//! built; elsewhere what the flags name. Opens the repository where something will be compared.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::base::Head;
use super::{Remark, Request};
use crate::checkout::{self, GitEnvironment, Places, Repository};
use crate::cli::ScanArgs;
use crate::error::Error;
use crate::scan::{self, Target};
use crate::settings;

/// The head, and where it lies.
pub(super) struct Place {
    /// What is looked at.
    pub(super) target: Target,
    /// The repository and the head in it, if something is to be compared.
    pub(super) compared: Option<(Arc<Repository>, Head)>,
    /// The folder whose configuration counts if no commit's does.
    pub(super) root: Option<PathBuf>,
    /// Whether all files of a repository, or of a folder outside any repository, are scanned.
    pub(super) is_whole: bool,
}

/// Finds it.
pub(super) fn find(request: &Request<'_>, notices: &mut Vec<Remark>) -> Result<Place, Error> {
    let Request { arguments, environment, build, .. } = *request;
    let first = arguments.paths.first().map(PathBuf::as_path);
    let first = first.or_else(|| build?.clone_dir.as_deref()).unwrap_or(Path::new("."));
    let open = || {
        let found = Repository::discover(first, &settings::trust(arguments, environment));
        found.map(Arc::new).map_err(|error| match error {
            checkout::Error::NotARepository { path } if build.is_some() => Error::NoClone(path),
            other => scan::Error::from(other).into(),
        })
    };
    let environment = &environment.git;
    let Some(build) = build else {
        let target = named(arguments);
        let compared = match arguments.base {
            Some(_) => {
                let repository = open()?;
                // Compare only what is scanned: the current folder, not the repository around it.
                let here = [PathBuf::from(".")];
                let paths = if arguments.paths.is_empty() { &here[..] } else { &arguments.paths };
                let places = Places::of(paths, repository.location()).map_err(scan::Error::from)?;
                Some((repository, Head::WorkTree(places)))
            }
            None => None,
        };
        let root = root(first, environment);
        let is_whole = matches!(target, Target::Tree(_))
            && arguments.paths.len() < 2
            && std::fs::canonicalize(first)
                .ok()
                .is_some_and(|first| root.as_deref().is_some_and(|root| is_same(root, &first)));
        return Ok(Place { target, compared, root, is_whole });
    };
    let repository = open()?;
    let root = repository.location().root.clone();
    let commit = build.commit.as_deref().and_then(|id| repository.commit_of_id(id));
    if let Some(commit) = commit {
        let target = Target::Commit(Arc::clone(&repository), commit);
        return Ok(Place { target, compared: Some((repository, Head::Commit(commit))), root, is_whole: true });
    }
    let text = match &build.commit {
        Some(commit) => format!("commit {commit} is not in this clone: the work tree is looked at in its place"),
        None => "`BITBUCKET_COMMIT` is not set: the work tree is looked at".to_owned(),
    };
    notices.push(Remark { subject: "head".to_owned(), text });
    let paths = if arguments.paths.is_empty() { vec![first.to_owned()] } else { arguments.paths.clone() };
    let head = Head::WorkTree(Places::of(&paths, repository.location()).map_err(scan::Error::from)?);
    Ok(Place { target: Target::Tree(paths), compared: Some((repository, head)), root, is_whole: false })
}

/// What the flags name.
fn named(arguments: &ScanArgs) -> Target {
    let paths = arguments.paths.clone();
    if arguments.stdin {
        Target::Input(arguments.stdin_name.clone().unwrap_or_else(|| "stdin".to_owned()))
    } else if arguments.staged {
        Target::Staged(paths)
    } else if let Some(range) = &arguments.range {
        Target::Range(paths, range.clone())
    } else if arguments.history {
        Target::History(paths)
    } else {
        Target::Tree(paths)
    }
}

/// The work tree's root, or what is scanned outside of any. A bare repository has none. One that cannot be read is told by the scan itself,
/// with what it would have been needed for.
fn root(given: &Path, environment: &GitEnvironment) -> Option<PathBuf> {
    match Places::find(&[given.to_owned()], environment) {
        Ok((location, _)) => location.root,
        Err(_) if given.is_dir() => Some(given.to_owned()),
        Err(_) => given.parent().map(Path::to_owned),
    }
}

fn is_same(folder: &Path, resolved: &Path) -> bool {
    std::fs::canonicalize(folder).is_ok_and(|folder| folder == resolved)
}
