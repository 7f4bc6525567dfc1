//! Triage decisions that are refused.
//!
//! Owns the refusals that no approval can lift: a reason that is too short, an expiry that is too
//! late. Whether a dismissal counts is decided with each verdict, in `track`. Pure: settings are
//! read in `settings`.

use crate::track::{Decision, DismissalPolicy, Status};

const DAY: i64 = 86_400_000;

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

/// Checks a decision against the policy.
///
/// # Errors
/// The first rule that it breaks.
pub(super) fn check(policy: &DismissalPolicy, decision: &Decision) -> Result<(), Violation> {
    if !decision.status.dismisses() {
        return Ok(());
    }
    if decision.reason.trim().chars().count() < policy.reason_characters {
        return Err(Violation::Reason(policy.reason_characters));
    }
    let longest = decision.now.saturating_add(i64::from(policy.accepted_risk_days) * DAY);
    let too_long = decision.expires.is_none_or(|expires| expires > longest);
    if decision.status == Status::AcceptedRisk && policy.accepted_risk_days > 0 && too_long {
        return Err(Violation::Expiry(policy.accepted_risk_days));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use penstock::analyze::secrets::mask;

    use super::*;
    use crate::track::Actor;

    fn decision(status: Status, reason: &str, expires: Option<i64>) -> Decision {
        let author = Actor::Account("me".to_owned());
        Decision { status, reason: mask(reason), author, account: "me".to_owned(), expires, now: 0 }
    }

    #[test]
    fn dismissing_has_rules_and_confirming_has_none() {
        let policy = DismissalPolicy { accepted_risk_days: 365, reason_characters: 3, ..DismissalPolicy::default() };
        let check = |status, reason, expires| check(&policy, &decision(status, reason, expires));
        assert_eq!(check(Status::Confirmed, "", None), Ok(()));
        assert_eq!(check(Status::FalsePositive, " x ", None), Err(Violation::Reason(3)));
        assert_eq!(check(Status::FalsePositive, "a test", None), Ok(()));
        assert_eq!(check(Status::AcceptedRisk, "known", None), Err(Violation::Expiry(365)));
        assert_eq!(check(Status::AcceptedRisk, "known", Some(366 * DAY)), Err(Violation::Expiry(365)));
        assert_eq!(check(Status::AcceptedRisk, "known", Some(365 * DAY)), Ok(()));
    }
}
