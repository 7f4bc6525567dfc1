//! A verdict as pages tell it.
//!
//! Owns what is kept of a verdict beside the state that it was given on, so that a page tells what was decided and decides nothing itself. Lists are bounded:
//! what goes beyond is told as a number.

use penstock_common::gate::Evaluation;
use penstock_common::upload::answer::Counts;
use penstock_common::{Base, Masked, Notice, Severity, ToolRun};
use serde::{Deserialize, Serialize};

use super::{About, Verdict, critical_in, why_pending};
use crate::store::workspace::{State as Tracked, VerdictRow};
use crate::track::{FindingId, Objection};

/// Most findings of a kind that are listed.
pub const LISTED: usize = 500;

/// What is kept of a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// With what it was compared, and why.
    pub base: Base,
    /// The conditions with their values.
    pub evaluation: Evaluation,
    /// Findings in numbers.
    pub counts: Counts,
    /// New findings by severity, `info` first.
    pub new_by_severity: [u64; 5],
    /// New findings, the worst first, at most [`LISTED`].
    pub new: Vec<FindingId>,
    /// What the base has and the branch has no more, at most [`LISTED`].
    pub fixed: Vec<FindingId>,
    /// What the change alters in the policy by which it is judged.
    #[serde(default)]
    pub policy_changes: Vec<Masked>,
    /// Dismissals that do not count, and why, at most [`LISTED`].
    #[serde(default)]
    pub pending: Vec<(FindingId, Masked)>,
    /// What there is to know of how it came about.
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// The tools that ran.
    #[serde(default)]
    pub tools: Vec<Tool>,
}

/// A tool that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: Masked,
    /// Its version.
    pub version: Masked,
    /// Whether it came to its end.
    pub complete: bool,
}

impl From<&ToolRun> for Tool {
    fn from(run: &ToolRun) -> Self {
        Self { name: run.name.clone(), version: run.version.clone(), complete: run.complete }
    }
}

impl Kept {
    /// Of a verdict, by what these tools found.
    pub fn of(tracked: &Tracked, about: &About, verdict: &Verdict, tools: &[ToolRun], changes: &[Masked]) -> Self {
        let judgement = &verdict.judgement;
        let severity = |id: &FindingId| tracked.repository.occurrence(about.branch, *id).map(|row| row.severity);
        let mut new = judgement.new.clone();
        // The same among equals as in every list: oldest id first.
        new.sort_by_cached_key(|id| (std::cmp::Reverse(severity(id)), *id));
        let mut new_by_severity = [0; 5];
        for severity in new.iter().filter_map(severity) {
            new_by_severity[severity as usize] += 1;
        }
        new.truncate(LISTED);
        let pending = |(id, objection): &(FindingId, Objection)| {
            let finding = tracked.repository.finding(*id)?;
            Some((*id, why_pending(*objection, critical_in(&tracked.repository, finding))))
        };
        Self {
            base: judgement.base.clone(),
            evaluation: judgement.evaluation.clone(),
            counts: verdict.counts(),
            new_by_severity,
            new,
            fixed: judgement.fixed.iter().take(LISTED).copied().collect(),
            policy_changes: changes.to_vec(),
            pending: judgement.pending.iter().take(LISTED).filter_map(pending).collect(),
            notices: verdict.notices.clone(),
            tools: tools.iter().map(Tool::from).collect(),
        }
    }

    /// How many new findings have this severity.
    pub const fn new_of(&self, severity: Severity) -> u64 {
        self.new_by_severity[severity as usize]
    }

    /// As a row; `None` only if it has no JSON form, which it always has.
    pub fn row(&self, about: &About, now: i64) -> Option<VerdictRow> {
        let body = serde_json::to_string(self).ok()?;
        Some(VerdictRow { branch: about.branch, commit: about.commit, at: now, body })
    }
}
