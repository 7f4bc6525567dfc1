//! What a head has that a base has not, and the other way round, by file.
//!
//! Owns telling which files are surely the same on both sides, so that only the others need to be read twice. Between commits that is
//! said by ids. In a work tree it is said by the index: a file that is tracked with the base's content and was not written since.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use crate::checkout::Skipped;
use gix::ObjectId;
use gix::index::entry::Stage;

use super::index::Index;
use super::objects::Objects;
use super::places::Places;
use super::platform::path_name;
use super::repository::Repository;
use super::snapshot::{self, File, is_file, tree};
use super::tree_diff::differences;

/// How a file of the head stands to the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The base has it so.
    Same,
    /// The base has a file of that name.
    Changed,
    /// The base has no file of that name.
    Added,
}

/// The files in which head and base may differ.
#[derive(Clone, Debug)]
pub struct Differences {
    /// Files of the base that the head has not, or perhaps not so.
    pub base: Vec<BaseFile>,
    /// Files of the head.
    listed: HashMap<Vec<u8>, Standing>,
    /// How files of the head stand that are not listed.
    others: Standing,
    /// The paths that are compared.
    places: Places,
}

/// A file of the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseFile {
    /// The file.
    pub file: File,
    /// Whether the head has no file of that name.
    pub gone: bool,
}

impl Differences {
    /// Compares two commits. If something is missing for that, it is named, and there is no comparison.
    pub fn of_commits(repository: &Repository, base: ObjectId, head: ObjectId) -> Result<Self, Skipped> {
        let objects = Objects::new(repository);
        let root = |commit: ObjectId| tree(&objects, commit).map_err(|fault| fault.skipped(format!("commit {commit}")));
        let (base, head) = (root(base)?, root(head)?);
        let mut skipped = Vec::new();
        let head_files = differences(&objects, head, vec![base], &mut skipped);
        let base_files = differences(&objects, base, vec![head], &mut skipped);
        if let Some(missing) = skipped.into_iter().next() {
            return Err(missing);
        }
        let standing = |before: &[ObjectId]| if before.is_empty() { Standing::Added } else { Standing::Changed };
        let head = head_files.into_iter().filter(is_file);
        let listed = head.map(|change| (change.path, standing(&change.before))).collect();
        let base_files = base_files.into_iter().filter(is_file);
        let base = base_files.map(|change| BaseFile { gone: change.before.is_empty(), file: change.into() }).collect();
        Self { base, listed, others: Standing::Same, places: Places::default() }.all_there(&objects)
    }

    /// Compares a commit with the work tree, in these `places` only.
    pub fn of_work_tree(repository: &Repository, base: ObjectId, places: &Places) -> Result<Self, Skipped> {
        let (base_files, listed, places) = (Vec::new(), HashMap::new(), places.clone());
        let mut result = Self { base: base_files, listed, others: Standing::Added, places };
        let Some(root) = repository.location().root.as_deref() else { return Ok(result) };
        let (files, skipped) = snapshot::files(repository, base);
        if let Some(missing) = skipped.into_iter().next() {
            return Err(missing);
        }
        let unwritten = unwritten(repository, root);
        for file in files {
            if !result.covers(&file.path) {
                continue;
            }
            if unwritten.get(&file.path) == Some(&file.id) {
                result.listed.insert(file.path, Standing::Same);
                continue;
            }
            result.listed.insert(file.path.clone(), Standing::Changed);
            let is_there = || fs::symlink_metadata(root.join(path_name(&file.path))).is_ok_and(|found| found.is_file());
            // A file that a sparse checkout leaves out is not deleted.
            let gone = !unwritten.contains_key(&file.path) && !is_there();
            result.base.push(BaseFile { file, gone });
        }
        result.all_there(&Objects::new(repository))
    }

    /// Whether the whole repository is compared.
    pub fn is_everything(&self) -> bool {
        self.places.is_everything()
    }

    /// Whether the file at `path` lies in what is compared.
    pub fn covers(&self, path: &[u8]) -> bool {
        self.places.covers(path)
    }

    /// How the file at `path` of the head stands to the base.
    pub fn standing(&self, path: &[u8]) -> Standing {
        self.listed.get(path).copied().unwrap_or(self.others)
    }

    /// Lets all files count as the same that are not in `paths`.
    pub fn restrict(&mut self, paths: &HashSet<Vec<u8>>) {
        self.base.retain(|base| paths.contains(&base.file.path));
        let others = self.listed.iter_mut().filter(|(path, _)| !paths.contains(*path));
        others.for_each(|(_, standing)| *standing = Standing::Same);
    }

    /// The names of all files that differ between two commits.
    pub fn paths(repository: &Repository, base: ObjectId, head: ObjectId) -> Result<HashSet<Vec<u8>>, Skipped> {
        let Self { base, listed, .. } = Self::of_commits(repository, base, head)?;
        Ok(listed.into_keys().chain(base.into_iter().map(|base| base.file.path)).collect())
    }

    /// Itself, if every content of the base can be had.
    fn all_there(self, objects: &Objects) -> Result<Self, Skipped> {
        for BaseFile { file, .. } in &self.base {
            objects.size(file.id).map_err(|fault| fault.skipped(super::path::display(&file.path)))?;
        }
        Ok(self)
    }
}

/// The tracked files that were not written since git looked at them, and their contents.
fn unwritten(repository: &Repository, root: &Path) -> HashMap<Vec<u8>, ObjectId> {
    // Without an index nothing is known, and every file is read.
    let Ok(Some(index)) = Index::read(repository.location()) else { return HashMap::new() };
    let mut found = HashMap::new();
    for (path, entry) in index.entries() {
        if entry.stage() == Stage::Unconflicted && index.is_unwritten(entry, &root.join(path_name(path))) {
            found.insert(path.to_vec(), entry.id);
        }
    }
    found
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::super::Trust;
    use super::super::fixture::Fixture;
    use super::*;

    fn open(git: &Fixture) -> Repository {
        Repository::discover(git.path(), &Trust::default()).unwrap()
    }

    /// Files of the base that are to be read, `-` before those that are gone.
    fn base(differences: &Differences) -> Vec<String> {
        let told = |base: &BaseFile| {
            format!("{}{}", if base.gone { "-" } else { "" }, String::from_utf8_lossy(&base.file.path))
        };
        differences.base.iter().map(told).collect()
    }

    fn changed() -> (Fixture, ObjectId, ObjectId) {
        let git = Fixture::new();
        for name in ["same", "changed", "moved", "gone", "sub/same", "sub/changed"] {
            git.write(name, format!("{name}\n"));
        }
        git.write(".bitbucket/pipelines/generated/x", "1");
        std::os::unix::fs::symlink("same", git.at("link")).unwrap();
        git.commit("base");
        git.write("changed", "2");
        git.write("sub/changed", "2");
        git.write("added", "2");
        git.write(".bitbucket/pipelines/generated/x", "2");
        fs::remove_file(git.at("gone")).unwrap();
        fs::remove_file(git.at("link")).unwrap();
        std::os::unix::fs::symlink("changed", git.at("link")).unwrap();
        git.git(&["mv", "moved", "there"]);
        git.commit("head");
        let repository = open(&git);
        let ids = ["HEAD~", "HEAD"].map(|name| repository.commit(name).unwrap());
        (git, ids[0], ids[1])
    }

    #[test]
    fn commits_are_compared_by_their_objects() {
        let (git, before, after) = changed();
        let differences = Differences::of_commits(&open(&git), before, after).unwrap();
        assert_eq!(
            base(&differences),
            [".bitbucket/pipelines/generated/x", "changed", "-gone", "-moved", "sub/changed"]
        );
        let standing = |name: &str| differences.standing(name.as_bytes());
        assert_eq!(["same", "sub/same", "unknown"].map(standing), [Standing::Same; 3]);
        assert_eq!(["changed", "sub/changed"].map(standing), [Standing::Changed; 2]);
        assert_eq!(["added", "there"].map(standing), [Standing::Added; 2]);
        let nothing = Differences::of_commits(&open(&git), after, after).unwrap();
        assert_eq!(base(&nothing), Vec::<String>::new());
    }

    #[test]
    fn a_base_that_is_not_all_there_is_no_base() {
        let (git, before, after) = changed();
        let blob = git.git(&["rev-parse", "HEAD~:sub/changed"]);
        fs::remove_file(git.at(&format!(".git/objects/{}/{}", &blob[..2], &blob[2..]))).unwrap();
        let missing = Differences::of_commits(&open(&git), before, after).unwrap_err();
        assert_eq!(missing.subject, "sub/changed");
    }

    #[test]
    fn what_the_index_vouches_for_is_the_same() {
        let (git, before, after) = changed();
        // Files older than the index are beyond doubt.
        let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
        for name in ["same", "sub/same", "changed"] {
            fs::File::options().append(true).open(git.at(name)).unwrap().set_modified(old).unwrap();
        }
        git.git(&["update-index", "-q", "--refresh"]);
        git.write("untracked", "3");
        let differences = Differences::of_work_tree(&open(&git), before, &Places::default()).unwrap();
        let standing = |name: &str| differences.standing(name.as_bytes());
        assert_eq!(["same", "sub/same"].map(standing), [Standing::Same; 2]);
        assert_eq!(["untracked", "added"].map(standing), [Standing::Added; 2]);
        assert_eq!(standing("changed"), Standing::Changed);
        git.write("same", "SAME\n");
        let places = Places::of(&[git.at("same"), git.at("sub")], open(&git).location()).unwrap();
        let differences = Differences::of_work_tree(&open(&git), after, &places).unwrap();
        assert_eq!(differences.standing(b"same"), Standing::Changed);
        assert!(differences.covers(b"sub/changed") && !differences.covers(b"changed"));
        assert!(base(&differences).iter().all(|path| path == "same" || path.starts_with("sub/")));
    }

    #[test]
    fn what_a_sparse_checkout_leaves_out_is_not_gone() {
        let (git, _, after) = changed();
        git.git(&["sparse-checkout", "set", "--no-cone", "/sub/"]);
        assert!(!git.at("same").exists());
        let differences = Differences::of_work_tree(&open(&git), after, &Places::default()).unwrap();
        assert!(base(&differences).iter().all(|path| !path.starts_with('-')), "{:?}", base(&differences));
    }

    #[test]
    fn a_branch_that_is_called_like_an_id_is_not_meant() {
        let (git, before, after) = changed();
        let short = before.to_string()[..12].to_owned();
        git.git(&["branch", &short, &after.to_string()]);
        assert_eq!(open(&git).commit_of_id(&short), Some(before));
        assert_eq!(open(&git).commit_of_id("HEAD"), None);
        assert_eq!(open(&git).commit_of_id(&git.git(&["rev-parse", "HEAD:same"])), None, "no commit");
    }
}
