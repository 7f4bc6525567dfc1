//! A bare repository on disk, driven by the real `git`.
//!
//! The only place of the sandbox that runs git. Owns the words git is given and the reading of what it answers; knows
//! nothing of Bitbucket. The user's and the system's git configuration are left out, so that a run does not depend on them.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::state::account::Act;

/// Why git did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program could not be started or talked to.
    #[error("cannot run `git`: {0}")]
    Start(#[source] std::io::Error),
    /// It refused.
    #[error("`git {command}` failed: {words}")]
    Refused {
        /// Which subcommand.
        command: String,
        /// What it said.
        words: String,
    },
}

/// A repository on disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Git {
    folder: PathBuf,
}

/// A commit to be made: what changes against the branch's tip.
#[derive(Clone, Debug)]
pub struct Commit {
    message: String,
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    Rename(Vec<u8>, Vec<u8>),
}

impl Commit {
    /// A commit that changes nothing yet.
    pub fn new(message: &str) -> Self {
        Self { message: message.to_owned(), changes: Vec::new() }
    }

    /// Creates or replaces a file. A path is bytes: hostile names have no encoding.
    #[must_use]
    pub fn write(mut self, path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        self.changes.push(Change::Write(path.as_ref().to_vec(), content.as_ref().to_vec()));
        self
    }

    /// Takes a file away.
    #[must_use]
    pub fn remove(mut self, path: impl AsRef<[u8]>) -> Self {
        self.changes.push(Change::Remove(path.as_ref().to_vec()));
        self
    }

    /// Moves a file.
    #[must_use]
    pub fn rename(mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        self.changes.push(Change::Rename(from.as_ref().to_vec(), to.as_ref().to_vec()));
        self
    }
}

impl Git {
    /// Makes an empty bare repository.
    pub(crate) fn init(folder: &Path, main_branch: &str) -> Result<Self, Error> {
        let git = Self { folder: folder.to_owned() };
        git.run(["init", "--quiet", "--bare", "--initial-branch", main_branch])?;
        // What the sandbox keeps for itself is not offered to those who fetch.
        git.run(["config", "transfer.hideRefs", "refs/sandbox"])?;
        Ok(git)
    }

    /// A repository that exists.
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs git and hands back what it wrote.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Vec<u8>, Error> {
        self.feed(arguments, &[], None)
    }

    /// Like [`Git::run`], as text without the last line's end.
    pub(crate) fn text<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<String, Error> {
        let written = self.run(arguments)?;
        Ok(String::from_utf8_lossy(&written).trim_end_matches('\n').to_owned())
    }

    /// Like [`Git::run`], with input, and with the version of the git protocol that a client asks for.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the sandbox runs git: its repositories are real"
    )]
    pub(crate) fn feed<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: &[u8],
        protocol: Option<&str>,
    ) -> Result<Vec<u8>, Error> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.folder).args(arguments);
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PROTOCOL", "GIT_TRACE"]
        {
            command.env_remove(name);
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        command.env("LC_ALL", "C");
        if let Some(protocol) = protocol {
            command.env("GIT_PROTOCOL", protocol);
        }
        let name = command.get_args().nth(2).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(Error::Start)?;
        let output = std::thread::scope(|scope| {
            if let Some(mut pipe) = child.stdin.take() {
                // git may end before it has read all: then what it says matters, not that the pipe broke.
                scope.spawn(move || {
                    let _ = pipe.write_all(input);
                });
            }
            child.wait_with_output()
        });
        let output = output.map_err(Error::Start)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::Refused { command: name, words })
    }

    /// The full id of what `name` names, if it names a commit.
    pub(crate) fn commit_id(&self, name: &str) -> Option<String> {
        let named = format!("{name}^{{commit}}");
        self.text(["rev-parse", "--quiet", "--verify", "--end-of-options", &named]).ok()
    }

    /// The tip of a branch.
    pub(crate) fn tip(&self, branch: &str) -> Option<String> {
        self.commit_id(&format!("refs/heads/{branch}"))
    }

    /// Points a branch somewhere, wherever it pointed before.
    pub(crate) fn point(&self, branch: &str, commit: &str) -> Result<(), Error> {
        self.run(["update-ref", &format!("refs/heads/{branch}"), commit]).map(drop)
    }

    /// Takes a branch away.
    pub(crate) fn delete(&self, branch: &str) -> Result<(), Error> {
        self.run(["update-ref", "-d", &format!("refs/heads/{branch}")]).map(drop)
    }

    /// Commits on a branch, which is created without history if it does not exist. Answers with the new tip.
    pub(crate) fn commit(&self, branch: &str, commit: &Commit, parents: &[&str], by: &Act) -> Result<String, Error> {
        let signature = signature(by);
        let mut stream = format!("commit refs/heads/{branch}\n").into_bytes();
        for role in ["author", "committer"] {
            stream.extend(format!("{role} {signature}\n").bytes());
        }
        data(&mut stream, commit.message.as_bytes());
        for (place, parent) in parents.iter().enumerate() {
            let word = if place == 0 { "from" } else { "merge" };
            stream.extend(format!("{word} {parent}\n").bytes());
        }
        for change in &commit.changes {
            match change {
                Change::Write(path, content) => {
                    stream.extend(b"M 100644 inline ");
                    stream.extend(quoted(path));
                    stream.push(b'\n');
                    data(&mut stream, content);
                }
                Change::Remove(path) => {
                    stream.extend(b"D ");
                    stream.extend(quoted(path));
                    stream.push(b'\n');
                }
                Change::Rename(from, to) => {
                    stream.extend(b"R ");
                    stream.extend(quoted(from));
                    stream.push(b' ');
                    stream.extend(quoted(to));
                    stream.push(b'\n');
                }
            }
        }
        self.feed(["fast-import", "--quiet", "--force"], &stream, None)?;
        self.text(["rev-parse", &format!("refs/heads/{branch}")])
    }

    /// Merges `theirs` into a branch, as the button of a pull request does. Answers with the new tip.
    pub(crate) fn merge(&self, branch: &str, theirs: &str, message: &str, by: &Act) -> Result<String, Error> {
        let ours = self.text(["rev-parse", &format!("refs/heads/{branch}")])?;
        let tree = self.text(["merge-tree", "--write-tree", &ours, theirs])?;
        let signature = signature(by);
        let commit = format!(
            "tree {tree}\nparent {ours}\nparent {theirs}\nauthor {signature}\ncommitter {signature}\n\n{message}"
        );
        let made = self.feed(["hash-object", "-t", "commit", "-w", "--stdin"], commit.as_bytes(), None)?;
        let made = String::from_utf8_lossy(&made).trim_end().to_owned();
        self.point(branch, &made)?;
        Ok(made)
    }
}

/// Who made a commit and when, as a commit tells it. What would end a name there is left out of it.
fn signature(by: &Act) -> String {
    let name: String = by.who.name.chars().filter(|one| !one.is_control() && !"<>".contains(*one)).collect();
    let first = name.split_whitespace().next().unwrap_or("somebody").to_lowercase();
    format!("{name} <{first}@example.com> {} +0000", by.when.as_second())
}

/// A counted block of the fast-import language.
fn data(stream: &mut Vec<u8>, content: &[u8]) {
    stream.extend(format!("data {}\n", content.len()).bytes());
    stream.extend(content);
    stream.push(b'\n');
}

/// A path in quotes, every byte that is not plain as an octal escape.
fn quoted(path: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for byte in path {
        match byte {
            b'"' | b'\\' | 0..=31 | 127..=255 => quoted.extend(format!("\\{byte:03o}").bytes()),
            plain => quoted.push(*plain),
        }
    }
    quoted.push(b'"');
    quoted
}
