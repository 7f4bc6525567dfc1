//! The real programs that lie beside this one.
//!
//! Owns finding them. Under `cargo run` they are built first, in the same profile: one command is enough for who has nothing yet. The whole workspace is
//! built, as tests build it: a choice of packages has other features, and all that they depend on would be compiled once more.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// Where the programs are.
pub(super) struct Programs {
    pub(super) app: PathBuf,
    pub(super) pipe: PathBuf,
    /// The folder that they lie in.
    pub(super) folder: PathBuf,
}

impl Programs {
    pub(super) fn beside_this_one() -> Result<Self, Failure> {
        let this = std::env::current_exe()?;
        let folder = this.parent().ok_or("this program lies in no folder")?.to_owned();
        #[expect(clippy::disallowed_methods, reason = "what cargo says to what it runs; this crate is never shipped")]
        if let Some(cargo) = std::env::var_os("CARGO") {
            build(Path::new(&cargo), &folder)?;
        }
        let program = |name: &str| {
            let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            if path.is_file() {
                Ok(path)
            } else {
                Err(format!("{} is missing: build the workspace first", path.display()))
            }
        };
        Ok(Self { app: program("penstock-app")?, pipe: program("penstock")?, folder })
    }
}

/// `target/debug` holds what the profile `dev` makes; every other folder is called as its profile.
fn build(cargo: &Path, folder: &Path) -> Result<(), Failure> {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    #[expect(clippy::disallowed_methods, reason = "the same cargo that runs this; this crate is never shipped")]
    let mut command = Command::new(cargo);
    command.args(["build", "--workspace", "--bins", "--profile", profile]);
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    if command.status()?.success() { Ok(()) } else { Err("the app and the pipe cannot be built".into()) }
}
