//! What Bitbucket Pipelines says of the build in its variables.
//!
//! Owns the names and meanings of the `BITBUCKET_*` variables (<https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/>).
//! Reads nothing itself: `settings` fills it. Whether a build is trusted, or what follows from it, is decided elsewhere.

use std::path::PathBuf;

use penstock_common::{PullRequest, Secret, Subject};
use serde::Deserialize;

use crate::analyze::secrets::mask;

/// The variables of a build. All may be absent: the same program runs on laptops and in other CI systems.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PipelinesEnv {
    /// Slug of the workspace.
    #[serde(rename = "bitbucket_workspace")]
    pub workspace: Option<String>,
    /// Slug of the repository.
    #[serde(rename = "bitbucket_repo_slug")]
    pub repo_slug: Option<String>,
    /// UUID of the repository in braces.
    #[serde(rename = "bitbucket_repo_uuid")]
    pub repo_uuid: Option<String>,
    /// The commit that the build is about: of a pull request, the source's, although `HEAD` may be a local merge.
    #[serde(rename = "bitbucket_commit")]
    pub commit: Option<String>,
    /// The branch; of a pull request, the source. Absent for tags.
    #[serde(rename = "bitbucket_branch")]
    pub branch: Option<String>,
    /// The tag. Absent for branches.
    #[serde(rename = "bitbucket_tag")]
    pub tag: Option<String>,
    /// Number of the pull request, in `pull-requests` pipelines only.
    #[serde(rename = "bitbucket_pr_id")]
    pub pr_id: Option<u64>,
    /// The branch that the pull request shall be merged into.
    #[serde(rename = "bitbucket_pr_destination_branch")]
    pub pr_destination_branch: Option<String>,
    /// The tip of that branch, not the merge base; may be shortened to 12 digits.
    #[serde(rename = "bitbucket_pr_destination_commit")]
    pub pr_destination_commit: Option<String>,
    /// Number of the build.
    #[serde(rename = "bitbucket_build_number")]
    pub build_number: Option<u64>,
    /// UUID of the pipeline in braces.
    #[serde(rename = "bitbucket_pipeline_uuid")]
    pub pipeline_uuid: Option<String>,
    /// UUID of the step in braces.
    #[serde(rename = "bitbucket_step_uuid")]
    pub step_uuid: Option<String>,
    /// How often the step was run again.
    #[serde(rename = "bitbucket_step_run_number")]
    pub step_run_number: Option<u64>,
    /// Where the clone is.
    #[serde(rename = "bitbucket_clone_dir")]
    pub clone_dir: Option<PathBuf>,
    /// Where git is served over plain HTTP to the step: `http://bitbucket.org/WORKSPACE/REPOSITORY`.
    #[serde(rename = "bitbucket_git_http_origin")]
    pub git_http_origin: Option<String>,
    /// Folder for what this pipe keeps during the pipeline; set in pipes only.
    #[serde(rename = "bitbucket_pipe_storage_dir")]
    pub pipe_storage_dir: Option<PathBuf>,
    /// Folder that all pipes of the step share; nothing secret may be written there.
    #[serde(rename = "bitbucket_pipe_shared_storage_dir")]
    pub pipe_shared_storage_dir: Option<PathBuf>,
    /// File to append output variables to.
    #[serde(rename = "bitbucket_pipelines_variables_path")]
    pub variables_path: Option<PathBuf>,
    /// The step's identity token, with `oidc` in the step only.
    #[serde(rename = "bitbucket_step_oidc_token")]
    pub oidc_token: Option<Secret>,
}

impl PipelinesEnv {
    /// Whether this runs as a pipe, in a container of its own, and not as a command of a step.
    pub fn in_pipe(&self) -> bool {
        self.pipe_storage_dir.is_some() || self.pipe_shared_storage_dir.is_some()
    }

    /// Whether this runs in Bitbucket Pipelines.
    pub fn in_pipelines(&self) -> bool {
        self.pipeline_uuid.is_some() || self.build_number.is_some()
    }

    /// What the run is about; `None` unless workspace, repository and commit are known.
    pub fn subject(&self) -> Option<Subject> {
        let plain =
            |uuid: &Option<String>| uuid.as_deref().map(|uuid| uuid.trim_matches(['{', '}']).to_ascii_lowercase());
        Some(Subject {
            workspace: mask(self.workspace.as_deref()?),
            repository: mask(self.repo_slug.as_deref()?),
            repository_uuid: plain(&self.repo_uuid),
            commit: self.commit.clone()?,
            branch: self.branch.as_deref().map(mask),
            tag: self.tag.as_deref().map(mask),
            pull_request: self.pr_id.map(|id| PullRequest {
                id,
                destination_branch: self.pr_destination_branch.as_deref().map(mask).unwrap_or_default(),
                destination_commit: self.pr_destination_commit.clone(),
            }),
            pipeline_uuid: plain(&self.pipeline_uuid),
            step_uuid: plain(&self.step_uuid),
            build_number: self.build_number,
        })
    }
}
