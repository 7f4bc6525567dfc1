//! A temporary repository beside the clone.
//!
//! Owns the folder: its objects are what was fetched and, borrowed, the clone's; its list of cut-off commits is made anew after each round,
//! because what was cut off in the clone may no longer be. Nothing is written into the clone.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::super::joined::alternates;
use super::super::locate::{Location, Named, Trust};
use super::super::objects::Objects;
use super::super::repository::Repository;
use super::FetchError;

/// The repository, while it is being filled.
pub(super) struct Store {
    folder: tempfile::TempDir,
    root: Option<PathBuf>,
    shallow: BTreeSet<ObjectId>,
}

impl Store {
    /// An empty one that borrows what `clone` has.
    pub(super) fn beside(clone: &Repository) -> Result<Self, FetchError> {
        let folder = tempfile::tempdir().map_err(FetchError::Keeping)?;
        let head = clone.commit("HEAD").map_or_else(|_| "ref: refs/heads/main".to_owned(), |head| head.to_string());
        let write = || -> io::Result<()> {
            let at = folder.path();
            for inner in ["objects/info", "objects/pack", "refs"] {
                fs::create_dir_all(at.join(inner))?;
            }
            fs::write(at.join("HEAD"), head + "\n")?;
            fs::write(at.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")?;
            fs::write(at.join("objects/info/alternates"), alternates(clone.object_dirs())?)
        };
        write().map_err(FetchError::Keeping)?;
        let root = clone.location().root.clone();
        Ok(Self { folder, root, shallow: clone.shallow().clone() })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn pack_folder(&self) -> PathBuf {
        self.folder.path().join("objects").join("pack")
    }

    /// The commits whose parents are not here.
    pub(super) fn shallow(&self) -> &BTreeSet<ObjectId> {
        &self.shallow
    }

    /// Opens it with what came lately. `cut` are commits of which the server said that it did not send their parents.
    pub(super) fn reopen(&mut self, cut: BTreeSet<ObjectId>) -> Result<Repository, FetchError> {
        self.shallow.extend(cut);
        let repository = self.open()?;
        let objects = Objects::new(&repository);
        // A commit is cut off while a parent is missing, whatever was said of it before.
        self.shallow.retain(|&commit| {
            let parents = repository.parents(commit);
            parents.iter().any(|&parent| objects.commit(parent, |_| ()).is_err())
        });
        let lines: String = self.shallow.iter().map(|commit| format!("{commit}\n")).collect();
        let file = self.folder.path().join("shallow");
        let written = if lines.is_empty() { remove(&file) } else { fs::write(&file, lines) };
        written.map_err(FetchError::Keeping)?;
        self.open()
    }

    /// The repository, and the folder with it for as long as it lives.
    pub(super) fn keep(self, repository: Repository) -> Repository {
        repository.with_folder(self.folder)
    }

    fn open(&self) -> Result<Repository, FetchError> {
        let reading = |error: &dyn std::error::Error| FetchError::Reading(super::super::error::chain(error));
        let at = fs::canonicalize(self.folder.path()).map_err(|error| reading(&error))?;
        let location =
            Location { root: self.root.clone(), git_dir: at.clone(), common_dir: at, named: Named::default() };
        // We made it, and where the clone reads from was checked when it was opened.
        let trust = Trust { foreign: true, ..Trust::default() };
        Repository::open(location, &trust).map_err(|error| reading(&error))
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
