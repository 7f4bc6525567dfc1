//! What a change did to the findings: which are new, which stood in the base already, which are gone.
//!
//! Owns the matching of findings by identity, and the words for what came of it. Pure: who scanned what, and when, is not known here.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Finding, Fingerprints, Location, Masked};

/// Where a finding stands in comparison with the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The base has not got it.
    New,
    /// The base has it too.
    Existing,
}

/// What the head was compared with, and what came of it beside the findings themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// With what.
    pub base: Base,
    /// Findings of the base that the head has no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<Finding>,
    /// Secrets that a commit between base and head added and a later one removed. Each names its commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaked: Vec<Finding>,
    /// What the change does to the policy it is judged by, one sentence each; effective after the merge only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_changes: Vec<Masked>,
    /// New or changed text files and archives that a limit left out; none if they were not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<u64>,
}

/// What the head is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Base {
    /// How it was chosen.
    pub kind: BaseKind,
    /// The commit, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Which one it is and why, in one sentence: `merge base with main`.
    pub reason: Masked,
    /// What to do for a better base; empty if there is none.
    #[serde(default, skip_serializing_if = "Masked::is_empty")]
    pub hint: Masked,
}

/// How a base was chosen, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaseKind {
    /// Given by `--base`.
    Given,
    /// The commit where the change left its destination.
    MergeBase,
    /// The tip of the destination; only files that the change touches count.
    DestinationTip,
    /// The newest ancestor that Penstock passed.
    LastPassed,
    /// The first parent: a weak base, since what came before it may have been let through.
    FirstParent,
    /// The difference as Bitbucket tells it: what stands on changed lines is new.
    Diff,
    /// There is nothing to compare with, and that is right: a tag, or the first commit.
    NotApplicable,
    /// There should be a base, and it could not be had.
    Unknown,
}

impl BaseKind {
    /// Whether findings could be told into new and existing.
    pub const fn is_known(self) -> bool {
        !matches!(self, Self::NotApplicable | Self::Unknown)
    }
}

/// A finding as it is matched.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The values that make up a secret: one, or more for a secret of several parts. Empty for
    /// other findings.
    pub parts: &'a [Part],
    /// Whether its file is on this side only, so that it may have been renamed.
    pub lone_file: bool,
}

/// One of the values that make up a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What the secret belongs to, such as a service. The rule that recognises it may depend on the
    /// text around it; this does not.
    pub kind: String,
    /// Where it is.
    pub location: Location,
    /// A keyed hash of the value: equal for equal values, within this process only.
    pub value: u128,
}

/// Which findings of head and base are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// By index in the head: the indices in the base of the findings with the same values, in
    /// ascending order. Empty: the finding is new. A secret of several parts has more than one if
    /// its parts belonged to different findings of the base.
    pub like: Vec<Vec<usize>>,
    /// Indices in the base of findings with a value that is not in the head: these are gone.
    pub gone: Vec<usize>,
}

/// A value of a secret, or a finding without one: what is matched, one to one.
struct Unit<'a> {
    /// Indices of the findings that it belongs to. Two secrets under one id share the id.
    owners: Vec<usize>,
    candidate: &'a Candidate<'a>,
    kind: &'a str,
    location: &'a Location,
    value: Option<u128>,
}

/// What must be equal for two units to be the same, the surest first.
const STAGES: [fn(&Unit<'_>) -> Option<Key>; 4] = [
    |one| Some(Key::new(one, [one.fingerprints().primary.as_str(), one.kind])),
    // The line around a secret may have changed, or how many like it stand above: the value in its file is as good.
    |one| one.value.map(|_| Key::new(one, [one.kind, &one.location.path])),
    |one| one.candidate.lone_file.then(|| Key::new(one, [one.fingerprints().path_free.as_str(), one.kind])),
    |one| (one.candidate.lone_file && one.value.is_some()).then(|| Key::new(one, [one.kind, ""])),
];

impl Unit<'_> {
    fn fingerprints(&self) -> &Fingerprints {
        &self.candidate.finding.fingerprints
    }
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    words: [String; 2],
    category: crate::Category,
    value: Option<u128>,
}

impl Key {
    /// Every stage compares the values of secrets: an equal fingerprint does not prove an equal secret.
    fn new(one: &Unit<'_>, words: [&str; 2]) -> Self {
        Self { words: words.map(str::to_owned), category: one.candidate.finding.category, value: one.value }
    }
}

/// Finds what each finding of the head was in the base. Values are matched one to one, and a
/// finding is known only if all of its values are: an id whose secret was added or replaced is new.
/// Which value was paired with which does not matter, so that moving lines around makes nothing
/// new. The order on either side leaves no trace but among findings that are equal in all that is
/// shown of them.
pub fn match_findings(head: &[Candidate<'_>], base: &[Candidate<'_>]) -> Matching {
    let (head_units, base_units) = (units(head), units(base));
    let likes = match_units(&head_units, &base_units);
    let mut matching = Matching { like: vec![Vec::new(); head.len()], gone: Vec::new() };
    let mut is_new = vec![false; head.len()];
    let mut is_held = vec![false; base_units.len()];
    for (unit, like) in head_units.iter().zip(likes) {
        for &owner in &unit.owners {
            match like {
                Some(like) => {
                    is_held[like] = true;
                    matching.like[owner].extend(&base_units[like].owners);
                }
                None => is_new[owner] = true,
            }
        }
    }
    for (like, is_new) in matching.like.iter_mut().zip(is_new) {
        if is_new {
            like.clear();
        }
        like.sort_unstable();
        like.dedup();
    }
    let lost = base_units.iter().zip(is_held).filter(|(_, is_held)| !is_held);
    matching.gone = lost.flat_map(|(unit, _)| unit.owners.iter().copied()).collect();
    matching.gone.sort_unstable();
    matching.gone.dedup();
    matching
}

/// What is to be matched on one side, in an order that does not depend on that of the findings.
fn units<'a>(side: &'a [Candidate<'a>]) -> Vec<Unit<'a>> {
    let mut places: Vec<usize> = (0..side.len()).collect();
    places.sort_by(|a, b| order(side[*a].finding).cmp(&order(side[*b].finding)));
    let mut units: Vec<Unit<'a>> = Vec::with_capacity(side.len());
    let mut shared: HashMap<(&str, &Location, u128), usize> = HashMap::new();
    for place in places {
        let candidate = &side[place];
        let Finding { rule, location, .. } = candidate.finding;
        if candidate.parts.is_empty() {
            units.push(Unit { owners: vec![place], candidate, kind: rule, location, value: None });
        }
        for Part { kind, location, value } in candidate.parts {
            let unit = Unit { owners: vec![place], candidate, kind, location, value: Some(*value) };
            if candidate.parts.len() == 1 {
                units.push(unit);
                continue;
            }
            match shared.entry((kind, location, *value)) {
                Entry::Occupied(known) => units[*known.get()].owners.push(place),
                Entry::Vacant(entry) => {
                    entry.insert(units.len());
                    units.push(unit);
                }
            }
        }
    }
    units
}

/// For each unit of the head the one of the base that it is, if any.
fn match_units(head: &[Unit<'_>], base: &[Unit<'_>]) -> Vec<Option<usize>> {
    let mut like = vec![None; head.len()];
    let (mut new, mut left): (Vec<usize>, Vec<usize>) = ((0..head.len()).collect(), (0..base.len()).collect());
    for stage in STAGES {
        let mut waiting: HashMap<Key, VecDeque<usize>> = HashMap::new();
        for &place in &left {
            if let Some(key) = stage(&base[place]) {
                waiting.entry(key).or_default().push_back(place);
            }
        }
        let mut taken = vec![false; base.len()];
        new.retain(|&place| {
            let found = stage(&head[place]).and_then(|key| waiting.get_mut(&key)?.pop_front());
            like[place] = found;
            found.inspect(|&found| taken[found] = true).is_none()
        });
        left.retain(|&place| !taken[place]);
    }
    like
}

fn order(finding: &Finding) -> impl Ord + '_ {
    (&finding.location, &finding.rule, &finding.fingerprints)
}

#[cfg(test)]
mod tests;
