//! The state of a repository, as far as it was loaded.
//!
//! Owns the rows by their keys and the questions that only read. Not everything must be loaded:
//!
//! | for | it takes, beside branches and open pull requests |
//! |---|---|
//! | [`super::apply_run`] | the findings with a fingerprint of the run, with all their occurrences; and of the branch the further occurrences of the same tools and `NAME` that are open, with their findings. For a run that does not move the branch, those that are gone too |
//! | [`super::merge`] | what is open on the source, with its occurrences on the destination; the findings that were judged in the pull request |
//! | [`super::verdict()`] | what is open on the branch, with its findings; all occurrences on the branch of the base |
//! | [`super::triage()`], [`super::expire`] | the findings in question |

use std::collections::BTreeMap;

use super::index::Index;
use super::table::Table;
use super::{Branch, BranchId, Changes, Detection, Finding, FindingId, How, Occurrence, PullRequest};

/// The state.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    main: Option<BranchId>,
    branches: BTreeMap<BranchId, Branch>,
    pull_requests: BTreeMap<u64, PullRequest>,
    findings: Table<FindingId, Finding>,
    occurrences: BTreeMap<BranchId, Table<FindingId, Occurrence>>,
    index: Index,
}

impl Repository {
    /// From the rows that were loaded.
    pub fn load(rows: Changes) -> Self {
        let mut repository = Self {
            findings: Table::with_capacity_and_hasher(rows.findings.len(), Default::default()),
            index: Index::with_capacity(rows.findings.len()),
            ..Self::default()
        };
        repository.accept(rows);
        repository
    }

    /// Takes over what an operation changed, as the store does.
    pub fn accept(&mut self, changes: Changes) {
        self.main = changes.main.or(self.main);
        self.branches.extend(changes.branches.into_iter().map(|row| (row.id, row)));
        self.pull_requests.extend(changes.pull_requests.into_iter().map(|row| (row.number, row)));
        self.add_findings(changes.findings);
        self.add_occurrences(changes.occurrences);
    }

    /// The same for changes that are still needed: each row is copied, never all of them at once.
    pub fn accept_copies(&mut self, changes: &Changes) {
        self.main = changes.main.or(self.main);
        self.branches.extend(changes.branches.iter().map(|row| (row.id, row.clone())));
        self.pull_requests.extend(changes.pull_requests.iter().map(|row| (row.number, row.clone())));
        self.add_findings(changes.findings.iter().cloned());
        self.add_occurrences(changes.occurrences.iter().cloned());
    }

    fn add_findings(&mut self, rows: impl IntoIterator<Item = Finding>) {
        for row in rows {
            // A fingerprint that a finding has no more still leads to it; that it is asked again is harmless.
            self.index.add(&row);
            self.findings.insert(row.id, row);
        }
    }

    fn add_occurrences(&mut self, rows: impl IntoIterator<Item = Occurrence, IntoIter: ExactSizeIterator>) {
        let rows = rows.into_iter();
        let count = rows.len();
        for row in rows {
            let of_branch = || Table::with_capacity_and_hasher(count, Default::default());
            self.occurrences.entry(row.branch).or_insert_with(of_branch).insert(row.finding, row);
        }
    }

    /// The main branch.
    pub fn main(&self) -> Option<BranchId> {
        self.main
    }

    /// A branch, deleted or not.
    pub fn branch(&self, id: BranchId) -> Option<&Branch> {
        self.branches.get(&id)
    }

    /// The branch that has this name now.
    pub fn branch_named(&self, name: &str) -> Option<&Branch> {
        self.branches.values().find(|branch| branch.name == name && branch.deleted.is_none())
    }

    /// All branches, deleted or not.
    pub fn branches(&self) -> impl Iterator<Item = &Branch> {
        self.branches.values()
    }

    /// A pull request.
    pub fn pull_request(&self, number: u64) -> Option<&PullRequest> {
        self.pull_requests.get(&number)
    }

    /// All pull requests, over or not.
    pub fn pull_requests(&self) -> impl Iterator<Item = &PullRequest> {
        self.pull_requests.values()
    }

    /// A finding.
    pub fn finding(&self, id: FindingId) -> Option<&Finding> {
        self.findings.get(&id)
    }

    /// All findings, in no order.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.values()
    }

    /// A finding on a branch.
    pub fn occurrence(&self, branch: BranchId, finding: FindingId) -> Option<&Occurrence> {
        self.occurrences.get(&branch)?.get(&finding)
    }

    /// All that was ever seen on a branch, in no order.
    pub fn occurrences(&self, branch: BranchId) -> impl Iterator<Item = &Occurrence> {
        self.occurrences.get(&branch).into_iter().flat_map(Table::values)
    }

    /// What is open on a branch, in no order. Nothing is on a deleted one.
    pub fn open(&self, branch: BranchId) -> impl Iterator<Item = &Occurrence> {
        let lives = self.branch(branch).is_some_and(|branch| branch.deleted.is_none());
        self.occurrences(branch).filter(move |row| lives && row.is_open())
    }

    /// Whether a finding is open on a branch.
    pub fn is_open(&self, branch: BranchId, finding: FindingId) -> bool {
        self.branch(branch).is_some_and(|branch| branch.deleted.is_none())
            && self.occurrence(branch, finding).is_some_and(Occurrence::is_open)
    }

    /// What machines say of a finding on a branch; nothing if it was never there, or the branch is deleted.
    pub fn detection(&self, branch: BranchId, finding: FindingId) -> Option<Detection> {
        let row = self.occurrence(branch, finding)?;
        let branch = self.branch(branch).filter(|branch| branch.deleted.is_none())?;
        Some(match row.gone.map(|gone| gone.how) {
            Some(How::Fixed) => Detection::Fixed,
            Some(How::Removed) => Detection::Removed,
            None if branch.stale.contains_key(&row.series) => Detection::Stale,
            None => Detection::Open,
        })
    }

    /// Only its branches, to find out what further operations will make of them.
    pub fn clone_branches(&self) -> Self {
        Self { main: self.main, branches: self.branches.clone(), ..Self::default() }
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    pub(super) fn rows(&self, branch: BranchId) -> Option<&Table<FindingId, Occurrence>> {
        self.occurrences.get(&branch)
    }
}
