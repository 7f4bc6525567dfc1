//! Pipelines, as far as it goes on by itself: a step is started, finds its clone, and runs the pipe.
//!
//! Owns how `penstock pipe` is told of the companion app: by the app's address and the step's identity, and by no secret. What a step finds is made
//! in `step`, how a program is run in `container`.

use std::path::PathBuf;
use std::sync::PoisonError;

use crate::container::PipeRun;
use crate::sandbox::Bitbucket;
use crate::state::Error;
use crate::step::Step;

/// Commits that Pipelines clones unless it is told otherwise.
const DEPTH: u32 = 50;

/// What runs in every step.
#[derive(Clone, Debug)]
pub struct Pipe {
    /// The program `penstock`.
    pub program: PathBuf,
    /// The companion app's address.
    pub companion: String,
}

/// Why a pipeline did not run.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// Nobody said what runs in it.
    #[error("the sandbox was started without a pipe: nothing can run")]
    NoPipe,
    /// There is no such step.
    #[error(transparent)]
    World(#[from] Error),
    /// No folder, or no program.
    #[error("the pipe cannot be run: {0}")]
    System(#[from] std::io::Error),
}

impl Bitbucket {
    /// Says what runs in steps.
    pub fn set_pipe(&self, pipe: Pipe) {
        *self.app.pipe.lock().unwrap_or_else(PoisonError::into_inner) = Some(pipe);
    }

    /// What runs in steps.
    pub(crate) fn pipe(&self) -> Option<Pipe> {
        self.app.pipe.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs a branch's pipeline to its end.
    pub fn run_branch(&self, full_name: &str, branch: &str) -> Result<PipeRun, PipelineError> {
        self.run(&self.branch_step(full_name, branch)?)
    }

    /// Runs a pull request's pipeline to its end.
    pub fn run_pull_request(&self, full_name: &str, id: u64) -> Result<PipeRun, PipelineError> {
        self.run(&self.pull_request_step(full_name, id)?)
    }

    fn run(&self, step: &Step) -> Result<PipeRun, PipelineError> {
        let Pipe { program, companion } = self.pipe().ok_or(PipelineError::NoPipe)?;
        let folder = tempfile::tempdir()?;
        let clone = folder.path().join("build");
        self.clone_for(step, &clone, Some(DEPTH))?;
        let token = self.oidc_token(step, &[&companion]);
        let proxy = self.proxy_of(step.repository())?;
        let time = self.time.map(|time| time.as_second().to_string());
        let mut variables = vec![
            ("COMPANION_URL", companion.as_str()),
            ("BITBUCKET_STEP_OIDC_TOKEN", token.as_str()),
            ("AUTH_PROXY", proxy.as_str()),
        ];
        variables.extend(time.as_deref().map(|time| ("SOURCE_DATE_EPOCH", time)));
        Ok(self.run_pipe(step, &clone, &program, &variables)?)
    }
}
