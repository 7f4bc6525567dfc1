//! Folders and repositories to scan, gone when dropped. Repositories are made by the real git.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::expand::expand;

/// A secret that is surely found: of a public form, with random characters that stand nowhere in the sources.
pub(crate) fn token(seed: u64) -> String {
    expand("glpat-{{alnum:20}}", seed)
}

/// A line with such a secret in it.
pub(crate) fn leak(seed: u64) -> String {
    format!("token = {}\n", token(seed))
}

/// A folder.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With an empty repository in it.
    pub(crate) fn repository() -> Self {
        let folder = Self::new();
        folder.git(&["init", "-q", "-b", "main", "."]);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and the folders above it.
    pub(crate) fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> &Self {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// Runs git in it; what it prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        run("git", arguments, self.path())
    }

    /// Commits everything.
    pub(crate) fn commit(&self, subject: &str) -> &Self {
        self.git(&["add", "-A", "-f", "."]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
        self
    }

    /// Makes a named pipe.
    #[cfg(unix)]
    pub(crate) fn pipe(&self, name: &str) {
        run("mkfifo", &[name], self.path());
    }

    /// The file of an object that lies loose.
    pub(crate) fn object(&self, revision: &str) -> PathBuf {
        let id = self.git(&["rev-parse", revision]);
        self.at(format!(".git/objects/{}/{}", &id[..2], &id[2..]))
    }

    /// The one file with this ending among the packs.
    pub(crate) fn pack(&self, ending: &str) -> PathBuf {
        let mut files = std::fs::read_dir(self.at(".git/objects/pack")).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_some_and(|it| it == ending)).unwrap()
    }
}

/// Runs git anywhere; what it prints.
pub(crate) fn git_in(folder: &Path, arguments: &[&str]) -> String {
    run("git", arguments, folder)
}

/// Replaces a file that git made read-only.
pub(crate) fn replace(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// A user for git, without the configuration of this machine.
pub(crate) const GIT_ENVIRONMENT: [(&str, &str); 6] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_AUTHOR_NAME", "Ada"),
    ("GIT_AUTHOR_EMAIL", "ada@example.com"),
    ("GIT_COMMITTER_NAME", "Ada"),
    ("GIT_COMMITTER_EMAIL", "ada@example.com"),
];

#[expect(clippy::disallowed_methods, reason = "tests need repositories that the real git made")]
fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .envs(GIT_ENVIRONMENT)
        .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
        .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
        .env("GIT_ALLOW_PROTOCOL", "file")
        .output()
        .unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
