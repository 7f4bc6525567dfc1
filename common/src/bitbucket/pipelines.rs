//! Pipelines that ran or run.
//!
//! Owns their shape, after the schemas `pipeline` and `pipeline_ref_target` of Bitbucket's OpenAPI document. Targets of pull requests are not in
//! it; they have `source` and `pullrequest` in place of a ref.

use serde::{Deserialize, Serialize};

use super::commits::CommitName;
use super::pull_requests::RepositoryName;

/// A pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline {
    /// In braces.
    pub uuid: String,
    /// Where it ran.
    #[serde(default)]
    pub repository: Option<RepositoryName>,
    /// What it ran on.
    #[serde(default)]
    pub target: Target,
}

/// What a pipeline runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Target {
    /// The commit; of a pull request that of its source.
    pub commit: Option<CommitName>,
    /// `branch` or `tag`, if it was started for one.
    pub ref_type: Option<String>,
    /// Of that branch or tag.
    pub ref_name: Option<String>,
    /// Of a pull request: the source branch.
    pub source: Option<String>,
    /// The pull request that it was started for.
    pub pullrequest: Option<PullRequestName>,
}

/// A pull request as others refer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestName {
    /// Its number in the repository.
    pub id: u64,
}
