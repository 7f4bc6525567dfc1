//! Reading git's objects on one thread.
//!
//! Owns the difference between an object that is missing because the clone was made without it, one that is missing although
//! it should be there, and one that is damaged: each becomes a reason in words, and the scan goes on with the next.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::checkout::Skipped;
use gix::ObjectId;
use gix::objs::tree::EntryMode;
use gix::objs::{CommitRef, Find, FindHeader, Kind, TreeRefIter};

use super::error::chain;
use super::repository::Repository;

/// Folders repeat from commit to commit; so much of them is kept unpacked on each thread.
const CACHE_BYTES: usize = 16 << 20;

/// Why an object that a partial clone promises is missing.
const LEFT_OUT: &str = "it was left out of this partial clone";

/// One thread's door to the objects.
pub(super) struct Objects {
    repo: gix::Repository,
    partial: bool,
}

/// Name, kind and id of an entry in a folder.
pub(super) type Entry = (Vec<u8>, EntryMode, ObjectId);

/// Why an object could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    reason: String,
    by_limit: bool,
}

impl Fault {
    pub(super) fn skipped(self, subject: String) -> Skipped {
        Skipped { subject, reason: self.reason, by_limit: self.by_limit }
    }
}

impl Objects {
    pub(super) fn new(repository: &Repository) -> Self {
        let mut repo = repository.gix().to_thread_local();
        repo.object_cache_size(Some(CACHE_BYTES));
        Self { repo, partial: repository.is_partial() }
    }

    /// The content of the object, in `buffer`.
    pub(super) fn read(&self, id: ObjectId, kind: Kind, buffer: &mut Vec<u8>) -> Result<(), Fault> {
        let found = self
            .guarded(id, || Find::try_find(&self.repo.objects, &id, buffer).map(|data| data.map(|data| data.kind)))?;
        if found == kind { Ok(()) } else { Err(damaged(id, &format!("it is a {found} and should be a {kind}"))) }
    }

    /// The size of the object, without unpacking it.
    pub(super) fn size(&self, id: ObjectId) -> Result<u64, Fault> {
        self.guarded(id, || {
            FindHeader::try_header(&self.repo.objects, &id).map(|header| header.map(|header| header.size))
        })
    }

    /// What `make` reads from the commit.
    pub(super) fn commit<T>(&self, id: ObjectId, make: impl FnOnce(&CommitRef<'_>) -> T) -> Result<T, Fault> {
        let mut buffer = Vec::new();
        self.read(id, Kind::Commit, &mut buffer)?;
        match CommitRef::from_bytes(&buffer, gix::hash::Kind::Sha1) {
            Ok(commit) => Ok(make(&commit)),
            Err(error) => Err(damaged(id, &chain(&error))),
        }
    }

    /// The file at `path` below a folder; `None` if there is none, or a folder or a link.
    pub(super) fn file(&self, tree: ObjectId, path: &[u8]) -> Result<Option<ObjectId>, Fault> {
        let found = self.entry(tree, path)?;
        Ok(found.filter(|(mode, _)| mode.is_blob()).map(|(_, id)| id))
    }

    /// Whether `path` exists below a folder.
    pub(super) fn has(&self, tree: ObjectId, path: &[u8]) -> Result<bool, Fault> {
        self.entry(tree, path).map(|found| found.is_some())
    }

    /// The entries of a folder, and why some may be missing. `path` is its name in messages.
    pub(super) fn entries(&self, tree: ObjectId, path: &[u8]) -> (Vec<Entry>, Option<Skipped>) {
        let subject = || if path.is_empty() { format!("root folder {tree}") } else { super::path::display(path) };
        let mut buffer = Vec::new();
        if let Err(fault) = self.read(tree, Kind::Tree, &mut buffer) {
            return (Vec::new(), Some(fault.skipped(subject())));
        }
        let mut entries = Vec::new();
        for entry in TreeRefIter::from_bytes(&buffer, gix::hash::Kind::Sha1) {
            match entry {
                Ok(entry) => entries.push((entry.filename.to_vec(), entry.mode, entry.oid.to_owned())),
                Err(_) => return (entries, Some(damaged(tree, "it breaks off").skipped(subject()))),
            }
        }
        (entries, None)
    }

    fn entry(&self, tree: ObjectId, path: &[u8]) -> Result<Option<(EntryMode, ObjectId)>, Fault> {
        let mut names = path.split(|byte| *byte == b'/').peekable();
        let (mut folder, mut buffer) = (tree, Vec::new());
        while let Some(name) = names.next() {
            self.read(folder, Kind::Tree, &mut buffer)?;
            let mut entries = TreeRefIter::from_bytes(&buffer, gix::hash::Kind::Sha1).filter_map(Result::ok);
            let Some(entry) = entries.find(|entry| *entry.filename == *name) else { return Ok(None) };
            let found = (entry.mode, entry.oid.to_owned());
            match names.peek() {
                None => return Ok(Some(found)),
                Some(_) if entry.mode.is_tree() => folder = found.1,
                Some(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The library asserts some of what it reads from packs; a panic there is damage like any other.
    fn guarded<T>(
        &self,
        id: ObjectId,
        read: impl FnOnce() -> Result<Option<T>, gix::objs::find::Error>,
    ) -> Result<T, Fault> {
        match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Ok(Some(found))) => Ok(found),
            // Penstock fetches nothing, so this is a file that should have been read but could not
            // be.
            Ok(Ok(None)) if self.partial => Err(Fault { reason: LEFT_OUT.to_owned(), by_limit: false }),
            Ok(Ok(None)) => Err(Fault { reason: format!("its object {id} is missing"), by_limit: false }),
            Ok(Err(error)) => Err(damaged(id, &chain(&*error))),
            Err(_) => Err(damaged(id, "its pack is malformed")),
        }
    }
}

/// Reports the objects missing from a partial clone once, with their number: it can be nearly all
/// of them.
pub(super) fn sum_up(skipped: &mut Vec<Skipped>, more: u64) {
    let before = skipped.len();
    skipped.retain(|one| one.reason != LEFT_OUT);
    let number = (before - skipped.len()) as u64 + more;
    if number > 0 {
        let subject = if number == 1 { "1 object".to_owned() } else { format!("{number} objects") };
        let reason = "left out of this partial clone, so not read: fetch the rest (`git fetch --refetch --no-filter`), name a PATH that is \
                      there, or pass `--allow-incomplete`";
        skipped.push(Skipped { subject, reason: reason.to_owned(), by_limit: false });
    }
}

fn damaged(id: ObjectId, why: &str) -> Fault {
    Fault { reason: format!("its object {id} is damaged: {why}"), by_limit: false }
}
