//! Lowering the worst severity of a finding.
//!
//! Owns the change: it lowers to what is open now, never below, and is recorded in the audit log.
//! The caller checked that the person is an admin.

use penstock_common::{Masked, Severity, Uuid};

use super::{Refused, concerned};
use crate::audit::{Act, Entry};
use crate::settings::Settings;
use crate::state::State;
use crate::store;
use crate::store::workspace::Workspace;
use crate::track::{Actor, FindingId, TriageError, lower_worst, reconsider};

/// Lowers the worst severity that a finding ever had to the worst that is open now. `false` if
/// there is nothing to lower.
///
/// # Errors
/// When there is no such finding, without a reason, or when the database does not answer.
pub async fn lower_severity(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    finding: FindingId,
    reason: &Masked,
    by: &str,
) -> Result<bool, Refused> {
    if reason.trim().is_empty() {
        return Err(TriageError::NoReason("a lower severity").into());
    }
    let policy = Settings::of(workspace, Some(repository)).await?.policy();
    let open = workspace.worst_open(repository, finding).await?.unwrap_or(Severity::Info);
    let (mut lane, now) = (workspace.lane(repository).await, state.now());
    let tracked = &lane.state(&[]).await?.repository;
    let before = tracked.finding(finding).ok_or(TriageError::UnknownFinding(finding))?.worst;
    let mut changes = lower_worst(tracked, finding, open, Actor::Account(by.to_owned()), reason, now);
    if changes.is_empty() {
        return Ok(false);
    }
    lane.accept(&changes);
    let tracked = &lane.loaded().ok_or(store::Error::Conflict)?.repository;
    let more = reconsider(tracked, Some(&[finding]), &policy, now);
    let branches = workspace.branches_with(repository, finding).await?;
    let jobs = concerned(tracked, repository, None, &branches);
    lane.accept(&more);
    changes.extend(more);
    let act = Act::SeverityLowered { finding, from: before, to: open, reason: reason.clone() };
    let mut write = workspace.write().await?;
    for job in &jobs {
        write.job(job, now, now).await?;
    }
    write.audit(&Entry { at: now, by: by.to_owned(), through: None, repository: Some(repository), act }).await?;
    let log = write.changes(&lane, &changes, &Default::default(), now).await?;
    write.commit_in(&mut lane, log).await?;
    Ok(true)
}
