//! The files of a work tree.
//!
//! Owns the walk: folders are listed and files read by a few threads at once, each with its own
//! visitor and buffer. Which files count: in a repository those that git tracks and the untracked
//! ones that are not ignored; outside of git all that no ignore file excludes; with `all_files`
//! every one. A PATH itself counts even if it is ignored. Symbolic links are never followed, `.git`
//! is never entered, pipes and devices never opened. In the folder where Pipelines keeps the files
//! of the step, only tracked files count.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::checkout::Skipped;

use super::ignoring::Patterns;
use super::index::Index;
use super::locate::{Location, Trust};
use super::places::Places;
use super::platform::{self, Kind, OpenFolder, path_bytes};
use super::pool::{self, Queue};
use super::read::{Buffer, failure};
use super::scope::{Folder, GENERATED, Start, Tree, TreeOptions, resolve};
use super::sparse::{self, Part};
use super::tally::Tally;
use super::{Coverage, Error, Item, Limits, Progress, Unread, Visitor};

/// Files of one folder that one task reads; the rest of a large folder goes to other threads.
const FILES_PER_TASK: usize = 256;

/// Looks at the files of `paths`, or of the current folder if there are none. `make` makes one visitor per thread; all of them
/// are handed back in no particular order, as files come in none.
pub fn scan<V: Visitor>(
    paths: &[PathBuf],
    options: &TreeOptions,
    limits: &Limits,
    progress: Option<&dyn Progress>,
    make: impl Fn() -> V + Sync,
) -> Result<(Vec<V>, Coverage), Error> {
    let (left_out, paths) = left_out(paths, options)?;
    let starts = if paths.is_empty() && !left_out.is_empty() { Vec::new() } else { resolve(&paths, options)? };
    let apart = starts.iter().map(|start| start.path.clone()).collect::<HashSet<_>>();
    let parts = left_out.into_iter().chain(starts.iter().filter_map(Start::part)).collect();
    let walk = Walk {
        options,
        max_size: limits.max_file_size,
        apart: if starts.len() > 1 { apart } else { HashSet::new() },
        parts: Mutex::new(parts),
    };
    let tasks = starts
        .into_iter()
        .map(|start| match start.file {
            Some(name) => Task::Files(Arc::new(start.folder), vec![name]),
            None => Task::Folder(start.folder),
        })
        .collect();
    let workers = pool::run(
        limits.workers(),
        tasks,
        || Worker::new(make(), progress),
        |worker, task, queue| walk.step(worker, task, queue),
    );
    let mut coverage = Coverage::default();
    let mut visitors = Vec::with_capacity(workers.len());
    for worker in workers {
        coverage.merge(worker.coverage);
        visitors.push(worker.visitor);
    }
    let parts = walk.parts.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (more, read) = sparse::scan(&parts, &options.trust, limits, progress, &make);
    visitors.extend(more);
    coverage.merge(read);
    coverage.skipped.sort();
    Ok((visitors, coverage))
}

/// Those of `paths` that a sparse checkout leaves out of the work tree, and the others.
fn left_out(paths: &[PathBuf], options: &TreeOptions) -> Result<(Vec<Part>, Vec<PathBuf>), Error> {
    let (mut parts, mut others) = (Vec::new(), Vec::new());
    for path in paths {
        let is_gone =
            !options.all_files && fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound);
        let found =
            is_gone.then(|| Places::find(std::slice::from_ref(path), &options.trust.environment).ok()).flatten();
        match found.and_then(|(location, places)| Some((places.single()?.to_vec(), location))) {
            Some((inside, location)) if location.root.is_some() && sparse::is_left_out(&location, &inside) => {
                location.check(&options.trust)?;
                parts.push(Part { location, shown: inside.clone(), inside });
            }
            _ => others.push(path.clone()),
        }
    }
    Ok((parts, others))
}

enum Task {
    Folder(Folder),
    Files(Arc<Folder>, Vec<OsString>),
}

/// What all threads share.
struct Walk<'a> {
    options: &'a TreeOptions,
    max_size: u64,
    /// Places that have a start of their own: another start's walk leaves them out, so that each file comes once.
    apart: HashSet<PathBuf>,
    /// Parts of repositories to scan, for files that are not on the disk.
    parts: Mutex<Vec<Part>>,
}

/// What each thread has for itself.
struct Worker<'a, V> {
    visitor: V,
    buffer: Buffer,
    path: PathBuf,
    shown: Vec<u8>,
    coverage: Coverage,
    tally: Tally<'a>,
}

/// What stands in a folder, by kind.
#[derive(Default)]
struct Listing {
    folders: Vec<OsString>,
    files: Vec<OsString>,
    special: Vec<(OsString, &'static str)>,
    has_git: bool,
}

impl<'a, V: Visitor> Worker<'a, V> {
    fn new(visitor: V, progress: Option<&'a dyn Progress>) -> Self {
        let coverage = Coverage::default();
        Self {
            visitor,
            buffer: Buffer::default(),
            path: PathBuf::new(),
            shown: Vec::new(),
            coverage,
            tally: Tally::new(progress),
        }
    }

    fn skip(&mut self, subject: &[u8], reason: impl Into<String>, by_limit: bool) {
        self.coverage.skipped.push(Skipped { subject: super::path::display(subject), reason: reason.into(), by_limit });
    }

    /// What the tree tracks. A broken index is named once; what is tracked and ignored cannot be told then.
    fn index<'t>(&mut self, tree: &'t Tree) -> Option<&'t Index> {
        let location = tree.repository.as_ref()?;
        tree.index
            .get_or_init(|| {
                Index::read(location).unwrap_or_else(|error| {
                    self.skip(b".git/index", format!("tracked files that are ignored are left out: {error}"), false);
                    None
                })
            })
            .as_ref()
    }
}

impl Walk<'_> {
    fn step<V: Visitor>(&self, worker: &mut Worker<'_, V>, task: Task, queue: &Queue<Task>) {
        match task {
            Task::Folder(folder) => self.folder(worker, folder, queue),
            Task::Files(folder, names) => self.files(worker, &folder, &names),
        }
    }

    /// Lists a folder, hands out what is in it, and reads its first files.
    fn folder<V: Visitor>(&self, worker: &mut Worker<'_, V>, mut folder: Folder, queue: &Queue<Task>) {
        let mut listing = list(worker, &folder);
        let all = self.options.all_files;
        if !all && listing.has_git && folder.path != folder.tree.path && !self.enter_repository(worker, &mut folder) {
            return;
        }
        if !all {
            let has = |name: &&str| listing.files.iter().any(|file| file == name);
            let names: Vec<&str> = folder.tree.pattern_files().iter().copied().filter(has).collect();
            if !names.is_empty() {
                folder.patterns = Patterns::below(&folder.patterns, &folder.path, &names);
            }
        }
        let folders = std::mem::take(&mut listing.folders);
        let below: Vec<_> = folders.iter().filter_map(|name| self.subfolder(worker, &folder, name)).collect();
        listing.files.retain(|name| self.counts(worker, &folder, name));
        for (name, kind) in &listing.special {
            if self.counts(worker, &folder, name) {
                let subject = [&folder.shown, &*path_bytes(name)].concat();
                worker.skip(&subject, format!("it is a {kind}"), true);
            }
        }
        let folder = Arc::new(folder);
        let mut files = listing.files;
        let mut parts = Vec::new();
        while files.len() > FILES_PER_TASK {
            parts.push(files.split_off(files.len() - FILES_PER_TASK));
        }
        queue.add(
            below
                .into_iter()
                .map(Task::Folder)
                .chain(parts.into_iter().map(|part| Task::Files(Arc::clone(&folder), part))),
        );
        self.files(worker, &folder, &files);
    }

    /// The folder `name` in `folder`, unless it is ignored and nothing in it is tracked.
    fn subfolder<V: Visitor>(&self, worker: &mut Worker<'_, V>, folder: &Folder, name: &OsStr) -> Option<Folder> {
        let path = folder.path.join(name);
        if self.apart.contains(&path) {
            return None;
        }
        let name = path_bytes(name);
        let inside = [&folder.inside, &*name, b"/"].concat();
        let ignored = folder.tracked_only
            || folder.tree.in_repository && inside == GENERATED
            || !self.options.all_files && folder.patterns.ignores(&path, true);
        if ignored && !worker.index(&folder.tree).is_some_and(|index| index.has_folder(&inside)) {
            return None;
        }
        Some(Folder {
            path,
            shown: [&folder.shown, &*name, b"/"].concat(),
            inside,
            tree: Arc::clone(&folder.tree),
            patterns: Arc::clone(&folder.patterns),
            tracked_only: ignored,
        })
    }

    /// Whether the file `name` in `folder` is in scope.
    fn counts<V: Visitor>(&self, worker: &mut Worker<'_, V>, folder: &Folder, name: &OsStr) -> bool {
        if self.options.all_files && self.apart.is_empty() && !folder.tracked_only {
            return true;
        }
        let path = folder.path.join(name);
        if self.apart.contains(&path) {
            return false;
        }
        if !(folder.tracked_only || !self.options.all_files && folder.patterns.ignores(&path, false)) {
            return true;
        }
        worker.index(&folder.tree).is_some_and(|index| index.has_file(&[&folder.inside, &*path_bytes(name)].concat()))
    }

    /// `folder` has a `.git` in it. Makes it a tree of its own if it is one; whether to go on.
    fn enter_repository<V: Visitor>(&self, worker: &mut Worker<'_, V>, folder: &mut Folder) -> bool {
        // Something that only looks like a repository must not hide what is in it.
        let Ok(Some(location)) = Location::at_root(&folder.path) else { return true };
        let in_repository = folder.tree.location.is_some();
        if in_repository && worker.index(&folder.tree).is_some_and(|index| index.has_folder(&folder.inside)) {
            return true;
        }
        let shown = folder.shown.strip_suffix(b"/").unwrap_or(&folder.shown);
        if in_repository && !self.options.submodules {
            worker.skip(shown, "it is a repository of its own; `--submodules` includes it", true);
            return false;
        }
        let outermost = folder.tree.outermost.clone();
        // Git's variables apply to the outermost repository; git itself unsets them in a submodule.
        let foreign = self.options.trust.foreign;
        let trust = Trust { foreign, within: Some(outermost.clone()), ..Trust::default() };
        if let Err(error) = location.check(&trust) {
            worker.skip(shown, format!("it is looked at as a plain folder: {error}"), false);
            return true;
        }
        let part = Part { location: location.clone(), inside: Vec::new(), shown: folder.shown.clone() };
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push(part);
        let tree = Tree {
            path: folder.path.clone(),
            repository: Some(location.clone()),
            location: Some(location),
            in_repository: true,
            outermost,
            index: OnceLock::new(),
        };
        folder.patterns = tree.patterns();
        folder.tree = Arc::new(tree);
        folder.inside.clear();
        folder.tracked_only = false;
        true
    }

    fn files<V: Visitor>(&self, worker: &mut Worker<'_, V>, folder: &Folder, names: &[OsString]) {
        let Worker { visitor, buffer, path, shown, coverage, tally } = worker;
        path.clear();
        path.push(&folder.path);
        // A folder that may be entered and not read is none that can be opened; its files are opened by their paths.
        let opened = if names.len() > 1 { OpenFolder::open(path).ok() } else { None };
        for name in names {
            shown.clear();
            shown.extend_from_slice(&folder.shown);
            shown.extend_from_slice(&path_bytes(name));
            if !visitor.wants(shown, None) {
                continue;
            }
            let file = match &opened {
                Some(opened) => opened.file(name),
                None => {
                    path.push(name);
                    let file = platform::open(path);
                    path.pop();
                    file
                }
            };
            match buffer.read(file, self.max_size) {
                Ok(bytes) => {
                    visitor.visit(Item { path: shown, bytes, lines: None, commit: None });
                    coverage.files += 1;
                    coverage.bytes += bytes.len() as u64;
                    tally.add(bytes.len());
                }
                Err(passed) => {
                    let is_file = passed.is_file();
                    match passed.skipped(shown) {
                        Some(skipped) if is_file => coverage.pass_over(shown, skipped),
                        skipped => coverage.skipped.extend(skipped),
                    }
                }
            }
        }
    }
}

/// Everything in `folder` but `.git` and symbolic links.
fn list<V: Visitor>(worker: &mut Worker<'_, V>, folder: &Folder) -> Listing {
    let mut listing = Listing::default();
    let shown = folder.shown.strip_suffix(b"/").unwrap_or(&folder.shown);
    let shown = if shown.is_empty() { b"." } else { shown };
    let entries = match fs::read_dir(&folder.path) {
        Ok(entries) => entries,
        Err(error) => {
            let (reason, by_limit) = failure(&error);
            if worker.visitor.wants(shown, None) {
                worker.skip(shown, reason, by_limit);
                worker.coverage.unread.push(Unread { path: shown.to_vec(), by_limit });
            }
            return listing;
        }
    };
    for entry in entries {
        let (name, kind) = match entry.and_then(|entry| Ok((entry.file_name(), platform::kind(entry.file_type()?)))) {
            Ok(entry) => entry,
            Err(error) => {
                worker.skip(shown, format!("its list of files breaks off: {error}"), false);
                continue;
            }
        };
        if name == ".git" {
            listing.has_git = true;
            continue;
        }
        match kind {
            Kind::File => listing.files.push(name),
            Kind::Folder => listing.folders.push(name),
            Kind::Special(kind) => listing.special.push((name, kind)),
            Kind::Symlink => {}
        }
    }
    listing
}

#[cfg(test)]
mod tests;
