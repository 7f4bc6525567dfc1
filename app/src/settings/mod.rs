//! What people set, for a workspace and for one repository.
//!
//! Owns the one place where settings are read and set: which there are (`key`), what they may be (`value`, `gate`), what holds and where that comes
//! from; and beside them what an admin makes: API tokens (`tokens`) and hooks (`hooks`). Whatever is set is written with its entry in the audit
//! log, and with the wish to judge anew if verdicts depend on it. Of what is a policy, a repository only tightens what its workspace set. Who may set
//! something was asked before.

pub mod connection;
mod gate;
pub mod hooks;
mod key;
#[cfg(test)]
mod tests;
pub mod tokens;
mod value;

use penstock_common::Uuid;
use penstock_common::gate::Condition;

pub use gate::WrongLine;
pub use key::{Key, Kind};
pub use value::{MissingScan, Value, Wrong};

use crate::audit::{Act, Entry};
use crate::jobs::kind;
use crate::judgement::Policy;
use crate::store;
use crate::store::system::Subject;
use crate::store::workspace::{Setting, Workspace};

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The workspace.
    Workspace,
    /// The repository itself.
    Repository,
}

/// One setting as it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective {
    /// Which.
    pub key: Key,
    /// What holds. Of the gate, all conditions of both levels.
    pub value: Value,
    /// The lowest level at which something is set that holds.
    pub source: Source,
    /// What holds above the level that was asked for: what would hold if nothing was set there.
    pub above: Value,
    /// What is set at the level that was asked for, by whom (an account id) and when. It does not hold if it is looser than `floor`: then the
    /// workspace was tightened after it.
    pub own: Option<(Value, String, i64)>,
    /// What the workspace set, where a repository may only be stricter.
    pub floor: Option<Value>,
}

impl Effective {
    /// Whether a value may be set at the level that was asked for.
    ///
    /// # Errors
    /// When it is looser than what the workspace set.
    pub fn admits(&self, value: &Value) -> Result<(), Wrong> {
        match &self.floor {
            Some(floor) if self.key.strictness(value) < self.key.strictness(floor) => Err(Wrong::Looser),
            _ => Ok(()),
        }
    }
}

/// All settings of a workspace or repository.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    all: Vec<Effective>,
}

/// For how long things are kept, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Webhooks, after they were handled.
    pub webhooks: i64,
    /// The delivery log.
    pub deliveries: i64,
    /// Runs.
    pub runs: i64,
}

/// Why something is not set.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The value.
    #[error("{}: {why}", .key.name())]
    Wrong {
        /// Of which setting.
        key: Key,
        /// What is wrong.
        why: Wrong,
    },
}

impl Settings {
    /// What holds for a repository, or for the workspace.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(workspace: &Workspace, repository: Option<Uuid>) -> store::Result<Self> {
        let mut settings = Self::usual();
        settings.layer(Source::Workspace, workspace.settings(None).await?);
        if repository.is_some() {
            settings.layer(Source::Repository, workspace.settings(repository).await?);
        }
        Ok(settings)
    }

    /// What holds where nobody set anything.
    fn usual() -> Self {
        let usual = |key: Key| {
            let (value, above) = (key.usual(), key.usual());
            Effective { key, value, source: Source::Default, above, own: None, floor: None }
        };
        Self { all: Key::ALL.into_iter().map(usual).collect() }
    }

    /// Lays what is set at one level over what holds above it.
    fn layer(&mut self, source: Source, set: Vec<Setting>) {
        for one in &mut self.all {
            (one.above, one.own) = (one.value.clone(), None);
            // What nobody set is no policy: there a repository says what it wants.
            let is_floor = source == Source::Repository && one.source == Source::Workspace && one.key.is_policy();
            one.floor = is_floor.then(|| one.value.clone());
            let Some(row) = set.iter().find(|row| row.name == one.key.name()) else { continue };
            if source == Source::Repository && one.key.is_of_workspace() {
                continue;
            }
            let Some(value) = Value::of_json(one.key, &row.value) else {
                tracing::warn!(
                    name = one.key.name(),
                    "a setting has a value that this version does not know: it counts as not set"
                );
                continue;
            };
            one.own = Some((value.clone(), row.updated_by.clone(), row.updated_at));
            if one.admits(&value).is_err() {
                continue;
            }
            one.source = source;
            one.value = match (&one.above, value) {
                (Value::Gate(above), Value::Gate(own)) => Value::Gate([above.as_slice(), &own].concat()),
                (_, value) => value,
            };
        }
    }

    /// With what the operator set for everybody, where nobody set otherwise.
    #[must_use]
    pub fn with_operator(mut self, accepts_default_audience: bool) -> Self {
        let usual = Value::Switch(accepts_default_audience);
        for one in self.all.iter_mut().filter(|one| one.key == Key::DefaultAudience) {
            if one.source == Source::Default {
                one.value = usual.clone();
            }
            // It is never set in a repository, so what holds above is the operator's or the workspace's.
            one.above = if one.own.is_some() { usual.clone() } else { one.value.clone() };
        }
        self
    }

    /// All of them, in the order of [`Key::ALL`].
    pub fn all(&self) -> &[Effective] {
        &self.all
    }

    fn value(&self, key: Key) -> Option<&Value> {
        self.all.iter().find(|one| one.key == key).map(|one| &one.value)
    }

    // That a key has a value of its kind was checked when it was read.

    fn number(&self, key: Key) -> u32 {
        match self.value(key) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    fn switch(&self, key: Key) -> bool {
        matches!(self.value(key), Some(Value::Switch(true)))
    }

    /// The conditions that hold under every gate.
    pub fn floor(&self) -> &[Condition] {
        match self.value(Key::Gate) {
            Some(Value::Gate(conditions)) => conditions,
            _ => &[],
        }
    }

    /// The rules for judgements.
    pub fn policy(&self) -> Policy {
        Policy {
            accepted_risk_days: self.number(Key::AcceptedRiskDays),
            reason_characters: self.number(Key::ReasonCharacters) as usize,
            author_may_dismiss: self.switch(Key::AuthorMayDismiss),
            second_person: self.switch(Key::SecondPerson),
        }
    }

    /// Whether the app posts the build status.
    pub fn posts_status(&self) -> bool {
        self.switch(Key::PostStatus)
    }

    /// Whether it posts the comment.
    pub fn posts_comment(&self) -> bool {
        self.switch(Key::PostComment)
    }

    /// Whether it posts reports anew.
    pub fn posts_report(&self) -> bool {
        self.switch(Key::PostReport)
    }

    /// How long a pull request waits for its scan, in milliseconds.
    pub fn wait(&self) -> i64 {
        i64::from(self.number(Key::WaitingMinutes)) * MINUTE
    }

    /// When a missing scan is told.
    pub fn missing_scan(&self) -> MissingScan {
        match self.value(Key::MissingScan) {
            Some(Value::MissingScan(one)) => *one,
            _ => MissingScan::Lately,
        }
    }

    /// Whether what a pull request changes in its policy counts before it is merged.
    pub fn policy_changes_count(&self) -> bool {
        self.switch(Key::PolicyChanges)
    }

    /// Whether identity tokens are taken that are meant for nobody in particular. Ask it after [`Settings::with_operator`].
    pub fn accepts_default_audience(&self) -> bool {
        self.switch(Key::DefaultAudience)
    }

    /// For how long things are kept.
    pub fn retention(&self) -> Retention {
        let days = |key| i64::from(self.number(key)) * DAY;
        Retention { webhooks: days(Key::WebhookDays), deliveries: days(Key::DeliveryDays), runs: days(Key::RunDays) }
    }
}

/// Sets some settings of a repository, or of the workspace; without a value, what holds above holds. All of them or none, each that changes with its
/// entry in the audit log; and if verdicts depend on one, they are judged anew. `by` is an account id.
///
/// # Errors
/// When a value is none of its key or looser than the workspace's, or the database does not answer.
pub async fn set(
    workspace: &Workspace,
    repository: Option<Uuid>,
    changes: &[(Key, Option<Value>)],
    by: &str,
    now: i64,
) -> Result<(), Refused> {
    let holds = Settings::of(workspace, repository).await?;
    for (key, value) in changes {
        let wrong = |why| Refused::Wrong { key: *key, why };
        if repository.is_some() && key.is_of_workspace() {
            return Err(wrong(Wrong::OfWorkspace));
        }
        value.iter().try_for_each(|value| value.check(*key)).map_err(wrong)?;
        if let (Some(value), Some(one)) = (value, holds.all.iter().find(|one| one.key == *key)) {
            one.admits(value).map_err(wrong)?;
        }
    }
    let mut write = workspace.write().await?;
    let mut judges_anew = false;
    for (key, value) in changes {
        let new = value.as_ref().map(serde_json::to_string).transpose();
        let new = new.map_err(|_| store::Error::Corrupt("a value that has no JSON form"))?;
        let old = write.setting(repository, key.name(), new.as_deref(), by, now).await?;
        if old == new {
            continue;
        }
        judges_anew |= key.concerns_verdicts();
        let read = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        let act = Act::Set { name: key.name().to_owned(), old: read(old), new: read(new) };
        write.audit(&Entry { at: now, by: by.to_owned(), through: None, repository, act }).await?;
    }
    if judges_anew {
        write.job(&Subject { repository, kind: kind::JUDGE_ANEW, subject: String::new() }, now, now).await?;
    }
    Ok(write.commit().await?)
}
