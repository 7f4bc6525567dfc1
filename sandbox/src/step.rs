//! A step of a pipeline: what it is told and what it finds.
//!
//! Owns the environment of a step, its clone and its OIDC token, as Pipelines makes them.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::{Map, Value};

use crate::clock;
use crate::git::Git;
use crate::oidc::{default_audience, issuer};
use crate::random;
use crate::sandbox::Bitbucket;
use crate::state::Error;
use crate::state::account::User;
use crate::state::repository::Pipeline;

/// A step that runs.
#[derive(Clone, Debug)]
pub struct Step {
    full_name: String,
    repository: String,
    workspace: String,
    branch: String,
    commit: String,
    number: u64,
    pipeline: String,
    uuid: String,
    pull_request: Option<PullRequest>,
    environment: Option<String>,
}

#[derive(Clone, Debug)]
struct PullRequest {
    id: u64,
    destination: String,
    destination_commit: String,
}

impl Bitbucket {
    /// Starts a step on the tip of a branch; the proxy works for it from now on.
    pub fn branch_step(&self, full_name: &str, branch: &str) -> Result<Step, Error> {
        let commit = self.tip(full_name, branch)?;
        self.set_step(full_name)?;
        let mut world = self.app.world();
        let repository = world.named_mut(full_name)?;
        let pipeline = Pipeline {
            uuid: random::uuid(),
            number: repository.pipelines.len() as u64 + 1,
            branch: branch.to_owned(),
            commit: commit.clone(),
            pull_request: None,
            created: self.act().when,
        };
        repository.pipelines.push(pipeline.clone());
        Ok(Step {
            full_name: full_name.to_owned(),
            repository: repository.uuid.clone(),
            workspace: repository.workspace_uuid.clone(),
            branch: branch.to_owned(),
            commit,
            number: pipeline.number,
            pipeline: pipeline.uuid,
            uuid: random::uuid(),
            pull_request: None,
            environment: None,
        })
    }

    /// Starts a step of a pull request's pipeline. Its source must be a branch of the same repository: there are no pipelines for forks.
    pub fn pull_request_step(&self, full_name: &str, id: u64) -> Result<Step, Error> {
        let (source, destination) = {
            let world = self.app.world();
            let found = world.named(full_name)?.pull_requests.get(&id).ok_or(Error::NoPullRequest(id))?;
            (found.source.branch.clone(), found.destination.branch.clone())
        };
        let mut step = self.branch_step(full_name, &source)?;
        let destination_commit = self.tip(full_name, &destination)?;
        let mut world = self.app.world();
        let mut pipelines = world.named_mut(full_name)?.pipelines.iter_mut();
        if let Some(pipeline) = pipelines.find(|pipeline| pipeline.uuid == step.pipeline) {
            pipeline.pull_request = Some((id, destination_commit.clone()));
        }
        step.pull_request = Some(PullRequest { id, destination, destination_commit });
        Ok(step)
    }

    /// What Pipelines tells a pipe in its environment, without `BITBUCKET_CLONE_DIR` and what else depends on folders.
    pub fn step_environment(&self, step: &Step) -> Vec<(String, String)> {
        let (workspace, slug) = step.full_name.split_once('/').unwrap_or_default();
        let mut told = vec![
            ("CI", "true".to_owned()),
            ("BITBUCKET_BUILD_NUMBER", step.number.to_string()),
            ("BITBUCKET_COMMIT", step.commit.clone()),
            ("BITBUCKET_BRANCH", step.branch.clone()),
            ("BITBUCKET_WORKSPACE", workspace.to_owned()),
            ("BITBUCKET_REPO_OWNER", workspace.to_owned()),
            ("BITBUCKET_REPO_SLUG", slug.to_owned()),
            ("BITBUCKET_REPO_FULL_NAME", step.full_name.clone()),
            ("BITBUCKET_REPO_UUID", step.repository.clone()),
            ("BITBUCKET_REPO_IS_PRIVATE", "true".to_owned()),
            ("BITBUCKET_WORKSPACE_UUID", step.workspace.clone()),
            ("BITBUCKET_GIT_HTTP_ORIGIN", format!("http://bitbucket.org/{}", step.full_name)),
            ("BITBUCKET_GIT_SSH_ORIGIN", format!("git@bitbucket.org:{}.git", step.full_name)),
            ("BITBUCKET_PIPELINE_UUID", step.pipeline.clone()),
            ("BITBUCKET_STEP_UUID", step.uuid.clone()),
            ("BITBUCKET_STEP_RUN_NUMBER", "1".to_owned()),
            ("BITBUCKET_PROJECT_KEY", "PRJ".to_owned()),
        ];
        if let Some(pull_request) = &step.pull_request {
            told.push(("BITBUCKET_PR_ID", pull_request.id.to_string()));
            told.push(("BITBUCKET_PR_DESTINATION_BRANCH", pull_request.destination.clone()));
            // Seen as a prefix.
            let prefix = pull_request.destination_commit[..12].to_owned();
            told.push(("BITBUCKET_PR_DESTINATION_COMMIT", prefix));
        }
        told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The step's OIDC token. Without audiences: for the workspace's default one, which every step of it has.
    pub fn oidc_token(&self, step: &Step, audiences: &[&str]) -> String {
        let mut claims = Map::new();
        let mut claim = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        let (workspace, _) = step.full_name.split_once('/').unwrap_or_default();
        claim("iss", issuer(&self.app.world().urls, workspace).into());
        let audience = match audiences {
            [] => default_audience(&step.workspace).into(),
            [one] => Value::from(*one),
            several => several.iter().map(|&audience| Value::from(audience)).collect(),
        };
        claim("aud", audience);
        let subject = match &step.environment {
            None => format!("{}:{}", step.repository, step.uuid),
            Some(environment) => format!("{}:{environment}:{}", step.repository, step.uuid),
        };
        claim("sub", subject.into());
        claim("accountUuid", User::somebody().uuid.into());
        claim("workspaceUuid", step.workspace.clone().into());
        claim("repositoryUuid", step.repository.clone().into());
        claim("pipelineUuid", step.pipeline.clone().into());
        claim("stepUuid", step.uuid.clone().into());
        claim("branchName", step.branch.clone().into());
        if let Some(environment) = &step.environment {
            claim("deploymentEnvironmentUuid", environment.clone().into());
        }
        self.app.issuer.sign(claims, clock::now().as_second())
    }

    /// The issuer of a workspace's tokens.
    pub fn oidc_issuer(&self, workspace: &str) -> String {
        issuer(&self.app.world().urls, workspace)
    }

    /// Makes the clone that a step finds: of the branch, so many commits deep (none: all), at the step's commit; for a pull request with
    /// the destination merged into it locally, as Pipelines does.
    pub fn clone_for(&self, step: &Step, folder: &Path, depth: Option<u32>) -> Result<(), Error> {
        let git = self.app.world().named(&step.full_name)?.git.clone();
        // git runs in the repository: a relative folder would be one in there.
        let folder = &std::path::absolute(folder)?;
        let origin = format!("file://{}", git.folder().display());
        let mut words = vec!["clone".to_owned(), "--quiet".to_owned(), format!("--branch={}", step.branch)];
        words.extend(depth.map(|depth| format!("--depth={depth}")));
        let words = words.iter().map(OsStr::new);
        git.run(words.chain([OsStr::new(&origin), folder.as_os_str()]))?;
        let clone = Git::at(folder);
        clone.run(["reset", "--quiet", "--hard", &step.commit])?;
        clone.run(["remote", "set-url", "origin", &format!("http://bitbucket.org/{}", step.full_name)])?;
        if let Some(pull_request) = &step.pull_request {
            let mut words = vec!["fetch".to_owned(), "--quiet".to_owned()];
            words.extend(depth.map(|depth| format!("--depth={depth}")));
            words.extend([origin, pull_request.destination.clone()]);
            clone.run(words)?;
            let identity = ["-c", "user.name=Pipelines", "-c", "user.email=pipelines@example.com"];
            let message = format!("Merge {} into {}", pull_request.destination, step.branch);
            let merge = ["merge", "--quiet", "--no-ff", "-m", &message, "FETCH_HEAD"];
            clone.run(identity.into_iter().chain(merge))?;
            // What was fetched is not named by anything but the merge.
            std::fs::remove_file(folder.join(".git/FETCH_HEAD"))?;
        }
        Ok(())
    }
}

impl Step {
    /// The commit that started it.
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// The UUID of the pipeline, in braces.
    pub fn pipeline(&self) -> &str {
        &self.pipeline
    }

    /// Its own UUID, in braces.
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// UUID of its repository, in braces.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// As a step with `deployment:`, to an environment with a UUID of its own.
    #[must_use]
    pub fn with_deployment(mut self) -> Self {
        self.environment = Some(random::uuid());
        self
    }
}
