//! `penstock init --hook`: the commit hook.
//!
//! Owns its text, and the choice between writing it and showing what to add where. It is written
//! only where git looks and where nothing else manages hooks: not into a folder that all
//! repositories share, not outside the repository, not over another hook.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::create;
use crate::analyze::secrets::mask;
use crate::checkout::{HooksFolder, Location};
use crate::error::Error;
use crate::no_follow::Executable;
use crate::settings::Environment;

const HOOK: &str = include_str!("pre-commit.sh");
/// The command that the hook runs.
const COMMAND: &str = "penstock scan --staged";

/// Writes the hook, or explains why not.
pub(super) fn install(location: &Location, environment: &Environment) -> Result<String, Error> {
    let folder = HooksFolder::find(location, &environment.user).map_err(crate::scan::Error::from)?;
    if let Some(message) = location.root.as_deref().and_then(|root| managed(root, &folder)) {
        return Ok(message);
    }
    // A configuration may name any path, also one with a secret in it.
    let display = |path: &Path| mask(&path.display().to_string());
    let named_in = display(folder.named_in.as_deref().unwrap_or(&location.common_dir));
    let Some(path) = &folder.path else {
        return Ok(format!(
            "no hook was written: `core.hooksPath` in {named_in} is empty, so git runs no hooks\n\
             to give this repository hooks: git config core.hooksPath .git/hooks, then penstock init --hook\n"
        ));
    };
    let hook = path.join("pre-commit");
    let shown = display(&hook);
    if fs::metadata(path).is_ok_and(|found| !found.is_dir()) {
        return Ok(format!(
            "no hook was written: `core.hooksPath` in {named_in} is {}, which is no folder, so git runs no hooks\n",
            display(path)
        ));
    }
    if folder.is_shared {
        return Ok(format!(
            "no hook was written: `core.hooksPath` in {named_in} makes all repositories share {}\n\
             to scan commits to all of them, add `{COMMAND}` to {shown}\n\
             to give this one hooks of its own: git config core.hooksPath .git/hooks, then penstock init --hook\n",
            display(path)
        ));
    }
    let Some(real) = inside(path, location) else {
        return Ok(format!(
            "no hook was written: `core.hooksPath` in {named_in} leads out of the repository\n\
             add `{COMMAND}` to {shown}\n"
        ));
    };
    if create(&real, "pre-commit", HOOK, Executable::Yes)? {
        return Ok(format!("wrote {shown}\n"));
    }
    let has_it = fs::read(&hook).is_ok_and(|text| memchr::memmem::find(&text, COMMAND.as_bytes()).is_some());
    Ok(if has_it {
        format!("{shown} runs penstock already: left as it is\n")
    } else {
        format!("{shown} is there already: add `{COMMAND}` to it\n")
    })
}

/// What to add where another program manages the hooks and would overwrite ours.
fn managed(root: &Path, folder: &HooksFolder) -> Option<String> {
    let has = |name: &&str| root.join(name).exists();
    let add = |manager: &str, file: &str, text: &str| {
        Some(format!("no hook was written: {manager} manages the hooks here; add this to {file}:\n\n{text}\n"))
    };
    let husky = root.join(".husky");
    if husky.is_dir() || folder.path.as_ref().is_some_and(|path| path.starts_with(&husky)) {
        return add("husky", ".husky/pre-commit", COMMAND);
    }
    const LEFTHOOK: [&str; 8] = [
        "lefthook.yml",
        "lefthook.yaml",
        "lefthook.toml",
        "lefthook.json",
        ".lefthook.yml",
        ".lefthook.yaml",
        ".lefthook.toml",
        ".config/lefthook.yml",
    ];
    if let Some(file) = LEFTHOOK.iter().find(|name| has(name)) {
        let text = format!("pre-commit:\n  commands:\n    penstock:\n      run: {COMMAND}");
        return add("lefthook", file, &text);
    }
    if let Some(file) = [".pre-commit-config.yaml", ".pre-commit-config.yml"].iter().find(|name| has(name)) {
        let text = "- repo: local\n  hooks:\n  - id: penstock\n    name: penstock\n    entry: penstock scan --\n    \
                    language: system\n    require_serial: true";
        return add("pre-commit", &format!("`repos` in {file}"), text);
    }
    if has(&".overcommit.yml") {
        let text = "PreCommit:\n  Penstock:\n    enabled: true\n    command: ['penstock', 'scan', '--staged']";
        return add("overcommit", ".overcommit.yml", text);
    }
    None
}

/// `folder`, which need not exist, with links resolved; none if it is outside the repository.
fn inside(folder: &Path, location: &Location) -> Option<PathBuf> {
    let real = folder.ancestors().find_map(|existing| {
        let resolved = fs::canonicalize(existing).ok()?;
        Some(resolved.join(folder.strip_prefix(existing).ok()?))
    })?;
    let goes_up = real.components().any(|part| part == Component::ParentDir);
    let own = [location.root.as_deref(), Some(&*location.git_dir), Some(&*location.common_dir)];
    (!goes_up && own.iter().flatten().any(|folder| real.starts_with(folder))).then_some(real)
}
