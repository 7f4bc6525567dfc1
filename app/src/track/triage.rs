//! What people say of a finding.
//!
//! Owns judgements and their end. They are kept apart from what machines say: no run changes a judgement, and no judgement closes or opens
//! anything. Who may judge, and how long a judgement may hold, is decided before this.

use penstock_common::{Masked, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dismissal::pending;
use super::{Actor, Changes, DismissalPolicy, Event, Finding, FindingId, Kind, PullRequestState, Repository};

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
    pub reason: Masked,
    /// By whom; nobody for what needs triage.
    pub author: Option<Actor>,
    /// When, in unix milliseconds.
    pub at: i64,
    /// From when on it holds no more, in unix milliseconds.
    pub expires: Option<i64>,
    /// The responsible account. Absent if it is the author, and in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// People who agreed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// It is a dismissal that did not count on the main branch when that was last decided. Lists
    /// and numbers show it; no verdict asks it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
}

/// Another person who agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub account: String,
    /// When, in unix milliseconds.
    pub at: i64,
    /// Until when, in unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
}

impl Triage {
    /// Maximum number of people in one record. Two are ever needed, and the pull request's author
    /// may be one more.
    const APPROVALS_MAX: usize = 16;

    /// What lists and numbers show: a dismissal that does not count is none.
    pub fn shown(&self) -> Status {
        if self.pending { Status::NeedsTriage } else { self.status }
    }

    /// The responsible account; `None` for what needs triage.
    pub fn person(&self) -> Option<&str> {
        match (&self.account, &self.author) {
            (Some(account), _) | (None, Some(Actor::Account(account))) => Some(account),
            _ => None,
        }
    }

    /// When the last of all decisions expires; `None` if one never does.
    pub fn until(&self) -> Option<i64> {
        let all = std::iter::once(self.expires).chain(self.approvals.iter().map(|one| one.expires));
        all.reduce(|one, other| one.zip(other).map(|(one, other)| one.max(other))).flatten()
    }

    /// Takes over the people of an older record with the same status.
    pub(super) fn join(&mut self, older: Self) {
        if older.status != self.status || !self.status.dismisses() {
            return;
        }
        let person = older.person().map(|account| Approval {
            account: account.to_owned(),
            at: older.at,
            expires: older.expires,
        });
        for one in person.into_iter().chain(older.approvals) {
            let is_known =
                self.person() == Some(&*one.account) || self.approvals.iter().any(|known| known.account == one.account);
            if !is_known && self.approvals.len() < Self::APPROVALS_MAX {
                self.approvals.push(one);
            }
        }
    }

    /// With another decision; `None` if it changes nothing. A person with the same decision as
    /// another joins the record; a program never does.
    fn with(&self, decision: &Decision) -> Option<Self> {
        let new = Self {
            status: decision.status,
            reason: decision.reason.clone(),
            author: Some(decision.author.clone()),
            at: decision.now,
            expires: decision.expires,
            account: Some(decision.account.clone()),
            approvals: Vec::new(),
            pending: false,
        };
        if self.status != decision.status || !decision.status.dismisses() {
            return (Self { at: self.at, account: self.account.clone(), ..new.clone() } != *self).then_some(new);
        }
        if self.person() == Some(&*decision.account) {
            let own = Self { approvals: self.approvals.clone(), pending: self.pending, ..new };
            return (Self { at: self.at, account: self.account.clone(), ..own.clone() } != *self).then_some(own);
        }
        if !matches!(decision.author, Actor::Account(_)) {
            let is_longer = match (decision.expires, self.until()) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(new), Some(old)) => new > old,
            };
            return is_longer.then_some(new);
        }
        let mut joined = self.clone();
        let word = Approval { account: decision.account.clone(), at: decision.now, expires: decision.expires };
        match joined.approvals.iter().position(|one| one.account == word.account) {
            Some(at) if joined.approvals[at].expires == word.expires => return None,
            Some(at) => joined.approvals[at] = word,
            None if joined.approvals.len() >= Self::APPROVALS_MAX => return None,
            None => joined.approvals.push(word),
        }
        Some(joined)
    }
}

/// A judgement as it is made.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What is said.
    pub status: Status,
    /// Why; needed to dismiss.
    pub reason: Masked,
    /// By whom.
    pub author: Actor,
    /// The responsible account: of a token the one that made it.
    pub account: String,
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
    let here = match pull_request {
        Some(number) => row.proposed.get(&number).cloned(),
        None => Some(row.triage.clone()),
    };
    let Some(new) = here.unwrap_or_default().with(decision) else { return Ok(Changes::default()) };
    let kind = if new.approvals.len() > old.approvals.len() { Kind::Approved } else { Kind::Triaged };
    let mut event = Event::new(decision.now, kind, decision.author.clone());
    event.finding = Some(finding);
    event.pull_request = pull_request;
    if kind == Kind::Triaged {
        event.reason.clone_from(&decision.reason);
    }
    event.old = old.status.name().into();
    event.new = new.status.name().into();
    match pull_request {
        Some(number) => {
            row.proposed.insert(number, new);
        }
        None => row.triage = new,
    }
    Ok(Changes { findings: vec![row], events: vec![event], ..Changes::default() })
}

/// Retracts a decision, everywhere or in a pull request.
pub fn retract(repository: &Repository, finding: FindingId, pull_request: Option<u64>, by: Actor, now: i64) -> Changes {
    let Some(mut row) = repository.finding(finding).cloned() else { return Changes::default() };
    let old = match pull_request {
        Some(number) => row.proposed.remove(&number),
        None => Some(std::mem::replace(&mut row.triage, Triage { at: now, ..Triage::default() })),
    };
    let Some(old) = old.filter(|old| old.status != Status::NeedsTriage) else { return Changes::default() };
    let mut event = Event::new(now, Kind::Withdrawn, by);
    (event.finding, event.pull_request) = (Some(finding), pull_request);
    event.old = old.status.name().into();
    Changes { findings: vec![row], events: vec![event], ..Changes::default() }
}

/// Lowers the worst severity that a finding ever had to the worst that is open now on the branches
/// that are loaded, as an admin decides. Nothing if it is not worse than that.
pub fn lower_worst(
    repository: &Repository,
    finding: FindingId,
    to: Severity,
    by: Actor,
    reason: &Masked,
    now: i64,
) -> Changes {
    let Some(row) = repository.finding(finding).filter(|row| row.worst > to) else { return Changes::default() };
    let mut event = Event::new(now, Kind::SeverityLowered, by);
    event.finding = Some(finding);
    event.reason.clone_from(reason);
    (event.old, event.new) = (row.worst.name().into(), to.name().into());
    let row = Finding { worst: to, critical_in: None, ..row.clone() };
    Changes { findings: vec![row], events: vec![event], ..Changes::default() }
}

/// Decides again of dismissals whether lists and numbers show them as such: of `these` findings, or
/// of all.
pub fn reconsider(repository: &Repository, these: Option<&[FindingId]>, policy: &DismissalPolicy, now: i64) -> Changes {
    let mut changes = Changes::default();
    let mut look = |finding: &Finding| {
        let pending = pending(repository, finding, policy, now);
        if pending == finding.triage.pending {
            return;
        }
        let mut event = Event::new(now, Kind::Reconsidered, Actor::Clock);
        event.finding = Some(finding.id);
        event.new = if pending { "waits" } else { "counts" }.into();
        let mut row = finding.clone();
        row.triage.pending = pending;
        changes.events.push(event);
        changes.findings.push(row);
    };
    match these {
        Some(these) => these.iter().filter_map(|id| repository.finding(*id)).for_each(&mut look),
        None => {
            let mut all: Vec<&Finding> = repository.findings().filter(|row| row.triage.status.dismisses()).collect();
            all.sort_by_key(|row| row.id);
            all.into_iter().for_each(&mut look);
        }
    }
    changes
}

/// Ends judgements whose time is over.
pub fn expire(repository: &Repository, now: i64) -> Changes {
    let is_over = |triage: &Triage| triage.until().is_some_and(|expires| expires <= now);
    let over = |finding: &&Finding| is_over(&finding.triage) || finding.proposed.values().any(is_over);
    let mut rows: Vec<Finding> = repository.findings().filter(over).cloned().collect();
    rows.sort_by_key(|row| row.id);
    let mut changes = Changes::default();
    for mut row in rows {
        let mut tell = |old: &Triage, pull_request| {
            let mut event = Event::new(now, Kind::Expired, Actor::Clock);
            event.finding = Some(row.id);
            event.pull_request = pull_request;
            event.old = old.status.name().into();
            event.new = Status::NeedsTriage.name().into();
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
