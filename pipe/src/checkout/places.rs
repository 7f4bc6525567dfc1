//! The paths of a repository that arguments name.
//!
//! Owns which repository the PATHs of a command are in, and their names in it. A PATH need not
//! exist any more: a commit may still have it. Reads no content.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::error::Error;
use super::git_environment::GitEnvironment;
use super::locate::Location;
use super::platform::path_bytes;

/// Files and folders by their names from the root; an empty list means everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(Vec<Place>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    given: PathBuf,
    name: Vec<u8>,
    exists: bool,
}

impl Places {
    /// The repository of `paths`, or of the current folder, and their names in it.
    pub fn find(paths: &[PathBuf], environment: &GitEnvironment) -> Result<(Location, Self), Error> {
        let here = PathBuf::from(".");
        let first = paths.first().unwrap_or(&here);
        let (start, _) = existing(first)?;
        let location = Location::discover(&start, environment)?;
        let location = location.ok_or_else(|| Error::NotARepository { path: first.clone() })?;
        let places = Self::of(paths, &location)?;
        Ok((location, places))
    }

    /// The names of `paths` in the repository at `location`.
    pub fn of(paths: &[PathBuf], location: &Location) -> Result<Self, Error> {
        let mut places = Vec::new();
        let root = location.root.as_deref().unwrap_or(&location.git_dir);
        for given in paths {
            let (start, rest) = existing(given)?;
            // A link has two names: its target, and the link itself, which git tracks as a file.
            let link = rest.is_empty().then(|| link(given)).flatten();
            let found = places.len();
            for path in [Some(start), link].into_iter().flatten() {
                let Ok(below) = path.strip_prefix(root) else { continue };
                // Without a work tree, git's folders are not scanned, and names start at the root
                // of a commit.
                let mut name = if location.root.is_some() { below.to_owned() } else { PathBuf::new() };
                name.extend(&rest);
                let name = path_bytes(name.as_os_str()).into_owned();
                places.push(Place { given: given.clone(), name, exists: rest.is_empty() });
            }
            if places.len() == found {
                return Err(Error::OutsideOfRepository { path: given.clone(), repository: location.name().to_owned() });
            }
        }
        if places.iter().any(|place| place.name.is_empty()) {
            places.clear();
        }
        Ok(Self(places))
    }

    /// Whether these are the whole repository.
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the place, if there is only one.
    pub(super) fn single(&self) -> Option<&[u8]> {
        match &self.0[..] {
            [place] => Some(&place.name),
            _ => None,
        }
    }

    /// Whether they contain the file at `path`.
    pub fn covers(&self, path: &[u8]) -> bool {
        self.0.is_empty() || self.0.iter().any(|place| is_at_or_below(path, &place.name))
    }

    /// An error for the first place that is neither on the disk nor known to `is_known`: a typing
    /// error would otherwise pass as "nothing found".
    pub(super) fn check(&self, is_known: impl Fn(&[u8]) -> bool) -> Result<(), Error> {
        match self.0.iter().find(|place| !place.exists && !is_known(&place.name)) {
            Some(place) => Err(Error::NoSuchPath { path: place.given.clone() }),
            None => Ok(()),
        }
    }
}

/// Whether `path` is `place` or below it.
pub(super) fn is_at_or_below(path: &[u8], place: &[u8]) -> bool {
    place.is_empty() || path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// The part of `path` that exists, resolved, and the names after it.
fn existing(path: &Path) -> Result<(PathBuf, Vec<OsString>), Error> {
    let absolute = std::path::absolute(path).map_err(|source| Error::reading(path, source))?;
    let parts: Vec<Component<'_>> = absolute.components().collect();
    for end in (1..=parts.len()).rev() {
        let (head, rest) = parts.split_at(end);
        // `..` after a name that does not exist cannot be resolved.
        let names: Option<Vec<OsString>> = rest
            .iter()
            .map(|part| if let Component::Normal(name) = part { Some((*name).to_owned()) } else { None })
            .collect();
        match (names, fs::canonicalize(head.iter().collect::<PathBuf>())) {
            (Some(names), Ok(resolved)) => return Ok((resolved, names)),
            (_, Err(source)) if source.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(Error::reading(path, source));
            }
            _ => {}
        }
    }
    Err(Error::NoSuchPath { path: path.to_owned() })
}

/// `path` itself, if it is a symbolic link.
fn link(path: &Path) -> Option<PathBuf> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let parent = path.parent().filter(|_| is_link)?;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    Some(fs::canonicalize(parent).ok()?.join(path.file_name()?))
}
