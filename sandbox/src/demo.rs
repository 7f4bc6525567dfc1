//! The demonstration: what `penstock pipe` does in the steps of a pull request.
//!
//! Owns the story and checks how it goes: a run that ends otherwise than it should ends the demonstration with an error.

use std::io::{self, Write};
use std::path::Path;

use penstock_sandbox::{Commit, PipeRun, Sandbox, Seed};

use crate::Failure;

/// Commits that Pipelines clones unless it is told otherwise.
const DEPTH: u32 = 50;

/// Tells the story with the program at `penstock`.
pub(crate) fn run(penstock: &Path) -> Result<(), Failure> {
    let sandbox = Sandbox::new()?;
    let seed = sandbox.seed()?;
    let Seed { repository, source, .. } = &seed;
    let penstock = penstock.canonicalize()?;
    let token = sandbox.repository_token(repository, &["repository", "pullrequest"])?;
    let token = [("BITBUCKET_ACCESS_TOKEN", token.as_str())];

    say("A pull request adds two secrets and fixes one. The step has no credentials:")?;
    step(&sandbox, &seed, &penstock, &[], 1)?;
    say("The same, with a repository access token:")?;
    step(&sandbox, &seed, &penstock, &token, 1)?;

    let fix = Commit::new("Read the passwords from the environment\n")
        .write(
            "src/payments.py",
            "import os\nurl = \"https://payments.example.com\"\npassword = os.environ[\"PAYMENTS\"]\n",
        )
        .write("config/mail.ini", "[smtp]\nuser = shop\n");
    sandbox.push(repository, source, &fix)?;
    say("The author takes the secrets out again. They were pushed, so they have leaked:")?;
    step(&sandbox, &seed, &penstock, &token, 0)?;

    say("The comment on the pull request, which was updated:")?;
    let comments = sandbox.comments(repository, seed.pull_request)?;
    for comment in comments.iter().filter(|comment| !comment.is_deleted) {
        say(&comment.raw)?;
    }
    if comments.len() != 1 {
        return Err(format!("there should be one comment, and there are {}", comments.len()).into());
    }
    say("What Bitbucket was asked:")?;
    for entry in sandbox.journal() {
        writeln!(io::stdout(), "  {entry}")?;
    }
    let violations = sandbox.take_violations();
    for violation in &violations {
        writeln!(io::stdout(), "does not fit: {violation}")?;
    }
    if violations.is_empty() { Ok(()) } else { Err("requests did not fit".into()) }
}

fn step(
    sandbox: &Sandbox,
    seed: &Seed,
    penstock: &Path,
    variables: &[(&str, &str)],
    expected: i32,
) -> Result<(), Failure> {
    let step = sandbox.pull_request_step(&seed.repository, seed.pull_request)?;
    let folder = tempfile::tempdir()?;
    let clone = folder.path().join("build");
    sandbox.clone_for(&step, &clone, Some(DEPTH))?;
    let PipeRun { code, stdout, stderr } = sandbox.run_pipe(&step, &clone, penstock, variables)?;
    let mut out = io::stdout().lock();
    write!(out, "{stdout}\n{stderr}\n")?;
    match code {
        Some(code) if code == expected => writeln!(out, "exit code {code}, as it should be").map_err(Failure::from),
        other => Err(format!("the pipe ended with {other:?}, and {expected} was expected").into()),
    }
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "\n== {text}\n")
}
