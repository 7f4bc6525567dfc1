//! What people say of a finding.
//!
//! Owns judgements and their end. They are kept apart from what machines say: no run changes a judgement, and no judgement closes or opens
//! anything. Who may judge, and how long a judgement may hold, is decided before this.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Actor, Changes, Event, Finding, FindingId, Kind, PullRequestState, Repository};

/// What somebody says of a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody judged it.
    #[default]
    NeedsTriage,
    /// It is real.
    Confirmed,
    /// It is not what the tool says.
    FalsePositive,
    /// It is real, and we live with it.
    AcceptedRisk,
    /// It is real, and nothing will be done.
    WontFix,
    /// It is there for tests only.
    UsedInTests,
}

impl Status {
    /// Whether the finding does not count any more.
    pub const fn dismisses(self) -> bool {
        matches!(self, Self::FalsePositive | Self::AcceptedRisk | Self::WontFix | Self::UsedInTests)
    }

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NeedsTriage => "needs_triage",
            Self::Confirmed => "confirmed",
            Self::FalsePositive => "false_positive",
            Self::AcceptedRisk => "accepted_risk",
            Self::WontFix => "wont_fix",
            Self::UsedInTests => "used_in_tests",
        }
    }
}

/// A judgement as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triage {
    /// What is said.
    pub status: Status,
    /// Why.
    pub reason: String,
    /// By whom; nobody for what needs triage.
    pub author: Option<Actor>,
    /// When, in unix milliseconds.
    pub at: i64,
    /// From when on it holds no more, in unix milliseconds.
    pub expires: Option<i64>,
}

/// A judgement as it is made.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What is said.
    pub status: Status,
    /// Why; needed to dismiss.
    pub reason: String,
    /// By whom.
    pub author: Actor,
    /// From when on it holds no more, in unix milliseconds.
    pub expires: Option<i64>,
    /// The moment, in unix milliseconds.
    pub now: i64,
}

/// Why a judgement is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TriageError {
    /// There is no such finding.
    #[error("the repository has no finding {0}")]
    UnknownFinding(FindingId),
    /// A finding is dismissed without a word.
    #[error("`{0}` needs a reason")]
    NoReason(&'static str),
    /// It would hold no more.
    #[error("the judgement would be over before it was made")]
    Expired,
    /// There is no such pull request, or it is over.
    #[error("pull request {0} is not open")]
    PullRequestNotOpen(u64),
}

/// Judges a finding: everywhere, or only in a pull request until that is merged.
///
/// # Errors
///
/// If there is no such finding or pull request, or the decision lacks something.
pub fn triage(
    repository: &Repository,
    finding: FindingId,
    pull_request: Option<u64>,
    decision: &Decision,
) -> Result<Changes, TriageError> {
    let mut row = repository.finding(finding).ok_or(TriageError::UnknownFinding(finding))?.clone();
    if decision.status.dismisses() && decision.reason.trim().is_empty() {
        return Err(TriageError::NoReason(decision.status.name()));
    }
    if decision.expires.is_some_and(|expires| expires <= decision.now) {
        return Err(TriageError::Expired);
    }
    if let Some(number) = pull_request {
        let open = repository.pull_request(number).is_some_and(|one| one.state == PullRequestState::Open);
        if !open {
            return Err(TriageError::PullRequestNotOpen(number));
        }
    }
    let old = row.triage_in(pull_request).clone();
    let new = Triage {
        status: decision.status,
        reason: decision.reason.clone(),
        author: Some(decision.author.clone()),
        at: decision.now,
        expires: decision.expires,
    };
    let is_said_already = Triage { at: old.at, ..new.clone() } == old;
    let holds_here = pull_request.is_none_or(|number| row.proposed.contains_key(&number));
    if is_said_already && holds_here {
        return Ok(Changes::default());
    }
    let mut event = Event::new(decision.now, Kind::Triaged, decision.author.clone());
    event.finding = Some(finding);
    event.pull_request = pull_request;
    event.reason.clone_from(&decision.reason);
    event.old = old.status.name().to_owned();
    event.new = new.status.name().to_owned();
    match pull_request {
        Some(number) => {
            row.proposed.insert(number, new);
        }
        None => row.triage = new,
    }
    Ok(Changes { findings: vec![row], events: vec![event], ..Changes::default() })
}

/// Ends judgements whose time is over.
pub fn expire(repository: &Repository, now: i64) -> Changes {
    let is_over = |triage: &Triage| triage.expires.is_some_and(|expires| expires <= now);
    let over = |finding: &&Finding| is_over(&finding.triage) || finding.proposed.values().any(is_over);
    let mut rows: Vec<Finding> = repository.findings().filter(over).cloned().collect();
    rows.sort_by_key(|row| row.id);
    let mut changes = Changes::default();
    for mut row in rows {
        let mut tell = |old: &Triage, pull_request| {
            let mut event = Event::new(now, Kind::Expired, Actor::Clock);
            event.finding = Some(row.id);
            event.pull_request = pull_request;
            event.old = old.status.name().to_owned();
            event.new = Status::NeedsTriage.name().to_owned();
            changes.events.push(event);
        };
        if is_over(&row.triage) {
            tell(&row.triage, None);
            row.triage = Triage { at: now, ..Triage::default() };
        }
        row.proposed.retain(|number, triage| {
            let over = is_over(triage);
            if over {
                tell(triage, Some(*number));
            }
            !over
        });
        changes.findings.push(row);
    }
    changes
}
