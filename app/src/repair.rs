//! Damaged findings.
//!
//! Owns what `penstock-app check` reports of them, and their repair: an occurrence without its
//! finding gets one again from the stored run that reported it, and is dropped where no stored run
//! does. What people said of a lost finding is lost: it needs triage again. It deletes nothing that
//! can be rebuilt.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use penstock_common::{Severity, Uuid};

use crate::store::workspace::{Damage, Workspace};
use crate::store::{Error, Result, Store};
use crate::track::{BranchId, Changes, Finding, FindingId, Occurrence, Print, Prints, RunId, Sighting, Triage};
use crate::upload::{Encoding, Reduced, read, reduce};

/// Maximum attempts to repair a repository while runs come in between.
const ATTEMPTS: usize = 5;
/// A finding that is dropped leaves orphans, which the next pass repairs.
const PASSES: usize = 3;

/// What is damaged: a line for each repository, and for each entry of the journal that could not be
/// written.
///
/// # Errors
/// When the database does not answer.
pub async fn check(store: &Store) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for (workspace, repository) in repositories(store).await? {
        let damage = workspace.damage(repository).await?;
        if damage.is_none() {
            continue;
        }
        let Damage { orphans, unreadable, findings, set_aside, .. } = &damage;
        lines.push(format!(
            "repository {repository} of workspace {}: occurrences without their finding: {}, occurrences that cannot be read: {}, \
             findings that cannot be read: {}, journal entries that could not be written: {}",
            workspace.id(),
            orphans.len(),
            unreadable.len(),
            findings.len(),
            set_aside.len()
        ));
        lines.extend(findings.iter().map(|(finding, _)| format!("finding {finding} cannot be read")));
        lines.extend(set_aside.iter().map(|(number, why)| format!("journal entry {number}: {why}")));
    }
    Ok(lines)
}

/// Repairs what can be repaired. A line for each repository in which something was.
///
/// # Errors
/// When the database does not answer.
pub async fn repair(store: &Store, now: i64) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for (workspace, repository) in repositories(store).await? {
        if workspace.damage(repository).await?.is_none() {
            continue;
        }
        let (written, _) = workspace.write_set_aside(repository).await?;
        let (mut rebuilt, mut dropped) = (0, 0);
        for _ in 0..PASSES {
            let repaired = again_on_conflict(&workspace, repository, now).await?;
            rebuilt += repaired.rebuilt;
            dropped += repaired.dropped;
            if repaired.is_whole {
                break;
            }
        }
        lines.push(format!(
            "repository {repository} of workspace {}: journal entries written: {written}, findings rebuilt: {rebuilt}, occurrences dropped: {dropped}",
            workspace.id()
        ));
    }
    store.caught_up().await;
    Ok(lines)
}

async fn again_on_conflict(workspace: &Workspace, repository: Uuid, now: i64) -> Result<Repaired> {
    let mut repaired = Err(Error::Conflict);
    for _ in 0..ATTEMPTS {
        repaired = repair_repository(workspace, repository, now).await;
        if !matches!(repaired, Err(Error::Conflict)) {
            break;
        }
    }
    repaired
}

async fn repositories(store: &Store) -> Result<Vec<(Workspace, Uuid)>> {
    let mut all = Vec::new();
    for tenant in store.system().tenants().await? {
        let workspace = store.for_workspace(tenant.workspace);
        for row in workspace.repositories().await? {
            all.push((workspace.clone(), row.repository));
        }
    }
    Ok(all)
}

struct Repaired {
    rebuilt: usize,
    dropped: usize,
    /// Whether no finding was dropped.
    is_whole: bool,
}

async fn repair_repository(workspace: &Workspace, repository: Uuid, now: i64) -> Result<Repaired> {
    let mut lane = workspace.lane(repository).await;
    let tracked = lane.state(&[]).await?;
    let known: HashSet<Print> = tracked.repository.findings().flat_map(|row| row.prints.ours.iter().copied()).collect();
    let Damage { orphans, unreadable, findings, hidden, .. } = workspace.damage(repository).await?;
    // One that the next run reported as a new finding has a successor.
    let is_known = |row: &Finding| row.prints.ours.iter().any(|print| known.contains(print));
    let (mut lost, mut changes) = (Vec::new(), Changes::default());
    for (id, salvaged) in findings {
        match salvaged.filter(|row| !is_known(row)) {
            Some(row) => changes.findings.push(row),
            None => lost.push(id),
        }
    }

    let Rebuilt { findings, occurrences, contents } = rebuild(workspace, repository, &known, &orphans).await?;
    let salvaged: HashSet<FindingId> = changes.findings.iter().map(|row| row.id).collect();
    let kept: HashSet<FindingId> = findings.iter().map(|row| row.id).collect();
    let mut dropped: Vec<(BranchId, FindingId)> =
        orphans.iter().filter(|row| !kept.contains(&row.finding)).map(|row| (row.branch, row.finding)).collect();
    dropped.extend(unreadable);
    changes.findings.extend(findings);
    changes.occurrences = occurrences;
    changes.occurrences.extend(hidden.into_iter().filter(|row| salvaged.contains(&row.finding)));
    let repaired = Repaired { rebuilt: changes.findings.len(), dropped: dropped.len(), is_whole: lost.is_empty() };

    lane.accept(&changes);
    let mut write = workspace.write().await?;
    write.drop_findings(repository, &lost).await?;
    write.drop_occurrences(repository, &dropped).await?;
    let branches: BTreeSet<BranchId> = dropped.iter().map(|(branch, _)| *branch).collect();
    for branch in branches {
        write.recount(repository, branch).await?;
    }
    let log = write.changes(&lane, &changes, &contents, now).await?;
    // Also where nothing changed: copies that run reload the repository then.
    write.commit_in(&mut lane, log).await?;
    Ok(repaired)
}

#[derive(Default)]
struct Rebuilt {
    findings: Vec<Finding>,
    occurrences: Vec<Occurrence>,
    contents: HashMap<Print, String>,
}

/// The findings of orphans, from the runs that reported them. One that a later run reported as a
/// new finding is not rebuilt.
async fn rebuild(
    workspace: &Workspace,
    repository: Uuid,
    known: &HashSet<Print>,
    orphans: &[Occurrence],
) -> Result<Rebuilt> {
    let mut by_run: BTreeMap<RunId, Vec<&Occurrence>> = BTreeMap::new();
    for row in orphans {
        by_run.entry(row.seen.run).or_default().push(row);
    }
    let mut rebuilt = Rebuilt::default();
    let mut found: BTreeMap<FindingId, Finding> = BTreeMap::new();
    for (run, rows) in by_run {
        let Some(reduced) = stored(workspace, repository, run).await? else { continue };
        let sightings: HashMap<(&str, Print), &Sighting> = reduced
            .run
            .tools
            .iter()
            .flat_map(|tool| &tool.sightings)
            .map(|sighting| ((&*sighting.path, sighting.content), sighting))
            .collect();
        for row in rows {
            let Some(sighting) = sightings.get(&(&*row.path, row.content)) else { continue };
            if known.contains(&sighting.ours) {
                continue;
            }
            let finding = found.entry(row.finding).or_insert_with(|| finding(row.finding, sighting));
            if row.severity > finding.worst {
                finding.worst = row.severity;
            }
            if row.severity == Severity::Critical {
                finding.critical_in = Some(run);
            }
            rebuilt.contents.extend(reduced.contents.get(&row.content).map(|body| (row.content, body.clone())));
        }
    }
    rebuilt.occurrences = orphans.iter().filter(|row| found.contains_key(&row.finding)).cloned().collect();
    rebuilt.findings = found.into_values().collect();
    Ok(rebuilt)
}

fn finding(id: FindingId, sighting: &Sighting) -> Finding {
    Finding {
        id,
        category: sighting.category,
        rule: sighting.rule.clone(),
        prints: Prints { own: sighting.own.clone(), ours: vec![sighting.ours], path_free: vec![sighting.path_free] },
        triage: Triage::default(),
        proposed: BTreeMap::new(),
        absent: Vec::new(),
        worst: sighting.severity,
        critical_in: None,
    }
}

/// A run as it was sent; nothing if it is not stored any more.
async fn stored(workspace: &Workspace, repository: Uuid, run: RunId) -> Result<Option<Reduced>> {
    let Some(row) = workspace.run(repository, run).await? else { return Ok(None) };
    let Some(document) = workspace.run_document(repository, run).await? else { return Ok(None) };
    let upload = read(&document, Encoding::Gzip).ok().map(|received| received.upload);
    Ok(upload.map(|upload| reduce(upload, run, row.commit, row.started_at)))
}
