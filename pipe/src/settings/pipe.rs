//! What `penstock pipe` is told: flags before variables before defaults.
//!
//! Owns the variables of the pipe: their names, what they may hold, and their checked values. `pipe.yml`, the README's table and the flags
//! repeat the names; a test keeps them in agreement. Values of variables are never part of a message: they may be secrets.

mod variables;

use std::fmt;

use penstock_common::{Destination, Secret};

pub use variables::{VARIABLES, Variable};

use super::environment::{Unreadable, Variables};
use super::file::distance;
use crate::assess::FailOn;

/// Longest `NAME`: it becomes part of names of files and of ids that Bitbucket limits.
const NAME_MAX: usize = 64;

/// Letters by which a slip of the pen may differ from what was meant.
const SLIP: usize = 2;

/// Everything `penstock pipe` is told beside the configuration in the repository and the connection to Bitbucket.
#[derive(Clone, Debug)]
pub struct PipeSettings {
    /// Tells runs on one commit apart.
    pub name: String,
    /// Conditions beside those of the configuration.
    pub fail_on: Vec<FailOn>,
    /// The commit or branch to compare with, in place of what is found.
    pub base: Option<String>,
    /// The main branch, in place of what is found.
    pub main_branch: Option<String>,
    /// Look into archives.
    pub archives: bool,
    /// Whether an incomplete run may pass.
    pub allow_incomplete: bool,
    /// Tell more.
    pub debug: bool,
    /// Post Code Insights reports.
    pub code_insights: bool,
    /// Post a build status.
    pub build_status: bool,
    /// Post a build status also at the beginning.
    pub status_inprogress: bool,
    /// Post a comment on the pull request.
    pub pr_comment: bool,
    /// Post comments at the lines of new findings.
    pub inline_comments: bool,
    /// Destinations whose failure fails the run.
    pub require_publish: Vec<Destination>,
    /// Address of the companion app.
    pub companion_url: Option<String>,
    /// Its token.
    pub companion_token: Option<Secret>,
}

/// Variables that do not hold what they should, all of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Invalid(pub Vec<InvalidVariable>);

/// Why the variables cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A variable that is no text of the expected kind.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Variables that do not hold what they should.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// One variable that does not hold what it should. The value is not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidVariable {
    /// Its name.
    pub name: &'static str,
    /// What it may hold.
    pub expected: String,
}

impl fmt::Display for InvalidVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` must be {}", self.name, self.expected)
    }
}

impl PipeSettings {
    /// Reads and checks the variables, among them what flags say. All mistakes are told at once.
    pub fn read(variables: &Variables) -> Result<Self, Error> {
        let lists = VARIABLES.iter().filter(|variable| variable.list).map(|variable| variable.name);
        Ok(Self::check(variables.clone().with_lists(lists).read()?)?)
    }

    fn check(raw: Raw) -> Result<Self, Invalid> {
        let mut check = Check { invalid: Vec::new() };
        let settings = Self {
            name: check.name(raw.name),
            fail_on: check.fail_on(&raw.fail_on),
            base: raw.base,
            main_branch: raw.main_branch,
            archives: check.flag("ARCHIVES", raw.archives, false),
            allow_incomplete: check.flag("ALLOW_INCOMPLETE", raw.allow_incomplete, false),
            debug: check.flag("DEBUG", raw.debug, false),
            code_insights: check.flag("CODE_INSIGHTS", raw.code_insights, true),
            build_status: check.flag("BUILD_STATUS", raw.build_status, true),
            status_inprogress: check.flag("STATUS_INPROGRESS", raw.status_inprogress, false),
            pr_comment: check.flag("PR_COMMENT", raw.pr_comment, true),
            inline_comments: check.flag("INLINE_COMMENTS", raw.inline_comments, false),
            require_publish: check.destinations(&raw.require_publish),
            companion_url: raw.companion_url,
            companion_token: raw.companion_token,
        };
        if check.invalid.is_empty() { Ok(settings) } else { Err(Invalid(check.invalid)) }
    }
}

/// The variables as they are written. Pipelines passes everything as text.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Raw {
    name: Option<String>,
    fail_on: Vec<String>,
    base: Option<String>,
    main_branch: Option<String>,
    archives: Option<String>,
    allow_incomplete: Option<String>,
    debug: Option<String>,
    code_insights: Option<String>,
    build_status: Option<String>,
    status_inprogress: Option<String>,
    pr_comment: Option<String>,
    inline_comments: Option<String>,
    require_publish: Vec<String>,
    companion_url: Option<String>,
    companion_token: Option<Secret>,
}

struct Check {
    invalid: Vec<InvalidVariable>,
}

impl Check {
    fn wrong(&mut self, name: &'static str, expected: impl Into<String>) {
        self.invalid.push(InvalidVariable { name, expected: expected.into() });
    }

    fn flag(&mut self, name: &'static str, value: Option<String>, default: bool) -> bool {
        // What YAML's readers have called true and false.
        match value.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None => default,
            Some("true" | "yes" | "on" | "1") => true,
            Some("false" | "no" | "off" | "0") => false,
            Some(_) => {
                self.wrong(name, "`true` or `false`");
                default
            }
        }
    }

    fn name(&mut self, value: Option<String>) -> String {
        let name = value.unwrap_or_else(|| "penstock".to_owned());
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.len() > NAME_MAX || name.starts_with('.') || !name.chars().all(plain) {
            self.wrong("NAME", format!("at most {NAME_MAX} letters, digits, `-`, `_` or `.`, and not begin with `.`"));
        }
        name
    }

    fn fail_on(&mut self, values: &[String]) -> Vec<FailOn> {
        let parsed: Result<Vec<FailOn>, _> = values.iter().map(|value| value.trim().parse()).collect();
        parsed.unwrap_or_else(|_| {
            self.wrong("FAIL_ON", "`new:SEVERITY`, `any:SEVERITY` or `never`, or a list of them, with a severity of critical, high, medium, low or info");
            Vec::new()
        })
    }

    fn destinations(&mut self, values: &[String]) -> Vec<Destination> {
        let parsed: Result<Vec<Destination>, _> = values.iter().map(|value| value.trim().parse()).collect();
        parsed.unwrap_or_else(|_| {
            let all = Destination::ALL.map(Destination::name).join(", ");
            self.wrong("REQUIRE_PUBLISH", format!("one of {all}, or a list of them"));
            Vec::new()
        })
    }
}

/// Variables that are none of ours but look like a slip of the pen in one, each with the name that may be meant.
pub fn near_misses(variables: &Variables) -> Vec<(String, &'static str)> {
    let is_ours = |name: &str| {
        let list = name.rsplit_once('_').filter(|(_, end)| *end == "COUNT" || end.bytes().all(|b| b.is_ascii_digit()));
        VARIABLES.iter().any(|own| own.name == name || list.is_some_and(|(stem, _)| own.name == stem))
    };
    variables
        .names()
        // What Pipelines itself sets is no slip, and words of four letters are all alike.
        .filter(|name| name.len() > 4 && !is_ours(name) && !variables::SET_BY_OTHERS.contains(name))
        .filter_map(|name| {
            let nearest = VARIABLES.iter().map(|own| (distance(name, own.name), own.name)).min()?;
            (nearest.0 <= SLIP).then(|| (name.to_owned(), nearest.1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<PipeSettings, Invalid> {
        let variables = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        PipeSettings::read(&variables).map_err(|error| match error {
            Error::Invalid(invalid) => invalid,
            Error::Unreadable(unreadable) => panic!("{unreadable}"),
        })
    }

    /// The fields that a struct asks for, as variables.
    fn variables_of<'de, T: serde::Deserialize<'de>>() -> BTreeSet<String> {
        let mut fields = Fields(BTreeSet::new());
        let asked = T::deserialize(&mut fields);
        assert!(asked.is_err(), "there is nothing to fill it with");
        fields.0
    }

    struct Fields(BTreeSet<String>);

    impl<'de> serde::Deserializer<'de> for &mut Fields {
        type Error = serde::de::value::Error;

        fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(serde::de::Error::custom("no struct"))
        }

        fn deserialize_struct<V: serde::de::Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            self.0.extend(fields.iter().map(|field| field.to_ascii_uppercase()));
            self.deserialize_any(visitor)
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
            tuple_struct map enum identifier ignored_any
        }
    }

    #[test]
    fn what_is_read_is_what_is_explained() {
        let mut read = variables_of::<Raw>();
        read.append(&mut variables_of::<super::super::connection::Raw>());
        // Refused, not used.
        assert!(read.remove("BITBUCKET_APP_PASSWORD"));
        // Read by all commands, or in both ways of writing.
        read.extend(["HTTPS_PROXY", "NO_PROXY", "NO_COLOR"].map(str::to_owned));
        assert_eq!(read, VARIABLES.iter().map(|variable| variable.name.to_owned()).collect());
    }

    #[test]
    fn lists_and_flags_are_read_as_pipelines_passes_them() {
        let given = settings(&[
            ("FAIL_ON_COUNT", "2"),
            ("FAIL_ON_0", "any:critical"),
            ("FAIL_ON_1", "any:high"),
            ("DEBUG", "True"),
            ("PR_COMMENT", "no"),
            ("REQUIRE_PUBLISH", "pr-comment, code-insights"),
        ])
        .expect("valid");
        assert_eq!(given.fail_on.len(), 2);
        assert!(given.debug && !given.pr_comment && given.code_insights);
        assert_eq!(given.require_publish, [Destination::PrComment, Destination::CodeInsights]);
    }

    #[test]
    fn every_mistake_is_told_and_no_value() {
        let error = settings(&[
            ("DEBUG", "canary-1"),
            ("NAME", "../x"),
            ("FAIL_ON", "canary-2"),
            ("REQUIRE_PUBLISH", "canary-3"),
        ]);
        let text = error.expect_err("mistakes").to_string();
        for name in ["`DEBUG`", "`NAME`", "`FAIL_ON`", "`REQUIRE_PUBLISH`"] {
            assert!(text.contains(name), "{text}");
        }
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn slips_of_the_pen_are_noticed() {
        let names = [
            "FAILON",
            "PR_COMMENTS",
            "BITBUCKET_ACCES_TOKEN",
            "HOME",
            "FAIL_ON_0",
            "BITBUCKET_BRANCH",
            "CI",
            "PATH",
            "DEBUG",
        ];
        let variables = names.map(|name| (name.to_owned(), "canary".to_owned())).into_iter().collect();
        assert_eq!(
            near_misses(&variables),
            [
                ("BITBUCKET_ACCES_TOKEN".to_owned(), "BITBUCKET_ACCESS_TOKEN"),
                ("FAILON".to_owned(), "FAIL_ON"),
                ("PR_COMMENTS".to_owned(), "PR_COMMENT"),
            ]
        );
    }
}
