//! Running a program as Pipelines runs a pipe.
//!
//! Owns what a pipe's container has beside the step's own variables: the clone as working directory, folders to share, and an environment that
//! holds nothing else. A container itself is not made.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::sandbox::Bitbucket;
use crate::step::Step;

/// What belongs to Pipelines under the clone.
const GENERATED: &str = ".bitbucket/pipelines/generated/pipeline";

/// What a pipe did.
#[derive(Clone, Debug)]
pub struct PipeRun {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Bitbucket {
    /// Runs `penstock pipe` in a clone that [`Bitbucket::clone_for`] made, with `variables` beside the step's own, and waits for its end.
    pub fn run_pipe(
        &self,
        step: &Step,
        clone: &Path,
        penstock: &Path,
        variables: &[(&str, &str)],
    ) -> io::Result<PipeRun> {
        let Output { status, stdout, stderr } = self.pipe_command(step, clone, penstock, variables)?.output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(PipeRun { code: status.code(), stdout: text(&stdout), stderr: text(&stderr) })
    }

    /// The same, to be started by the caller.
    pub fn pipe_command(
        &self,
        step: &Step,
        clone: &Path,
        penstock: &Path,
        variables: &[(&str, &str)],
    ) -> io::Result<Command> {
        let own = clone.join(GENERATED).join("pipes/penstock");
        let shared = shared_folder(clone);
        fs::create_dir_all(&own)?;
        fs::create_dir_all(&shared)?;
        #[expect(clippy::disallowed_methods, reason = "the program that is shown; this crate is never shipped")]
        let mut command = Command::new(penstock);
        command.arg("pipe").env_clear().current_dir(clone).stdin(Stdio::null());
        command
            .envs(self.step_environment(step))
            .env("BITBUCKET_CLONE_DIR", clone)
            .env("BITBUCKET_PIPE_STORAGE_DIR", own)
            .env("BITBUCKET_PIPE_SHARED_STORAGE_DIR", shared)
            .env("BITBUCKET_PIPELINES_VARIABLES_PATH", variables_file(clone))
            // Where Bitbucket is in this world.
            .env("BITBUCKET_API_URL", self.api_url())
            .env("AUTH_PROXY", self.proxy_addr())
            .envs(variables.iter().copied());
        Ok(command)
    }
}

/// Where pipes of a step leave what other pipes may read.
pub fn shared_folder(clone: &Path) -> PathBuf {
    clone.join(GENERATED).join("pipes/shared")
}

/// Where a pipe writes its output variables.
pub fn variables_file(clone: &Path) -> PathBuf {
    clone.join(GENERATED).join("variables")
}
