//! What is open on the branches that are loaded, in numbers.
//!
//! Owns that nobody counts: a row that changes is taken out of the numbers as it was and put in as it is. What the numbers say is
//! [`super::rollup`]'s to write.

use std::collections::BTreeMap;

use super::Open;
use crate::track::{BranchId, Changes, FindingId, Repository};

/// The numbers of each branch that is loaded.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    open: BTreeMap<BranchId, Open>,
}

impl Tally {
    /// What is open on a branch; nothing if it was not counted.
    pub(super) fn of(&self, branch: BranchId) -> Option<Open> {
        self.open.get(&branch).copied()
    }

    /// A branch that was loaded just now.
    pub(super) fn count(&mut self, repository: &Repository, branch: BranchId) {
        let mut open = Open::default();
        repository.occurrences(branch).for_each(|row| open.weigh(repository, row, 1));
        self.open.insert(branch, open);
    }

    /// Takes changes over into `repository` and the numbers. Twice comes to the same as once.
    pub(super) fn accept(&mut self, repository: &mut Repository, changes: &Changes) {
        let touched = self.touched(repository, changes);
        self.weigh(repository, &touched, -1);
        repository.accept_copies(changes);
        self.weigh(repository, &touched, 1);
    }

    fn touched(&self, repository: &Repository, changes: &Changes) -> Vec<(BranchId, FindingId)> {
        let rows = changes.occurrences.iter().map(|row| (row.branch, row.finding));
        let judged = changes
            .findings
            .iter()
            .filter(|row| repository.finding(row.id).is_some_and(|known| known.triage.shown() != row.triage.shown()));
        let everywhere = judged.flat_map(|row| self.open.keys().map(|branch| (*branch, row.id)));
        let mut all: Vec<_> = rows.chain(everywhere).filter(|(branch, _)| self.open.contains_key(branch)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn weigh(&mut self, repository: &Repository, rows: &[(BranchId, FindingId)], sign: i64) {
        for (branch, finding) in rows {
            let row = repository.occurrence(*branch, *finding);
            if let (Some(open), Some(row)) = (self.open.get_mut(branch), row) {
                open.weigh(repository, row, sign);
            }
        }
    }
}
