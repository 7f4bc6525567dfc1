//! What happens to branches and to the repository itself.
//!
//! Owns the changes that need no run. A branch is known by its id and a repository by its tenant's, so a new name touches no finding.

use penstock::analyze::secrets::mask;
use std::collections::BTreeMap;

use penstock_common::Masked;

use super::{Actor, Branch, BranchId, Changes, Commit, Event, Kind, NewIds, Repository, Series};

/// The branch of this name, made if there is none.
pub fn find_or_create_branch(repository: &Repository, name: &Masked, ids: &mut impl NewIds) -> (BranchId, Changes) {
    match repository.branch_named(name) {
        Some(branch) => (branch.id, Changes::default()),
        None => {
            let branch = Branch::new(BranchId(ids.next()), name.clone());
            (branch.id, Changes { branches: vec![branch], ..Changes::default() })
        }
    }
}

/// Bitbucket told a new head. Findings follow with the run of that commit.
pub fn move_branch(repository: &Repository, branch: BranchId, head: Commit) -> Changes {
    changed(repository, branch, |row| {
        (row.head != Some(head)).then(|| row.head = Some(head))?;
        Some(None)
    })
}

/// The branch is no more, and nothing is open on it. A branch of the same name that comes later begins anew.
pub fn delete_branch(repository: &Repository, branch: BranchId, actor: Actor, now: i64) -> Changes {
    changed(repository, branch, |row| {
        row.deleted.is_none().then(|| row.deleted = Some(now))?;
        let mut event = Event::new(now, Kind::BranchDeleted, actor);
        event.old.clone_from(&row.name);
        Some(Some(event))
    })
}

/// The branch has another name.
pub fn rename_branch(repository: &Repository, branch: BranchId, name: &Masked, actor: Actor, now: i64) -> Changes {
    changed(repository, branch, |row| {
        let mut event = Event::new(now, Kind::BranchRenamed, actor);
        (row.name != *name).then(|| event.old = std::mem::replace(&mut row.name, name.clone()))?;
        event.new = name.clone();
        Some(Some(event))
    })
}

/// Another branch is the main one.
pub fn set_main_branch(repository: &Repository, branch: BranchId, actor: Actor, now: i64) -> Changes {
    let name = |id| repository.branch(id).map(|branch| branch.name.clone()).unwrap_or_default();
    let old = repository.main();
    if old == Some(branch) {
        return Changes::default();
    }
    let mut event = Event::new(now, Kind::MainBranchChanged, actor);
    event.branch = Some(branch);
    event.old = old.map(name).unwrap_or_default();
    event.new = name(branch);
    Changes { main: Some(branch), events: vec![event], ..Changes::default() }
}

/// The repository has another name, or another project. A transfer to another workspace is none: that tenant's history ends.
pub fn rename_repository(old: &Masked, new: &Masked, actor: Actor, now: i64) -> Changes {
    if old == new {
        return Changes::default();
    }
    let mut event = Event::new(now, Kind::RepositoryRenamed, actor);
    event.old = old.clone();
    event.new = new.clone();
    Changes { events: vec![event], ..Changes::default() }
}

/// Marks series that started no run on a living branch for `after` milliseconds. The next run takes the mark away.
pub fn mark_stale(repository: &Repository, after: i64, now: i64) -> Changes {
    let mut changes = Changes::default();
    for branch in repository.branches().filter(|branch| branch.deleted.is_none()) {
        let mut newest: BTreeMap<&Series, i64> = BTreeMap::new();
        for account in branch.timeline.accounts() {
            let at = newest.entry(&account.series).or_insert(i64::MIN);
            *at = account.stamp.at.max(*at);
        }
        let mut row = branch.clone();
        for (series, at) in newest {
            if at >= now.saturating_sub(after) || row.stale.contains_key(series) {
                continue;
            }
            row.stale.insert(series.clone(), now);
            let mut event = Event::new(now, Kind::WentStale, Actor::Clock);
            event.branch = Some(row.id);
            event.reason = mask(&format!("`{}` of `{}` has not run", series.tool, series.name));
            changes.events.push(event);
        }
        if row != *branch {
            changes.branches.push(row);
        }
    }
    changes
}

/// The branch's row as `change` leaves it, with its event; nothing if there is nothing to change.
fn changed(
    repository: &Repository,
    branch: BranchId,
    change: impl FnOnce(&mut Branch) -> Option<Option<Event>>,
) -> Changes {
    let Some(mut row) = repository.branch(branch).cloned() else { return Changes::default() };
    let Some(event) = change(&mut row) else { return Changes::default() };
    let events = event.into_iter().map(|event| Event { branch: Some(branch), ..event }).collect();
    Changes { branches: vec![row], events, ..Changes::default() }
}
