//! Where git looks for hooks.
//!
//! Owns `core.hooksPath` at every level: system, user, repository, work tree. Only `penstock init`
//! uses it: everything else ignores the system's and the user's configuration. Runs nothing and
//! writes nothing.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use gix::config::file::includes::conditional;
use gix::config::file::{Metadata, includes, init};
use gix::config::path::interpolate;
use gix::config::{File, Source};

use super::error::{Error, chain};
use super::git_environment::is_true;
use super::locate::Location;
use super::platform::path_bytes;

/// The configuration files of the system and the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserConfiguration {
    /// `GIT_CONFIG_NOSYSTEM`: ignore the system's file.
    pub no_system: bool,
    /// `GIT_CONFIG_SYSTEM`.
    pub system: Option<PathBuf>,
    /// `GIT_CONFIG_GLOBAL`, which replaces both files of the user.
    pub global: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub xdg: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

impl UserConfiguration {
    /// Reads the variables through `variable`, which looks up a variable by name.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let no_system = path("GIT_CONFIG_NOSYSTEM").is_some_and(|value| is_true(&path_bytes(value.as_os_str())));
        Self {
            no_system,
            system: path("GIT_CONFIG_SYSTEM"),
            global: path("GIT_CONFIG_GLOBAL"),
            xdg: path("XDG_CONFIG_HOME"),
            home: path("HOME"),
        }
    }
}

/// The folder in which git looks for hooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HooksFolder {
    /// Absolute; none if `core.hooksPath` is empty, so that git runs no hooks.
    pub path: Option<PathBuf>,
    /// The configuration file whose `core.hooksPath` names it; none for git's default.
    pub named_in: Option<PathBuf>,
    /// Whether that file belongs to the system or the user, so that all repositories share the
    /// folder.
    pub is_shared: bool,
}

impl HooksFolder {
    /// The folder for the repository at `location`. The last level that sets it decides.
    pub fn find(location: &Location, user: &UserConfiguration) -> Result<Self, Error> {
        let mut found = Self { path: Some(location.common_dir.join("hooks")), named_in: None, is_shared: false };
        let top = location.root.as_deref().unwrap_or(&location.git_dir);
        let context =
            interpolate::Context { home_dir: user.home.as_deref(), home_for_user: None, ..Default::default() };
        for (source, path) in levels(location, user) {
            let Some(file) = read(&path, source, location, context)? else { continue };
            let Some(value) = file.path("core.hooksPath") else { continue };
            let folder = match value.is_empty() {
                true => None,
                false => Some(value.interpolate(context).map_err(|error| Error::damaged(&path, chain(&error)))?),
            };
            let is_shared = !matches!(source, Source::Local | Source::Worktree);
            found = Self { path: folder.map(|folder| top.join(folder)), named_in: Some(path), is_shared };
        }
        Ok(found)
    }
}

/// The files of all levels, lowest precedence first.
fn levels(location: &Location, user: &UserConfiguration) -> Vec<(Source, PathBuf)> {
    let mut levels = Vec::new();
    if !user.no_system {
        levels.push((Source::System, user.system.clone().unwrap_or_else(|| PathBuf::from("/etc/gitconfig"))));
    }
    match &user.global {
        Some(global) => levels.push((Source::User, global.clone())),
        None => {
            let xdg = user.xdg.clone().or_else(|| Some(user.home.as_ref()?.join(".config")));
            levels.extend(xdg.map(|xdg| (Source::Git, xdg.join("git").join("config"))));
            levels.extend(user.home.as_ref().map(|home| (Source::User, home.join(".gitconfig"))));
        }
    }
    levels.push((Source::Local, location.common_dir.join("config")));
    let own = location.configuration().ok();
    let has_own = own.and_then(|own| own.boolean("extensions.worktreeConfig")?.ok()).unwrap_or(false);
    if has_own {
        levels.push((Source::Worktree, location.git_dir.join("config.worktree")));
    }
    levels
}

/// A file with what it includes; none if it does not exist.
fn read(
    path: &Path,
    source: Source,
    location: &Location,
    context: interpolate::Context<'_>,
) -> Result<Option<File<'static>>, Error> {
    if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return Ok(None);
    }
    let conditional = conditional::Context { git_dir: Some(&location.git_dir), branch_name: None };
    let mut includes = includes::Options::follow(context, conditional);
    // As in git: an included file may be missing.
    includes.err_on_missing_config_path = false;
    let options = init::Options { includes, lossy: true, ..Default::default() };
    let metadata = Metadata::from(source).at(path);
    File::from_paths_metadata([metadata], options).map_err(|error| Error::damaged(path, chain(&error)))
}
