//! Where a repository keeps its things, and whether it may be believed.
//!
//! Owns finding the git folder of a path and every check that happens before the library reads anything in it: a repository
//! may come from anybody, so what it points to outside of itself counts only if it belongs to the running user, and what
//! would block or be misread is refused. Opens no object and no reference.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::git_environment::GitEnvironment;
use super::platform::{self, Kind};

/// How much a repository of somebody else may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Follow what points outside of the repository whoever owns it. For CI, where the clone belongs to another user and the
    /// machine holds nothing but the clone.
    pub foreign: bool,
    /// A folder that counts as part of the repository: for a submodule, the repository around it.
    pub within: Option<PathBuf>,
    /// Git's variables. They come from the user, not from the repository.
    pub environment: GitEnvironment,
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
    /// Overrides of the repository's files by git's variables.
    pub named: Named,
}

/// Files and folders that git's variables name, absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The git folder, its objects and others that are trusted, resolved.
    trusted: Vec<PathBuf>,
    index: Option<PathBuf>,
    objects: Option<PathBuf>,
    /// Further folders of objects.
    pub(super) alternates: Vec<PathBuf>,
    shallow: Option<PathBuf>,
}

/// Largest file of those that git writes with one line or a few in them.
const SMALL_FILE: u64 = 16 << 20;

impl Location {
    /// The repository that contains `path`, if any, as git would find it from there. `path` exists.
    pub fn discover(path: &Path, environment: &GitEnvironment) -> Result<Option<Self>, Error> {
        let start = fs::canonicalize(path).map_err(|source| Error::reading(path, source))?;
        if let Some(git_dir) = &environment.git_dir {
            let location = Self::of_environment(git_dir, environment)?;
            let is_here = || fs::canonicalize(".").is_ok_and(|here| here == start);
            let own = [location.root.as_deref(), Some(&*location.git_dir)];
            // Any other PATH is in a repository that the variables do not apply to.
            if own.iter().flatten().any(|folder| start.starts_with(folder)) || is_here() {
                return Ok(Some(location));
            }
            return Self::search(&start, environment);
        }
        let Some(found) = Self::search(&start, environment)? else { return Ok(None) };
        let root = match &environment.work_tree {
            Some(root) => Some(resolved("GIT_WORK_TREE", root)?),
            None => found.root.clone(),
        };
        Ok(Some(Self { root, ..found }.with(environment)))
    }

    /// Searches upwards from `start`, which is resolved, for the first folder with a repository.
    fn search(start: &Path, environment: &GitEnvironment) -> Result<Option<Self>, Error> {
        for folder in start.ancestors() {
            if environment.is_ceiling(folder, start) {
                return Ok(None);
            }
            if !environment.across_file_systems && !platform::on_one_file_system(start, folder) {
                return Ok(None);
            }
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

    /// The repository that `GIT_DIR` names. Its work tree is `GIT_WORK_TREE`, the one in its
    /// configuration, or the current folder.
    fn of_environment(git_dir: &Path, environment: &GitEnvironment) -> Result<Self, Error> {
        let no_git_dir = || Error::Environment { variable: "GIT_DIR", path: git_dir.to_owned() };
        let folder = match fs::metadata(git_dir) {
            Ok(found) if found.is_file() => Self::from_git_file(git_dir.parent().unwrap_or(git_dir), git_dir)?.git_dir,
            _ => git_dir.to_owned(),
        };
        if !is_git_dir(&folder) {
            return Err(no_git_dir());
        }
        let mut location = Self::new(None, &folder)?;
        if let Some(common) = &environment.common_dir {
            let common = resolved("GIT_COMMON_DIR", common)?;
            if common != location.common_dir {
                let feature = "a `GIT_COMMON_DIR` that is not the one of its git folder".to_owned();
                return Err(Error::Unsupported { path: location.git_dir, feature });
            }
        }
        location.named.trusted.push(location.git_dir.clone());
        location.root = match &environment.work_tree {
            Some(root) => Some(resolved("GIT_WORK_TREE", root)?),
            None => location.configured_work_tree(environment)?,
        };
        location.named.trusted.extend(location.root.clone());
        Ok(location.with(environment))
    }

    fn configured_work_tree(&self, environment: &GitEnvironment) -> Result<Option<PathBuf>, Error> {
        let config = self.configuration()?;
        // For a linked work tree, the shared configuration names the main one.
        let is_linked = self.git_dir != self.common_dir;
        if !is_linked && config.boolean("core.bare").is_some_and(|bare| bare.unwrap_or(false)) {
            return Ok(None);
        }
        if let Some(named) = config.string("core.worktree").filter(|_| !is_linked) {
            let root = self.git_dir.join(platform::path_name(&named));
            return fs::canonicalize(&root)
                .map(Some)
                .map_err(|_| Error::damaged(&self.git_dir, "its configuration names a work tree that is missing"));
        }
        if environment.no_implicit_work_tree {
            return Ok(None);
        }
        let here = Path::new(".");
        fs::canonicalize(here).map(Some).map_err(|source| Error::reading(here, source))
    }

    /// The same, with the paths of the other variables. They are relative to the top of the work
    /// tree.
    fn with(mut self, environment: &GitEnvironment) -> Self {
        let top = self.root.clone().or_else(|| fs::canonicalize(".").ok()).unwrap_or_default();
        let absolute = |path: &PathBuf| top.join(path);
        let named = &mut self.named;
        named.index = environment.index_file.as_ref().map(absolute);
        named.objects = environment.object_directory.as_ref().map(absolute);
        named.alternates = environment.alternates.iter().map(absolute).collect();
        named.shallow = environment.shallow_file.as_ref().map(absolute);
        self
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
        Ok(Self { root, git_dir, common_dir, named: Named::default() })
    }

    /// The repository as people name it.
    pub fn name(&self) -> &Path {
        self.root.as_deref().unwrap_or(&self.git_dir)
    }

    /// The index.
    pub(super) fn index(&self) -> PathBuf {
        self.named.index.clone().unwrap_or_else(|| self.git_dir.join("index"))
    }

    /// The object folder.
    pub(super) fn objects(&self) -> PathBuf {
        self.named.objects.clone().unwrap_or_else(|| self.common_dir.join("objects"))
    }

    /// Whether a variable says where objects are.
    pub(super) fn has_named_objects(&self) -> bool {
        self.named.objects.is_some() || !self.named.alternates.is_empty()
    }

    /// The list of commits whose parents are not in this clone.
    pub(super) fn shallow(&self) -> PathBuf {
        self.named.shallow.clone().unwrap_or_else(|| self.common_dir.join("shallow"))
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
        let others = trust.within.as_deref().into_iter().chain(self.named.trusted.iter().map(PathBuf::as_path));
        if trust.foreign || own.iter().flatten().copied().chain(others).any(|folder| path.starts_with(folder)) {
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

    /// Rejects object formats that the library cannot read, or not completely.
    fn check_format(&self) -> Result<(), Error> {
        self.check_extension("extensions.objectFormat", "sha1", "object format")
    }

    /// Rejects reference storage that the library cannot read.
    pub(super) fn check_references(&self) -> Result<(), Error> {
        self.check_extension("extensions.refStorage", "files", "reference storage")
    }

    fn check_extension(&self, key: &str, known: &str, what: &str) -> Result<(), Error> {
        match self.configuration()?.string(key) {
            Some(value) if !value.eq_ignore_ascii_case(known.as_bytes()) => {
                let feature = format!("the {what} `{}`", super::path::display(value.as_ref()));
                Err(Error::Unsupported { path: self.name().to_owned(), feature })
            }
            _ => Ok(()),
        }
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

/// The path in a variable, absolute and without symbolic links.
fn resolved(variable: &'static str, path: &Path) -> Result<PathBuf, Error> {
    fs::canonicalize(path).map_err(|_| Error::Environment { variable, path: path.to_owned() })
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
