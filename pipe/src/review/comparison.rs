//! What the findings of a head are, beside those of its base.
//!
//! Owns bringing together which files differ and which findings are the same. Findings of files that are the same on both sides existed
//! before, and nobody needs to look for them twice.

use std::collections::HashSet;
use std::sync::Arc;

use penstock_common::compare::{Candidate, match_findings};
use penstock_common::{Change, Comparison, Finding, Masked, Run, Skipped, SuppressionKind, masked, time};

use super::base::{Against, Chosen, Reasoned};
use super::changed_lines::ChangedLines;
use super::leaked::{Commits, Leaked, has_left, leaked};
use super::owners::Owners;
use super::unread::Unread;
use crate::analyze::secrets::Found;
use crate::checkout::{Differences, Progress, Repository, Standing};
use crate::scan::{self, Scan, Scanned, Target, group};

/// A head beside its base.
pub(super) struct Compared {
    head: Scanned,
    base: Reasoned,
    fixed: Vec<Found>,
    leaked: Leaked,
    /// Number of new or changed files that a limit left out, if known.
    unread: Option<u64>,
}

impl Compared {
    /// Looks at what the base has where it differs from `head`, and at the commits between them.
    pub(super) fn with(
        chosen: &Chosen,
        mut head: Scanned,
        scan: &Scan<'_>,
        progress: Option<&dyn Progress>,
    ) -> Result<Self, scan::Error> {
        let base = chosen.base.clone();
        let (mut fixed, mut of_commits) = (Vec::new(), Leaked::default());
        let unread = Unread::of(&head, chosen).count();
        match &chosen.against {
            Against::Nothing => {}
            Against::Lines(lines) => {
                compare_lines(&mut head.found, lines);
                of_commits.unknown = Some(unknown_begin(&base));
            }
            Against::Files { differences, known } => {
                let files = differences.base.iter().map(|base| base.file.clone()).collect();
                let scanned = scan.look(&Target::Files(Arc::clone(&chosen.repository), files), progress)?;
                let held = head.found.iter().chain(&scanned.found).flat_map(|one| &one.parts);
                let mut standing: HashSet<u128> = held.map(|part| part.value).collect();
                // Without the whole base nobody can say what is new.
                let faults = scanned.tool.skipped.into_iter().filter(|skipped| !skipped.by_limit);
                let faults = faults.map(|fault| Skipped { subject: masked!["base: ", fault.subject], ..fault });
                head.tool.skipped.extend(faults);
                head.tool.skipped.sort();
                head.tool.complete = head.tool.skipped.iter().all(|skipped| skipped.by_limit);
                fixed = compare(&mut head, scanned.found, differences);
                match (known, chosen.tip) {
                    (Some(known), Some(tip)) => {
                        let repository = Arc::clone(&chosen.repository);
                        let commits = Commits { repository, known: known.clone(), tip };
                        of_commits = leaked(scan, &commits, &standing, progress)?;
                        of_commits.found.retain(|one| differences.covers(&one.file));
                        if !differences.is_everything() && !of_commits.found.is_empty() {
                            standing.extend(elsewhere(&chosen.repository, scan, progress)?);
                            of_commits.found.retain(|one| has_left(one, &standing));
                        }
                    }
                    (None, _) => of_commits.unknown = Some(unknown_begin(&base)),
                    (_, None) => {}
                }
            }
        }
        Ok(Self { head, base, fixed, leaked: of_commits, unread })
    }

    /// The run, and why what has leaked is not known.
    pub(super) fn into_run(
        mut self,
        now: i64,
        policy_changes: Vec<Masked>,
        owners: &Owners<Masked>,
        mask: &dyn Fn(&str) -> Masked,
    ) -> (Run, Option<String>) {
        [&mut self.head.found, &mut self.leaked.found, &mut self.fixed].into_iter().for_each(|list| owners.tell(list));
        group(&mut [&mut self.head.found, &mut self.leaked.found, &mut self.fixed]);
        let findings = |list: Vec<Found>| list.into_iter().map(|one| one.finding).collect();
        let comparison = Comparison {
            base: self.base.masked(mask),
            fixed: findings(self.fixed),
            leaked: findings(self.leaked.found),
            policy_changes,
            unread: self.unread,
        };
        let run = Run { comparison: Some(comparison), ..run(self.head, now) };
        (run, self.leaked.unknown)
    }
}

/// The values anywhere in the work tree. If only a part of it is scanned, a value that left that
/// part may still be in another.
fn elsewhere(
    repository: &Repository,
    scan: &Scan<'_>,
    progress: Option<&dyn Progress>,
) -> Result<Vec<u128>, scan::Error> {
    let Some(root) = &repository.location().root else { return Ok(Vec::new()) };
    let scanned = scan.look(&Target::Tree(vec![root.clone()]), progress)?;
    Ok(scanned.found.iter().flat_map(|one| &one.parts).map(|part| part.value).collect())
}

/// The run of a head that is compared with nothing.
pub(super) fn run_of(mut head: Scanned, now: i64, owners: &Owners<Masked>) -> Run {
    owners.tell(&mut head.found);
    group(&mut [&mut head.found]);
    run(head, now)
}

fn run(head: Scanned, now: i64) -> Run {
    Run {
        schema_version: Run::SCHEMA_VERSION,
        started_at: time::rfc3339(now),
        finished_at: None,
        tools: vec![head.tool],
        subject: None,
        findings: head.found.into_iter().map(|one| one.finding).collect(),
        comparison: None,
        gate: None,
        notices: Vec::new(),
        metrics: None,
    }
}

fn unknown_begin(base: &Reasoned) -> String {
    let why = "it is not known at which commit the change begins";
    if base.hint.is_empty() { why.to_owned() } else { format!("{why}; {}", base.hint) }
}

/// Says of each finding of the head whether the base has it. What the base had and the head has no more is handed back: of files that were not
/// read nothing is known, so nothing in them is gone.
fn compare(head: &mut Scanned, base: Vec<Found>, differences: &Differences) -> Vec<Found> {
    let unread: HashSet<&[u8]> = head.unread.iter().map(|unread| unread.path.as_slice()).collect();
    let head = &mut head.found;
    let standing: Vec<Standing> = head.iter().map(|one| differences.standing(&one.file)).collect();
    let gone_files: HashSet<&[u8]> =
        differences.base.iter().filter(|base| base.gone).map(|base| base.file.path.as_slice()).collect();
    let differing: Vec<usize> = (0..head.len()).filter(|at| standing[*at] != Standing::Same).collect();
    let candidates: Vec<Candidate<'_>> =
        differing.iter().map(|&at| candidate(&head[at], standing[at] == Standing::Added)).collect();
    let base_candidates: Vec<Candidate<'_>> =
        base.iter().map(|one| candidate(one, gone_files.contains(one.file.as_slice()))).collect();
    let matching = match_findings(&candidates, &base_candidates);
    head.iter_mut().for_each(|one| one.finding.change = Some(Change::Existing));
    for (at, like) in differing.into_iter().zip(&matching.like) {
        let finding = &mut head[at].finding;
        // What stood there openly and is now allowed by a comment was allowed by this change.
        let was_allowed = like.iter().all(|like| is_allowed_inline(&base[*like].finding));
        if like.is_empty() || is_allowed_inline(finding) && !was_allowed {
            finding.change = Some(Change::New);
        }
    }
    let gone: HashSet<usize> = matching.gone.into_iter().collect();
    let base = base
        .into_iter()
        .enumerate()
        .filter(|(at, one)| gone.contains(at) && one.finding.is_active() && !unread.contains(one.file.as_slice()));
    base.map(|(_, one)| one).collect()
}

/// The same where only the lines are known that the change wrote: what touches them is new.
fn compare_lines(head: &mut [Found], lines: &ChangedLines) {
    for one in head {
        let places = std::iter::once(&one.finding.location).chain(one.parts.iter().map(|part| &part.location));
        let touched = places.into_iter().any(|place| lines.touches(&one.file, place));
        one.finding.change = Some(if touched { Change::New } else { Change::Existing });
    }
}

fn candidate(one: &Found, lone_file: bool) -> Candidate<'_> {
    Candidate { finding: &one.finding, parts: &one.parts, lone_file }
}

fn is_allowed_inline(finding: &Finding) -> bool {
    finding.suppression.as_ref().is_some_and(|suppression| suppression.kind == SuppressionKind::Inline)
}

#[cfg(test)]
mod tests {
    use penstock_common::Confidence;

    use super::*;
    use crate::analyze::secrets::{Engine, Reporter};
    use crate::checkout::Item;

    /// Random letters.
    fn noise(alphabet: &[u8], length: usize) -> String {
        let mut state = 0x5851_f42d_4c95_7f2d_u64;
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(alphabet[(state >> 33) as usize % alphabet.len()])
        };
        (0..length).map(|_| letter()).collect()
    }

    #[test]
    fn a_pair_is_new_if_the_change_wrote_either_half() {
        let id = noise(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16);
        let secret = noise(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 40);
        let text = format!("aws_access_key_id = AKIA{id}\n\naws_secret_access_key = {secret}\n\n");
        let engine = Engine::new([1; 16], 0, &[]);
        let mut reporter = Reporter::new(Confidence::Medium);
        reporter
            .scan(&mut engine.scanner(), &Item { path: b"keys", bytes: text.as_bytes(), lines: None, commit: None });
        for (line, change) in [(1, Change::New), (2, Change::Existing), (3, Change::New), (4, Change::Existing)] {
            let diff = format!("diff --git a/keys b/keys\n--- a/keys\n+++ b/keys\n@@ -{line},0 +{line} @@\n+x\n");
            let lines = ChangedLines::read(diff.as_bytes()).unwrap();
            let mut found = reporter.found.clone();
            compare_lines(&mut found, &lines);
            let changes: Vec<_> = found.iter().map(|one| one.finding.change).collect();
            assert_eq!(changes, [Some(change)], "line {line}");
        }
    }
}
