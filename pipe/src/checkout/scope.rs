//! What the arguments of a tree scan mean.
//!
//! Owns turning each PATH into a place to begin and the name that files below it are shown under; reads no content. The rule
//! for names: if all PATHs lie in one repository, a file is named from that repository's root, wherever the command runs, so
//! that a finding has the same name in CI and on a laptop. Otherwise a file is named from its PATH: with one PATH relative to
//! it, with several by the PATH as given and what follows.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::error::Error;
use super::ignoring::Patterns;
use super::index::Index;
use super::locate::{Location, Trust};
use super::platform::{self, Kind, path_bytes};
use super::sparse::Part;

/// Which files of a tree count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeOptions {
    /// Everything, whatever git or a file of patterns says. The repository is not read at all.
    pub all_files: bool,
    /// Also the repositories inside a repository.
    pub submodules: bool,
    /// What a repository of somebody else may do.
    pub trust: Trust,
}

/// One work tree, or a folder outside of any.
pub(super) struct Tree {
    /// Its root, absolute.
    pub(super) path: PathBuf,
    /// Its repository, checked; none outside of git, or if every file counts anyway.
    pub(super) location: Option<Location>,
    /// The same, even if every file counts: for questions that only the index can answer.
    pub(super) repository: Option<Location>,
    /// Whether it is in a repository, even one that may not be read.
    pub(super) in_repository: bool,
    /// The root of the outermost tree around it.
    pub(super) outermost: PathBuf,
    /// What it tracks, read when first asked for.
    pub(super) index: OnceLock<Option<Index>>,
}

/// A folder to be walked, or that a file stands in.
pub(super) struct Folder {
    /// Absolute.
    pub(super) path: PathBuf,
    /// Its name, with a final `/`; nothing for the root of all names.
    pub(super) shown: Vec<u8>,
    /// The same from the root of its tree, as the index has it.
    pub(super) inside: Vec<u8>,
    /// The tree that it belongs to.
    pub(super) tree: Arc<Tree>,
    /// The patterns that hold above it; those in it are read with it.
    pub(super) patterns: Arc<Patterns>,
    /// It is ignored, and looked through for what is tracked all the same.
    pub(super) tracked_only: bool,
}

/// Where a walk begins.
pub(super) struct Start {
    /// The folder, or the one that the file stands in.
    pub(super) folder: Folder,
    /// The file's name, if it is a file.
    pub(super) file: Option<std::ffi::OsString>,
    /// The path itself, resolved.
    pub(super) path: PathBuf,
}

impl Start {
    /// This as a part of its repository; none if it has none or every file counts anyway.
    pub(super) fn part(&self) -> Option<Part> {
        let Folder { tree, inside, shown, .. } = &self.folder;
        let location = tree.location.clone()?;
        let name = |folder: &[u8]| {
            let file = self.file.as_deref().map(path_bytes).unwrap_or_default();
            let name = [folder, &file].concat();
            name.strip_suffix(b"/").map(<[u8]>::to_vec).unwrap_or(name)
        };
        Some(Part { location, inside: name(inside), shown: name(shown) })
    }
}

impl Tree {
    /// The names of the files of patterns that hold in this tree, strongest first.
    pub(super) fn pattern_files(&self) -> &'static [&'static str] {
        if self.location.is_some() { &[".gitignore"] } else { &[".ignore", ".gitignore"] }
    }

    /// The patterns that hold in the whole tree, whatever files it has.
    pub(super) fn patterns(&self) -> Arc<Patterns> {
        match &self.location {
            Some(location) => Patterns::of_file(&self.path, &location.common_dir.join("info").join("exclude")),
            None => Arc::default(),
        }
    }
}

/// The folder in the clone where Pipelines keeps the files of the step.
pub(super) const GENERATED: &[u8] = b".bitbucket/pipelines/generated/";

/// What one argument names.
struct Argument<'a> {
    given: &'a Path,
    path: PathBuf,
    is_folder: bool,
    location: Option<Location>,
    /// The location, if it may be read.
    repository: Option<Location>,
    tracked_only: bool,
}

/// Where to begin for `paths`, each place once.
pub(super) fn resolve(paths: &[PathBuf], options: &TreeOptions) -> Result<Vec<Start>, Error> {
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here } else { paths };
    let arguments = paths.iter().map(|path| Argument::new(path, options)).collect::<Result<Vec<_>, _>>()?;
    let root = |argument: &Argument<'_>| argument.location.as_ref().and_then(|location| location.root.clone());
    let common =
        arguments.first().and_then(root).filter(|first| arguments.iter().all(|a| root(a).as_ref() == Some(first)));
    let single = arguments.len() == 1;
    let mut starts: Vec<Start> = Vec::new();
    for argument in arguments {
        if starts.iter().all(|start| start.path != argument.path) {
            starts.push(argument.start(common.as_deref(), single, options));
        }
    }
    Ok(starts)
}

impl<'a> Argument<'a> {
    fn new(given: &'a Path, options: &TreeOptions) -> Result<Self, Error> {
        // Follows the link that the argument may be; links below it are not followed.
        let path = fs::canonicalize(given).map_err(|source| Error::reading(given, source))?;
        if is_excluded(&path) {
            return Err(Error::Excluded { path: given.to_owned() });
        }
        let metadata = fs::metadata(&path).map_err(|source| Error::reading(given, source))?;
        let is_folder = match platform::kind(metadata.file_type()) {
            Kind::Folder => true,
            Kind::File => false,
            Kind::Special(kind) => return Err(Error::NotAFile { path: given.to_owned(), kind }),
            Kind::Symlink => return Err(Error::NotAFile { path: given.to_owned(), kind: "symbolic link" }),
        };
        let location = if options.all_files {
            // Only the root is wanted, for names; a damaged or foreign repository is not read.
            Location::discover(&path, &options.trust.environment)
                .ok()
                .flatten()
                .filter(|location| location.root.is_some())
        } else {
            let location = Location::discover(&path, &options.trust.environment)?;
            if let Some(location) = &location {
                location.check(&options.trust)?;
                if location.root.is_none() {
                    return Err(Error::NoWorkTree { path: given.to_owned() });
                }
            }
            location
        };
        // Without all files it was checked above.
        let may_be_read = |location: &Location| !options.all_files || location.check(&options.trust).is_ok();
        let repository = location.clone().filter(may_be_read);
        let root = location.as_ref().and_then(|location| location.root.as_deref());
        let name = root.map(|root| below(&path, root)).unwrap_or_default();
        let tracked_only = name.starts_with(GENERATED);
        if tracked_only {
            let index = repository.as_ref().and_then(|location| Index::read(location).ok().flatten());
            let place = name.strip_suffix(b"/").unwrap_or(&name);
            if !index.is_some_and(|index| index.has_place(place)) {
                return Err(Error::Excluded { path: given.to_owned() });
            }
        }
        Ok(Self { given, path, is_folder, location, repository, tracked_only })
    }

    fn start(self, common: Option<&Path>, single: bool, options: &TreeOptions) -> Start {
        let (folder, file) = match (self.is_folder, self.path.parent(), self.path.file_name()) {
            (false, Some(parent), Some(name)) => (parent.to_owned(), Some(name.to_owned())),
            _ => (self.path.clone(), None),
        };
        let root = self.location.as_ref().and_then(|location| location.root.clone()).unwrap_or_else(|| folder.clone());
        let tree = Arc::new(Tree {
            outermost: options.trust.within.clone().unwrap_or_else(|| root.clone()),
            in_repository: self.location.is_some(),
            location: if options.all_files { None } else { self.location },
            repository: self.repository,
            path: root,
            index: OnceLock::new(),
        });
        let inside = below(&folder, &tree.path);
        let shown = match common {
            Some(common) => below(&folder, common),
            None if single => Vec::new(),
            None => as_given(if file.is_some() { self.given.parent() } else { Some(self.given) }),
        };
        let patterns = if options.all_files { Arc::default() } else { patterns_above(&tree, &folder) };
        let folder = Folder { path: folder, shown, inside, tree, patterns, tracked_only: self.tracked_only };
        Start { folder, file, path: self.path }
    }
}

/// Git's own files are never scanned.
fn is_excluded(path: &Path) -> bool {
    path.components().any(|component| component == Component::Normal(OsStr::new(".git")))
}

/// The patterns of all folders from the tree's root down to the one above `folder`.
fn patterns_above(tree: &Tree, folder: &Path) -> Arc<Patterns> {
    let mut patterns = tree.patterns();
    let mut at = tree.path.clone();
    for name in folder.strip_prefix(&tree.path).into_iter().flat_map(Path::components) {
        patterns = Patterns::below(&patterns, &at, tree.pattern_files());
        at.push(name);
    }
    patterns
}

/// The name of `folder` from `root` on, with a final `/` unless they are the same.
fn below(folder: &Path, root: &Path) -> Vec<u8> {
    with_slash(path_bytes(folder.strip_prefix(root).unwrap_or(folder).as_os_str()).into_owned())
}

/// A folder's name as the user wrote it, without `.` segments.
fn as_given(folder: Option<&Path>) -> Vec<u8> {
    let folder: PathBuf =
        folder.into_iter().flat_map(Path::components).filter(|part| !matches!(part, Component::CurDir)).collect();
    with_slash(path_bytes(folder.as_os_str()).into_owned())
}

fn with_slash(mut name: Vec<u8>) -> Vec<u8> {
    if !name.is_empty() && !name.ends_with(b"/") {
        name.push(b'/');
    }
    name
}
