//! The scanned commits of a branch in the order of their history, and who looked at what.
//!
//! Owns the order of runs, which is that of the commits and not that of arrival, and the accounts that decide whether absence means
//! something. Bounded: what is older than the newest [`Timeline::COMMITS_MAX`] commits is forgotten, but for the newest account of every
//! series and scope.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use penstock_common::Masked;
use serde::{Deserialize, Serialize};

use super::{Commit, Finding, Gone, How, Print, Rules, Run, RunId, Scope, Seen, Standing, ToolRun};

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

impl From<(&Masked, &Masked)> for Series {
    fn from((tool, name): (&Masked, &Masked)) -> Self {
        Self { tool: tool.as_str().into(), name: name.as_str().into() }
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
    /// When the run started, in unix milliseconds; [`Stamp::MERGED`] and [`Stamp::CARRIED`] for
    /// what no run of the branch reported.
    pub at: i64,
    /// The run; that of the source branch for what a merge brought.
    pub run: RunId,
}

impl Stamp {
    /// A merge brought it.
    pub const MERGED: i64 = i64::MIN;
    /// A run of another branch on the same commit reported it.
    pub const CARRIED: i64 = i64::MIN + 1;
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
    /// Rules that are known to have been in force, because they found something. Accounts share
    /// them.
    pub rules: Rules,
}

impl Account {
    /// What a run says of itself, one account for each of its tools' parts.
    pub(super) fn of(run: &Run) -> Vec<Self> {
        let mut known: HashMap<&str, Rules> = HashMap::new();
        for tool in &run.tools {
            // A rule that is in force in one part of what a tool looks at is so in the others.
            known.entry(&tool.tool).or_insert_with(|| {
                let parts = run.tools.iter().filter(|part| part.tool == tool.tool);
                parts.flat_map(|part| &part.sightings).map(|one| one.rule.as_str()).collect()
            });
        }
        let of = |tool: &ToolRun| Self {
            stamp: Stamp { commit: run.commit, at: run.at, run: run.id },
            series: Series::from((&tool.tool, &run.name)),
            scope: tool.scope.clone(),
            configuration: tool.configuration,
            complete: tool.complete,
            rules: known.get(tool.tool.as_str()).cloned().unwrap_or_default(),
        };
        run.tools.iter().map(of).collect()
    }
}

/// A branch's scanned commits and accounts, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "saved::Timeline", into = "saved::Timeline")]
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
    /// Maximum bytes of the rules' names in all accounts; those that accounts share count once.
    /// Beyond that the oldest accounts know no rules: what such a rule found is *removed*, and not
    /// *fixed*, when it is gone together with a change of the configuration.
    pub const RULES_BYTES_MAX: usize = 4 << 20;

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
        self.share_rules();
        let mut left = self.rules_bytes();
        for at in 0..self.accounts.len() {
            if left <= Self::RULES_BYTES_MAX {
                break;
            }
            let rules = std::mem::take(&mut self.accounts[at].rules);
            if !self.accounts.iter().any(|other| other.rules.is_shared_with(&rules)) {
                left -= rules.bytes();
            }
        }
    }

    /// Accounts that know the same rules share them.
    fn share_rules(&mut self) {
        let mut known: HashSet<Rules> = HashSet::new();
        for account in &mut self.accounts {
            match known.get(&account.rules) {
                Some(rules) => account.rules = rules.clone(),
                None => drop(known.insert(account.rules.clone())),
            }
        }
    }

    /// Bytes of the names of rules in all accounts, as far as they are in memory.
    pub fn rules_bytes(&self) -> usize {
        let mut seen: Vec<&Rules> = Vec::new();
        for account in &self.accounts {
            if !seen.iter().any(|rules| rules.is_shared_with(&account.rules)) {
                seen.push(&account.rules);
            }
        }
        seen.into_iter().map(Rules::bytes).sum()
    }

    /// For looking up many places.
    pub(super) fn order(&self) -> Order {
        Order { commits: self.commits.iter().enumerate().map(|(at, commit)| (*commit, at + 1)).collect() }
    }

    /// The oldest complete account after `place` that would have seen it again. What was reported
    /// of a commit stays true of it, so only a later commit proves its absence, except where the
    /// result may be another each time.
    fn first_absence(&self, order: &Order, place: Place, what: &What<'_>, lasts: bool) -> Option<&Account> {
        let is_later = |one: &Account| match lasts && place.1 != Stamp::MERGED {
            true => order.of(one.stamp.commit) > place.0,
            false => order.place(&one.stamp) > place,
        };
        self.accounts.iter().find(|one| what.is_covered(one) && is_later(one))
    }

    /// The complete accounts of a commit that speak for it.
    pub(super) fn accounts_on<'a>(&'a self, commit: Commit, what: &'a What<'_>) -> impl Iterator<Item = &'a Account> {
        self.accounts.iter().filter(move |one| one.stamp.commit == commit && what.is_covered(one))
    }

    /// How something is gone that was last seen at `place` under `configuration`; nothing if it is
    /// still there. `finding` is absent only if it was not loaded.
    pub(super) fn gone(
        &self,
        order: &Order,
        place: Place,
        configuration: Print,
        finding: Option<&Finding>,
        what: &What<'_>,
    ) -> Option<Gone> {
        let account = self.first_absence(order, place, what, finding.is_none_or(Finding::lasts))?;
        let in_force =
            account.configuration == configuration || finding.is_some_and(|one| account.rules.contains(&one.rule));
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
    /// A run of another branch reported it, so any series of this one speaks for it.
    pub carried: bool,
}

impl What<'_> {
    pub(super) fn is_covered(&self, account: &Account) -> bool {
        account.complete
            && (self.carried || account.series == *self.series)
            && account.scope.covers(self.seen, self.path)
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

/// A timeline as it is saved: each list of rules once.
mod saved {
    use serde::{Deserialize, Serialize};

    use super::super::{Commit, Print, Rules, Scope};
    use super::{Series, Stamp};

    #[derive(Serialize, Deserialize)]
    pub(super) struct Timeline {
        commits: Vec<Commit>,
        accounts: Vec<Account>,
        forgotten: bool,
        #[serde(default)]
        rules: Vec<Rules>,
    }

    #[derive(Serialize, Deserialize)]
    struct Account {
        stamp: Stamp,
        series: Series,
        scope: Scope,
        configuration: Print,
        complete: bool,
        rules: Known,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Known {
        /// By the place in the timeline's list.
        At(usize),
        /// As older versions saved them.
        Names(Rules),
    }

    impl From<super::Timeline> for Timeline {
        fn from(timeline: super::Timeline) -> Self {
            let super::Timeline { commits, accounts, forgotten } = timeline;
            let mut rules: Vec<Rules> = Vec::new();
            let mut place = |known: Rules| {
                let at = rules.iter().position(|one| one.is_shared_with(&known) || *one == known);
                at.unwrap_or_else(|| {
                    rules.push(known);
                    rules.len() - 1
                })
            };
            let account = |one: super::Account| {
                let super::Account { stamp, series, scope, configuration, complete, rules } = one;
                Account { stamp, series, scope, configuration, complete, rules: Known::At(place(rules)) }
            };
            let accounts = accounts.into_iter().map(account).collect();
            Self { commits, accounts, forgotten, rules }
        }
    }

    impl From<Timeline> for super::Timeline {
        fn from(saved: Timeline) -> Self {
            let Timeline { commits, accounts, forgotten, rules } = saved;
            let account = |one: Account| {
                let Account { stamp, series, scope, configuration, complete, rules: known } = one;
                let rules = match known {
                    Known::At(at) => rules.get(at).cloned().unwrap_or_default(),
                    Known::Names(rules) => rules,
                };
                super::Account { stamp, series, scope, configuration, complete, rules }
            };
            let accounts = accounts.into_iter().map(account).collect();
            let mut timeline = Self { commits, accounts, forgotten };
            timeline.share_rules();
            timeline
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account(commit: u8, tool: &str, rules: Rules) -> Account {
        Account {
            stamp: Stamp { commit: Commit::from([commit; 20]), at: i64::from(commit), run: RunId(commit.into()) },
            series: Series::from((tool.to_owned(), "n".to_owned())),
            scope: Scope::of_words("tree ."),
            configuration: Print::of(&[b"c"]),
            complete: true,
            rules,
        }
    }

    fn names(of: u8, count: usize) -> Rules {
        let all: Vec<String> = (0..count).map(|number| format!("rule-{of}-{number:090}")).collect();
        all.iter().map(String::as_str).collect()
    }

    fn timeline(runs: impl IntoIterator<Item = (u8, Vec<Account>)>) -> Timeline {
        runs.into_iter().fold(Timeline::default(), |timeline, (commit, accounts)| {
            timeline.with_commit(Commit::from([commit; 20]), Standing::Head).unwrap().with_accounts(&accounts)
        })
    }

    /// However many parts and runs speak of the same rules, these are in memory and in the database
    /// once.
    #[test]
    fn rules_are_known_once() {
        let rules = names(0, 1000);
        let runs = (1..=4).map(|commit| (commit, (0..60).map(|_| account(commit, "t", names(0, 1000))).collect()));
        let timeline = timeline(runs);
        assert_eq!(timeline.accounts().len(), 240);
        assert_eq!(timeline.rules_bytes(), rules.bytes());
        let text = serde_json::to_string(&timeline).unwrap();
        assert!(text.len() < 2 * rules.bytes(), "{}", text.len());
        let read: Timeline = serde_json::from_str(&text).unwrap();
        assert_eq!((&read, read.rules_bytes()), (&timeline, rules.bytes()));
    }

    #[test]
    fn the_oldest_accounts_lose_their_rules_beyond_the_budget() {
        // 60 runs with 100 KB of rules of their own.
        let runs = (1..=60).map(|commit| (commit, vec![account(commit, "t", names(commit, 1000))]));
        let timeline = timeline(runs);
        assert!(timeline.rules_bytes() <= Timeline::RULES_BYTES_MAX, "{}", timeline.rules_bytes());
        let known: Vec<bool> = timeline.accounts().iter().map(|one| !one.rules.is_empty()).collect();
        assert!(!known[0] && known[59] && known.is_sorted(), "{known:?}");
        assert!(known.iter().filter(|known| **known).count() >= 35);
    }

    #[test]
    fn what_older_versions_saved_is_read() {
        let new = timeline([(1, vec![account(1, "t", ["a", "b"].into_iter().collect())])]);
        let mut old = serde_json::to_value(&new).unwrap();
        old.as_object_mut().unwrap().remove("rules");
        old["accounts"][0]["rules"] = json!(["b", "a"]);
        assert_eq!(serde_json::from_value::<Timeline>(old).unwrap(), new);
    }
}
