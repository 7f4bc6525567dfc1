//! What runs of other branches reported of the same commit.
//!
//! Owns that a commit has the same findings on every branch: a new branch at a commit, scanned by a
//! run that reports nothing, does not make the commit clean. What other branches reported of a
//! branch's last commit is *carried* to it. It counts there until a complete run of a later commit,
//! and it is never part of a base: write access to one branch must not decide the base of others.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::base::Look;
use super::{
    Actor, Branch, BranchId, Changes, Commit, Event, Finding, FindingId, Gap, Kind, Occurrence, Point, Repository,
    RunId, Stamp,
};

/// Maximum number of other branches that are looked at. Each knows what those before it reported.
const BRANCHES_MAX: usize = 4;

/// The other branches on which a commit was scanned, deleted ones too; those with the newest runs
/// of it, at most four.
pub fn others_on(repository: &Repository, branch: Option<BranchId>, commit: Commit) -> Vec<BranchId> {
    let scanned =
        repository.branches().filter(|row| Some(row.id) != branch && row.timeline.commits().contains(&commit));
    let newest = |row: &Branch| {
        row.timeline.accounts().iter().filter(|one| one.stamp.commit == commit).map(|one| one.stamp.run).max()
    };
    let mut others: Vec<_> = scanned.filter_map(|row| Some((newest(row)?, row.id))).collect();
    others.sort_unstable_by_key(|(run, _)| Reverse(*run));
    others.into_iter().take(BRANCHES_MAX).map(|(_, id)| id).collect()
}

/// Carries to a branch what runs of others reported of its last commit. They must be loaded.
pub fn recall(repository: &Repository, branch: BranchId, now: i64) -> Changes {
    let mut changes = Changes::default();
    let Some((row, commit)) = repository.branch(branch).and_then(|row| Some((row, row.timeline.last()?))) else {
        return changes;
    };
    let own = row.timeline.accounts().iter().filter(|one| one.stamp.commit == commit).map(|one| one.stamp.run).max();
    let mut rows: BTreeMap<FindingId, Occurrence> = BTreeMap::new();
    let mut raised: BTreeMap<FindingId, Finding> = BTreeMap::new();
    for other in others_on(repository, Some(branch), commit).into_iter().filter_map(|id| repository.branch(id)) {
        let look = Look::new(repository, other.id, Point::After(commit));
        for source in look.all_known().filter(|source| was_reported(other, source, commit)) {
            let Some(finding) = repository.finding(source.finding).filter(|finding| finding.lasts()) else { continue };
            let here = rows.get(&finding.id).or_else(|| repository.occurrence(branch, finding.id));
            // What is known of it may be of a later commit of that branch.
            let is_exact = source.seen.commit == commit || other.timeline.last() == Some(commit);
            let carried = match here {
                Some(here) if here.is_open() && !is_exact => continue,
                Some(here) if here.is_open() => {
                    let mut row = here.clone();
                    row.at_least(source, here, own.unwrap_or(source.seen.run));
                    row
                }
                here => carry(source, here, branch, commit, own),
            };
            if Some(&carried) == here {
                continue;
            }
            if is_exact && source.severity > finding.worst {
                let critical_in =
                    Some(source.seen.run).filter(|_| source.severity == penstock_common::Severity::Critical);
                raised.insert(finding.id, Finding { worst: source.severity, critical_in, ..finding.clone() });
            }
            rows.insert(finding.id, carried);
        }
    }
    for (id, row) in &rows {
        let kind = match repository.occurrence(branch, *id) {
            None => Kind::Introduced,
            Some(known) if !known.is_open() => Kind::Reopened,
            Some(_) => continue,
        };
        let mut event = Event::new(now, kind, Actor::Run(row.seen.run));
        (event.finding, event.branch) = (Some(*id), Some(branch));
        changes.events.push(event);
    }
    changes.findings = raised.into_values().collect();
    changes.occurrences = rows.into_values().collect();
    changes
}

/// Whether a run of the branch reported a finding in this commit, and not only in one before or
/// after it.
fn was_reported(branch: &Branch, row: &Occurrence, commit: Commit) -> bool {
    row.seen.commit == commit
        || row.first.commit == commit
        || branch.timeline.accounts_on(commit, &row.what()).next().is_some()
}

/// The row of a finding that another branch has, on this one. `here` is what this one knew of it.
fn carry(
    source: &Occurrence,
    here: Option<&Occurrence>,
    branch: BranchId,
    commit: Commit,
    own: Option<RunId>,
) -> Occurrence {
    let seen = Stamp { commit, at: Stamp::CARRIED, run: source.seen.run };
    let gap = here.and_then(|here| here.gone.map(|gone| Gap { gone: gone.by, back: seen }));
    Occurrence {
        branch,
        seen,
        first: here.map_or(seen, |here| here.first),
        gone: None,
        reopened: here.map_or(0, |here| here.reopened + 1),
        gap,
        introduced_by: here.and_then(|here| here.introduced_by),
        // A run that names no tools leaves nothing by which it could be named here.
        denied: own.or(Some(source.seen.run)),
        in_base: None,
        ..source.clone()
    }
}
