//! `penstock init`: a configuration to begin with.
//!
//! Owns the commented `penstock.toml` and the pipeline step that it prints. Never overwrites
//! anything.

mod hook;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::checkout::Location;
use crate::cli::InitArgs;
use crate::error::Error;
use crate::no_follow::{Executable, NoFollowFile};
use crate::settings::{Environment, FILE_NAME};

const CONFIGURATION: &str = include_str!("init/penstock.toml");
const STEP: &str = include_str!("init/step.yml");

pub(super) fn run(arguments: &InitArgs, environment: &Environment) -> Result<ExitCode, Error> {
    let given = arguments.path.clone().unwrap_or_else(|| PathBuf::from("."));
    let location = Location::discover(&given, &environment.git).map_err(crate::scan::Error::from)?;
    let root = location.as_ref().and_then(|location| location.root.clone()).unwrap_or(given);
    let mut out = io::stdout().lock();
    let mut say = |text: &str| out.write_all(text.as_bytes()).map_err(Error::Output);

    let file = root.join(FILE_NAME);
    say(&match create(&root, FILE_NAME, CONFIGURATION, Executable::No)? {
        true => format!("wrote {}\n", file.display()),
        false => format!("{} is there already: left as it is\n", file.display()),
    })?;
    if arguments.hook {
        let Some(location) = &location else { return Err(Error::NoRepository(root)) };
        say(&hook::install(location, environment)?)?;
    } else {
        say("\nto scan what is committed, before it is: penstock init --hook\n")?;
    }
    say(&format!("\nin bitbucket-pipelines.yml:\n\n{STEP}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a new file below `root`. `false` if there is one already. Links on
/// the way to `root` are the user's choice; below it none is followed, because the author of the
/// folder may have put one there.
fn create(root: &Path, name: &str, text: &str, executable: Executable) -> Result<bool, Error> {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    Ok(NoFollowFile::open(&root.join(name))?.create(text.as_bytes(), executable)?)
}
