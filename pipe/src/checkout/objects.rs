//! Reading git's objects on one thread.
//!
//! Owns the difference between an object that is missing because the clone was made without it, one that is missing although
//! it should be there, and one that is damaged: each becomes a reason in words, and the scan goes on with the next.

use std::panic::{AssertUnwindSafe, catch_unwind};

use gix::ObjectId;
use gix::objs::{CommitRef, Find, FindHeader, Kind, TreeRefIter};
use penstock_common::Skipped;

use super::error::chain;
use super::repository::Repository;

/// Folders repeat from commit to commit; so much of them is kept unpacked on each thread.
const CACHE_BYTES: usize = 16 << 20;

/// One thread's door to the objects.
pub(super) struct Objects {
    repo: gix::Repository,
    partial: bool,
}

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
        let mut names = path.split(|byte| *byte == b'/').peekable();
        let (mut folder, mut buffer) = (tree, Vec::new());
        while let Some(name) = names.next() {
            self.read(folder, Kind::Tree, &mut buffer)?;
            let mut entries = TreeRefIter::from_bytes(&buffer, gix::hash::Kind::Sha1).filter_map(Result::ok);
            let Some(entry) = entries.find(|entry| *entry.filename == *name) else { return Ok(None) };
            match (entry.mode.is_tree(), entry.mode.is_blob(), names.peek()) {
                (true, _, Some(_)) => folder = entry.oid.to_owned(),
                (_, true, None) => return Ok(Some(entry.oid.to_owned())),
                _ => return Ok(None),
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
            Ok(Ok(None)) if self.partial => {
                Err(Fault { reason: format!("its object {id} was left out of this partial clone"), by_limit: true })
            }
            Ok(Ok(None)) => Err(Fault { reason: format!("its object {id} is missing"), by_limit: false }),
            Ok(Err(error)) => Err(damaged(id, &chain(&*error))),
            Err(_) => Err(damaged(id, "its pack is malformed")),
        }
    }
}

fn damaged(id: ObjectId, why: &str) -> Fault {
    Fault { reason: format!("its object {id} is damaged: {why}"), by_limit: false }
}
