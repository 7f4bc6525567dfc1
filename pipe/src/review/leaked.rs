//! Secrets that a change added and took away again.
//!
//! Owns which secrets of a change's commits have leaked: those that stand neither in the base nor in the head. They are out all the same,
//! because whoever could read the branch could read them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use gix::ObjectId;
use penstock_common::{Masked, masked};

use crate::analyze::secrets::Found;
use crate::checkout::snapshot::{self, File};
use crate::checkout::{Progress, Repository, range};
use crate::scan::{self, Scan, Target};

/// Secrets of which it is said in which commit they were removed.
const TRACED: usize = 50;
/// Commits that are gone through for that.
const COMMITS: usize = 2000;

/// The commits of a change.
pub(super) struct Commits {
    pub(super) repository: Arc<Repository>,
    /// What the base has.
    pub(super) known: Vec<ObjectId>,
    /// The last one.
    pub(super) tip: ObjectId,
}

/// The secrets that commits added and later ones removed.
#[derive(Default)]
pub(super) struct Leaked {
    /// Each secret once, with the commit that added it.
    pub(super) found: Vec<Found>,
    /// Why that may not be all.
    pub(super) unknown: Option<String>,
}

/// Whether a value of a secret is not among the `standing` ones.
pub(super) fn has_left(secret: &Found, standing: &HashSet<u128>) -> bool {
    secret.parts.iter().any(|part| !standing.contains(&part.value))
}

/// Scans what the commits add. `standing` are the values in base or head. A secret of two halves
/// has leaked if either half is not among them.
pub(super) fn leaked(
    scan: &Scan<'_>,
    commits: &Commits,
    standing: &HashSet<u128>,
    progress: Option<&dyn Progress>,
) -> Result<Leaked, scan::Error> {
    let Commits { repository, known, tip } = commits;
    let Some(order) = range::commits_between(repository, known, *tip) else {
        let why = "the clone is cut off within the change, so its commits are not all known; `clone: depth: full` in the pipeline gives them";
        return Ok(Leaked { unknown: Some(why.to_owned()), ..Leaked::default() });
    };
    let scanned = scan.look(&Target::Between(Arc::clone(repository), known.clone(), *tip), progress)?;
    let place: HashMap<String, usize> = order.iter().enumerate().map(|(at, id)| (id.to_string(), at)).collect();
    let place_of = |one: &Found| {
        one.finding.commit.as_ref().and_then(|commit| place.get(&commit.id)).copied().unwrap_or(usize::MAX)
    };
    let mut first: BTreeMap<(u128, Masked), Found> = BTreeMap::new();
    for one in scanned.found.into_iter().filter(|one| has_left(one, standing)) {
        let key = (one.identity, one.finding.rule.clone());
        match first.get(&key) {
            Some(other) if place_of(other) <= place_of(&one) => {}
            _ => {
                first.insert(key, one);
            }
        }
    }
    // A half that leaked with its partner counts once.
    let pairs = first.values().filter(|one| one.parts.len() > 1);
    let paired: HashSet<(Vec<u8>, u128)> =
        pairs.flat_map(|one| one.parts.iter().map(|part| (one.file.clone(), part.value))).collect();
    let is_told = |one: &Found| one.parts.len() > 1 || !paired.contains(&(one.file.clone(), one.identity));
    let mut found: Vec<Found> = first.into_values().filter(is_told).collect();
    // The order of the keys is that of random values, and must leave no trace.
    found.sort_by(|a, b| {
        let key = |one: &Found| (place_of(one), one.finding.location.clone(), one.finding.rule.clone());
        key(a).cmp(&key(b))
    });
    let mut trace = Trace { scan, repository, held: HashMap::new() };
    for (number, one) in found.iter_mut().enumerate() {
        let after = order.get(place_of(one).saturating_add(1)..).unwrap_or_default();
        let remover = if number < TRACED && after.len() <= COMMITS { trace.remover(one, after)? } else { None };
        let removed = match remover {
            Some(commit) => scan.masked(&format!("removed in {}", &commit.to_string()[..12])),
            None => "removed".into(),
        };
        one.finding.message = masked![removed, ", still leaked: revoke it (", one.finding.message, ")"];
    }
    let fault = scanned.tool.skipped.iter().find(|skipped| !skipped.by_limit);
    let unknown = fault.map(|fault| format!("not all commits could be read: {}: {}", fault.subject, fault.reason));
    Ok(Leaked { found, unknown })
}

/// The way of a secret through the commits.
struct Trace<'s> {
    scan: &'s Scan<'s>,
    repository: &'s Arc<Repository>,
    /// Which values a content at a path holds.
    held: HashMap<(ObjectId, Vec<u8>), HashSet<u128>>,
}

impl Trace<'_> {
    /// The first of `commits` that has the secret no more in its file, and one of whose parents has.
    fn remover(&mut self, leaked: &Found, commits: &[ObjectId]) -> Result<Option<ObjectId>, scan::Error> {
        for &commit in commits {
            if self.holds(commit, leaked)? {
                continue;
            }
            for parent in self.repository.parents(commit) {
                if self.holds(parent, leaked)? {
                    return Ok(Some(commit));
                }
            }
        }
        Ok(None)
    }

    fn holds(&mut self, commit: ObjectId, leaked: &Found) -> Result<bool, scan::Error> {
        let Some(id) = snapshot::file(self.repository, commit, &leaked.file) else { return Ok(false) };
        let key = (id, leaked.file.clone());
        if !self.held.contains_key(&key) {
            let file = File { path: leaked.file.clone(), id };
            let scanned = self.scan.look(&Target::Files(Arc::clone(self.repository), vec![file]), None)?;
            let held = scanned.found.iter().flat_map(|one| &one.parts).map(|part| part.value);
            self.held.insert(key.clone(), held.collect());
        }
        let held = &self.held[&key];
        Ok(leaked.parts.iter().all(|part| held.contains(&part.value)))
    }
}
