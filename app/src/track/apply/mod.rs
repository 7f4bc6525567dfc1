//! A run is applied.
//!
//! Owns the way from a run to changes: it is put in its place in the branch's history, its sightings are matched, and every finding that
//! it saw, or would have seen, is judged anew. A run that came late fills in the history and moves nothing; one that nobody confirmed
//! changes nothing at all.

mod once;
mod pass;

use once::group;
use pass::Pass;

use super::base::Look;
use super::matching::Matching;
use super::{Account, Branch, BranchId, Changes, Facts, FindingId, NewIds, Point, Repository, Run, Sighting, Standing};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Applied {
    /// What to write.
    pub changes: Changes,
    /// What the run did to its branch.
    pub effect: Effect,
    /// The branch, if it is known.
    pub branch: Option<BranchId>,
    /// The finding of each sighting, by tool and place in the run. Without a place in a branch no findings are made, and what nobody knew
    /// before has none.
    pub matched: Vec<Vec<Option<FindingId>>>,
}

/// What a run does to its branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The branch is now as this run saw it.
    Moved,
    /// The branch was scanned further already; the run tells of its past.
    History,
    /// The run was applied before.
    Repeated,
    /// Its place is not known: it is not confirmed, too old, or of no branch.
    Nothing,
}

/// Applies a run. New findings and branches get their ids from `ids`.
pub fn apply_run(repository: &Repository, run: &Run, facts: &Facts, ids: &mut impl NewIds) -> Applied {
    let known = run.branch.as_deref().and_then(|name| repository.branch_named(name));
    let accounts = Account::of(run);
    let placed = place(known, run, facts, &accounts, ids);
    let (effect, branch) = match &placed {
        Placed::Nowhere => (Effect::Nothing, known),
        Placed::Already => (Effect::Repeated, known),
        Placed::In(branch) if branch.timeline.last() == Some(run.commit) => (Effect::Moved, Some(branch)),
        Placed::In(branch) => (Effect::History, Some(branch)),
    };
    let late = matches!(&placed, Placed::In(branch) if is_late(branch, run));
    let matching = Matching {
        repository,
        branch: known.map(|branch| branch.id),
        commit: run.commit,
        base: facts
            .base
            .map(|base| Look::new(repository, base.branch, base.after.map_or(Point::Nothing, Point::After))),
        accounts: if late { &[] } else { &accounts },
    };
    let mut groups = group(run);
    for series in groups.values_mut() {
        let sightings: Vec<&Sighting> = series.iter().map(|one| one.sighting).collect();
        for (one, found) in series.iter_mut().zip(matching.findings(&sightings)) {
            one.finding = found;
        }
    }
    let changes = match &placed {
        Placed::In(branch) => Pass::new(repository, run, facts, known, branch, &accounts).changes(&mut groups, ids),
        Placed::Nowhere | Placed::Already => Changes::default(),
    };
    let mut matched: Vec<Vec<Option<FindingId>>> =
        run.tools.iter().map(|tool| vec![None; tool.sightings.len()]).collect();
    for one in groups.values().flatten() {
        one.again.iter().chain([&one.slot]).for_each(|&(tool, at)| matched[tool][at] = one.finding);
    }
    Applied { changes, effect, branch: branch.map(|branch| branch.id), matched }
}

/// Where a run belongs.
enum Placed {
    Nowhere,
    Already,
    /// In this branch, which has the run in its timeline.
    In(Branch),
}

fn place(known: Option<&Branch>, run: &Run, facts: &Facts, accounts: &[Account], ids: &mut impl NewIds) -> Placed {
    let Some(name) = &run.branch else { return Placed::Nowhere };
    if known.is_some_and(|branch| branch.timeline.has_run(run.id)) {
        return Placed::Already;
    }
    if matches!(facts.standing, Standing::Unconfirmed | Standing::Elsewhere) {
        return Placed::Nowhere;
    }
    let mut branch = known.cloned().unwrap_or_else(|| Branch::new(BranchId(ids.next()), name.clone()));
    let Some(timeline) = branch.timeline.with_commit(run.commit, facts.standing) else { return Placed::Nowhere };
    branch.timeline = timeline.with_accounts(accounts);
    if facts.standing == Standing::Head {
        branch.head = Some(run.commit);
    }
    Placed::In(branch)
}

/// Whether another run has a later place. A merge that is not scanned yet has brought findings after this run, too.
fn is_late(branch: &Branch, run: &Run) -> bool {
    branch.timeline.last() != Some(run.commit)
        || branch.timeline.accounts().last().is_some_and(|last| last.stamp.run != run.id)
}
