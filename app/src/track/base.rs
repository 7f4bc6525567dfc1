//! With what a change is compared.
//!
//! Owns the choice of the base, and what stood on a branch at a commit of its timeline.

use penstock_common::{Base, BaseKind};

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
    /// Where to look; nothing if there is no base.
    pub at: Option<(BranchId, Point)>,
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
                        reason: "the commit of this branch that was scanned before".to_owned(),
                        hint: String::new(),
                    },
                    at: Some((branch, Point::After(before))),
                },
                None => Chosen {
                    base: Base {
                        kind: BaseKind::NotApplicable,
                        commit: None,
                        reason: "this is the first scan of the branch".to_owned(),
                        hint: String::new(),
                    },
                    at: None,
                },
            }
        }
    }
}

fn scanned(branch: &Branch) -> Vec<Commit> {
    branch.timeline.commits().iter().copied().filter(|commit| branch.timeline.is_scanned(*commit)).collect()
}

fn of_destination(repository: &Repository, destination: BranchId, merge_base: Option<Commit>) -> Chosen {
    let Some(branch) = repository.branch(destination) else { return unknown("the destination") };
    let name = &branch.name;
    let hint = format!("scan every commit of `{name}`, so that the commit where the change began has a run");
    let scanned = scanned(branch);
    if let Some(commit) = merge_base.filter(|commit| scanned.contains(commit)) {
        let reason = format!("merge base with `{name}`");
        return chosen(BaseKind::MergeBase, commit, reason, String::new(), (destination, Point::After(commit)));
    }
    if let Some(head) = branch.head.filter(|commit| scanned.contains(commit)) {
        let reason = format!("head of `{name}`: the merge base has no run");
        return chosen(BaseKind::DestinationTip, head, reason, hint, (destination, Point::After(head)));
    }
    match scanned.last() {
        Some(&newest) => {
            let reason = format!("newest run of `{name}`: neither the merge base nor the head has one");
            chosen(BaseKind::DestinationTip, newest, reason, hint, (destination, Point::Newest))
        }
        None => unknown(&format!("`{name}`")),
    }
}

fn chosen(kind: BaseKind, commit: Commit, reason: String, hint: String, at: (BranchId, Point)) -> Chosen {
    Chosen { base: Base { kind, commit: Some(commit.to_string()), reason, hint }, at: Some(at) }
}

fn unknown(destination: &str) -> Chosen {
    let reason = format!("{destination} has no run to compare with");
    let hint = "run Penstock in a pipeline of the destination branch".to_owned();
    Chosen { base: Base { kind: BaseKind::Unknown, commit: None, reason, hint }, at: None }
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

    pub(super) fn stands(&self, finding: FindingId) -> bool {
        self.rows.and_then(|rows| rows.get(&finding)).is_some_and(|row| self.is_standing(row))
    }

    /// All that stood there, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a Occurrence> + '_ {
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
