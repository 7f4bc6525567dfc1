//! The demonstration of the companion app: the real program, installed as Bitbucket would, and the real `penstock pipe` in the steps of a pull request.
//!
//! Owns the story and checks how it goes: what stands in Bitbucket, and what the app has in its database, is asked from outside. With a PostgreSQL, two
//! copies of the app serve behind one address, and one of them is killed on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use penstock_sandbox::{Commit, Install, Permission, PipeRun, Sandbox, Seed, Step};
use serde_json::Value;

use crate::Failure;
use crate::copies::Copies;
use crate::forged;

const WORKSPACE: &str = "acme";
/// How long something may take to become so.
const PATIENCE: Duration = Duration::from_secs(30);

/// The programs, and where the app remembers.
pub(crate) struct Programs {
    pub(crate) app: PathBuf,
    pub(crate) pipe: PathBuf,
    /// A PostgreSQL; without one, the app's embedded database.
    pub(crate) database: Option<String>,
    /// Runs beside the app once something is in it, instead of the rest of the story.
    pub(crate) then: Option<PathBuf>,
}

/// Tells the story.
pub(crate) fn run(programs: &Programs) -> Result<(), Failure> {
    let sandbox = Sandbox::new()?;
    sandbox.workspace(WORKSPACE)?;
    let mut copies = Copies::start(programs, &sandbox)?;
    say(&format!("The app runs at {}, and is installed by its descriptor", copies.base()))?;
    let installed = sandbox.install(&Install::new(WORKSPACE, &format!("{}/atlassian-connect.json", copies.base())))?;
    let pipe = programs.pipe.canonicalize()?;
    let seed = sandbox.seed()?;
    let Seed { repository, source, destination, pull_request } = &seed;
    let story = Story { sandbox: &sandbox, pipe: &pipe, repository, workspace: &installed.workspace_uuid };

    if programs.then.is_none() {
        say("The first pull request, before anything was scanned of the main branch: pipe and app give one answer")?;
        story.pull_request(&copies, *pull_request, 1)?;
        let head = sandbox.tip(repository, source)?;
        story.stands(&head, *pull_request, "FAILED")?;
        let comments = sandbox.comments(repository, *pull_request)?;
        let told = comments.iter().find(|comment| !comment.is_deleted).map(|comment| comment.raw.clone());
        let told = told.unwrap_or_default();
        let is_one = told.contains("as the pipe compared its files") && !told.contains("has no run to compare with");
        check(is_one, "the comment names the base that the pipe compared with")?;
    }

    say("The main branch is scanned. No secret is configured: the step shows its identity token")?;
    story.branch(&copies, destination, 0)?;
    let debt = story.open(&copies, destination)?;
    check(debt.len() >= 2, &format!("old debt is known: {debt:?}"))?;

    if let Some(then) = &programs.then {
        return beside(&sandbox, &copies, &installed.workspace_uuid, then);
    }

    say("The pull request is scanned: it adds two secrets")?;
    copies.kill_one()?;
    let output = story.pull_request(&copies, *pull_request, 1)?;
    check(output.contains("the verdict is the companion app's"), "the step ended with the app's verdict")?;
    let head = sandbox.tip(repository, source)?;
    story.stands(&head, *pull_request, "FAILED")?;

    say("The same step sends a run that found nothing: what was reported of the commit stays")?;
    let step = sandbox.pull_request_step(repository, *pull_request)?;
    let token = sandbox.oidc_token(&step, &[copies.base()]);
    let answer = forged::empty_run(copies.base(), &token, &sandbox.step_environment(&step))?;
    check(answer.contains("\"new\":2"), &format!("the answer counts both secrets: {answer}"))?;
    story.stands(&head, *pull_request, "FAILED")?;
    let told = || -> Result<String, Failure> {
        let comments = sandbox.comments(repository, *pull_request)?;
        Ok(comments.iter().filter(|comment| !comment.is_deleted).map(|comment| comment.raw.clone()).collect())
    };
    story.eventually("the comment names the contradiction", || Ok(told()?.contains("no longer reports 3 findings")))?;

    say("The author dismisses the secrets, which counts once another person says the same")?;
    let (author, other) = (sandbox.owner().uuid, sandbox.person("Wanda Writer"));
    sandbox.permit(repository, &other.uuid, Permission::Write)?;
    let ids: Vec<String> = told()?
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split_once('`').map(|(id, _)| id.to_owned()))
        .filter(|id| id.len() == 10 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .collect();
    check(ids.len() == 2, &format!("the comment names two IDs: {ids:?}"))?;
    let ignore = |person: &str| -> Result<(), Failure> {
        let person = sandbox.acting_as(person)?;
        for id in &ids {
            person.comment(repository, *pull_request, &format!("/penstock ignore {id} it is for a test"))?;
        }
        Ok(())
    };
    let status = || -> Result<String, Failure> {
        let statuses = sandbox.statuses(repository, &head)?;
        Ok(statuses.first().and_then(|one| one["state"].as_str()).unwrap_or_default().to_owned())
    };
    ignore(&author)?;
    story.eventually("the app answers that another person is needed", || {
        Ok(told()?.matches("You opened this pull request").count() == 2)
    })?;
    check(status()? == "FAILED", "the author's word does not count")?;
    ignore(&other.uuid)?;
    story.eventually("with another person's word the gate passes", || Ok(status()? == "SUCCESSFUL"))?;

    say("The author takes them out again")?;
    let payments = "import os\nurl = \"https://payments.example.com\"\npassword = os.environ[\"PAYMENTS\"]\n";
    let broken = sandbox.branch(repository, "kept", source)?;
    let fix = Commit::new("Read the passwords from the environment\n")
        .write("src/payments.py", payments)
        .write("config/mail.ini", "[smtp]\nuser = shop\n");
    sandbox.push(repository, source, &fix)?;
    story.pull_request(&copies, *pull_request, 0)?;
    let head = sandbox.tip(repository, source)?;
    story.stands(&head, *pull_request, "SUCCESSFUL")?;
    copies.revive()?;

    say("It is merged, and the fix of the legacy password with it")?;
    sandbox.merge(repository, *pull_request)?;
    story.branch(&copies, destination, 0)?;
    let merged = story.open(&copies, destination)?;
    check(!merged.contains("config/legacy.yml"), &format!("what the pull request fixed is fixed: {merged:?}"))?;

    say("Another pull request brings a secret, and is merged in spite of the gate")?;
    let secret = format!("password = \"{}\"\n", random());
    sandbox.branch(repository, "second", destination)?;
    sandbox.push(repository, "second", &Commit::new("Add\n").write("src/late.py", &secret))?;
    let second = sandbox.open_pull_request(repository, "Late", "second", destination)?;
    story.pull_request(&copies, second, 1)?;
    sandbox.merge(repository, second)?;
    let at = "src/late.py";
    story.eventually("the secret stands on the destination before that is scanned", || {
        Ok(story.open(&copies, destination)?.contains(at))
    })?;

    say("Reverted, and back again")?;
    sandbox.push(repository, destination, &Commit::new("Revert\n").remove(at))?;
    story.branch(&copies, destination, 0)?;
    check(!story.open(&copies, destination)?.contains(at), "the secret is fixed")?;
    sandbox.push(repository, destination, &Commit::new("Again\n").write(at, &secret))?;
    story.branch(&copies, destination, 1)?;
    check(story.open(&copies, destination)?.contains(at), "the secret is back")?;
    check(story.reopened(&copies)? >= 1, "and it is the same one, reopened")?;

    say("A file and the repository get other names")?;
    let before = story.findings(&copies)?;
    sandbox.push(repository, destination, &Commit::new("Rename\n").rename(at, "src/early.py"))?;
    story.branch(&copies, destination, 0)?;
    check(story.open(&copies, destination)?.contains("src/early.py"), "the secret moved with its file")?;
    check(story.findings(&copies)? == before, "and it is still the same finding")?;
    sandbox.rename_repository(repository, "acme/store")?;
    story.eventually("the app knows the new name", || {
        Ok(story.rows(&copies, "repositories")?.iter().any(|row| row["slug"] == "store"))
    })?;
    drop(broken);

    say("What did not fit")?;
    let violations = sandbox.take_violations();
    for violation in &violations {
        writeln!(io::stdout(), "does not fit: {violation}")?;
    }
    check(violations.is_empty(), "every request was one that Bitbucket takes")?;
    check(copies.dead_jobs()?.starts_with("0 dead"), "no job was given up")
}

/// Runs a program that is told where the app is, with a token of the workspace and one of another workspace.
fn beside(sandbox: &Sandbox, copies: &Copies, workspace: &str, then: &Path) -> Result<(), Failure> {
    sandbox.workspace("other")?;
    let other = sandbox.install(&Install::new("other", &format!("{}/atlassian-connect.json", copies.base())))?;
    let token = |workspace: &str| {
        let workspace = workspace.trim_matches(['{', '}']);
        let scopes = "upload:any-ref,read,triage";
        copies.command(&["tokens", "create", "--workspace", workspace, "--name", "demo", "--scopes", scopes])
    };
    let (own, foreign) = (token(workspace)?, token(&other.workspace_uuid)?);
    let repository = copies.command(&["tenants", "export", workspace.trim_matches(['{', '}'])])?;
    let rows = repository.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let id = |table: &str, column: &str| {
        let row = rows.clone().find(|line| line["table"] == table);
        row.and_then(|line| line["row"][column].as_str().map(dashed)).unwrap_or_default()
    };
    #[expect(clippy::disallowed_methods, reason = "what the caller named; this crate is never shipped")]
    let mut command = std::process::Command::new(then);
    let status = command
        .env("APP_URL", copies.base())
        .env("APP_TOKEN", own.trim())
        .env("OTHER_TOKEN", foreign.trim())
        .env("REPOSITORY", id("repositories", "repository"))
        .env("FINDING", id("findings", "finding"))
        .env("RUN", id("runs", "run"))
        .env("COMMIT", sandbox.tip("acme/shop", "main")?)
        .status()?;
    check(status.success(), "the program beside the app ended well")
}

/// `\\x…` as a UUID.
fn dashed(hex: &str) -> String {
    let hex = hex.trim_start_matches("\\x");
    match hex.len() {
        32 => format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]),
        _ => String::new(),
    }
}

struct Story<'a> {
    sandbox: &'a Sandbox,
    pipe: &'a Path,
    repository: &'a str,
    workspace: &'a str,
}

impl Story<'_> {
    fn branch(&self, copies: &Copies, branch: &str, expected: i32) -> Result<String, Failure> {
        self.step(copies, &self.sandbox.branch_step(self.repository, branch)?, expected)
    }

    fn pull_request(&self, copies: &Copies, number: u64, expected: i32) -> Result<String, Failure> {
        self.step(copies, &self.sandbox.pull_request_step(self.repository, number)?, expected)
    }

    /// Runs the pipe as a step would, with nothing but its identity.
    fn step(&self, copies: &Copies, step: &Step, expected: i32) -> Result<String, Failure> {
        let folder = tempfile::tempdir()?;
        let clone = folder.path().join("build");
        self.sandbox.clone_for(step, &clone, Some(50))?;
        let token = self.sandbox.oidc_token(step, &[copies.base()]);
        let variables = [("COMPANION_URL", copies.base()), ("BITBUCKET_STEP_OIDC_TOKEN", token.as_str())];
        let PipeRun { code, stdout, stderr } = self.sandbox.run_pipe(step, &clone, self.pipe, &variables)?;
        let output = format!("{stdout}\n{stderr}");
        writeln!(io::stdout().lock(), "{output}")?;
        if code == Some(expected) {
            Ok(output)
        } else {
            Err(format!("the pipe ended with {code:?}, and {expected} was expected").into())
        }
    }

    /// A report by the pipe, and one status and one comment by the app.
    fn stands(&self, commit: &str, number: u64, state: &str) -> Result<(), Failure> {
        self.eventually(&format!("one status stands there, {state}, and one comment"), || {
            let statuses = self.sandbox.statuses(self.repository, commit)?;
            let comments = self.sandbox.comments(self.repository, number)?;
            // Commands of people and the answers to them are others.
            let is_other = |raw: &str| raw.starts_with("/penstock") || raw.contains("(penstock.reply.");
            let comments = comments.iter().filter(|one| !one.is_deleted && !is_other(&one.raw)).count();
            Ok(statuses.len() == 1 && statuses[0]["state"] == state && comments == 1)
        })?;
        check(!self.sandbox.reports(self.repository, commit)?.is_empty(), "the pipe posted a report")
    }

    fn eventually(&self, what: &str, mut is_so: impl FnMut() -> Result<bool, Failure>) -> Result<(), Failure> {
        self.sandbox.settle();
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if is_so()? {
                return check(true, what);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        check(false, what)
    }

    /// All rows of a table, as the app exports them.
    fn rows(&self, copies: &Copies, table: &str) -> Result<Vec<Value>, Failure> {
        let exported = copies.command(&["tenants", "export", self.workspace.trim_matches(['{', '}'])])?;
        let rows = exported.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(rows.filter(|line| line["table"] == table).map(|mut line| line["row"].take()).collect())
    }

    /// Paths of what is open on a branch.
    fn open(&self, copies: &Copies, branch: &str) -> Result<BTreeSet<String>, Failure> {
        let branches = self.rows(copies, "branches")?;
        let id = branches.iter().find(|row| row["name"] == branch && row["deleted_at"].is_null());
        let id = id.map(|row| row["branch"].clone()).ok_or("the app does not know the branch")?;
        let rows = self.rows(copies, "occurrences")?;
        let open = rows.iter().filter(|row| row["branch"] == id && row["gone"].is_null());
        Ok(open.filter_map(|row| row["path"].as_str()).map(str::to_owned).collect())
    }

    fn reopened(&self, copies: &Copies) -> Result<u64, Failure> {
        Ok(self.rows(copies, "occurrences")?.iter().filter_map(|row| row["reopened"].as_u64()).sum())
    }

    fn findings(&self, copies: &Copies) -> Result<BTreeMap<String, String>, Failure> {
        let rows = self.rows(copies, "findings")?;
        Ok(rows.iter().map(|row| (row["finding"].to_string(), row["rule"].to_string())).collect())
    }
}

/// Random letters and digits, so that no secret stands in here.
fn random() -> String {
    let mut bytes = [0_u8; 16];
    // Zeros would make the story fail, and not unnoticed.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|byte| char::from(b"abcdefghkmnpqrstuvwxyz23456789"[usize::from(*byte) % 30])).collect()
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "\n== {text}\n")
}

fn check(holds: bool, what: &str) -> Result<(), Failure> {
    if !holds {
        return Err(format!("this should be so, and is not: {what}").into());
    }
    Ok(writeln!(io::stdout(), "as it should be: {what}")?)
}
