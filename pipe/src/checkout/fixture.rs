//! Repositories to test with, made by the real `git`.
//!
//! The only place that starts a program, and only in tests.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::checkout::CommitInfo;

use super::{Item, Visitor};

/// An item as it was visited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) lines: Option<Vec<(u32, u32)>>,
    pub(super) commit: Option<CommitInfo>,
}

/// Keeps what it visits.
#[derive(Debug, Default)]
pub(super) struct Recorder(pub(super) Vec<Seen>);

impl Visitor for Recorder {
    fn visit(&mut self, item: Item<'_>) {
        let pairs = |lines: &[RangeInclusive<u32>]| lines.iter().map(|lines| (*lines.start(), *lines.end())).collect();
        self.0.push(Seen {
            path: super::path::display(item.path),
            text: String::from_utf8_lossy(item.bytes).into_owned(),
            lines: item.lines.map(pairs),
            commit: item.commit.map(|commit| CommitInfo::clone(commit)),
        });
    }
}

/// What all visitors saw, sorted.
pub(super) fn seen(recorders: Vec<Recorder>) -> Vec<Seen> {
    let mut seen: Vec<_> = recorders.into_iter().flat_map(|recorder| recorder.0).collect();
    seen.sort();
    seen
}

/// A folder with a repository in it, gone when dropped.
pub(crate) struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    /// An empty repository with a fixed author and clock.
    pub(crate) fn new() -> Self {
        let fixture = Self::empty();
        fixture.git(&["init", "-q", "-b", "main", "."]);
        fixture
    }

    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The work tree.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Something in the work tree.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and the folders above it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Runs git in the work tree; what it prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = run("git", arguments, self.path());
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Runs git with something to read; what it prints.
    pub(crate) fn git_with(&self, arguments: &[&str], input: &str) -> String {
        let file = self.at(".git/input");
        std::fs::write(&file, input).unwrap();
        let script = format!("git {} < '{}'", arguments.join(" "), file.display());
        let output = run("sh", &["-c", &script], self.path());
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What git's server answers over HTTP: to a request, or what it can do.
    pub(crate) fn upload_pack(&self, request: Option<Vec<u8>>) -> Vec<u8> {
        let how = if request.is_some() { "--stateless-rpc" } else { "--http-backend-info-refs" };
        let body = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(body.path(), request.unwrap_or_default()).unwrap();
        let script = format!("GIT_PROTOCOL=version=2 git upload-pack {how} . < '{}'", body.path().display());
        // It ends with an error where it says so in its answer.
        run("sh", &["-c", &script], self.path()).stdout
    }

    /// Commits everything in the work tree; the new commit's id.
    pub(crate) fn commit(&self, subject: &str) -> String {
        self.git(&["add", "-A", "-f", "."]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
        self.git(&["rev-parse", "HEAD"])
    }
}

/// Makes a named pipe.
#[cfg(unix)]
pub(crate) fn make_pipe(path: &Path) {
    assert!(run("mkfifo", &[path.to_str().unwrap()], Path::new("/")).status.success());
}

#[expect(clippy::disallowed_methods, reason = "tests need repositories that the real git made")]
fn run(program: &str, arguments: &[&str], folder: &Path) -> std::process::Output {
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "Ada")
        .env("GIT_AUTHOR_EMAIL", "ada@example.com")
        .env("GIT_COMMITTER_NAME", "Ada")
        .env("GIT_COMMITTER_EMAIL", "ada@example.com")
        .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
        .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
        .env("GIT_ALLOW_PROTOCOL", "file")
        .output()
        .unwrap()
}
