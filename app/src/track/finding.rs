//! A finding over time, and where it stands.
//!
//! Owns the two rows that are kept of it: one for its identity and what people say of it, one for each branch on which it was seen.

use std::collections::BTreeMap;

use penstock_common::{Category, Masked, Severity, SuppressionKind};
use serde::{Deserialize, Serialize};

use super::timeline::What;
use super::{BranchId, Commit, FindingId, Kind, Print, RunId, Seen, Series, Stamp, Triage};

/// The identity of a finding, and what people say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its id.
    pub id: FindingId,
    /// What kind of thing it is.
    pub category: Category,
    /// The rule's id.
    pub rule: Masked,
    /// By what it is known again.
    pub prints: Prints,
    /// What people say of it, everywhere.
    pub triage: Triage,
    /// What was said of it in open pull requests, by their number. Holds there only, until they are merged.
    pub proposed: BTreeMap<u64, Triage>,
    /// Of a secret: commits in which its value is known not to stand. Another secret may stand in its place there.
    pub absent: Vec<Commit>,
    /// The worst severity that was ever reported, on whichever branch. It falls only by a complete
    /// run of the main branch, or by an admin.
    pub worst: Severity,
    /// The run that reported it as critical, while that is the worst.
    pub critical_in: Option<RunId>,
}

impl Finding {
    /// What is said of it, in a pull request or everywhere.
    pub fn triage_in(&self, pull_request: Option<u64>) -> &Triage {
        pull_request.and_then(|number| self.proposed.get(&number)).unwrap_or(&self.triage)
    }

    /// Whether it is true of the commit in which it was found. A test may end otherwise the next
    /// time.
    pub(super) fn lasts(&self) -> bool {
        self.category != Category::TestFailure
    }

    /// Whether somebody said that it does not count.
    pub fn is_dismissed(&self) -> bool {
        self.triage.status.dismisses() || self.proposed.values().any(|one| one.status.dismisses())
    }
}

/// By what a finding is known again. Each list grows as the finding moves; the newest is last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prints {
    /// The tool's own fingerprints.
    pub own: Vec<Print>,
    /// Ours.
    pub ours: Vec<Print>,
    /// Ours without the path.
    pub path_free: Vec<Print>,
}

impl Prints {
    /// Most fingerprints of each kind; the oldest is forgotten first.
    pub const MAX: usize = 16;

    /// Whether something was added.
    pub(super) fn add(&mut self, own: &[Print], ours: Print, path_free: Print) -> bool {
        let mut added = false;
        let lists = [(&mut self.own, own), (&mut self.ours, &[ours][..]), (&mut self.path_free, &[path_free][..])];
        for (list, prints) in lists {
            for print in prints {
                if !list.contains(print) {
                    list.push(*print);
                    added = true;
                }
            }
            let over = list.len().saturating_sub(Self::MAX);
            list.drain(..over);
        }
        added
    }
}

/// A finding on a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Which finding.
    pub finding: FindingId,
    /// On which branch.
    pub branch: BranchId,
    /// Whose run saw it last.
    pub series: Series,
    /// In what.
    pub seen_in: Seen,
    /// Path from the root.
    pub path: Masked,
    /// How bad it is.
    pub severity: Severity,
    /// Stands for everything that is shown of it.
    pub content: Print,
    /// By which means the code says that it does not count.
    pub allowed: Option<SuppressionKind>,
    /// Who owns its file, with spaces between; empty if nobody was told.
    pub owner: Masked,
    /// Its newest sighting that was written. A complete run that sees an open finding unchanged does not write: that one is newer is told by
    /// the branch's timeline.
    pub seen: Stamp,
    /// The configuration under which it was seen then.
    pub configuration: Print,
    /// Its oldest known sighting on this branch.
    pub first: Stamp,
    /// Since when and how it is gone; absent while it is open.
    pub gone: Option<Gone>,
    /// How often it was seen to come back.
    pub reopened: u32,
    /// Between what it was gone, the last time that it came back.
    pub gap: Option<Gap>,
    /// The pull request that brought it here.
    pub introduced_by: Option<u64>,
    /// A run of the commit of its newest sighting that does not report it, or reports it as less
    /// severe.
    pub denied: Option<RunId>,
    /// Whether it is in the base, by the pipe's own comparison of trees; absent where the app can
    /// compare by itself.
    pub in_base: Option<bool>,
}

impl Occurrence {
    /// Whether it is there, as far as anybody knows.
    pub const fn is_open(&self) -> bool {
        self.gone.is_none()
    }

    pub(super) fn what(&self) -> What<'_> {
        What { series: &self.series, seen: &self.seen_in, path: &self.path, carried: self.is_carried() }
    }

    /// Of two reports of one commit by `known` and `fresh` the stricter one counts in everything;
    /// `run` made the fresh one.
    pub(super) fn at_least(&mut self, known: &Self, fresh: &Self, run: RunId) {
        let is_milder = |one: &Self, other: &Self| {
            one.severity < other.severity
                || (one.allowed.is_some() && other.allowed.is_none())
                || (one.in_base == Some(true) && other.in_base == Some(false))
        };
        if is_milder(fresh, known) {
            self.denied = self.denied.or(Some(run));
        }
        let worse = if known.severity > fresh.severity { known } else { fresh };
        if known.severity != fresh.severity {
            self.content = worse.content;
        }
        self.severity = worse.severity;
        self.allowed = known.allowed.and(fresh.allowed);
        self.in_base = match (known.in_base, fresh.in_base) {
            (Some(one), Some(other)) => Some(one && other),
            (one, other) => one.or(other),
        };
    }

    /// Whether no run of this branch reported it, only one of another branch on the same commit.
    pub(super) const fn is_carried(&self) -> bool {
        self.seen.at == Stamp::CARRIED
    }
}

/// A time without a finding on a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Gap {
    /// The complete run that did not see it any more.
    pub gone: Stamp,
    /// The run that saw it again.
    pub back: Stamp,
}

/// How a finding left a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Gone {
    /// The first complete run over its place that did not see it.
    pub by: Stamp,
    /// What that means.
    pub how: How,
}

/// What it means that a finding is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The code was fixed.
    Fixed,
    /// Its rule was not in force any more; nothing is known of the code.
    Removed,
}

impl How {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Fixed => Kind::Fixed,
            Self::Removed => Kind::Removed,
        }
    }
}

/// What machines say of a finding on a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detection {
    /// It is there.
    Open,
    /// It was there, and its tool has not run for long.
    Stale,
    /// It is gone.
    Fixed,
    /// Nobody looks for it any more.
    Removed,
}
