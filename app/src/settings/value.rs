//! Values of settings.
//!
//! Owns their two forms: JSON, as it is kept, and text, as it comes from a form. Both are checked against the key's bounds here.

use penstock_common::gate::Condition;
use serde::{Deserialize, Serialize};

use super::gate::{self, WrongLine};
use super::key::{Key, Kind};

/// What is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Switch(bool),
    /// A number.
    Number(u32),
    /// When a missing scan is told.
    MissingScan(MissingScan),
    /// Conditions, kept as the lines that people wrote.
    Gate(#[serde(serialize_with = "gate::write")] Vec<Condition>),
}

/// When a scan that is missing is told: by a status that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingScan {
    /// Never.
    Never,
    /// Where a run came in the last 30 days.
    Lately,
    /// Always.
    Always,
}

impl MissingScan {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Never, Self::Lately, Self::Always];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Lately => "lately",
            Self::Always => "always",
        }
    }
}

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// No number, or out of bounds.
    #[error("this must be a whole number from {least} to {most}")]
    Number {
        /// At least.
        least: u32,
        /// At most.
        most: u32,
    },
    /// Neither yes nor no.
    #[error("this must be `true` or `false`")]
    Switch,
    /// Something else.
    #[error("this must be `never`, `lately` or `always`")]
    MissingScan,
    /// No condition.
    #[error(transparent)]
    Gate(#[from] WrongLine),
    /// It is set for the whole workspace.
    #[error("this is set for the whole workspace, not for one repository")]
    OfWorkspace,
    /// It is looser than what the workspace set.
    #[error("the workspace is stricter: a repository may tighten this, not loosen it")]
    Looser,
}

impl Value {
    /// From a form. What is empty is not set.
    ///
    /// # Errors
    /// When it is no value of this key.
    pub fn of_form(key: Key, text: &str) -> Result<Option<Self>, Wrong> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let value = match key.kind() {
            Kind::Switch => Self::Switch(text.parse().map_err(|_| Wrong::Switch)?),
            Kind::Number { least, most } => Self::Number(text.parse().map_err(|_| Wrong::Number { least, most })?),
            Kind::MissingScan => {
                let one = MissingScan::ALL.into_iter().find(|one| one.name() == text);
                Self::MissingScan(one.ok_or(Wrong::MissingScan)?)
            }
            Kind::Gate => Self::Gate(gate::read(text)?),
        };
        value.check(key)?;
        Ok(Some(value))
    }

    /// As it stands in a form.
    pub fn form(&self) -> String {
        match self {
            Self::Switch(on) => on.to_string(),
            Self::Number(number) => number.to_string(),
            Self::MissingScan(one) => one.name().to_owned(),
            Self::Gate(conditions) => gate::lines(conditions),
        }
    }

    /// As it was kept. What an older or newer version wrote and this one does not understand counts as not set.
    pub(super) fn of_json(key: Key, text: &str) -> Option<Self> {
        let value = match key.kind() {
            Kind::Switch => Self::Switch(serde_json::from_str(text).ok()?),
            Kind::Number { .. } => Self::Number(serde_json::from_str(text).ok()?),
            Kind::MissingScan => Self::MissingScan(serde_json::from_str(text).ok()?),
            Kind::Gate => Self::Gate(gate::read(&serde_json::from_str::<Vec<String>>(text).ok()?.join("\n")).ok()?),
        };
        value.check(key).is_ok().then_some(value)
    }

    /// Whether it is one of this key.
    pub(super) fn check(&self, key: Key) -> Result<(), Wrong> {
        match (self, key.kind()) {
            (Self::Switch(_), Kind::Switch) | (Self::MissingScan(_), Kind::MissingScan) => Ok(()),
            (Self::Number(number), Kind::Number { least, most }) if (least..=most).contains(number) => Ok(()),
            (Self::Gate(conditions), Kind::Gate) => Ok(gate::check(conditions)?),
            (_, Kind::Switch) => Err(Wrong::Switch),
            (_, Kind::Number { least, most }) => Err(Wrong::Number { least, most }),
            (_, Kind::MissingScan) => Err(Wrong::MissingScan),
            (_, Kind::Gate) => Err(Wrong::Gate(WrongLine::unreadable())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_value_is_one_and_survives_both_forms() {
        for key in Key::ALL {
            assert_eq!(Key::named(key.name()), Some(key));
            let usual = key.usual();
            assert_eq!(usual.check(key), Ok(()), "{key:?}");
            let json = serde_json::to_string(&usual).unwrap();
            assert_eq!(Value::of_json(key, &json), Some(usual.clone()), "{key:?}");
            let read = Value::of_form(key, &usual.form()).unwrap();
            assert_eq!(read.unwrap_or(Value::Gate(Vec::new())), usual, "{key:?}");
        }
    }

    #[test]
    fn bounds_hold_in_both_forms() {
        let wrong = Wrong::Number { least: 1, most: 1440 };
        for text in ["0", "1441", "-1", "x", "1.5", "99999999999"] {
            assert_eq!(Value::of_form(Key::WaitingMinutes, text), Err(wrong.clone()), "{text}");
            assert_eq!(Value::of_json(Key::WaitingMinutes, text), None, "{text}");
        }
        assert_eq!(Value::of_form(Key::WaitingMinutes, " 5 "), Ok(Some(Value::Number(5))));
        assert_eq!(Value::of_form(Key::WaitingMinutes, " "), Ok(None));
        assert_eq!(Value::of_form(Key::SecondPerson, "yes"), Err(Wrong::Switch));
        assert_eq!(Value::of_form(Key::MissingScan, "often"), Err(Wrong::MissingScan));
        assert_eq!(Value::of_json(Key::SecondPerson, "1"), None);
    }
}
