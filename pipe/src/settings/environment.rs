//! The environment, read once.
//!
//! Owns the only place that reads environment variables. Nothing here is printed: variables of CI hold secrets.

use std::collections::HashMap;

use serde::Deserialize;

/// What the environment says that Penstock cares about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Environment {
    /// No colour, if set to anything (<https://no-color.org>).
    pub no_color: Option<String>,
    /// Colour also where there is no terminal, unless `0`.
    pub clicolor_force: Option<String>,
    /// The time of the run, unix seconds (<https://reproducible-builds.org/specs/source-date-epoch>).
    pub source_date_epoch: Option<i64>,
    /// Set by CI systems.
    pub ci: Option<String>,
    /// Columns of the terminal, if the shell exports them.
    pub columns: Option<u16>,
}

/// A variable that does not hold what it should.
#[derive(Debug, thiserror::Error)]
#[error("a variable of the environment cannot be read: {0}")]
pub struct Unreadable(String);

impl Environment {
    /// Reads the environment of the process. Variables that are not UTF-8 are none of ours.
    pub fn read() -> Result<Self, Unreadable> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        let variables: HashMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        // An empty variable counts as not set: shells and pipelines make them easily.
        let set = variables.into_iter().filter(|(_, value)| !value.is_empty());
        envy::from_iter(set).map_err(|error| Unreadable(error.to_string()))
    }

    /// Whether this runs in CI, where the clone belongs to another user.
    pub fn in_ci(&self) -> bool {
        self.ci.as_deref().is_some_and(|ci| ci != "false" && ci != "0")
    }

    /// Colour, as the variables ask for it: never, always, or as the terminal is.
    pub fn color(&self) -> Option<bool> {
        if self.no_color.is_some() {
            Some(false)
        } else if self.clicolor_force.as_deref().is_some_and(|force| force != "0") {
            Some(true)
        } else {
            None
        }
    }
}
