//! Reviews of real repositories: which base is chosen, and what comes of the comparison.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use penstock_common::gate::Outcome;
use penstock_common::{Change, Finding};

use super::*;
use crate::checkout::fixture::Fixture;
use crate::settings::Variables;

mod branches;
mod fetching;
mod owners;
mod policy;
mod pull_requests;

/// A line with a secret of a public form, different for each seed; no such value stands in the sources.
fn leak(seed: u64) -> String {
    format!("token = {}\n", token(seed))
}

fn token(seed: u64) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(LETTERS[(state >> 33) as usize % LETTERS.len()])
    };
    format!("glpat-{}", (0..20).map(|_| letter()).collect::<String>())
}

/// A review in the making.
struct Review<'a> {
    arguments: ScanArgs,
    variables: Vec<(&'static str, String)>,
    main_branch: Option<&'a str>,
    remote: Option<&'a dyn Remote>,
}

impl<'a> Review<'a> {
    /// Of the files of a work tree.
    fn of(path: &Path) -> Self {
        let arguments = ScanArgs { paths: vec![path.to_owned()], trust_repository: true, ..ScanArgs::default() };
        Self { arguments, variables: Vec::new(), main_branch: None, remote: None }
    }

    fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// In the pipeline of a branch.
    fn branch(self, commit: &str, branch: &str) -> Self {
        self.variable("BITBUCKET_COMMIT", commit).variable("BITBUCKET_BRANCH", branch)
    }

    /// In the pipeline of a pull request into `main`.
    fn pull_request(self, commit: &str, destination: &str) -> Self {
        self.branch(commit, "topic")
            .variable("BITBUCKET_PR_ID", "7")
            .variable("BITBUCKET_PR_DESTINATION_BRANCH", "main")
            .variable("BITBUCKET_PR_DESTINATION_COMMIT", destination)
    }

    fn base(mut self, base: &str) -> Self {
        self.arguments.base = Some(base.to_owned());
        self
    }

    fn remote(self, remote: &'a dyn Remote) -> Self {
        Self { remote: Some(remote), ..self }
    }

    fn run(self) -> Assessment {
        self.try_run().unwrap_or_else(|error| panic!("{}", error.render()))
    }

    fn try_run(self) -> Result<Assessment, Error> {
        let build: Option<PipelinesEnv> = (!self.variables.is_empty()).then(|| {
            let pairs = self.variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
            pairs.collect::<Variables>().read().unwrap()
        });
        run(&Request {
            arguments: &self.arguments,
            environment: &Environment { source_date_epoch: Some(1_767_322_800), ..Environment::default() },
            build: build.as_ref(),
            main_branch: self.main_branch,
            remote: self.remote,
            progress: None,
        })
    }
}

/// What came of it, in few words: findings by what they are, without what is beside the point.
fn told(assessment: &Assessment) -> String {
    let run = &assessment.run;
    let mut text = String::new();
    let place = |finding: &Finding| format!("{}:{}", finding.location.path, finding.location.start_line);
    for finding in &run.findings {
        let change = match finding.change {
            Some(Change::New) => "new",
            Some(Change::Existing) => "existing",
            None => "found",
        };
        let suppressed = if finding.is_active() { "" } else { " suppressed" };
        let _ = writeln!(text, "{change}{suppressed} {}", place(finding));
    }
    if let Some(comparison) = &run.comparison {
        comparison.fixed.iter().for_each(|finding| writeln!(text, "fixed {}", place(finding)).unwrap());
        for finding in &comparison.leaked {
            let commit = finding.commit.as_ref().map_or("", |commit| &commit.subject);
            let _ = writeln!(text, "leaked {} by {commit}", place(finding));
        }
    }
    text.trim_end().to_owned()
}

fn kind(assessment: &Assessment) -> BaseKind {
    assessment.run.comparison.as_ref().unwrap().base.kind
}

fn base_commit(assessment: &Assessment) -> &str {
    assessment.run.comparison.as_ref().unwrap().base.commit.as_deref().unwrap()
}

fn reason(assessment: &Assessment) -> &str {
    &assessment.run.comparison.as_ref().unwrap().base.reason
}

fn outcome(assessment: &Assessment, name: &str) -> Outcome {
    let conditions = &assessment.run.gate.as_ref().unwrap().conditions;
    conditions.iter().find(|one| one.name == name).unwrap().outcome
}

/// Answers from a repository on this machine, and what it was told.
struct Local<'f> {
    origin: &'f Fixture,
    diff: Option<&'static str>,
    passed: Vec<String>,
    asked: RefCell<Vec<String>>,
    offline: bool,
}

impl<'f> Local<'f> {
    fn new(origin: &'f Fixture) -> Self {
        Self { origin, diff: None, passed: Vec::new(), asked: RefCell::default(), offline: false }
    }

    fn note(&self, what: impl Into<String>) -> Result<(), RemoteError> {
        self.asked.borrow_mut().push(what.into());
        if self.offline { Err(RemoteError("the network is down".to_owned())) } else { Ok(()) }
    }
}

impl Remote for Local<'_> {
    fn main_branch(&self) -> Result<String, RemoteError> {
        self.note("main branch")?;
        Ok("main".to_owned())
    }

    fn commit(&self, id: &str) -> Result<String, RemoteError> {
        self.note(format!("commit {id}"))?;
        Ok(self.origin.git(&["rev-parse", id]))
    }

    fn pull_request_diff(&self, id: u64, _limit: u64) -> Result<Vec<u8>, RemoteError> {
        self.note(format!("diff {id}"))?;
        self.diff.map(|diff| diff.as_bytes().to_vec()).ok_or_else(|| RemoteError("no difference".to_owned()))
    }

    fn passed(&self, commit: &str) -> Result<bool, RemoteError> {
        self.note("passed")?;
        Ok(self.passed.iter().any(|passed| passed == commit))
    }

    fn git<'a>(&'a self, request: Option<Vec<u8>>) -> Result<Box<dyn Read + Send + 'a>, RemoteError> {
        self.note(if request.is_some() { "git fetch" } else { "git" })?;
        Ok(Box::new(std::io::Cursor::new(self.origin.upload_pack(request))))
    }
}
