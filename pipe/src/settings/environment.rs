//! The environment, read once.
//!
//! Owns the only place that reads environment variables. Everything that needs some of them describes them as a struct and has it filled
//! from here. Nothing here is printed: variables of CI hold secrets.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::checkout::{GitEnvironment, UserConfiguration};

/// Most items of a list.
const LIST_MAX: usize = 1000;

/// All variables of the process. Its `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Variables {
    all: BTreeMap<String, String>,
    git: GitEnvironment,
    user: UserConfiguration,
}

impl Variables {
    /// Reads the environment of the process. Variables that are not UTF-8 are none of ours. An empty variable counts as not set: shells
    /// and pipelines make them easily.
    pub fn of_process() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        let all: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
        // A path need not be UTF-8.
        let git = GitEnvironment::read(|name| all.get(OsStr::new(name)).cloned());
        let user = UserConfiguration::read(|name| all.get(OsStr::new(name)).cloned());
        let texts =
            all.into_iter().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { git, user, ..texts.collect() }
    }

    /// Variables that every command uses.
    pub fn environment(&self) -> Result<Environment, Unreadable> {
        Ok(Environment { git: self.git.clone(), user: self.user.clone(), ..self.read()? })
    }

    /// Fills a struct whose fields are called as the variables are, in lower case. Variables that are written in lower case themselves
    /// are others: `ci` is not `CI`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        let upper = self.all.iter().filter(|(name, _)| !name.contains(|c: char| c.is_ascii_lowercase()));
        // The library's messages may quote the value, which may be a secret: only the variable's name is told.
        envy::from_iter(upper.map(|(name, value)| (name.clone(), value.clone())))
            .map_err(|error| Unreadable(name_in(&error)))
    }

    /// The same with values that come before those of the environment.
    pub fn with(mut self, pairs: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.all.extend(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// The same with each list as one value, its items parted by commas. Pipelines passes a list `X` as `X_COUNT`, `X_0`, `X_1` … and
    /// leaves out `X` (<https://support.atlassian.com/bitbucket-cloud/docs/advanced-techniques-for-writing-pipes/>).
    pub fn with_lists(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        for name in names {
            let count = self.get(&format!("{name}_COUNT")).and_then(|count| count.parse::<usize>().ok());
            let Some(count) = count.filter(|_| self.get(name).is_none()) else { continue };
            let items = (0..count.min(LIST_MAX)).filter_map(|at| self.get(&format!("{name}_{at}")));
            let joined = items.collect::<Vec<_>>().join(",");
            self.all.insert(name.to_owned(), joined);
        }
        self
    }

    /// Names of all variables that are set, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }

    /// The value of one variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all.get(name).map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let set = |(name, value): &(String, String)| !value.is_empty() && !is_unresolved(name, value);
        Self { all: pairs.into_iter().filter(set).collect(), ..Self::default() }
    }
}

/// A default of `pipe.yml` such as `$TOKEN`, for a variable that nobody set, may arrive as it is written.
fn is_unresolved(name: &str, value: &str) -> bool {
    let inner = value.strip_prefix('$').map(|rest| rest.trim_start_matches('{').trim_end_matches('}'));
    inner == Some(name)
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.all.keys()).finish()
    }
}

/// The variable that an error of the library is about: it stands last, in words of its own.
fn name_in(error: &envy::Error) -> String {
    match error {
        envy::Error::MissingValue(field) => (*field).to_ascii_uppercase(),
        envy::Error::Custom(text) => text
            .rsplit_once("provided by ")
            .map(|(_, name)| name.trim().to_owned())
            .unwrap_or_else(|| "one of its variables".to_owned()),
    }
}

/// What the environment says that every command cares about.
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
    /// Git's variables about the repository.
    #[serde(skip)]
    pub git: GitEnvironment,
    /// The paths of git's system and user configuration. Only `init` reads these files, to find the
    /// hooks folder.
    #[serde(skip)]
    pub user: UserConfiguration,
}

/// A variable that does not hold what it should.
#[derive(Debug, thiserror::Error)]
#[error("the environment cannot be used: `{0}` does not hold what it should")]
pub struct Unreadable(String);

impl Environment {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_unusable_value_is_told_by_the_name_of_its_variable_only() {
        let canary = "canary-value";
        let error = variables(&[("SOURCE_DATE_EPOCH", canary)]).read::<Environment>().expect_err("no number");
        assert!(error.to_string().contains("`SOURCE_DATE_EPOCH`"), "{error}");
        assert!(!format!("{error:?} {error}").contains(canary));
    }

    #[test]
    fn names_in_lower_case_are_others() {
        let read = variables(&[("CI", "true"), ("ci", "x")]).read::<Environment>().expect("readable");
        assert_eq!(read.ci.as_deref(), Some("true"));
    }

    #[test]
    fn what_is_empty_is_not_set_and_debug_shows_no_value() {
        let variables = variables(&[("CI", ""), ("TOKEN", "$TOKEN"), ("KEY", "${KEY}"), ("NO_COLOR", "canary-value")]);
        assert_eq!(variables.get("CI"), None);
        assert_eq!(format!("{variables:?}"), "{\"NO_COLOR\"}");
    }
}
