//! Tracked files that a sparse checkout leaves out of the work tree.
//!
//! Owns finding them in the index and reading them from git's objects: every tracked file is in
//! scope, on the disk or not. If the checkout is not sparse, this costs one file system access.

use std::collections::BTreeMap;
use std::fs;

use gix::index::entry::{Flags, Mode, Stage};

use super::index::Index;
use super::locate::{Location, Trust};
use super::objects::Objects;
use super::platform::path_name;
use super::repository::Repository;
use super::snapshot::{self, File};
use super::tree_diff::changes;
use super::{Coverage, Limits, Progress, Skipped, Unread, Visitor};

/// A part of a work tree, and how its files are named.
pub(super) struct Part {
    pub(super) location: Location,
    /// The folder or file from the root of the tree, without a final `/`; empty for the whole tree.
    pub(super) inside: Vec<u8>,
    /// The replacement for that name.
    pub(super) shown: Vec<u8>,
}

impl Part {
    /// The name of its file at `path`.
    fn name(&self, path: &[u8]) -> Vec<u8> {
        let rest = &path[self.inside.len()..];
        let rest = rest.strip_prefix(b"/").unwrap_or(rest);
        let slash: &[u8] =
            if rest.is_empty() || self.shown.is_empty() || self.shown.ends_with(b"/") { b"" } else { b"/" };
        [&self.shown, slash, rest].concat()
    }
}

/// Whether the checkout of the repository at `location` may be sparse.
pub(super) fn is_sparse(location: &Location) -> bool {
    location.git_dir.join("info").join("sparse-checkout").exists()
}

/// Whether `place` is tracked and left out of the work tree.
pub(super) fn is_left_out(location: &Location, place: &[u8]) -> bool {
    let Some(index) = is_sparse(location).then(|| Index::read(location).ok().flatten()).flatten() else { return false };
    let folder = [place, b"/"].concat();
    index.entries().any(|(path, entry)| {
        let at = **path == *place || path.starts_with(&folder) || entry.mode == Mode::DIR && folder.starts_with(path);
        at && entry.flags.contains(Flags::SKIP_WORKTREE)
    })
}

/// Scans the files that are left out in these parts.
pub(super) fn scan<V: Visitor>(
    parts: &[Part],
    trust: &Trust,
    limits: &Limits,
    progress: Option<&dyn Progress>,
    make: &(impl Fn() -> V + Sync),
) -> (Vec<V>, Coverage) {
    let (mut visitors, mut coverage) = (Vec::new(), Coverage::default());
    // Parts of one repository may overlap: scan each of its files once.
    let mut seen: BTreeMap<&std::path::Path, Vec<&[u8]>> = BTreeMap::new();
    for part in parts.iter().filter(|part| is_sparse(&part.location)) {
        let Ok(Some(index)) = Index::read(&part.location) else { continue };
        let before = seen.entry(&part.location.git_dir).or_default();
        let is_seen = |path: &[u8]| before.iter().any(|place| super::places::is_at_or_below(path, place));
        let repository = match Repository::open_objects(part.location.clone(), trust) {
            Ok(repository) => repository,
            Err(error) => {
                let subject = super::path::display(&part.shown);
                let reason = format!("files outside of the sparse checkout cannot be read: {error}");
                coverage.pass_over(&part.inside, Skipped { subject, reason, by_limit: false });
                continue;
            }
        };
        let mut files = left_out(part, &index, &repository, &mut coverage);
        files.retain(|file| !is_seen(&file.path));
        before.push(&part.inside);
        for file in &mut files {
            file.path = part.name(&file.path);
        }
        let (more, read) = snapshot::scan(&repository, &files, limits, progress, make);
        visitors.extend(more);
        coverage.merge(read);
    }
    (visitors, coverage)
}

/// The files of a part that are tracked and not on the disk.
fn left_out(part: &Part, index: &Index, repository: &Repository, coverage: &mut Coverage) -> Vec<File> {
    let Some(root) = part.location.root.as_deref() else { return Vec::new() };
    let objects = Objects::new(repository);
    let mut files = Vec::new();
    let is_inside = |path: &[u8]| super::places::is_at_or_below(path, &part.inside);
    let is_gone = |path: &[u8]| fs::symlink_metadata(root.join(path_name(path))).is_err();
    for (path, entry) in index.entries() {
        if !entry.flags.contains(Flags::SKIP_WORKTREE) || entry.stage() != Stage::Unconflicted {
            continue;
        }
        if entry.mode == Mode::DIR {
            let unread = coverage.skipped.len();
            let in_folder = changes(&objects, entry.id, Vec::new(), &mut coverage.skipped);
            if coverage.skipped.len() > unread {
                coverage.unread.push(Unread { path: path.to_vec(), by_limit: false });
            }
            let named = in_folder.into_iter().filter(snapshot::is_file);
            let named = named.map(|change| File { path: [&**path, &change.path].concat(), id: change.id });
            files.extend(named.filter(|file| is_inside(&file.path) && is_gone(&file.path)));
        } else if matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE) && is_inside(path) && is_gone(path) {
            files.push(File { path: path.to_vec(), id: entry.id });
        }
    }
    files
}
