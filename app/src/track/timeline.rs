//! The scanned commits of a branch in the order of their history, and who looked at what.
//!
//! Owns the order of runs, which is that of the commits and not that of arrival, and the accounts that decide whether absence means
//! something. Bounded: what is older than the newest [`Timeline::COMMITS_MAX`] commits is forgotten, but for the newest account of every
//! series and scope.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Commit, Gone, How, Print, Run, RunId, Scope, Seen, Standing, ToolRun};

/// Runs that speak for each other: the same tool, under the same `NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(String, String)", into = "(String, String)")]
pub struct Series {
    /// Tool family.
    pub tool: Arc<str>,
    /// `NAME` of the upload.
    pub name: Arc<str>,
}

impl From<(String, String)> for Series {
    fn from((tool, name): (String, String)) -> Self {
        Self { tool: tool.into(), name: name.into() }
    }
}

impl From<Series> for (String, String) {
    fn from(series: Series) -> Self {
        (series.tool.to_string(), series.name.to_string())
    }
}

/// A run's place in history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// The commit.
    pub commit: Commit,
    /// When the run started, in unix milliseconds. `i64::MIN` for what no run saw: a merge that brought it.
    pub at: i64,
    /// The run; that of the source branch for what a merge brought.
    pub run: RunId,
}

/// What one tool's part of a run speaks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Which run, on which commit.
    pub stamp: Stamp,
    /// Whom it speaks for.
    pub series: Series,
    /// What it looked at.
    pub scope: Scope,
    /// The configuration in force.
    pub configuration: Print,
    /// It came to its end.
    pub complete: bool,
    /// Rules that are known to have been in force, because they found something.
    pub rules: BTreeSet<String>,
}

impl Account {
    /// What a run says of itself, one account for each of its tools' parts.
    pub(super) fn of(run: &Run) -> Vec<Self> {
        let of = |tool: &ToolRun| {
            // A rule that is in force in one part of what a tool looks at is so in the others.
            let parts = run.tools.iter().filter(|part| part.tool == tool.tool);
            let rules: BTreeSet<&str> = parts.flat_map(|part| &part.sightings).map(|one| one.rule.as_str()).collect();
            Self {
                stamp: Stamp { commit: run.commit, at: run.at, run: run.id },
                series: Series::from((tool.tool.clone(), run.name.clone())),
                scope: tool.scope.clone(),
                configuration: tool.configuration,
                complete: tool.complete,
                rules: rules.into_iter().map(str::to_owned).collect(),
            }
        };
        run.tools.iter().map(of).collect()
    }
}

/// A branch's scanned commits and accounts, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    commits: Vec<Commit>,
    accounts: Vec<Account>,
    forgotten: bool,
}

/// A place among all stamps of a branch; later is greater.
pub(super) type Place = (usize, i64, RunId);

impl Timeline {
    /// Most commits that are remembered.
    pub const COMMITS_MAX: usize = 64;
    /// Most accounts that are remembered.
    pub const ACCOUNTS_MAX: usize = 256;

    /// The commits, the oldest first. These are the ones whose relation to a new commit REST is asked for.
    pub fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// The accounts, the oldest first.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// The commit that last moved the branch.
    pub fn last(&self) -> Option<Commit> {
        self.commits.last().copied()
    }

    /// Whether the run is in here already.
    pub fn has_run(&self, run: RunId) -> bool {
        self.accounts.iter().any(|account| account.stamp.run == run)
    }

    /// Whether a run looked at this commit.
    pub fn is_scanned(&self, commit: Commit) -> bool {
        self.accounts.iter().any(|account| account.stamp.commit == commit)
    }

    /// With the commit in its place; nothing if that is not known.
    pub(super) fn with_commit(&self, commit: Commit, standing: Standing) -> Option<Self> {
        let known = self.commits.iter().position(|one| *one == commit);
        let mut timeline = self.clone();
        match (standing, known) {
            (Standing::Unconfirmed | Standing::Elsewhere, _) => return None,
            (Standing::Head, Some(at)) if at + 1 == self.commits.len() => {}
            (Standing::Head, at) => {
                // A branch that was forced back to a commit begins anew from there.
                if let Some(at) = at {
                    timeline.commits.remove(at);
                    timeline.accounts.retain(|account| account.stamp.commit != commit);
                }
                timeline.commits.push(commit);
            }
            (Standing::On { .. }, Some(_)) => {}
            (Standing::On { after: None }, None) if self.forgotten => return None,
            (Standing::On { after: None }, None) => timeline.commits.insert(0, commit),
            (Standing::On { after: Some(after) }, None) => {
                let after = self.commits.iter().position(|one| *one == after)?;
                timeline.commits.insert(after + 1, commit);
            }
        }
        timeline.forget();
        timeline.commits.contains(&commit).then_some(timeline)
    }

    /// With what a run says of itself. The run's commit must be in place.
    pub(super) fn with_accounts(mut self, accounts: &[Account]) -> Self {
        self.accounts.extend_from_slice(accounts);
        let order = self.order();
        self.accounts.sort_by(|a, b| {
            let key = |one: &Account| order.place(&one.stamp);
            key(a)
                .cmp(&key(b))
                .then_with(|| (&a.series, &a.scope, a.configuration).cmp(&(&b.series, &b.scope, b.configuration)))
        });
        self.forget();
        self
    }

    fn forget(&mut self) {
        while self.commits.len() > Self::COMMITS_MAX || self.accounts.len() > Self::ACCOUNTS_MAX {
            let newest: HashMap<(&Series, &Scope), Commit> =
                self.accounts.iter().map(|one| ((&one.series, &one.scope), one.stamp.commit)).collect();
            let needed: BTreeSet<Commit> = newest.into_values().collect();
            let spare = self.commits.iter().position(|commit| !needed.contains(commit)).unwrap_or(0);
            let commit = self.commits.remove(spare);
            self.accounts.retain(|account| account.stamp.commit != commit);
            self.forgotten = true;
        }
    }

    /// For looking up many places.
    pub(super) fn order(&self) -> Order {
        Order { commits: self.commits.iter().enumerate().map(|(at, commit)| (*commit, at + 1)).collect() }
    }

    /// The oldest complete account after `place` that would have seen again what was `seen` at `path`.
    fn first_absence(&self, order: &Order, place: Place, what: &What<'_>) -> Option<&Account> {
        self.accounts.iter().find(|one| what.is_covered(one) && order.place(&one.stamp) > place)
    }

    /// How something is gone that was last seen at `place` under `configuration`; nothing if it is still there.
    pub(super) fn gone(
        &self,
        order: &Order,
        place: Place,
        configuration: Print,
        rule: &str,
        what: &What<'_>,
    ) -> Option<Gone> {
        let account = self.first_absence(order, place, what)?;
        let in_force = account.configuration == configuration || account.rules.contains(rule);
        Some(Gone { by: account.stamp, how: if in_force { How::Fixed } else { How::Removed } })
    }

    /// The newest complete account that speaks for it, that of `except` left out.
    pub(super) fn newest_account(&self, what: &What<'_>, except: Option<RunId>) -> Option<&Account> {
        self.accounts.iter().rev().find(|one| Some(one.stamp.run) != except && what.is_covered(one))
    }
}

/// What an account may speak for.
#[derive(Clone, Copy, Debug)]
pub(super) struct What<'a> {
    pub series: &'a Series,
    pub seen: &'a Seen,
    pub path: &'a str,
}

impl What<'_> {
    pub(super) fn is_covered(&self, account: &Account) -> bool {
        account.complete && account.series == *self.series && account.scope.covers(self.seen, self.path)
    }
}

/// Places of commits, looked up by hash.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    commits: HashMap<Commit, usize>,
}

impl Order {
    /// What is not known (any more) is older than all that is.
    pub(super) fn of(&self, commit: Commit) -> usize {
        self.commits.get(&commit).copied().unwrap_or(0)
    }

    pub(super) fn place(&self, stamp: &Stamp) -> Place {
        (self.of(stamp.commit), stamp.at, stamp.run)
    }
}
