//! What a workspace wants of judgements.
//!
//! Owns the rules and what is told when one is broken. Pure: what is set is read in `settings`.

use crate::track::{Decision, Status};

const DAY: i64 = 86_400_000;

/// The rules. A repository may be stricter than its workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// For how many days a risk may be accepted at most; 0 for ever.
    pub accepted_risk_days: u32,
    /// Fewest characters of a reason for dismissing something.
    pub reason_characters: usize,
    /// Whether who opened a pull request may dismiss findings in it.
    pub author_may_dismiss: bool,
    /// Whether dismissing something critical waits for a second person.
    pub second_person: bool,
}

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// It says too little.
    #[error("the reason must have at least {0} characters")]
    Reason(usize),
    /// It would hold too long, or for ever.
    #[error("a risk is accepted for at most {0} days: say until when it holds")]
    Expiry(u32),
    /// It is his own pull request.
    #[error("who opened a pull request does not dismiss its findings: somebody else has to")]
    OwnPullRequest,
    /// It is his own proposal.
    #[error("who proposed it does not decide on it: somebody else has to")]
    SecondPerson,
    /// It is somebody else's proposal.
    #[error("only who proposed it takes it back")]
    NotTheProposer,
}

impl Policy {
    /// Whether a decision keeps the rules. `account` stands behind it; `author` opened the pull request that it is about.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, decision: &Decision, account: &str, author: Option<&str>) -> Result<(), Violation> {
        if !decision.status.dismisses() {
            return Ok(());
        }
        if decision.reason.trim().chars().count() < self.reason_characters {
            return Err(Violation::Reason(self.reason_characters));
        }
        let longest = decision.now.saturating_add(i64::from(self.accepted_risk_days) * DAY);
        let too_long = decision.expires.is_none_or(|expires| expires > longest);
        if decision.status == Status::AcceptedRisk && self.accepted_risk_days > 0 && too_long {
            return Err(Violation::Expiry(self.accepted_risk_days));
        }
        if !self.author_may_dismiss && author == Some(account) {
            return Err(Violation::OwnPullRequest);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::Actor;

    fn decision(status: Status, reason: &str, expires: Option<i64>) -> Decision {
        let author = Actor::Account("me".to_owned());
        Decision { status, reason: reason.to_owned(), author, expires, now: 0 }
    }

    #[test]
    fn dismissing_has_rules_and_confirming_has_none() {
        let policy =
            Policy { accepted_risk_days: 365, reason_characters: 3, author_may_dismiss: false, second_person: false };
        let check = |status, reason, expires, author| policy.check(&decision(status, reason, expires), "me", author);
        assert_eq!(check(Status::Confirmed, "", None, Some("me")), Ok(()));
        assert_eq!(check(Status::FalsePositive, " x ", None, None), Err(Violation::Reason(3)));
        assert_eq!(check(Status::FalsePositive, "a test", None, None), Ok(()));
        assert_eq!(check(Status::FalsePositive, "a test", None, Some("me")), Err(Violation::OwnPullRequest));
        assert_eq!(check(Status::FalsePositive, "a test", None, Some("you")), Ok(()));
        assert_eq!(check(Status::AcceptedRisk, "known", None, None), Err(Violation::Expiry(365)));
        assert_eq!(check(Status::AcceptedRisk, "known", Some(366 * DAY), None), Err(Violation::Expiry(365)));
        assert_eq!(check(Status::AcceptedRisk, "known", Some(365 * DAY), None), Ok(()));
        let free = Policy { accepted_risk_days: 0, author_may_dismiss: true, ..policy };
        assert_eq!(free.check(&decision(Status::AcceptedRisk, "known", None), "me", Some("me")), Ok(()));
    }
}
