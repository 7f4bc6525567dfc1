//! Where a repository keeps its things, and whether it may be believed.
//!
//! Owns finding the git folder of a path and every check that happens before the library reads anything in it: a repository
//! may come from anybody, so what it points to outside of itself counts only if it belongs to the running user, and what
//! would block or be misread is refused. Opens no object and no reference.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::platform::{self, Kind};

/// How much a repository of somebody else may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Follow what points outside of the repository whoever owns it. For CI, where the clone belongs to another user and the
    /// machine holds nothing but the clone.
    pub foreign: bool,
    /// A folder that counts as part of the repository: for a submodule, the repository around it.
    pub within: Option<PathBuf>,
}

/// A repository's folders, absolute and without symbolic links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The work tree; none if the repository is bare or the path was inside the git folder.
    pub root: Option<PathBuf>,
    /// What belongs to this work tree: `HEAD`, the index.
    pub git_dir: PathBuf,
    /// What all work trees share: objects, references, configuration.
    pub common_dir: PathBuf,
}

/// Largest file of those that git writes with one line or a few in them.
const SMALL_FILE: u64 = 16 << 20;

impl Location {
    /// The repository that `path` lies in, if any. `path` exists.
    pub fn discover(path: &Path) -> Result<Option<Self>, Error> {
        let start = fs::canonicalize(path).map_err(|source| Error::reading(path, source))?;
        for folder in start.ancestors() {
            let dot_git = folder.join(".git");
            match fs::metadata(&dot_git) {
                Ok(found) if found.is_file() => return Self::from_git_file(folder, &dot_git).map(Some),
                Ok(found) if found.is_dir() && is_git_dir(&dot_git) => {
                    return Self::new(Some(folder.to_owned()), &dot_git).map(Some);
                }
                _ => {}
            }
            if is_git_dir(folder) {
                return Self::new(None, folder).map(Some);
            }
        }
        Ok(None)
    }

    /// The repository whose work tree is rooted at `folder`, if there is one.
    pub fn at_root(folder: &Path) -> Result<Option<Self>, Error> {
        let dot_git = folder.join(".git");
        match fs::metadata(&dot_git) {
            Ok(found) if found.is_file() => Self::from_git_file(folder, &dot_git).map(Some),
            Ok(found) if found.is_dir() && is_git_dir(&dot_git) => {
                Self::new(Some(folder.to_owned()), &dot_git).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A linked work tree or a submodule: `.git` is a file that names the folder.
    fn from_git_file(root: &Path, dot_git: &Path) -> Result<Self, Error> {
        let text = small_file(dot_git)?;
        let named = text
            .strip_prefix(b"gitdir:")
            .map(<[u8]>::trim_ascii)
            .filter(|named| !named.is_empty())
            .ok_or_else(|| Error::damaged(dot_git, "it does not say `gitdir: FOLDER`"))?;
        let git_dir = root.join(platform::path_name(named));
        if !is_git_dir(&git_dir) {
            return Err(Error::damaged(dot_git, "it points to a folder that is no git folder"));
        }
        Self::new(Some(root.to_owned()), &git_dir)
    }

    fn new(root: Option<PathBuf>, git_dir: &Path) -> Result<Self, Error> {
        let git_dir = fs::canonicalize(git_dir).map_err(|source| Error::reading(git_dir, source))?;
        let common_file = git_dir.join("commondir");
        let common_dir = if common_file.exists() {
            let named = small_file(&common_file)?;
            let named = git_dir.join(platform::path_name(named.trim_ascii_end()));
            fs::canonicalize(&named)
                .map_err(|_| Error::damaged(&common_file, "it points to a folder that is missing"))?
        } else {
            git_dir.clone()
        };
        Ok(Self { root, git_dir, common_dir })
    }

    /// The repository as people name it.
    pub fn name(&self) -> &Path {
        self.root.as_deref().unwrap_or(&self.git_dir)
    }

    /// Refuses what must not be read: somebody else's repository that points elsewhere, pipes in place of files, object formats
    /// that the library would misread.
    pub fn check(&self, trust: &Trust) -> Result<(), Error> {
        self.check_inside(&self.git_dir, trust)?;
        self.check_inside(&self.common_dir, trust)?;
        for folder in [&self.git_dir, &self.common_dir] {
            self.check_entries(folder, trust)?;
            for inner in ["info", "objects", "objects/info", "objects/pack"] {
                self.check_entries(&folder.join(inner), trust)?;
            }
        }
        self.check_format()
    }

    /// `path`, resolved, lies in the repository, or the repository may point elsewhere.
    pub fn check_inside(&self, path: &Path, trust: &Trust) -> Result<(), Error> {
        let own = [self.root.as_deref(), Some(&*self.git_dir), Some(&*self.common_dir), trust.within.as_deref()];
        // A git folder is only its own witness if nothing stands around it.
        let own = if self.root.is_some() { &own[..1] } else { &own[1..2] };
        let within = trust.within.as_deref();
        if trust.foreign || own.iter().flatten().chain(within.iter()).any(|folder| path.starts_with(folder)) {
            return Ok(());
        }
        if self.is_ours() {
            return Ok(());
        }
        Err(Error::Foreign { repository: self.name().to_owned(), outside: path.to_owned() })
    }

    /// Whether the running user owns everything that says where the repository reads from.
    fn is_ours(&self) -> bool {
        let root = self.root.as_deref().map(|root| [root.to_owned(), root.join(".git")]);
        root.iter()
            .flatten()
            .chain([&self.git_dir, &self.common_dir])
            .all(|path| platform::is_ours(path).unwrap_or(false))
    }

    /// Symbolic links among a git folder's entries stay inside, and none is a pipe or a device: opening those can block for ever.
    fn check_entries(&self, folder: &Path, trust: &Trust) -> Result<(), Error> {
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        for entry in entries.flatten() {
            let Ok(file_type) = entry.file_type() else { continue };
            match platform::kind(file_type) {
                Kind::Symlink => {
                    let Ok(target) = fs::canonicalize(entry.path()) else { continue };
                    self.check_inside(&target, trust)?;
                    if fs::metadata(&target).is_ok_and(|found| blocks(platform::kind(found.file_type()))) {
                        return Err(Error::damaged(&entry.path(), "it is no file"));
                    }
                }
                kind if blocks(kind) => return Err(Error::damaged(&entry.path(), "it is no file")),
                _ => {}
            }
        }
        Ok(())
    }

    /// The same for everything that is reached by name in `folder`: loose objects and references.
    pub(super) fn check_deep(&self, folder: &Path, trust: &Trust, depth: usize) -> Result<(), Error> {
        self.check_entries(folder, trust)?;
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        for entry in entries.flatten() {
            if depth > 0 && entry.file_type().is_ok_and(|found| found.is_dir()) {
                self.check_deep(&entry.path(), trust, depth - 1)?;
            }
        }
        Ok(())
    }

    /// Refuses formats of which the library would read nothing, or half.
    fn check_format(&self) -> Result<(), Error> {
        let config = self.configuration()?;
        let unsupported =
            |feature: &str| Error::Unsupported { path: self.name().to_owned(), feature: feature.to_owned() };
        if let Some(format) =
            config.string("extensions.objectFormat").filter(|format| !format.eq_ignore_ascii_case(b"sha1"))
        {
            return Err(unsupported(&format!("the object format `{}`", super::path::display(format.as_ref()))));
        }
        if let Some(storage) =
            config.string("extensions.refStorage").filter(|storage| !storage.eq_ignore_ascii_case(b"files"))
        {
            return Err(unsupported(&format!("the reference storage `{}`", super::path::display(storage.as_ref()))));
        }
        Ok(())
    }

    /// The repository's own configuration, without what it includes.
    pub(super) fn configuration(&self) -> Result<gix::config::File<'static>, Error> {
        let path = self.common_dir.join("config");
        if !path.exists() {
            return Ok(gix::config::File::default());
        }
        small_file(&path)?;
        gix::config::File::from_path_no_includes(path.clone(), gix::config::Source::Local)
            .map_err(|error| Error::damaged(&path, crate::checkout::error::chain(&error)))
    }
}

/// Whether opening it may wait for somebody else. A socket does not: it cannot be opened at all.
fn blocks(kind: Kind) -> bool {
    matches!(kind, Kind::Special("named pipe" | "device"))
}

/// What git itself asks of a git folder.
fn is_git_dir(folder: &Path) -> bool {
    let is_file = |name: &str| fs::symlink_metadata(folder.join(name)).is_ok_and(|found| !found.is_dir());
    let is_folder = |name: &str| folder.join(name).is_dir();
    is_file("HEAD") && (is_file("commondir") || is_folder("objects") && is_folder("refs"))
}

/// The bytes of a file that git writes with a few lines in it.
pub(super) fn small_file(path: &Path) -> Result<Vec<u8>, Error> {
    let metadata = fs::metadata(path).map_err(|source| Error::reading(path, source))?;
    if !metadata.is_file() {
        return Err(Error::damaged(path, "it is no file"));
    }
    if metadata.len() > SMALL_FILE {
        return Err(Error::damaged(path, "it is larger than such a file can be"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(SMALL_FILE).read_to_end(&mut bytes))
        .map_err(|source| Error::reading(path, source))?;
    Ok(bytes)
}
