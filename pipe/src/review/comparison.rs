//! What the findings of a head are, beside those of its base.
//!
//! Owns bringing together which files differ and which findings are the same. Findings of files that are the same on both sides existed
//! before, and nobody needs to look for them twice.

use std::collections::HashSet;
use std::sync::Arc;

use penstock_common::compare::{Candidate, match_findings};
use penstock_common::{Base, Category, Change, Comparison, Finding, Run, Skipped, SuppressionKind, time};

use super::base::{Against, Chosen};
use super::changed_lines::ChangedLines;
use super::leaked::{Commits, Leaked, leaked};
use super::owners::Owners;
use crate::analyze::secrets::Found;
use crate::checkout::{Differences, Progress, Standing};
use crate::scan::{self, Scan, Scanned, Target, group};

/// A head beside its base.
pub(super) struct Compared {
    head: Scanned,
    base: Base,
    fixed: Vec<Found>,
    leaked: Leaked,
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
        match &chosen.against {
            Against::Nothing => {}
            Against::Lines(lines) => {
                compare_lines(&mut head.found, lines);
                of_commits.unknown = Some(unknown_begin(&base));
            }
            Against::Files { differences, known } => {
                let files = differences.base.iter().map(|base| base.file.clone()).collect();
                let scanned = scan.look(&Target::Files(Arc::clone(&chosen.repository), files), progress)?;
                let standing: HashSet<u128> = head.found.iter().chain(&scanned.found).map(|one| one.identity).collect();
                // Without the whole base nobody can say what is new.
                let faults = scanned.tool.skipped.into_iter().filter(|skipped| !skipped.by_limit);
                let faults = faults.map(|fault| Skipped { subject: format!("base: {}", fault.subject), ..fault });
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
                    }
                    (None, _) => of_commits.unknown = Some(unknown_begin(&base)),
                    (_, None) => {}
                }
            }
        }
        Ok(Self { head, base, fixed, leaked: of_commits })
    }

    /// The run, and why what has leaked is not known.
    pub(super) fn into_run(mut self, now: i64, policy_changes: Vec<String>, owners: &Owners) -> (Run, Option<String>) {
        [&mut self.head.found, &mut self.leaked.found, &mut self.fixed].into_iter().for_each(|list| owners.tell(list));
        group(&mut [&mut self.head.found, &mut self.leaked.found, &mut self.fixed]);
        let findings = |list: Vec<Found>| list.into_iter().map(|one| one.finding).collect();
        let comparison = Comparison {
            base: self.base,
            fixed: findings(self.fixed),
            leaked: findings(self.leaked.found),
            policy_changes,
        };
        let run = Run { comparison: Some(comparison), ..run(self.head, now) };
        (run, self.leaked.unknown)
    }
}

/// The run of a head that is compared with nothing.
pub(super) fn run_of(mut head: Scanned, now: i64, owners: &Owners) -> Run {
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

fn unknown_begin(base: &Base) -> String {
    let why = "it is not known at which commit the change begins";
    if base.hint.is_empty() { why.to_owned() } else { format!("{why}; {}", base.hint) }
}

/// Says of each finding of the head whether the base has it. What the base had and the head has no more is handed back: of files that were not
/// read nothing is known, so nothing in them is gone.
fn compare(head: &mut Scanned, base: Vec<Found>, differences: &Differences) -> Vec<Found> {
    let unread: HashSet<&str> = head.tool.skipped.iter().map(|skipped| skipped.subject.as_str()).collect();
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
        let was_allowed = like.is_some_and(|like| is_allowed_inline(&base[like].finding));
        if like.is_none() || is_allowed_inline(finding) && !was_allowed {
            finding.change = Some(Change::New);
        }
    }
    let gone: HashSet<usize> = matching.gone.into_iter().collect();
    let base = base.into_iter().enumerate().filter(|(at, one)| {
        gone.contains(at) && one.finding.is_active() && !unread.contains(one.finding.location.path.as_str())
    });
    base.map(|(_, one)| one).collect()
}

/// The same where only the lines are known that the change wrote: what touches them is new.
fn compare_lines(head: &mut [Found], lines: &ChangedLines) {
    for one in head {
        let touched = lines.touches(&one.file, &one.finding.location);
        one.finding.change = Some(if touched { Change::New } else { Change::Existing });
    }
}

fn candidate(one: &Found, lone_file: bool) -> Candidate<'_> {
    let value = (one.finding.category == Category::Secret).then_some(one.identity);
    Candidate { finding: &one.finding, value, lone_file }
}

fn is_allowed_inline(finding: &Finding) -> bool {
    finding.suppression.as_ref().is_some_and(|suppression| suppression.kind == SuppressionKind::Inline)
}
