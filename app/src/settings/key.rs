//! What can be set.
//!
//! Owns the names, which never change once they are written, and of each its kind, bounds, usual value and where it may be set.

use super::Value;
use super::value::MissingScan;

/// Something that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Conditions that hold under every gate. Those of the workspace and of the repository add up: they only tighten.
    Gate,
    /// Fewest characters of a reason for dismissing something.
    ReasonCharacters,
    /// For how many days a risk may be accepted at most; 0 for ever.
    AcceptedRiskDays,
    /// Whether who opened a pull request may dismiss findings in it.
    AuthorMayDismiss,
    /// Whether dismissing something critical waits for a second person.
    SecondPerson,
    /// Whether the app posts the build status.
    PostStatus,
    /// Whether the app posts the comment on a pull request.
    PostComment,
    /// Whether the app posts the reports anew that a judgement changed, or that the pipe could not post.
    PostReport,
    /// For how many minutes a pull request waits for its scan.
    WaitingMinutes,
    /// When a scan that is missing is told.
    MissingScan,
    /// Whether what a pull request changes in its policy counts before it is merged.
    PolicyChanges,
    /// Whether identity tokens of steps are taken that are meant for nobody in particular.
    DefaultAudience,
    /// For how many days webhooks are kept after they were handled.
    WebhookDays,
    /// For how many days the delivery log is kept.
    DeliveryDays,
    /// For how many days runs are kept.
    RunDays,
}

/// What values a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no.
    Switch,
    /// A whole number.
    Number {
        /// At least.
        least: u32,
        /// At most.
        most: u32,
    },
    /// One of [`MissingScan`].
    MissingScan,
    /// Conditions of a gate.
    Gate,
}

impl Key {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 15] = [
        Self::Gate,
        Self::PolicyChanges,
        Self::ReasonCharacters,
        Self::AcceptedRiskDays,
        Self::AuthorMayDismiss,
        Self::SecondPerson,
        Self::PostStatus,
        Self::PostComment,
        Self::PostReport,
        Self::MissingScan,
        Self::WaitingMinutes,
        Self::DefaultAudience,
        Self::WebhookDays,
        Self::DeliveryDays,
        Self::RunDays,
    ];

    /// The stable name: of the row, of a field in a form, and in the audit log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::ReasonCharacters => "reason_characters",
            Self::AcceptedRiskDays => "accepted_risk_days",
            Self::AuthorMayDismiss => "author_may_dismiss",
            Self::SecondPerson => "second_person",
            Self::PostStatus => "post_status",
            Self::PostComment => "post_comment",
            Self::PostReport => "post_report",
            Self::WaitingMinutes => "waiting_minutes",
            Self::MissingScan => "missing_scan",
            Self::PolicyChanges => "policy_changes",
            Self::DefaultAudience => "default_audience",
            Self::WebhookDays => "webhook_days",
            Self::DeliveryDays => "delivery_days",
            Self::RunDays => "run_days",
        }
    }

    /// The key of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// What values it has.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Gate => Kind::Gate,
            Self::ReasonCharacters => Kind::Number { least: 1, most: 200 },
            Self::AcceptedRiskDays => Kind::Number { least: 0, most: 3650 },
            Self::WaitingMinutes => Kind::Number { least: 1, most: 1440 },
            Self::MissingScan => Kind::MissingScan,
            Self::WebhookDays => Kind::Number { least: 1, most: 30 },
            Self::DeliveryDays => Kind::Number { least: 7, most: 400 },
            Self::RunDays => Kind::Number { least: 30, most: 1200 },
            Self::AuthorMayDismiss
            | Self::SecondPerson
            | Self::PostStatus
            | Self::PostComment
            | Self::PostReport
            | Self::PolicyChanges
            | Self::DefaultAudience => Kind::Switch,
        }
    }

    /// What holds where nobody set it. Of [`Key::DefaultAudience`] that is what the operator says: [`super::Settings::with_operator`].
    pub fn usual(self) -> Value {
        match self {
            Self::Gate => Value::Gate(Vec::new()),
            Self::ReasonCharacters => Value::Number(3),
            Self::AcceptedRiskDays => Value::Number(365),
            Self::WaitingMinutes => Value::Number(30),
            Self::MissingScan => Value::MissingScan(MissingScan::Lately),
            Self::WebhookDays => Value::Number(7),
            Self::DeliveryDays => Value::Number(90),
            Self::RunDays => Value::Number(400),
            Self::PostStatus | Self::PostComment | Self::PostReport => Value::Switch(true),
            Self::AuthorMayDismiss | Self::SecondPerson | Self::PolicyChanges | Self::DefaultAudience => {
                Value::Switch(false)
            }
        }
    }

    /// How strict a value of a policy is: of what a workspace set, a repository may only be as strict or stricter. Absent for what is no policy, where
    /// a repository says what it wants, and for conditions of a gate, which add up.
    pub fn strictness(self, value: &Value) -> Option<u32> {
        match (self, value) {
            (Self::SecondPerson, Value::Switch(on)) => Some(u32::from(*on)),
            (Self::AuthorMayDismiss | Self::PolicyChanges, Value::Switch(on)) => Some(u32::from(!on)),
            (Self::ReasonCharacters, Value::Number(characters)) => Some(*characters),
            // 0 is for ever.
            (Self::AcceptedRiskDays, Value::Number(0)) => Some(0),
            (Self::AcceptedRiskDays, Value::Number(days)) => Some(u32::MAX - days),
            (Self::MissingScan, Value::MissingScan(one)) => Some(match one {
                MissingScan::Never => 0,
                MissingScan::Lately => 1,
                MissingScan::Always => 2,
            }),
            _ => None,
        }
    }

    /// Whether it is a policy: what a workspace set of it, a repository only tightens.
    pub fn is_policy(self) -> bool {
        self.strictness(&self.usual()).is_some()
    }

    /// Whether verdicts that were given may be others once it is set otherwise.
    pub const fn concerns_verdicts(self) -> bool {
        matches!(
            self,
            Self::Gate
                | Self::PolicyChanges
                | Self::ReasonCharacters
                | Self::AcceptedRiskDays
                | Self::AuthorMayDismiss
                | Self::SecondPerson
        )
    }

    /// Whether it is set for a whole workspace only.
    pub const fn is_of_workspace(self) -> bool {
        matches!(self, Self::DefaultAudience | Self::WebhookDays | Self::DeliveryDays | Self::RunDays)
    }
}
