//! The rules that a head is judged by, and what it would change in them.
//!
//! Owns reading configuration and owners from a commit, and the sentences about what a change does to the configuration: shown now, effective after the merge.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use gix::ObjectId;

use super::Remark;
use super::base::{self, Chosen, Head};
use super::head::Place;
use super::owners::Owners;
use crate::analyze::secrets::gitleaks::Layer;
use crate::checkout::{Repository, snapshot};
use crate::cli::ScanArgs;
use crate::error::Error;
use crate::settings::{self, CommitFiles, File, Root, gitleaks};

/// Sentences about one file that are told one by one.
const SENTENCES: usize = 20;

/// The files of a commit, for settings.
struct OfCommit<'r> {
    repository: &'r Repository,
    commit: ObjectId,
}

impl CommitFiles for OfCommit<'_> {
    fn content(&self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        snapshot::content(self.repository, self.commit, name.as_bytes(), limit)
            .map_err(|skipped| io::Error::other(skipped.reason))
    }

    fn work_tree(&self) -> Option<&Path> {
        self.repository.location().root.as_deref()
    }
}

/// Configuration in force.
pub(super) struct Policy {
    pub(super) file: File,
    pub(super) gitleaks: Option<Arc<Layer>>,
}

/// Configuration in force, and what the head would change in it.
pub(super) struct Judged {
    pub(super) policy: Policy,
    /// One sentence each. They may hold text of the repository as it stands there.
    pub(super) changes: Vec<String>,
    /// Who owns which file.
    pub(super) owners: Owners,
}

/// Reads the rules that the head is judged by.
pub(super) fn judge_by(
    place: &Place,
    chosen: Option<&Chosen>,
    arguments: &ScanArgs,
    notices: &mut Vec<Remark>,
) -> Result<Judged, Error> {
    let folder = place.root.as_deref().map_or(Root::Nowhere, Root::Folder);
    let Some(chosen) = chosen else { return unchanged(folder, arguments, notices) };
    let of = |commit| OfCommit { repository: &chosen.repository, commit };
    let head = match &place.compared {
        Some((_, Head::Commit(commit))) => Some(of(*commit)),
        _ => None,
    };
    let head = head.as_ref().map_or(folder, |files| Root::Commit(files));
    let base::Policy::Destination(tip) = chosen.policy else {
        return unchanged(head, arguments, notices);
    };
    let merge_base = chosen.base.commit;
    let is_readable = |commit: &ObjectId| {
        // One that is too large is there, and told as a mistake.
        snapshot::content(&chosen.repository, *commit, settings::FILE_NAME.as_bytes(), u64::MAX).is_ok()
    };
    let Some(commit) = tip.into_iter().chain(merge_base).find(is_readable) else {
        let text = "the destination's configuration cannot be read: the defaults hold, and nothing is suppressed by it";
        notices.push(Remark { subject: "policy".to_owned(), text: text.to_owned() });
        return unchanged(Root::Nowhere, arguments, notices);
    };
    let files = of(commit);
    let judged = unchanged(Root::Commit(&files), arguments, notices)?;
    let changes = changes(&judged.policy, Root::Commit(&files), head, arguments);
    Ok(Judged { changes, ..judged })
}

/// What the files of a root say, where nothing is compared with them.
fn unchanged(root: Root<'_>, arguments: &ScanArgs, notices: &mut Vec<Remark>) -> Result<Judged, Error> {
    let policy = read(root, arguments)?;
    Ok(Judged { policy, changes: Vec::new(), owners: Owners::read(root, notices) })
}

fn read(root: Root<'_>, arguments: &ScanArgs) -> Result<Policy, Error> {
    let file = settings::read_file(arguments.settings.as_deref(), root)?;
    let files =
        gitleaks::Files { root, config: arguments.config.as_deref(), ignore: arguments.gitleaks_ignore.as_deref() };
    Ok(Policy { file, gitleaks: gitleaks::read(files)?.map(Arc::new) })
}

/// What `after` changes in the rules of `before`.
fn changes(before: &Policy, before_root: Root<'_>, after_root: Root<'_>, arguments: &ScanArgs) -> Vec<String> {
    let after = match read(after_root, arguments) {
        Ok(after) => after,
        Err(error) => {
            let lines = error.render();
            let first = lines.lines().next().unwrap_or_default();
            let what = first.strip_prefix("error: ").unwrap_or(first);
            return vec![format!("the configuration cannot be used as the change leaves it: {what}")];
        }
    };
    let mut sentences = of_file(&before.file, &after.file);
    let digest = |policy: &Policy| policy.gitleaks.as_ref().map(|layer| *layer.digest());
    if digest(before) != digest(&after) {
        let told = sentences.len();
        for name in [gitleaks::CONFIGURATION, gitleaks::IGNORE] {
            sentences.extend(of_lines(name, &lines(before_root, name), &lines(after_root, name)));
        }
        if sentences.len() == told {
            sentences.push("a file of the gitleaks configuration changes".to_owned());
        }
    }
    if sentences.len() > SENTENCES {
        let more = sentences.len() - SENTENCES;
        sentences.truncate(SENTENCES);
        sentences.push(format!("and {more} further changes of the configuration"));
    }
    sentences
}

/// What changes in `penstock.toml`, key by key.
fn of_file(before: &File, after: &File) -> Vec<String> {
    let (before, after) = (before.told(), after.told());
    let nothing = BTreeSet::new();
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let values = |told: &'_ BTreeMap<String, BTreeSet<String>>, key: &String| told.get(key).unwrap_or(&nothing).clone();
    let mut sentences = Vec::new();
    for key in keys {
        let (old, new) = (values(&before, key), values(&after, key));
        sentences.extend(new.difference(&old).map(|value| format!("`{key}` gains `{value}`")));
        sentences.extend(old.difference(&new).map(|value| format!("`{key}` loses `{value}`")));
    }
    sentences
}

fn of_lines(name: &str, before: &BTreeSet<String>, after: &BTreeSet<String>) -> Option<String> {
    let (gained, lost) = (after.difference(before).count(), before.difference(after).count());
    let count = |number: usize| if number == 1 { "1 line".to_owned() } else { format!("{number} lines") };
    match (gained, lost) {
        (0, 0) => None,
        (gained, 0) => Some(format!("`{name}` gains {}", count(gained))),
        (0, lost) => Some(format!("`{name}` loses {}", count(lost))),
        (gained, lost) => Some(format!("`{name}` gains {} and loses {lost}", count(gained))),
    }
}

/// The lines of a file in the root that say something.
fn lines(root: Root<'_>, name: &str) -> BTreeSet<String> {
    let text = root.text(name).ok().flatten().unwrap_or_default();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
