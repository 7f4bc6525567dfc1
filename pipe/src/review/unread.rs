//! New or changed files that were not scanned.
//!
//! Owns counting the new or changed files that a limit left out, for the condition `new.unread`.
//! Only text and archives count, because they could contain a secret as text. Images, audio, video,
//! fonts and programs do not count.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use gix::ObjectId;

use super::base::{Against, Chosen};
use crate::checkout::content::{self, Kind};
use crate::checkout::{Repository, Standing, platform, snapshot};
use crate::scan::Scanned;

/// Maximum size of a blob that is read to detect its type; a larger one is classified by its name.
const LARGEST_BYTES: u64 = 64 << 20;

/// The files, before their types are known.
pub(super) struct Unread<'c> {
    chosen: &'c Chosen,
    /// None if it is unknown which files are new.
    paths: Option<BTreeSet<&'c [u8]>>,
}

impl<'c> Unread<'c> {
    /// The unread files of `head` that differ from the base.
    pub(super) fn of(head: &'c Scanned, chosen: &'c Chosen) -> Self {
        let by_limit = head.unread.iter().filter(|one| one.by_limit).map(|one| one.path.as_slice());
        let paths = match &chosen.against {
            Against::Files { differences, .. } => {
                Some(by_limit.filter(|path| differences.standing(path) != Standing::Same).collect())
            }
            Against::Lines(lines) => Some(by_limit.filter(|path| lines.has(path)).collect()),
            Against::Nothing => None,
        };
        Self { chosen, paths }
    }

    /// How many of them could contain text.
    pub(super) fn count(&self) -> Option<u64> {
        let counts = |path: &&&[u8]| match self.begin(path) {
            Some(bytes) => content::kind(&bytes, path),
            None => content::kind_by_name(path),
        } != Kind::Other;
        Some(self.paths.as_ref()?.iter().filter(counts).count() as u64)
    }

    /// The start of the file; none if it is too expensive to read.
    fn begin(&self, path: &[u8]) -> Option<Vec<u8>> {
        match self.chosen.head {
            Some(commit) => of_commit(&self.chosen.repository, commit, path),
            None => {
                let root = self.chosen.repository.location().root.as_deref()?;
                let mut bytes = Vec::new();
                let file: File = platform::open(&root.join(platform::path_name(path))).ok()?;
                file.take(content::PROBE as u64).read_to_end(&mut bytes).ok()?;
                Some(bytes)
            }
        }
    }
}

fn of_commit(repository: &Arc<Repository>, commit: ObjectId, path: &[u8]) -> Option<Vec<u8>> {
    let mut content = snapshot::content(repository, commit, path, LARGEST_BYTES).ok().flatten()?;
    content.truncate(content::PROBE);
    Some(content)
}
