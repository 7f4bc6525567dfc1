//! A git repository, opened so that nothing in it can act.
//!
//! Owns the handle of the library that reads git, the object folders and the tips of all references. The library never sees
//! the configuration of the system, the user or the environment, and of the repository's own only what says how its objects
//! are stored: no filter, hook, helper, monitor or text conversion is known to it, so none can run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use penstock_common::Skipped;

use super::error::{Error, chain};
use super::locate::{Location, Trust, small_file};

/// Largest object that the library may inflate: a damaged or hostile pack can claim any size. Commits, folders and files
/// within the limits of a scan are far below.
const LARGEST_OBJECT: &str = "gitoxide.objects.allocLimit=1073741824";

/// Folders that a reference's name may be deep.
const REFERENCE_DEPTH: usize = 32;

/// A git repository that can be read from several threads.
pub struct Repository {
    location: Location,
    gix: gix::ThreadSafeRepository,
    object_dirs: Vec<PathBuf>,
    shallow: BTreeSet<ObjectId>,
    partial: bool,
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
        match Location::discover(path)? {
            Some(location) => Self::open(location, trust),
            None => Err(Error::NotARepository { path: path.to_owned() }),
        }
    }

    /// Opens the repository at `location` after all checks.
    pub fn open(location: Location, trust: &Trust) -> Result<Self, Error> {
        location.check(trust)?;
        for folder in [&location.git_dir, &location.common_dir] {
            location.check_deep(&folder.join("refs"), trust, REFERENCE_DEPTH)?;
        }
        let object_dirs = object_dirs(&location, trust)?;
        for folder in &object_dirs {
            location.check_deep(folder, trust, 1)?;
        }
        let shallow = shallow_commits(&location.common_dir)?;
        let partial = is_partial(&location, &object_dirs)?;
        let gix = gix::open::Options::isolated()
            .with(gix::sec::Trust::Full)
            .open_path_as_is(true)
            .filter_config_section(is_ours)
            .config_overrides([LARGEST_OBJECT])
            .open(&location.git_dir)
            .map_err(|error| Error::damaged(location.name(), chain(&error)))?;
        let mut gix = gix.to_thread_local();
        // A namespace would hide references; the repository's configuration can set one.
        gix.clear_namespace();
        Ok(Self { location, gix: gix.into_sync(), object_dirs, shallow, partial })
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
            match repo
                .find_object(id)
                .map_err(|error| chain(&error))
                .and_then(|object| object.peel_tags_to_end().map_err(|error| chain(&error)))
            {
                Ok(object) if object.kind == gix::objs::Kind::Commit => {
                    commits.insert(object.id);
                }
                Ok(object) => {
                    others.insert(object.id);
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
    let own = location.common_dir.join("objects");
    let list = own.join("info").join("alternates");
    let mut found = vec![own.clone()];
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
fn shallow_commits(common_dir: &Path) -> Result<BTreeSet<ObjectId>, Error> {
    let path = common_dir.join("shallow");
    if !path.exists() {
        return Ok(BTreeSet::new());
    }
    small_file(&path)?
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            ObjectId::from_hex(line.trim_ascii()).map_err(|_| Error::damaged(&path, "a line in it is no object id"))
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
mod tests {
    use super::super::fixture::Fixture;
    use super::*;

    fn open(path: &Path) -> Result<Repository, Error> {
        Repository::discover(path, &Trust::default())
    }

    fn hex(ids: &[ObjectId]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_tips_loose_packed_tagged_and_detached() {
        let git = Fixture::new();
        git.write("a", "1");
        let first = git.commit("first");
        git.git(&["tag", "-a", "v1", "-m", "one"]);
        git.git(&["checkout", "-q", "-b", "side"]);
        let second = git.commit("second");
        git.git(&["pack-refs", "--all"]);
        git.git(&["checkout", "-q", "--detach"]);
        let third = git.commit("third");
        let blob = git.git(&["rev-parse", "HEAD:a"]);
        git.git(&["tag", "blob", &blob]);
        let repository = open(&git.at("a")).unwrap();
        let tips = repository.all_tips().unwrap();
        let mut expected = vec![first, second, third];
        expected.sort();
        assert_eq!(hex(&tips.commits), expected);
        assert_eq!(hex(&tips.others), [blob]);
        assert_eq!(tips.skipped, []);
        assert!(!repository.is_shallow() && !repository.is_partial());
    }

    #[test]
    fn names_a_reference_to_a_missing_object() {
        let git = Fixture::new();
        git.write("a", "1");
        let first = git.commit("first");
        git.write(".git/refs/heads/gone", "1234567890123456789012345678901234567890\n");
        let tips = open(git.path()).unwrap().all_tips().unwrap();
        assert_eq!(hex(&tips.commits), [first]);
        assert_eq!(tips.skipped[0].subject, "refs/heads/gone");
        assert!(!tips.skipped[0].by_limit);
    }

    #[test]
    fn opens_work_trees_bare_and_unborn() {
        let git = Fixture::new();
        assert!(open(git.path()).unwrap().tips().unwrap().is_empty());
        git.write("a", "1");
        let first = git.commit("first");
        git.git(&["worktree", "add", "-q", "--detach", "tree"]);
        git.git(&["clone", "-q", "--bare", ".", "bare.git"]);
        let tree = open(&git.at("tree")).unwrap();
        assert_eq!(tree.location().root, Some(fs::canonicalize(git.at("tree")).unwrap()));
        assert_eq!(hex(&tree.tips().unwrap()), std::slice::from_ref(&first));
        let bare = open(&git.at("bare.git")).unwrap();
        assert_eq!(bare.location().root, None);
        assert_eq!(hex(&bare.tips().unwrap()), [first]);
    }

    #[test]
    fn tells_shallow_and_partial_clones() {
        let git = Fixture::new();
        git.write("a", "1");
        git.commit("first");
        git.write("a", "2");
        let second = git.commit("second");
        git.git(&["config", "uploadpack.allowFilter", "true"]);
        let url = format!("file://{}", git.path().display());
        let clones = Fixture::empty();
        clones.git(&["clone", "-q", "--depth", "1", &url, "shallow"]);
        clones.git(&["clone", "-q", "--no-checkout", "--filter=blob:none", &url, "partial"]);
        let shallow = open(&clones.at("shallow")).unwrap();
        assert_eq!(shallow.shallow().iter().map(ToString::to_string).collect::<Vec<_>>(), [second]);
        assert!(open(&clones.at("partial")).unwrap().is_partial());
    }

    #[test]
    fn follows_alternates() {
        let git = Fixture::new();
        git.write("a", "1");
        let first = git.commit("first");
        let clones = Fixture::empty();
        clones.git(&["clone", "-q", "--shared", git.path().to_str().unwrap(), "shared"]);
        let repository = open(&clones.at("shared")).unwrap();
        assert_eq!(hex(&repository.tips().unwrap()), [first]);
        assert_eq!(repository.object_dirs().len(), 2);
    }

    #[test]
    fn refuses_sha256() {
        let git = Fixture::empty();
        git.git(&["init", "-q", "--object-format=sha256", "."]);
        let error = open(git.path()).err().unwrap();
        assert!(matches!(&error, Error::Unsupported { feature, .. } if feature.contains("sha256")), "{error}");
        assert!(error.remedy().is_some());
    }

    #[test]
    fn refuses_broken_git_folders() {
        for (name, content) in [("config", &b"[core\n"[..]), ("shallow", b"nonsense\n"), ("HEAD", b"")] {
            let git = Fixture::new();
            git.commit("first");
            git.write(&format!(".git/{name}"), content);
            let opened = open(git.path());
            assert!(opened.is_err() || name == "HEAD", "{name}");
        }
        let file = Fixture::empty();
        file.write(".git", "gitdir: nowhere");
        assert!(matches!(open(file.path()), Err(Error::Damaged { .. })));
    }

    #[test]
    #[cfg(unix)]
    fn never_waits_for_a_pipe() {
        for name in
            ["config", "HEAD", "packed-refs", "shallow", "refs/heads/main", "objects/pack/pack-1.idx", "objects/aa/bb"]
        {
            let git = Fixture::new();
            git.commit("first");
            let path = git.at(".git").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let _ = fs::remove_file(&path);
            super::super::fixture::make_pipe(&path);
            assert!(matches!(open(git.path()), Err(Error::Damaged { .. })), "{name}");
        }
    }
}
