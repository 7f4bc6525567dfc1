//! Running the real program, as a user or a pipeline would, and what it told.
//!
//! The environment is empty but for a fixed clock, and every run proves that nothing reaches a terminal raw.

use std::ffi::OsStr;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A run to be made.
pub(crate) struct Penstock {
    command: Command,
    folder: PathBuf,
    input: Option<Vec<u8>>,
    /// Where a copy of the program lies, until it has run.
    copy: Option<tempfile::TempDir>,
}

/// What a run told.
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    /// Without the path of the folder it ran in.
    pub(crate) stderr: String,
}

impl Penstock {
    pub(crate) fn new() -> Self {
        Self::at(Path::new(env!("CARGO_BIN_EXE_penstock")))
    }

    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    fn at(program: &Path) -> Self {
        let mut command = Command::new(program);
        command.env_clear().env("SOURCE_DATE_EPOCH", "1767322800").stdin(Stdio::null());
        Self { command, folder: PathBuf::from("."), input: None, copy: None }
    }

    /// As somebody who owns nothing, where the tests run as root: to root no file is unreadable.
    #[cfg(unix)]
    #[expect(clippy::disallowed_methods, reason = "copies the program under test")]
    pub(crate) fn as_nobody() -> Self {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        use std::os::unix::process::CommandExt;
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        if !is_root {
            return Self::new();
        }
        // Where the build lies may be closed to others.
        let copy = tempfile::tempdir().unwrap();
        let program = copy.path().join("penstock");
        // By another process: a program cannot be run while a process has it open for writing, and
        // what another test starts inherits what this process has open.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_penstock")).arg(&program).status().unwrap();
        assert!(copied.success());
        std::fs::set_permissions(copy.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut run = Self::at(&program);
        run.copy = Some(copy);
        run.command.uid(65_534).gid(65_534);
        run
    }

    /// `scan --format json`, which [`Told::summary`] reads.
    pub(crate) fn scan() -> Self {
        Self::new().args(["scan", "--format", "json"])
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn dir(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.folder);
        self
    }

    pub(crate) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Told {
        let told = self.run_colored();
        for out in [&told.stdout, &told.stderr] {
            let raw = out.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(raw, None, "a control character on its way to a terminal: {out:?}");
        }
        told
    }

    /// Runs it to its end; colours may be in what it tells.
    pub(crate) fn run_colored(mut self) -> Told {
        if let Some(input) = &self.input {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(input).unwrap();
            file.rewind().unwrap();
            self.command.stdin(file);
        }
        let output = self.command.current_dir(&self.folder).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8 whatever the input");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        let code = output.status.code().expect("an exit code, not a signal");
        assert!(!stderr.contains("panicked"), "{stderr}");
        let folders = [self.folder.clone(), std::fs::canonicalize(&self.folder).unwrap()];
        // The folder of the tests itself is called `.`, and dots are everywhere.
        let stderr = folders
            .iter()
            .filter(|folder| folder.is_absolute())
            .fold(stderr, |text, folder| text.replace(&folder.display().to_string(), "[dir]"));
        Told { code, stdout, stderr }
    }
}

impl Told {
    /// The report, of a run that was asked for JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }

    /// `path:line rule` of every finding; one that is allowed in brackets.
    pub(crate) fn findings(&self) -> Vec<String> {
        let report = self.json();
        let line = |finding: &Value| {
            let (place, rule) = (&finding["location"], finding["rule"].as_str().unwrap());
            let text = format!("{}:{} {rule}", place["path"].as_str().unwrap(), place["start_line"]);
            if finding.get("suppression").is_some_and(|it| !it.is_null()) { format!("({text})") } else { text }
        };
        report["findings"].as_array().unwrap().iter().map(line).collect()
    }

    /// What was passed over: `?` by a limit, `!` what should have been read.
    pub(crate) fn skipped(&self) -> Vec<String> {
        let report = self.json();
        let line = |skipped: &Value| {
            let mark = if skipped["by_limit"] == true { '?' } else { '!' };
            format!("{mark} {}: {}", skipped["subject"].as_str().unwrap(), skipped["reason"].as_str().unwrap())
        };
        report["tools"][0]["skipped"].as_array().unwrap().iter().map(line).collect()
    }

    /// Exit code, findings, what was passed over, and standard error.
    pub(crate) fn summary(&self) -> String {
        let mut lines = vec![format!("exit {}", self.code)];
        if !self.stdout.is_empty() {
            lines.extend(self.findings());
            lines.extend(self.skipped());
        }
        lines.extend(self.stderr.lines().map(str::to_owned));
        lines.join("\n")
    }
}
