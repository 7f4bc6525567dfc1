//! What git tracks, as its index says.
//!
//! Owns reading the index so that a damaged or hostile one is an error and nothing worse. Does not compare it with anything.

use std::collections::HashMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};

use super::error::{Error, chain};
use super::locate::Location;

/// A header and a checksum: less is no index.
const SMALLEST: u64 = 12 + 20;

/// The index of a work tree.
pub(super) struct Index(gix::index::File);

impl Index {
    /// Reads the index at `location`, which was checked. None before the first `git add`.
    pub(super) fn read(location: &Location) -> Result<Option<Self>, Error> {
        let path = location.index();
        let Ok(metadata) = fs::metadata(&path) else { return Ok(None) };
        if !metadata.is_file() || metadata.len() < SMALLEST {
            return Err(Error::damaged(&path, "the index is cut off"));
        }
        let options = gix::index::decode::Options { thread_limit: Some(1), ..Default::default() };
        // The library asserts some of what it reads.
        catch_unwind(AssertUnwindSafe(|| gix::index::File::at(path.clone(), gix::hash::Kind::Sha1, false, options)))
            .map_err(|_| Error::damaged(&path, "the index is malformed"))?
            .map(|file| Some(Self(file)))
            .map_err(|error| Error::damaged(&path, chain(&error)))
    }

    /// All entries, sorted by path.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&BStr, &gix::index::Entry)> {
        self.0.entries().iter().map(|entry| (entry.path(&self.0), entry))
    }

    /// Whether the file of this entry, which lies at `path`, was surely not written since git looked at it, or left out of a
    /// sparse checkout. One that was written in the same moment as the index cannot be told from one that was written afterwards.
    pub(super) fn is_unwritten(&self, entry: &gix::index::Entry, path: &std::path::Path) -> bool {
        if entry.flags.contains(gix::index::entry::Flags::SKIP_WORKTREE) {
            return true;
        }
        let Ok(found) = gix::index::fs::Metadata::from_path_no_follow(path) else { return false };
        let options = gix::index::entry::stat::Options { use_nsec: true, ..Default::default() };
        found.is_file()
            && gix::index::entry::Stat::from_fs(&found).is_ok_and(|stat| stat.matches(&entry.stat, options))
            && !entry.stat.is_racy(self.0.timestamp(), options)
    }

    /// Whether the file at `path` is tracked.
    pub(super) fn has_file(&self, path: &[u8]) -> bool {
        self.0.entry_index_by_path(path.as_bstr()).is_ok()
    }

    /// The folders whose content is known to equal a tree, by name with a final `/`: those in git's
    /// cache-tree, and those that a sparse index has in place of their files.
    pub(super) fn folders(&self) -> HashMap<Vec<u8>, ObjectId> {
        let mut folders = HashMap::new();
        let mut open: Vec<(Vec<u8>, &gix::index::extension::Tree)> =
            self.0.tree().map(|tree| (Vec::new(), tree)).into_iter().collect();
        while let Some((path, tree)) = open.pop() {
            for child in &tree.children {
                open.push(([&path[..], &child.name, b"/"].concat(), child));
            }
            // An entry without a count is invalid: something below it has changed.
            if tree.num_entries.is_some() {
                folders.insert(path, tree.id);
            }
        }
        let in_place = self.entries().filter(|(_, entry)| entry.mode == gix::index::entry::Mode::DIR);
        folders.extend(in_place.map(|(path, entry)| (path.to_vec(), entry.id)));
        folders
    }

    /// Whether `place` is a file or folder in the index.
    pub(super) fn has_place(&self, place: &[u8]) -> bool {
        self.has_file(place) || self.has_folder(&[place, b"/"].concat())
    }

    /// Whether something in `folder`, given with a final `/`, is tracked.
    pub(super) fn has_folder(&self, folder: &[u8]) -> bool {
        let from = self.0.entries().partition_point(|entry| entry.path(&self.0) < folder.as_bstr());
        self.0.entries().get(from).is_some_and(|entry| entry.path(&self.0).starts_with(folder))
    }
}
