//! With what a change is compared.
//!
//! Owns the choice of the base, and what stood on a branch at a commit of its timeline.

use penstock_common::{Base, BaseKind, Masked, masked};

use super::table::Table;
use super::timeline::Order;
use super::{Branch, BranchId, Commit, FindingId, Occurrence, PullRequest, Repository, Stamp};

/// A moment of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Before anything was scanned.
    Nothing,
    /// When this commit of its timeline was the head.
    After(Commit),
    /// Now.
    Newest,
}

/// The base of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// As it is told.
    pub base: Base,
    /// Where to look; nothing if there is no base, or the pipe looked.
    pub at: Option<(BranchId, Point)>,
    /// The pipe compared with the base's tree, because the app knows no run of it.
    pub by_tree: bool,
}

/// The base of a pull request: the merge base's run, else that of the destination's head, else the newest of the destination. `merge_base` is
/// what REST says.
pub fn base_of_pull_request(repository: &Repository, pull_request: &PullRequest, merge_base: Option<Commit>) -> Chosen {
    of_destination(repository, pull_request.destination, merge_base)
}

/// The base of a branch without a pull request: of the main branch what was scanned before `commit`, of any other as if it should be
/// merged into the main branch.
pub fn base_of_branch(repository: &Repository, branch: BranchId, commit: Commit, merge_base: Option<Commit>) -> Chosen {
    match repository.main() {
        Some(main) if main != branch => of_destination(repository, main, merge_base),
        _ => {
            let row = repository.branch(branch);
            let scanned = row.map(scanned).unwrap_or_default();
            let before = match scanned.iter().position(|one| *one == commit) {
                Some(at) => at.checked_sub(1).map(|at| scanned[at]),
                None => scanned.last().copied(),
            };
            match before {
                Some(before) => Chosen {
                    base: Base {
                        kind: BaseKind::FirstParent,
                        commit: Some(before.to_string()),
                        reason: "the commit of this branch that was scanned before".into(),
                        hint: Masked::EMPTY,
                    },
                    at: Some((branch, Point::After(before))),
                    by_tree: false,
                },
                None => Chosen {
                    base: Base {
                        kind: BaseKind::NotApplicable,
                        commit: None,
                        reason: "this is the first scan of the branch".into(),
                        hint: Masked::EMPTY,
                    },
                    at: None,
                    by_tree: false,
                },
            }
        }
    }
}

/// The base where `destination` was never scanned: the one that the pipe compared with, `commit`,
/// if that is where Bitbucket says that the change began, or the destination's head.
pub fn base_of_tree(
    commit: Commit,
    merge_base: Option<Commit>,
    head: Option<Commit>,
    destination: &Masked,
) -> Option<Chosen> {
    let (kind, what) = match commit {
        _ if merge_base == Some(commit) => (BaseKind::MergeBase, "merge base with"),
        _ if head == Some(commit) => (BaseKind::DestinationTip, "head of"),
        _ => return None,
    };
    let reason =
        masked![what, " `", destination, "`, as the pipe compared its files: `", destination, "` has no run yet"];
    let hint =
        masked!["run Penstock in a pipeline of `", destination, "`, so that the app compares with what it found there"];
    Some(Chosen { base: Base { kind, commit: Some(commit.to_string()), reason, hint }, at: None, by_tree: true })
}

fn scanned(branch: &Branch) -> Vec<Commit> {
    branch.timeline.commits().iter().copied().filter(|commit| branch.timeline.is_scanned(*commit)).collect()
}

fn of_destination(repository: &Repository, destination: BranchId, merge_base: Option<Commit>) -> Chosen {
    let Some(branch) = repository.branch(destination) else { return unknown(&"the destination".into()) };
    let name = &branch.name;
    let hint = masked!["scan every commit of `", name, "`, so that the commit where the change began has a run"];
    let scanned = scanned(branch);
    if let Some(commit) = merge_base.filter(|commit| scanned.contains(commit)) {
        let reason = masked!["merge base with `", name, "`"];
        return chosen(BaseKind::MergeBase, commit, reason, Masked::EMPTY, (destination, Point::After(commit)));
    }
    if let Some(head) = branch.head.filter(|commit| scanned.contains(commit)) {
        let reason = masked!["head of `", name, "`: the merge base has no run"];
        return chosen(BaseKind::DestinationTip, head, reason, hint, (destination, Point::After(head)));
    }
    match scanned.last() {
        Some(&newest) => {
            let reason = masked!["newest run of `", name, "`: neither the merge base nor the head has one"];
            chosen(BaseKind::DestinationTip, newest, reason, hint, (destination, Point::Newest))
        }
        None => unknown(&masked!["`", name, "`"]),
    }
}

fn chosen(kind: BaseKind, commit: Commit, reason: Masked, hint: Masked, at: (BranchId, Point)) -> Chosen {
    Chosen { base: Base { kind, commit: Some(commit.to_string()), reason, hint }, at: Some(at), by_tree: false }
}

fn unknown(destination: &Masked) -> Chosen {
    let reason = masked![destination, " has no run to compare with"];
    let hint = "run Penstock in a pipeline of the destination branch".into();
    Chosen { base: Base { kind: BaseKind::Unknown, commit: None, reason, hint }, at: None, by_tree: false }
}

/// What stood on a branch at a moment.
pub(super) struct Look<'a> {
    rows: Option<&'a Table<FindingId, Occurrence>>,
    order: Order,
    until: Option<usize>,
}

impl<'a> Look<'a> {
    pub(super) fn new(repository: &'a Repository, branch: BranchId, point: Point) -> Self {
        let order = repository.branch(branch).map(|row| row.timeline.order()).unwrap_or_default();
        let rows = repository.rows(branch).filter(|_| point != Point::Nothing);
        let until = match point {
            Point::After(commit) => Some(order.of(commit)),
            Point::Nothing | Point::Newest => None,
        };
        Self { rows, order, until }
    }

    /// What only another branch reported of the same commit is not in the base: who writes to that
    /// branch would write the base.
    pub(super) fn stands(&self, finding: FindingId) -> bool {
        self.rows.and_then(|rows| rows.get(&finding)).is_some_and(|row| !row.is_carried() && self.is_standing(row))
    }

    /// All that stood there, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a Occurrence> + '_ {
        self.rows.into_iter().flat_map(Table::values).filter(|row| !row.is_carried() && self.is_standing(row))
    }

    /// The same with what another branch reported.
    pub(super) fn all_known(&self) -> impl Iterator<Item = &'a Occurrence> + '_ {
        self.rows.into_iter().flat_map(Table::values).filter(|row| self.is_standing(row))
    }

    fn is_standing(&self, row: &Occurrence) -> bool {
        match self.until {
            None => row.is_open(),
            Some(until) => {
                let is_later = |stamp: &Stamp| self.order.of(stamp.commit) > until;
                !is_later(&row.first)
                    && row.gone.is_none_or(|gone| is_later(&gone.by))
                    && row.gap.is_none_or(|gap| is_later(&gap.gone) || !is_later(&gap.back))
            }
        }
    }
}
