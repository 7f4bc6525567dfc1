//! The environment of the process: the one place where the sandbox reads it.

use std::path::PathBuf;

/// Where a copy of Atlassian's OpenAPI document is, if there is one: `BITBUCKET_OPENAPI`.
#[expect(clippy::disallowed_methods, reason = "the one place where the sandbox reads the environment")]
pub(crate) fn openapi() -> Option<PathBuf> {
    std::env::var_os("BITBUCKET_OPENAPI").filter(|path| !path.is_empty()).map(PathBuf::from)
}
