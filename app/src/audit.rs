//! What people did beside findings: one entry for each act, for whoever must be able to tell later.
//!
//! Owns the words of the audit log. People stand in it by account id only: their names may be erased without touching the log. No secret is ever in
//! an entry. The store chains the entries of a workspace (`track::chain`), in the transaction that does what they tell.

use penstock_common::{Masked, Severity, Uuid};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::track::{FindingId, Status};

/// Who acts on the machine that the app runs on, and has no account.
pub const OPERATOR: &str = "operator";
/// The program itself, when it applies a rule.
pub const PENSTOCK: &str = "penstock";

/// One act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in unix milliseconds.
    pub at: i64,
    /// The account that is responsible for it, or [`OPERATOR`], or [`PENSTOCK`].
    pub by: String,
    /// The API token through which it was done, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// The repository that it is about; absent for the whole workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Uuid>,
    /// What was done.
    #[serde(flatten)]
    pub act: Act,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// A setting was changed. Without a value, what holds above it holds.
    Set {
        /// Its name.
        name: String,
        /// What was set before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<Value>,
        /// What is set now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new: Option<Value>,
    },
    /// An API token was made.
    TokenMade {
        /// Its id, which opens nothing.
        token: Uuid,
        /// Its name.
        name: String,
        /// What it may do.
        scopes: String,
        /// From when on it holds no more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<i64>,
    },
    /// An API token was ended.
    TokenRevoked {
        /// Its id.
        token: Uuid,
        /// Its name.
        name: String,
    },
    /// An API token ended because its maker lost the right to make it.
    TokenLapsed {
        /// Its id.
        token: Uuid,
        /// Its name.
        name: String,
        /// The account of its maker.
        maker: String,
    },
    /// A hook was made; the one before it ended.
    HookMade {
        /// Its id, which proves nothing.
        hook: Uuid,
    },
    /// A hook was ended.
    HookRemoved {
        /// Its id.
        hook: Uuid,
    },
    /// A finding was judged.
    Judged(Judgement),
    /// A judgement waits for a second person.
    Proposed(Judgement),
    /// A second person agreed: the judgement holds.
    Approved {
        /// Who had proposed it.
        proposer: String,
        /// It.
        #[serde(flatten)]
        judgement: Judgement,
    },
    /// Another person rejected it.
    Rejected {
        /// Who had proposed it.
        proposer: String,
        /// It.
        #[serde(flatten)]
        judgement: Judgement,
    },
    /// The person who proposed it withdrew it.
    Withdrawn(Judgement),
    /// An admin lowered the worst severity that a finding ever had.
    SeverityLowered {
        /// Of which finding.
        finding: FindingId,
        /// The worst severity before.
        from: Severity,
        /// The worst severity now: that of an open occurrence.
        to: Severity,
        /// Why.
        reason: Masked,
    },
    /// Something that was not posted was tried again.
    DeliveryRetried {
        /// What: `status`, `comment`, `report`, `reply`.
        kind: String,
        /// For which commit or pull request.
        subject: String,
    },
}

/// What was said of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// Of which.
    pub finding: FindingId,
    /// Only in this pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<u64>,
    /// What.
    pub status: Status,
    /// Why.
    #[serde(default, skip_serializing_if = "Masked::is_empty")]
    pub reason: Masked,
    /// From when on it holds no more, in unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::workspace::restored;

    #[test]
    fn what_is_written_is_read_back() {
        let judgement = Judgement {
            finding: FindingId(7),
            pull_request: Some(3),
            status: Status::AcceptedRisk,
            reason: "known".into(),
            expires: Some(9),
        };
        let acts = [
            Act::Set { name: "waiting_minutes".to_owned(), old: None, new: Some(Value::from(5)) },
            Act::TokenMade {
                token: Uuid::from([1; 16]),
                name: "ci".to_owned(),
                scopes: "read".to_owned(),
                expires_at: Some(1),
            },
            Act::TokenRevoked { token: Uuid::from([1; 16]), name: "ci".to_owned() },
            Act::TokenLapsed { token: Uuid::from([1; 16]), name: "ci".to_owned(), maker: "a:1".to_owned() },
            Act::HookMade { hook: Uuid::from([2; 16]) },
            Act::HookRemoved { hook: Uuid::from([2; 16]) },
            Act::Judged(judgement.clone()),
            Act::Proposed(judgement.clone()),
            Act::Approved { proposer: "a".to_owned(), judgement: judgement.clone() },
            Act::Rejected { proposer: "a".to_owned(), judgement: judgement.clone() },
            Act::Withdrawn(judgement),
            Act::SeverityLowered {
                finding: FindingId(7),
                from: Severity::Critical,
                to: Severity::Low,
                reason: "the rule was wrong".into(),
            },
            Act::DeliveryRetried { kind: "status".to_owned(), subject: "1".to_owned() },
        ];
        for act in acts {
            let entry =
                Entry { at: 1, by: "a:1".to_owned(), through: None, repository: Some(Uuid::from([3; 16])), act };
            let text = serde_json::to_string(&entry).unwrap();
            assert_eq!(restored::<Entry>(&text), Some(entry), "{text}");
        }
    }
}
