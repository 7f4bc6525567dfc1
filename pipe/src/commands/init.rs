//! `penstock init`: a configuration to begin with.
//!
//! Owns the commented `penstock.toml`, the pipeline step that is shown, and the commit hook. Never overwrites anything.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::checkout::Location;
use crate::cli::InitArgs;
use crate::error::Error;
use crate::settings::FILE_NAME;

const CONFIGURATION: &str = include_str!("init/penstock.toml");
const STEP: &str = include_str!("init/step.yml");
const HOOK: &str = "#!/bin/sh\n# Looks for secrets in what is about to be committed. To commit all the same: git commit --no-verify\nexec penstock scan --staged\n";

pub(super) fn run(arguments: &InitArgs) -> Result<ExitCode, Error> {
    let given = arguments.path.clone().unwrap_or_else(|| PathBuf::from("."));
    let location = Location::discover(&given).map_err(crate::scan::Error::from)?;
    let root = location.as_ref().and_then(|location| location.root.clone()).unwrap_or(given);
    let mut out = io::stdout().lock();
    let mut say = |text: &str| out.write_all(text.as_bytes()).map_err(Error::Output);

    let file = root.join(FILE_NAME);
    say(&match create(&file, CONFIGURATION)? {
        true => format!("wrote {}\n", file.display()),
        false => format!("{} is there already: left as it is\n", file.display()),
    })?;
    if arguments.hook {
        let Some(location) = &location else { return Err(Error::NoRepository(root)) };
        let hook = location.common_dir.join("hooks").join("pre-commit");
        if let Some(folder) = hook.parent() {
            fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
        }
        let made = create(&hook, HOOK)?;
        if made {
            crate::checkout::platform::make_executable(&hook)
                .map_err(|source| Error::Write { path: hook.clone(), source })?;
        }
        say(&match made {
            true => format!("wrote {}\n", hook.display()),
            false => format!("{} is there already: add `penstock scan --staged` to it\n", hook.display()),
        })?;
    } else {
        say("\nto scan what is committed, before it is: penstock init --hook\n")?;
    }
    say(&format!("\nin bitbucket-pipelines.yml:\n\n{STEP}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a new file. `false` if there is one already, whatever it is.
fn create(path: &Path, text: &str) -> Result<bool, Error> {
    let write = || -> io::Result<bool> {
        match fs::OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    };
    write().map_err(|source| Error::Write { path: path.to_owned(), source })
}
