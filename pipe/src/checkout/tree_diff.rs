//! Which files differ between a tree and its parents.
//!
//! Owns the comparison of git's folders. With several parents, as in a merge, a file counts that differs from all of them:
//! what came from either side unchanged was brought by that side's own commits. A folder that equals one of the parents' is not
//! opened. What only moved, byte by byte, does not count. Looks at no content.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::checkout::Skipped;
use gix::ObjectId;
use gix::objs::tree::EntryMode;

use super::objects::Objects;

/// Places at which one comparison opens the very same folder. Folders that hold the same folder many times over, a few levels
/// deep, make more files than any disk has.
const MOST_PLACES: u32 = 1000;

/// Entries of folders that one comparison looks at, whatever they are.
const MOST_ENTRIES: usize = 20_000_000;

/// Files that one comparison tells; the largest repositories have a quarter of that.
const MOST_CHANGES: usize = 2_000_000;

/// Longest path, in bytes; the system's own limit is far below.
const LONGEST_PATH: usize = 1 << 16;

/// A file that a tree has and its parents have not, or not so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Change {
    /// From the root.
    pub(super) path: Vec<u8>,
    /// The content.
    pub(super) id: ObjectId,
    /// Whether it is a symbolic link: its content is where it leads.
    pub(super) link: bool,
    /// What stood at the same path in those parents that had a file there.
    pub(super) before: Vec<ObjectId>,
}

/// An entry of a folder, owned.
#[derive(Clone, Debug)]
struct Entry {
    name: Vec<u8>,
    mode: EntryMode,
    id: ObjectId,
}

/// A folder and its namesakes in the parents, still to be compared.
struct Pair {
    path: Vec<u8>,
    tree: Option<ObjectId>,
    parents: Vec<ObjectId>,
}

/// Compares `tree` with `parents`; with none, everything in it counts. What cannot be read is named in `skipped`.
pub(super) fn changes(
    objects: &Objects,
    tree: ObjectId,
    parents: Vec<ObjectId>,
    skipped: &mut Vec<Skipped>,
) -> Vec<Change> {
    let (mut changes, gone) = compare(objects, tree, parents, skipped);
    changes.retain(|change| !gone.contains(&change.id));
    changes
}

/// The same, but what only moved counts as well.
pub(super) fn differences(
    objects: &Objects,
    tree: ObjectId,
    parents: Vec<ObjectId>,
    skipped: &mut Vec<Skipped>,
) -> Vec<Change> {
    compare(objects, tree, parents, skipped).0
}

/// What differs, sorted, and the contents that a parent has where the tree has them not.
fn compare(
    objects: &Objects,
    tree: ObjectId,
    parents: Vec<ObjectId>,
    skipped: &mut Vec<Skipped>,
) -> (Vec<Change>, HashSet<ObjectId>) {
    let mut diff = Diff {
        objects,
        skipped,
        changes: Vec::new(),
        gone: HashSet::new(),
        seen: HashSet::new(),
        opened: HashMap::new(),
        limits: BTreeSet::new(),
        left: MOST_ENTRIES,
    };
    let mut todo = vec![Pair { path: Vec::new(), tree: Some(tree), parents }];
    while let Some(pair) = todo.pop() {
        diff.compare(pair, &mut todo);
    }
    let Diff { mut changes, gone, limits, .. } = diff;
    skipped.extend(limits);
    changes.sort();
    (changes, gone)
}

struct Diff<'a> {
    objects: &'a Objects,
    skipped: &'a mut Vec<Skipped>,
    changes: Vec<Change>,
    /// Contents that a parent has at a path where the tree has not: moved, if they turn up elsewhere.
    gone: HashSet<ObjectId>,
    /// Folders looked through for what is gone.
    seen: HashSet<ObjectId>,
    /// How often each folder was opened.
    opened: HashMap<ObjectId, u32>,
    /// Where a limit ended the comparison; each folder once, however many places it has.
    limits: BTreeSet<Skipped>,
    left: usize,
}

impl Diff<'_> {
    fn compare(&mut self, pair: Pair, todo: &mut Vec<Pair>) {
        let own = pair.tree.map(|tree| self.entries(tree, &pair.path)).unwrap_or_default();
        let parents: Vec<_> = pair.parents.iter().map(|tree| self.entries(*tree, &pair.path)).collect();
        for entry in &own {
            let before: Vec<&Entry> = parents.iter().filter_map(|parent| find(parent, &entry.name)).collect();
            if before.iter().any(|before| before.id == entry.id) {
                continue;
            }
            let mut path = pair.path.clone();
            path.extend_from_slice(&entry.name);
            let files = before.iter().filter(|before| before.mode.is_blob_or_symlink()).map(|before| before.id);
            if entry.mode.is_tree() {
                self.gone.extend(files);
                path.push(b'/');
                let parents = before.iter().filter(|before| before.mode.is_tree()).map(|before| before.id).collect();
                todo.push(Pair { path, tree: Some(entry.id), parents });
            } else if entry.mode.is_blob_or_symlink() {
                let before_ids: Vec<_> = files.collect();
                self.gone.extend(&before_ids);
                for folder in before.iter().filter(|before| before.mode.is_tree()) {
                    self.look_for_gone(&path, folder.id, todo);
                }
                let link = entry.mode.is_link();
                self.changes.push(Change { path, id: entry.id, link, before: before_ids });
            }
        }
        for entry in parents.iter().flatten().filter(|entry| find(&own, &entry.name).is_none()) {
            if entry.mode.is_tree() {
                let path = [&pair.path, &*entry.name].concat();
                self.look_for_gone(&path, entry.id, todo);
            } else if entry.mode.is_blob_or_symlink() {
                self.gone.insert(entry.id);
            }
        }
    }

    fn look_for_gone(&mut self, path: &[u8], folder: ObjectId, todo: &mut Vec<Pair>) {
        if self.seen.insert(folder) {
            todo.push(Pair { path: [path, b"/"].concat(), tree: None, parents: vec![folder] });
        }
    }

    /// The entries of a folder, sorted by name; fewer if it cannot be read.
    fn entries(&mut self, tree: ObjectId, path: &[u8]) -> Vec<Entry> {
        let opened = self.opened.entry(tree).or_default();
        *opened += 1;
        if path.len() > LONGEST_PATH {
            return self.limited(tree, "its path is longer than a system can have");
        }
        if *opened > MOST_PLACES {
            return self.limited(tree, "it stands in more places than are looked at");
        }
        if self.left == 0 || self.changes.len() >= MOST_CHANGES {
            return self.limited(tree, "the commit has more files than are compared");
        }
        let (entries, fault) = self.objects.entries(tree, path);
        self.skipped.extend(fault);
        let mut entries: Vec<Entry> = entries.into_iter().map(|(name, mode, id)| Entry { name, mode, id }).collect();
        self.left = self.left.saturating_sub(entries.len().max(1));
        // Git sorts a folder as if its name ended in `/`, and a hostile tree need not be sorted at all.
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }

    fn limited(&mut self, tree: ObjectId, reason: &str) -> Vec<Entry> {
        self.limits.insert(Skipped { subject: format!("folder {tree}"), reason: reason.to_owned(), by_limit: true });
        Vec::new()
    }
}

fn find<'e>(entries: &'e [Entry], name: &[u8]) -> Option<&'e Entry> {
    entries.binary_search_by(|entry| entry.name.as_slice().cmp(name)).ok().map(|at| &entries[at])
}
