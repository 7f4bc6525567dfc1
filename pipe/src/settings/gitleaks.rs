//! The files of a gitleaks configuration: which there are, and their texts.
//!
//! Owns reading them as plain data: bounded in size, from regular files only, and never from outside of the repository, whatever links or `..`
//! say. What the texts mean is not decided here.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::root::{Root, in_commit};
use super::small_file::{FileError, text_of};
use crate::analyze::secrets::gitleaks::{self, Configuration, Layer, Mode, Source};
use crate::mistake::Mistake;

/// The configuration in a tree's root.
pub const CONFIGURATION: &str = ".gitleaks.toml";
/// The findings to ignore, in a tree's root.
pub const IGNORE: &str = ".gitleaksignore";

/// Which files count.
#[derive(Clone, Copy, Default)]
pub struct Files<'a> {
    /// The root of what is scanned.
    pub root: Root<'a>,
    /// A configuration that is followed exactly, in place of the tree's.
    pub config: Option<&'a Path>,
    /// A further list of findings to ignore, or a folder that holds one.
    pub ignore: Option<&'a Path>,
}

/// Why a gitleaks configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be had.
    #[error(transparent)]
    File(#[from] FileError),
    /// Mistakes in its text.
    #[error("the gitleaks configuration has mistakes")]
    Mistakes(Vec<Mistake>),
}

/// Reads what there is. `None` if there is nothing.
pub fn read(files: Files<'_>) -> Result<Option<Layer>, Error> {
    let configuration = match files.config {
        Some(config) => Some(Configuration {
            source: Source { name: config.display().to_string(), text: files.root.named(config)? },
            mode: Mode::Exact,
            path: files.root.inside(config).map(String::into_bytes),
        }),
        None => in_root(files.root, CONFIGURATION)?.map(|source| Configuration {
            source,
            mode: Mode::Add,
            path: Some(CONFIGURATION.as_bytes().to_vec()),
        }),
    };
    let mut ignores: Vec<Source> = in_root(files.root, IGNORE)?.into_iter().collect();
    if let Some(named) = files.ignore {
        let path = if named.is_dir() { named.join(IGNORE) } else { named.to_owned() };
        ignores.push(Source { name: path.display().to_string(), text: files.root.named(&path)? });
    }
    if configuration.is_none() && ignores.is_empty() {
        return Ok(None);
    }
    let folder = files.config.map(|config| config.parent().unwrap_or(Path::new("")).to_owned());
    let open = |relative: &str| -> Result<Source, gitleaks::ExtendError> {
        Ok(extended(files.root, folder.as_deref(), Path::new(relative))?)
    };
    gitleaks::read(configuration, &ignores, &open).map(Some).map_err(Error::Mistakes)
}

/// A file that stands in the root, if it does.
fn in_root(root: Root<'_>, name: &str) -> Result<Option<Source>, FileError> {
    let text = match root {
        Root::Nowhere => None,
        Root::Folder(root) => in_folder(root, name)?,
        Root::Commit(files) => in_commit(files, name)?,
    };
    Ok(text.map(|text| Source { name: name.to_owned(), text }))
}

fn in_folder(root: &Path, name: &str) -> Result<Option<String>, FileError> {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    let path = root.join(name);
    match fs::symlink_metadata(&path) {
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        // The folder cannot be entered; the scan says so itself.
        Err(error) if error.kind() == PermissionDenied => Ok(None),
        Err(source) => Err(FileError::Unreadable { path, source }),
        Ok(_) => text_of(&confined(root, Path::new(name))?).map(Some),
    }
}

/// A file that a configuration extends: from the repository's root or from the configuration's folder, and nowhere else.
fn extended(root: Root<'_>, folder: Option<&Path>, relative: &Path) -> Result<Source, FileError> {
    let source = |text| Source { name: relative.display().to_string(), text };
    let mut refused = FileError::Missing(relative.to_owned());
    if let Root::Commit(files) = root {
        // The configuration itself is in the commit too, unless it was named outside of the clone.
        let beside = folder.and_then(|folder| root.inside(folder));
        for base in ["".to_owned()].into_iter().chain(beside.clone()) {
            let name = if base.is_empty() { relative.to_owned() } else { Path::new(&base).join(relative) };
            match in_commit(files, &name.to_string_lossy())? {
                Some(text) => return Ok(source(text)),
                None => continue,
            }
        }
        if folder.is_none() || beside.is_some() {
            return Err(refused);
        }
    }
    let root = if let Root::Folder(root) = root { Some(root) } else { None };
    // What lies in the repository may name all of it; what lies elsewhere only its own folder.
    for base in root.into_iter().chain(folder) {
        match confined(base, relative) {
            Ok(path) => return Ok(source(text_of(&path)?)),
            Err(FileError::Missing(_)) => {}
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// Where `relative` really is, if that is below `base`.
fn confined(base: &Path, relative: &Path) -> Result<PathBuf, FileError> {
    let outside = || FileError::Outside(relative.to_owned());
    let mut depth = 0_usize;
    for part in relative.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => depth = depth.checked_sub(1).ok_or_else(outside)?,
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
    }
    let base = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    let unreadable = |path: &Path, source: io::Error| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FileError::Missing(relative.to_owned()),
        _ => FileError::Unreadable { path: path.to_owned(), source },
    };
    let base = fs::canonicalize(base).map_err(|error| unreadable(base, error))?;
    let path = base.join(relative);
    let real = fs::canonicalize(&path).map_err(|error| unreadable(&path, error))?;
    if real.starts_with(&base) { Ok(real) } else { Err(outside()) }
}

#[cfg(test)]
mod tests;
