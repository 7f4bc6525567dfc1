//! A git repository, opened so that nothing in it can act.
//!
//! Owns the handle of the library that reads git, the object folders and the tips of all references. The library never sees
//! the configuration of the system, the user or the environment, and of the repository's own only what says how its objects
//! are stored: no filter, hook, helper, monitor or text conversion is known to it, so none can run.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::checkout::Skipped;
use gix::ObjectId;

use super::error::{Error, chain};
use super::joined;
use super::locate::{Location, Trust, small_file};
use super::objects::Objects;

/// Largest object that the library may inflate: a damaged or hostile pack can claim any size. Commits, folders and files
/// within the limits of a scan are far below.
const LARGEST_OBJECT_BYTES: usize = 1 << 30;

/// Folders that a reference's name may be deep.
const REFERENCE_DEPTH: usize = 32;

/// A git repository that can be read from several threads.
pub struct Repository {
    location: Location,
    gix: gix::ThreadSafeRepository,
    object_dirs: Vec<PathBuf>,
    shallow: BTreeSet<ObjectId>,
    partial: bool,
    /// A temporary folder, deleted with this: the repository itself, or the list of its object
    /// folders.
    _folder: Option<tempfile::TempDir>,
    is_temporary: bool,
}

/// What the references of a repository name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tips {
    /// Commits, sorted, each once.
    pub commits: Vec<ObjectId>,
    /// Folders and files that a tag names directly, sorted, each once.
    pub others: Vec<ObjectId>,
    /// References that name nothing that can be read.
    pub skipped: Vec<Skipped>,
}

impl Repository {
    /// Opens the repository that `path` lies in.
    pub fn discover(path: &Path, trust: &Trust) -> Result<Self, Error> {
        match Location::discover(path, &trust.environment)? {
            Some(location) => Self::open(location, trust),
            None => Err(Error::NotARepository { path: path.to_owned() }),
        }
    }

    /// Opens the repository at `location` after all checks.
    pub fn open(location: Location, trust: &Trust) -> Result<Self, Error> {
        location.check_references()?;
        Self::open_objects(location, trust)
    }

    /// The same for callers that need no references, so any reference storage works.
    pub(super) fn open_objects(location: Location, trust: &Trust) -> Result<Self, Error> {
        location.check(trust)?;
        for folder in [&location.git_dir, &location.common_dir] {
            location.check_deep(&folder.join("refs"), trust, REFERENCE_DEPTH)?;
        }
        let object_dirs = object_dirs(&location, trust)?;
        for folder in &object_dirs {
            location.check_deep(folder, trust, 1)?;
        }
        let shallow = shallow_commits(&location.shallow())?;
        let partial = is_partial(&location, &object_dirs)?;
        let gix = gix::open::Options::isolated()
            .with(gix::sec::Trust::Full)
            .open_path_as_is(true)
            .filter_config_section(is_ours)
            .config_overrides([format!("gitoxide.objects.allocLimit={LARGEST_OBJECT_BYTES}")])
            .open(&location.git_dir)
            .map_err(|error| Error::damaged(location.name(), chain(&error)))?;
        let mut gix = gix.to_thread_local();
        // A namespace would hide references; the repository's configuration can set one.
        gix.clear_namespace();
        let mut gix = gix.into_sync();
        let folder = if location.has_named_objects() {
            let (folder, store) =
                joined::store(&object_dirs, LARGEST_OBJECT_BYTES).map_err(|source| Error::Objects { source })?;
            gix.objects = store;
            Some(folder)
        } else {
            None
        };
        Ok(Self { location, gix, object_dirs, shallow, partial, _folder: folder, is_temporary: false })
    }

    /// The same; the temporary folder that it lies in goes when it goes.
    pub(super) fn with_folder(self, folder: tempfile::TempDir) -> Self {
        Self { _folder: Some(folder), is_temporary: true, ..self }
    }

    /// Whether it was made for the time being.
    pub fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// Where the repository keeps its things.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The folders with objects: its own first, then the alternates, resolved and checked.
    pub fn object_dirs(&self) -> &[PathBuf] {
        &self.object_dirs
    }

    /// The library's handle. `to_thread_local` gives each thread its own.
    pub fn gix(&self) -> &gix::ThreadSafeRepository {
        &self.gix
    }

    /// Whether the history was cut off when it was cloned.
    pub fn is_shallow(&self) -> bool {
        !self.shallow.is_empty()
    }

    /// The commits whose parents are not in this clone although they exist.
    pub fn shallow(&self) -> &BTreeSet<ObjectId> {
        &self.shallow
    }

    /// Whether objects were left out when it was cloned, to be fetched when needed. Penstock fetches nothing.
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// The commit that `revision` names: an id, also a shortened one, a branch, a tag.
    pub fn commit(&self, revision: &str) -> Result<ObjectId, Error> {
        let repo = self.gix.to_thread_local();
        let found = catch_unwind(AssertUnwindSafe(|| {
            let id = repo.rev_parse_single(revision).ok()?;
            Some(id.object().ok()?.peel_to_kind(gix::objs::Kind::Commit).ok()?.id)
        }));
        let unknown = || Error::UnknownRevision { given: revision.to_owned(), shallow: self.is_shallow() };
        found.ok().flatten().ok_or_else(unknown)
    }

    /// The commit of this id, which may be shortened; `None` if it is not here. A branch that is called like an id is not meant.
    pub fn commit_of_id(&self, id: &str) -> Option<ObjectId> {
        let repo = self.gix.to_thread_local();
        let prefix = gix::hash::Prefix::from_hex(id).ok()?;
        let found = catch_unwind(AssertUnwindSafe(|| {
            let id = repo.objects.lookup_prefix(prefix, None).ok()??.ok()?;
            (repo.find_header(id).ok()?.kind() == gix::objs::Kind::Commit).then_some(id)
        }));
        found.ok().flatten()
    }

    /// The best common ancestor of two commits, as far as this clone knows their histories.
    pub fn merge_base(&self, one: ObjectId, other: ObjectId) -> Option<ObjectId> {
        let repo = self.gix.to_thread_local();
        let found = catch_unwind(AssertUnwindSafe(|| repo.merge_base(one, other).ok().map(|id| id.detach())));
        found.ok().flatten()
    }

    /// The parents of a commit, also where the clone is cut off; none if it cannot be read.
    pub fn parents(&self, commit: ObjectId) -> Vec<ObjectId> {
        Objects::new(self).commit(commit, |commit| commit.parents().collect()).unwrap_or_default()
    }

    /// The name that `refs/remotes/origin/HEAD` leads to, without `refs/remotes/origin/`.
    pub fn origin_head(&self) -> Option<String> {
        let repo = self.gix.to_thread_local();
        let reference = repo.try_find_reference("refs/remotes/origin/HEAD").ok()??;
        let name = reference.inner.target.try_name()?.as_bstr().to_string();
        name.strip_prefix("refs/remotes/origin/").map(str::to_owned)
    }

    /// The commits that references name: branches, remote branches, tags, notes, stash, and every work tree's `HEAD`.
    pub fn tips(&self) -> Result<Vec<ObjectId>, Error> {
        self.all_tips().map(|tips| tips.commits)
    }

    /// What references name, with what is no commit and what cannot be read.
    pub fn all_tips(&self) -> Result<Tips, Error> {
        let repo = self.gix.to_thread_local();
        let mut targets = Vec::new();
        let mut tips = Tips::default();
        let mut broken = |name: String, reason: String| {
            tips.skipped.push(Skipped { subject: name, reason, by_limit: false });
        };
        let damaged = |error: &dyn std::error::Error| Error::damaged(self.location.name(), chain(error));
        let platform = repo.references().map_err(|error| damaged(&error))?;
        for reference in platform.all().map_err(|error| damaged(&error))? {
            match reference {
                Ok(reference) => {
                    // A symbolic one, such as `origin/HEAD`, names another that is listed itself.
                    if let Some(id) = reference.inner.target.try_id() {
                        targets.push((super::path::display(reference.name().as_bstr()), id.to_owned()));
                    }
                }
                Err(error) => broken("a reference".to_owned(), format!("it cannot be read: {}", chain(&*error))),
            }
        }
        for head in self.heads() {
            if let Some(id) = fs::read(&head).ok().and_then(|text| ObjectId::from_hex(text.trim_ascii()).ok()) {
                targets.push((super::error::shown(&head), id));
            }
        }
        let (mut commits, mut others) = (BTreeSet::new(), BTreeSet::new());
        for (name, id) in targets {
            // The library asserts some of what it reads from packs; a panic there is damage like any other.
            let peeled = catch_unwind(AssertUnwindSafe(|| {
                let object = repo.find_object(id).map_err(|error| chain(&error))?;
                let object = object.peel_tags_to_end().map_err(|error| chain(&error))?;
                Ok((object.id, object.kind))
            }));
            match peeled.unwrap_or_else(|_| Err("its pack is malformed".to_owned())) {
                Ok((id, gix::objs::Kind::Commit)) => {
                    commits.insert(id);
                }
                Ok((id, _)) => {
                    others.insert(id);
                }
                Err(error) => broken(name, format!("it names an object that cannot be read: {error}")),
            }
        }
        tips.commits = commits.into_iter().collect();
        tips.others = others.into_iter().collect();
        Ok(tips)
    }

    /// The `HEAD` of this work tree and of all others: a detached one is in no list of references.
    fn heads(&self) -> Vec<PathBuf> {
        let mut heads = vec![self.location.git_dir.join("HEAD"), self.location.common_dir.join("HEAD")];
        if let Ok(trees) = fs::read_dir(self.location.common_dir.join("worktrees")) {
            heads.extend(trees.flatten().map(|tree| tree.path().join("HEAD")));
        }
        heads.retain(|head| fs::metadata(head).is_ok_and(|found| found.is_file() && found.len() < 4096));
        heads.sort();
        heads.dedup();
        heads
    }
}

/// Only what this module sets itself: a value from the repository's configuration is never acted on.
fn is_ours(section: &gix::config::file::Metadata) -> bool {
    section.source == gix::config::Source::Api
}

/// The repository's own folder of objects and its alternates, also those of alternates.
fn object_dirs(location: &Location, trust: &Trust) -> Result<Vec<PathBuf>, Error> {
    let own = location.objects();
    let list = own.join("info").join("alternates");
    let mut found = vec![own.clone()];
    for named in &location.named.alternates {
        // Git skips missing ones too.
        found.extend(fs::canonicalize(named).ok());
        found.extend(gix::odb::alternate::resolve(named.clone(), &location.common_dir).unwrap_or_default());
    }
    if !list.exists() {
        return Ok(found);
    }
    small_file(&list)?;
    let resolved = gix::odb::alternate::resolve(own, &location.common_dir)
        .map_err(|error| Error::damaged(&list, chain(&error)))?;
    for folder in resolved {
        let folder = fs::canonicalize(&folder).map_err(|_| {
            Error::damaged(&list, format!("it names `{}`, which is missing", super::error::shown(&folder)))
        })?;
        location.check_inside(&folder, trust)?;
        found.push(folder);
    }
    Ok(found)
}

/// The commits listed in the file `shallow`.
fn shallow_commits(path: &Path) -> Result<BTreeSet<ObjectId>, Error> {
    if !path.exists() {
        return Ok(BTreeSet::new());
    }
    small_file(path)?
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            ObjectId::from_hex(line.trim_ascii()).map_err(|_| Error::damaged(path, "a line in it is no object id"))
        })
        .collect()
}

/// A partial clone says so in its configuration and by the packs that it promises to complete.
fn is_partial(location: &Location, object_dirs: &[PathBuf]) -> Result<bool, Error> {
    let config = location.configuration()?;
    if config.string("extensions.partialClone").is_some() {
        return Ok(true);
    }
    let promised = config
        .sections_by_name("remote")
        .into_iter()
        .flatten()
        .any(|remote| remote.value("promisor").is_some() || remote.value("partialCloneFilter").is_some());
    let has_promise = |folder: &PathBuf| {
        let packs = fs::read_dir(folder.join("pack")).into_iter().flatten().flatten();
        packs.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|extension| extension == "promisor"))
    };
    Ok(promised || object_dirs.iter().any(has_promise))
}

#[cfg(test)]
mod tests;
