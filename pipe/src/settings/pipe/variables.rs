//! The variables of the pipe, as a table.
//!
//! Owns their names, defaults and one sentence each. `pipe.yml` and the README's table are held against it by a test.

/// One variable of the pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds if it is not set; empty for nothing.
    pub default: &'static str,
    /// Whether it holds a secret and must be a secured variable. Such a one has no flag: a command line can be read by others.
    pub secret: bool,
    /// Whether it may be a list.
    pub list: bool,
}

const fn variable(name: &'static str, default: &'static str) -> Variable {
    Variable { name, default, secret: false, list: false }
}

const fn secret(name: &'static str) -> Variable {
    Variable { name, default: "", secret: true, list: false }
}

const fn list(name: &'static str, default: &'static str) -> Variable {
    Variable { name, default, secret: false, list: true }
}

/// All variables, in the order in which they are explained.
pub const VARIABLES: [Variable; 27] = [
    list("FAIL_ON", ""),
    variable("NAME", "penstock"),
    variable("BASE", ""),
    variable("MAIN_BRANCH", ""),
    variable("ARCHIVES", "false"),
    variable("ALLOW_INCOMPLETE", "false"),
    variable("CODE_INSIGHTS", "true"),
    variable("BUILD_STATUS", "true"),
    variable("STATUS_INPROGRESS", "false"),
    variable("PR_COMMENT", "true"),
    variable("INLINE_COMMENTS", "false"),
    list("REQUIRE_PUBLISH", ""),
    secret("BITBUCKET_ACCESS_TOKEN"),
    variable("ATLASSIAN_ACCOUNT_EMAIL", "$ATLASSIAN_ACCOUNT_EMAIL"),
    secret("ATLASSIAN_API_TOKEN"),
    variable("BITBUCKET_OAUTH_CLIENT_ID", "$BITBUCKET_OAUTH_CLIENT_ID"),
    secret("BITBUCKET_OAUTH_CLIENT_SECRET"),
    variable("COMPANION_URL", ""),
    secret("COMPANION_TOKEN"),
    variable("BITBUCKET_API_URL", "https://api.bitbucket.org/2.0"),
    variable("BITBUCKET_SITE_URL", "https://bitbucket.org"),
    // In a plain step it listens elsewhere, so the default is not a fixed text.
    variable("AUTH_PROXY", ""),
    variable("HTTPS_PROXY", ""),
    variable("NO_PROXY", ""),
    variable("CA_BUNDLE", ""),
    variable("NO_COLOR", ""),
    variable("DEBUG", "false"),
];

/// Names that Pipelines, Docker or a shell set and that are near one of ours.
pub(super) const SET_BY_OTHERS: [&str; 1] = ["BITBUCKET_BOOKMARK"];
