//! What a change did to the findings: which are new, which stood in the base already, which are gone.
//!
//! Owns the matching of findings by identity, and the words for what came of it. Pure: who scanned what, and when, is not known here.

use std::collections::{HashMap, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Finding;

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
    pub policy_changes: Vec<String>,
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
    pub reason: String,
    /// What to do for a better base; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
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
    /// Stands for the value of a secret: equal for equal values in this process, and nothing else is known of it.
    pub value: Option<u128>,
    /// Whether its file is on this side only, so that it may have been renamed.
    pub lone_file: bool,
}

/// Which findings of head and base are the same. Each belongs to at most one of the other side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// By place in the head: the place of its like in the base. None are new.
    pub like: Vec<Option<usize>>,
    /// Places in the base that are no finding's like: these are gone.
    pub gone: Vec<usize>,
}

/// What must be equal for two findings to be the same, the surest first.
const STAGES: [fn(&Candidate<'_>) -> Option<Key>; 4] = [
    |one| Some(Key::new(one, [one.finding.fingerprints.primary.as_str(), ""])),
    // The line around a secret may have changed, or how many like it stand above: the value in its file is as good.
    |one| one.value.map(|_| Key::new(one, [&one.finding.rule, &one.finding.location.path])),
    |one| one.lone_file.then(|| Key::new(one, [one.finding.fingerprints.path_free.as_str(), ""])),
    |one| (one.lone_file && one.value.is_some()).then(|| Key::new(one, [&one.finding.rule, ""])),
];

#[derive(PartialEq, Eq, Hash)]
struct Key {
    words: [String; 2],
    category: crate::Category,
    value: Option<u128>,
}

impl Key {
    /// Every stage compares the values of secrets: an equal fingerprint does not prove an equal secret.
    fn new(one: &Candidate<'_>, words: [&str; 2]) -> Self {
        Self { words: words.map(str::to_owned), category: one.finding.category, value: one.value }
    }
}

/// Finds each finding's like on the other side, one to one. The order on either side leaves no trace but among findings that are equal
/// in all that is told of them.
pub fn match_findings(head: &[Candidate<'_>], base: &[Candidate<'_>]) -> Matching {
    let order = |side: &[Candidate<'_>]| {
        let mut places: Vec<usize> = (0..side.len()).collect();
        places.sort_by(|a, b| order(side[*a].finding).cmp(&order(side[*b].finding)));
        places
    };
    let (mut new, mut gone) = (order(head), order(base));
    let mut like = vec![None; head.len()];
    for stage in STAGES {
        let mut waiting: HashMap<Key, VecDeque<usize>> = HashMap::new();
        for &place in &gone {
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
        gone.retain(|&place| !taken[place]);
    }
    gone.sort_unstable();
    Matching { like, gone }
}

fn order(finding: &Finding) -> impl Ord + '_ {
    (&finding.location, &finding.rule, &finding.fingerprints)
}

#[cfg(test)]
mod tests;
