//! Starts a sandbox, seeds it, and says where to look; or tells a story in it.
#![forbid(unsafe_code)]

mod app_demo;
mod copies;
mod demo;
mod forged;
mod live;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use penstock_sandbox::{Sandbox, Seed, Step};

/// A Bitbucket on loopback, with the companion app in it and sixty days of history. Serves until Ctrl-C.
///
/// With `--bare` (or `--environment`, `--clone`) there is no app, and only a small repository with a pull request; what was asked is shown at the end.
///
/// `BITBUCKET_OPENAPI` may name a copy of Atlassian's OpenAPI document: then requests are held against that, too.
#[derive(Parser)]
#[command(name = "penstock-sandbox")]
struct Arguments {
    /// Keep what there is in this folder [default: `sandbox-data` beside this program]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The first of six ports in a row
    #[arg(long, value_name = "NUMBER", default_value_t = 7990)]
    port: u16,
    /// Without the app and without a history: a repository with a pull request, and tokens to try calls with
    #[arg(long, conflicts_with = "data")]
    bare: bool,
    /// Write what a step of the pull request is told in its environment to this file, to be read by a shell
    #[arg(long, value_name = "FILE")]
    environment: Option<PathBuf>,
    /// Clone the repository into this folder, which must not exist, as the step finds it
    #[arg(long, value_name = "FOLDER")]
    clone: Option<PathBuf>,
    /// With the access token in the file of the environment: reports, build status and comment can be posted
    #[arg(long, requires = "environment")]
    with_token: bool,
    /// Run this `penstock` as Pipelines would, show what it does in the steps of a pull request, and end
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["environment", "clone"])]
    demo: Option<PathBuf>,
    /// Run this `penstock-app` and the `penstock` of `--pipe` in a pull request, show what both do, and end
    #[arg(long, value_name = "PROGRAM", requires = "pipe", conflicts_with_all = ["environment", "clone", "demo"])]
    demo_app: Option<PathBuf>,
    /// The `penstock` for `--demo-app`
    #[arg(long, value_name = "PROGRAM")]
    pipe: Option<PathBuf>,
    /// A PostgreSQL for `--demo-app`: then two copies of it run, and one is killed on the way
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// With `--demo-app`: run this program beside the app once something is in it, instead of telling the story
    #[arg(long, value_name = "PROGRAM")]
    then: Option<PathBuf>,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(failure) => {
            // Nothing is left to be told if this cannot be.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(penstock) = &arguments.demo {
        return demo::run(penstock).map(|()| ExitCode::SUCCESS);
    }
    if let (Some(app), Some(pipe)) = (&arguments.demo_app, &arguments.pipe) {
        let (app, pipe, database) = (app.clone(), pipe.clone(), arguments.database.clone());
        let then = arguments.then.clone();
        return app_demo::run(&app_demo::Programs { app, pipe, database, then }).map(|()| ExitCode::SUCCESS);
    }
    if !arguments.bare && arguments.environment.is_none() && arguments.clone.is_none() {
        // Git and the app run in other folders.
        let folder = arguments.data.as_deref().map(std::path::absolute).transpose()?;
        let place = live::Place { folder, port: arguments.port };
        return live::run(&place).map(|()| ExitCode::SUCCESS);
    }
    let sandbox = Sandbox::new()?;
    let seed = sandbox.seed()?;
    let step = sandbox.pull_request_step(&seed.repository, seed.pull_request)?;
    let token = sandbox.repository_token(&seed.repository, &["repository", "pullrequest"])?;
    let companion = sandbox.companion_token();
    let clone = arguments.clone.as_ref().map(std::path::absolute).transpose()?;
    if let Some(folder) = &clone {
        sandbox.clone_for(&step, folder, Some(50))?;
    }
    let told = environment(&sandbox, &step, clone.as_deref(), arguments.with_token.then_some(token.as_str()));
    if let Some(file) = &arguments.environment {
        std::fs::write(file, &told)?;
    }
    let mut out = std::io::stdout();
    out.write_all(introduction(&sandbox, &seed, &step, &token, &companion).as_bytes())?;
    out.flush()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(tokio::signal::ctrl_c())?;

    let violations = sandbox.take_violations();
    let mut end = String::from("\n\nWhat was asked:\n");
    for entry in sandbox.journal() {
        writeln!(end, "  {entry}")?;
    }
    for violation in &violations {
        writeln!(end, "does not fit: {violation}")?;
    }
    out.write_all(end.as_bytes())?;
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a step is told, as a shell reads it.
fn environment(sandbox: &Sandbox, step: &Step, clone: Option<&Path>, token: Option<&str>) -> String {
    let mut told = sandbox.step_environment(step);
    let mut tell = |name: &str, value: String| told.push((name.to_owned(), value));
    tell("BITBUCKET_API_URL", sandbox.api_url());
    tell("SANDBOX_URL", sandbox.site_url());
    tell("AUTH_PROXY", sandbox.proxy_addr().to_owned());
    if let Some(clone) = clone {
        tell("BITBUCKET_CLONE_DIR", clone.display().to_string());
    }
    if let Some(token) = token {
        tell("BITBUCKET_ACCESS_TOKEN", token.to_owned());
    }
    told.iter().fold(String::new(), |mut lines, (name, value)| {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "export {name}='{}'", value.replace('\'', "'\\''"));
        lines
    })
}

fn introduction(sandbox: &Sandbox, seed: &Seed, step: &Step, token: &str, companion: &str) -> String {
    let Seed { repository, pull_request, source, destination } = seed;
    let (api, site, proxy, receiver) =
        (sandbox.api_url(), sandbox.site_url(), sandbox.proxy_addr(), sandbox.companion_url());
    let host = site.trim_start_matches("http://");
    let commit = step.commit();
    format!(
        "Penstock's sandbox: a Bitbucket on loopback. Ctrl-C stops it and shows what was asked.

  REST API      {api}
  site, git     {site}
  step's proxy  {proxy}
  receiver      {receiver}
  repository    {repository}, pull request {pull_request} from {source} to {destination}

Tokens of this run:

  of the repository, scopes repository and pullrequest  {token}
  of the receiver                                       {companion}

For example:

  curl -H 'Authorization: Bearer {token}' {api}/repositories/{repository}/pullrequests/{pull_request}
  curl -x http://{proxy} http://api.bitbucket.org/2.0/repositories/{repository}/commit/{commit}/reports
  git clone http://x-token-auth:{token}@{host}/{repository}.git

For scripts (sandbox/README.md says what there is):

  curl {site}/_sandbox/
  curl {site}/_sandbox/install -d '{{\"workspace\": \"acme\", \"descriptor\": \"http://127.0.0.1:8080/atlassian-connect.json\"}}'

As a step of the pull request, after starting with `--environment step.env --clone clone`:

  (. ./step.env && cd clone && penstock pipe)

"
    )
}
