//! `penstock completions` and `penstock man`: what a shell and `man` read about the commands.
//!
//! Owns nothing but the call: both are made from the grammar in `cli`.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::Cli;
use crate::error::Error;

pub(super) fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "penstock", &mut script);
    super::print(&script)
}

/// The pages of all commands one after another, as `man` takes them from one file.
pub(super) fn manual() -> Result<ExitCode, Error> {
    let mut page = Vec::new();
    let command = Cli::command();
    clap_mangen::Man::new(command.clone()).render(&mut page).map_err(Error::Output)?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let named = sub.clone().display_name(format!("penstock-{}", sub.get_name()));
        clap_mangen::Man::new(named).render(&mut page).map_err(Error::Output)?;
    }
    super::print(&page)
}
