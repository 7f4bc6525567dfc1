//! Objects that are in no pack, each in a file of its own.
//!
//! Owns listing them and reading one. The library inflates; sizes are known and bounded before.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::checkout::Skipped;
use gix::objs::Kind;
use gix::odb::loose::Store;
use gix::{ObjectId, oid};

use super::flaw::Flaw;
use crate::checkout::path::display;

/// All loose objects, sorted by id.
pub(super) struct Loose {
    found: Vec<One>,
    folders: Vec<PathBuf>,
    hash: gix::hash::Kind,
}

struct One {
    id: ObjectId,
    folder: usize,
    kind: Kind,
    size: u64,
}

impl Loose {
    /// Lists the loose objects of `folders`. What cannot be read is added to `skipped`.
    pub(super) fn list(folders: &[PathBuf], hash: gix::hash::Kind, skipped: &mut Vec<Skipped>) -> Self {
        let mut found: Vec<One> = Vec::new();
        for (folder, root) in folders.iter().enumerate() {
            let store = Store::at(root, hash, None);
            for id in ids(root, hash, skipped) {
                match store.try_header(&id) {
                    Ok(Some((size, kind))) => found.push(One { id, folder, kind, size }),
                    // Packed and pruned since the folder was read.
                    Ok(None) => {}
                    Err(_) => {
                        let reason = "the file of this object is damaged".to_owned();
                        skipped.push(Skipped { subject: id.to_string(), reason, by_limit: false });
                    }
                }
            }
        }
        found.sort_by_key(|one| (one.id, one.folder));
        found.dedup_by(|later, earlier| later.id == earlier.id);
        Self { found, folders: folders.to_vec(), hash }
    }

    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    pub(super) fn id(&self, at: usize) -> ObjectId {
        self.found[at].id
    }

    pub(super) fn kind(&self, at: usize) -> Kind {
        self.found[at].kind
    }

    pub(super) fn find(&self, id: &oid) -> Option<usize> {
        self.found.binary_search_by(|one| one.id.as_ref().cmp(id)).ok()
    }

    /// Reads one object of at most `limit` bytes.
    pub(super) fn read(&self, at: usize, limit: u64, out: &mut Vec<u8>) -> Result<(), Flaw> {
        const DAMAGED: Flaw = Flaw::Damaged("its file cannot be read");
        let One { id, folder, size, .. } = &self.found[at];
        if *size > limit {
            return Err(Flaw::TooLarge { size: *size });
        }
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        match Store::at(&self.folders[*folder], self.hash, Some(most)).try_find(id, out) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(Flaw::Missing),
            Err(_) => Err(DAMAGED),
        }
    }
}

/// The ids that the names of files below `root` spell. Only regular files: a pipe would be waited for.
fn ids(root: &Path, hash: gix::hash::Kind, skipped: &mut Vec<Skipped>) -> Vec<ObjectId> {
    let mut ids = Vec::new();
    for first in 0..=u8::MAX {
        let prefix = format!("{first:02x}");
        let listed = list_folder(&root.join(&prefix), skipped);
        for entry in listed {
            let name = entry.file_name();
            let hex = [prefix.as_bytes(), name.as_encoded_bytes()].concat();
            let id = ObjectId::from_hex(&hex).ok().filter(|id| id.kind() == hash);
            if let Some(id) = id.filter(|_| entry.file_type().is_ok_and(|kind| kind.is_file())) {
                ids.push(id);
            }
        }
    }
    ids
}

/// What is in a folder of the object store; nothing if there is no such folder. One that cannot be read is named.
pub(super) fn list_folder(folder: &Path, skipped: &mut Vec<Skipped>) -> Vec<fs::DirEntry> {
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match listed {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Vec::new(),
        Err(error) => {
            let subject = display(folder.as_os_str().as_encoded_bytes());
            skipped.push(Skipped {
                subject,
                reason: format!("this folder of objects cannot be read: {error}"),
                by_limit: false,
            });
            Vec::new()
        }
    }
}
