//! Whether a dismissal counts.
//!
//! Owns the rules and the one decision by them. It is made with each verdict, not when a button is
//! pressed: by the worst severity ever reported for the finding, the author of the pull request,
//! and the current rules. So the same facts give the same verdict in any order.

use std::collections::BTreeSet;

use penstock_common::Severity;

use super::{Actor, BranchId, Finding, FindingId, Occurrence, PullRequestState, Repository, Status, Triage};

const DAY: i64 = 86_400_000;

/// The rules of a workspace for dismissals. A repository may be stricter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DismissalPolicy {
    /// Maximum days for which a risk may be accepted; 0 for no limit.
    pub accepted_risk_days: u32,
    /// Minimum characters of a reason for a dismissal.
    pub reason_characters: usize,
    /// Whether the author of a pull request may dismiss findings in it.
    pub author_may_dismiss: bool,
    /// Whether dismissing something critical needs a second person.
    pub second_person: bool,
}

/// Why a dismissal does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Objection {
    /// Its reason is too short.
    #[error("its reason must have at least {0} characters")]
    Reason(usize),
    /// It expires too late, or never.
    #[error("a risk is accepted for at most {0} days")]
    Expiry(u32),
    /// It expired.
    #[error("it expired")]
    Expired,
    /// Only the author of the pull request that introduces the finding dismissed it.
    #[error("it needs another person than the author of the pull request")]
    Author,
    /// Only one person dismissed it, and the finding was critical once.
    #[error("it needs a second person, because the finding was reported as critical")]
    SecondPerson,
}

impl Objection {
    /// Whether only another person is missing.
    pub const fn is_about_people(self) -> bool {
        matches!(self, Self::Author | Self::SecondPerson)
    }
}

/// The triage record of a finding in one place, with everything that supports it.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The record.
    pub triage: &'a Triage,
    /// In a pull request: the record that applies everywhere, if it has the same status.
    pub everywhere: Option<&'a Triage>,
    /// The pull request to which it is limited; `None` if it applies everywhere.
    pub within: Option<u64>,
}

impl Finding {
    /// Its triage record, in a pull request or everywhere.
    pub fn said_in(&self, pull_request: Option<u64>) -> Said<'_> {
        match pull_request.and_then(|number| self.proposed.get(&number).map(|triage| (number, triage))) {
            Some((number, triage)) => {
                let same = Some(&self.triage).filter(|everywhere| everywhere.status == triage.status);
                Said { triage, everywhere: same, within: Some(number) }
            }
            None => Said { triage: &self.triage, everywhere: None, within: None },
        }
    }
}

/// One person's word: who, when, until when.
struct Word<'a> {
    person: &'a str,
    at: i64,
    expires: Option<i64>,
}

impl Triage {
    /// Everyone who supports it.
    fn words(&self) -> impl Iterator<Item = Word<'_>> {
        let author = match (&self.account, &self.author) {
            (Some(account), _) | (None, Some(Actor::Account(account) | Actor::Token(account))) => account,
            _ => "",
        };
        let first = Word { person: author, at: self.at, expires: self.expires };
        let others = self.approvals.iter();
        std::iter::once(first).chain(others.map(|one| Word { person: &one.account, at: one.at, expires: one.expires }))
    }
}

impl DismissalPolicy {
    /// Why a dismissal does not count; nothing if it does. `worst` is the worst severity of the
    /// finding, and `authors` opened pull requests that bring it.
    pub fn objection(&self, said: Said<'_>, worst: Severity, authors: &[&str], now: i64) -> Option<Objection> {
        let triage = said.triage;
        if triage.reason.trim().chars().count() < self.reason_characters {
            return Some(Objection::Reason(self.reason_characters));
        }
        let is_limited = triage.status == Status::AcceptedRisk && self.accepted_risk_days > 0;
        let longest = |word: &Word<'_>| word.at.saturating_add(i64::from(self.accepted_risk_days) * DAY);
        let is_short = |word: &Word<'_>| !is_limited || word.expires.is_some_and(|expires| expires <= longest(word));
        let words = || triage.words().chain(said.everywhere.into_iter().flat_map(Triage::words));
        if !words().any(|word| is_short(&word)) {
            return Some(Objection::Expiry(self.accepted_risk_days));
        }
        let holds = |word: &Word<'_>| is_short(word) && word.expires.is_none_or(|expires| now < expires);
        let mut people: BTreeSet<&str> = words().filter(holds).map(|word| word.person).collect();
        if people.is_empty() {
            return Some(Objection::Expired);
        }
        if !self.author_may_dismiss {
            people.retain(|person| !authors.contains(person));
        }
        let needed = if self.second_person && worst == Severity::Critical { 2 } else { 1 };
        match people.len() {
            0 => Some(Objection::Author),
            number if number < needed => Some(Objection::SecondPerson),
            _ => None,
        }
    }
}

/// The authors of the pull requests that introduce a finding to a branch: open ones from it, and
/// the merged one that introduced it. The author of a pull request never decides within it;
/// everywhere, the author does if the destination has the finding already.
pub(super) fn authors<'r>(repository: &'r Repository, row: &Occurrence, said: Said<'_>) -> Vec<&'r str> {
    let open = repository.pull_requests().filter(|one| one.state == PullRequestState::Open);
    let brings = |destination: BranchId| {
        let there = repository.occurrence(destination, row.finding);
        !there.is_some_and(|there| repository.is_open(destination, row.finding) && !there.is_carried())
    };
    let of_branch = open
        .filter(|one| said.within == Some(one.number) || (one.source == Some(row.branch) && brings(one.destination)))
        .map(|one| one.author.as_str());
    of_branch.chain(introducers(repository, row.finding, row.introduced_by)).filter(|one| !one.is_empty()).collect()
}

/// The authors of the pull requests that introduced a finding to the main branch, and to the branch
/// where it was `introduced_by` one.
fn introducers(repository: &Repository, finding: FindingId, introduced_by: Option<u64>) -> impl Iterator<Item = &str> {
    let on_main = repository.main().and_then(|main| repository.occurrence(main, finding)?.introduced_by);
    introduced_by.into_iter().chain(on_main).filter_map(|number| Some(repository.pull_request(number)?.author.as_str()))
}

/// Whether a finding is dismissed on the main branch and the dismissal does not count by the
/// current rules: what lists and numbers show.
pub(super) fn pending(repository: &Repository, finding: &Finding, policy: &DismissalPolicy, now: i64) -> bool {
    if !finding.triage.status.dismisses() {
        return false;
    }
    let authors: Vec<&str> = introducers(repository, finding.id, None).collect();
    policy.objection(finding.said_in(None), finding.worst, &authors, now).is_some()
}
