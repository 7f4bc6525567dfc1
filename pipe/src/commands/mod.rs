//! What each command does.
//!
//! Owns the way from a parsed command line to an exit code. One file per command.

pub(crate) mod api;
mod init;
mod pipe;
mod rules;
mod scan;
mod shell;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::error::Error;
use crate::settings::Variables;

/// Exit codes of `penstock`, as documented in the README.
pub mod exit {
    use penstock_common::gate::Verdict;

    use crate::review::Assessment;

    /// Passed.
    pub const PASSED: u8 = 0;
    /// A condition was evaluated and failed.
    pub const FAILED: u8 = 1;
    /// Wrong usage or configuration.
    pub const USAGE: u8 = 2;
    /// Could not run, or incomplete.
    pub const INCOMPLETE: u8 = 3;

    /// That of a review: a condition that failed is certain, whatever is unknown beside it.
    pub fn of(assessment: &Assessment) -> u8 {
        match assessment.verdict() {
            Verdict::Failed => FAILED,
            Verdict::Unknown => INCOMPLETE,
            Verdict::Passed if !assessment.is_complete_enough() => INCOMPLETE,
            Verdict::Passed => PASSED,
        }
    }
}

/// Writes to standard output. Whoever reads may stop reading: `penstock rules | head`.
fn print(bytes: &[u8]) -> Result<ExitCode, Error> {
    match io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(error)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Runs a command.
pub fn run(cli: Cli) -> Result<ExitCode, Error> {
    let variables = Variables::of_process();
    let environment = variables.environment()?;
    match cli.command {
        Command::Scan(arguments) => scan::run(&arguments, &environment),
        Command::Pipe(arguments) => pipe::run(&arguments, &variables, &environment),
        Command::Api(arguments) => api::run(&arguments, &variables),
        Command::Rules(arguments) => rules::run(arguments.action.as_ref()),
        Command::Init(arguments) => init::run(&arguments, &environment),
        Command::Completions { shell } => shell::completions(shell),
        Command::Man => shell::manual(),
    }
}
