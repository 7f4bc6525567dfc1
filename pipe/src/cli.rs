//! The commands and flags.
//!
//! Owns the grammar of the command line and its help. Values are taken as they are written; `settings` decides what they mean together with
//! the environment and `penstock.toml`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use penstock_common::Confidence;

use crate::assess::FailOn;
use crate::render::{Format, OutputFile};

/// The gate for Bitbucket Cloud: finds secrets in code and decides whether a change may pass.
#[derive(Debug, Parser)]
#[command(
    name = "penstock",
    version,
    disable_help_subcommand = false,
    arg_required_else_help = true,
    max_term_width = 100
)]
#[command(
    after_help = "Exit codes: 0 passed, 1 findings that fail the run, 2 wrong usage or configuration, 3 could not run or incomplete."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look for secrets
    Scan(Box<ScanArgs>),
    /// Run as a pipe: scan the commit of the build, compare, decide, and tell Bitbucket
    Pipe(Box<PipeArgs>),
    /// Call Bitbucket's REST API
    Api(Box<ApiArgs>),
    /// List the kinds of secrets, or show one
    Rules(RulesArgs),
    /// Write a commented penstock.toml, and show the pipeline step and the commit hook
    Init(InitArgs),
    /// Print a completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `penstock scan`
#[derive(Debug, Default, Args)]
pub struct ScanArgs {
    /// Files and folders to look at [default: the current folder]
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,

    /// Look at what the commits of a range add, also where a later one removes it
    #[arg(long, value_name = "A..B", group = "source", help_heading = "What to look at")]
    pub range: Option<String>,
    /// Look at every version of every file that any branch or tag reaches
    #[arg(long, group = "source", help_heading = "What to look at")]
    pub history: bool,
    /// Look at what the next commit would add
    #[arg(long, group = "source", help_heading = "What to look at")]
    pub staged: bool,
    /// Look at standard input
    #[arg(long, group = "source", conflicts_with = "paths", help_heading = "What to look at")]
    pub stdin: bool,
    /// Compare with this commit, branch or tag: what it has is not new
    #[arg(long, value_name = "REVISION", conflicts_with = "source", help_heading = "What to look at")]
    pub base: Option<String>,
    /// Name that standard input goes by
    #[arg(long, value_name = "PATH", requires = "stdin", help_heading = "What to look at")]
    pub stdin_name: Option<String>,
    /// Look at ignored files too
    #[arg(long, conflicts_with = "source", help_heading = "What to look at")]
    pub all_files: bool,
    /// Look into submodules
    #[arg(long, conflicts_with = "source", help_heading = "What to look at")]
    pub submodules: bool,
    /// Look into archives that are no larger than --max-file-size: zip, jar, tar, gz, xz, zst
    #[arg(long, help_heading = "What to look at")]
    pub archives: bool,
    /// Leave out files larger than this, as `10MB` or `512KiB` [default: 10MB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "What to look at")]
    pub max_file_size: Option<u64>,

    /// Use only these rules
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "Rules")]
    pub rule: Vec<String>,
    /// Do not use these rules
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "Rules")]
    pub disable_rule: Vec<String>,
    /// Follow this gitleaks configuration exactly, in place of what the tree holds
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Rules")]
    pub config: Option<PathBuf>,
    /// Ignore the findings that this file lists too, beside .gitleaksignore in the root
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Rules")]
    pub gitleaks_ignore: Option<PathBuf>,
    /// Least confidence of a finding [default: medium]
    #[arg(long, value_name = "LEVEL", value_parser = parse_confidence, help_heading = "Rules")]
    pub min_confidence: Option<Confidence>,
    /// Read this penstock.toml in place of the repository's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Rules")]
    pub settings: Option<PathBuf>,

    /// Form of the report on standard output: text, json, jsonl, sarif, junit, markdown [default: text]
    #[arg(long, value_name = "FORMAT", value_parser = parse_format, help_heading = "Report")]
    pub format: Option<Format>,
    /// Also write a report to a file; may be given several times
    #[arg(long, value_name = "FORMAT=FILE", value_parser = parse_output, help_heading = "Report")]
    pub output: Vec<OutputFile>,
    /// Colour on standard output
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Report")]
    pub color: ColorChoice,
    /// Show no progress
    #[arg(long, short, help_heading = "Report")]
    pub quiet: bool,

    /// Findings that make exit code 1: `any:SEVERITY`, `new:SEVERITY` or `never`; may be given several times
    /// [default: any:low; with --base new:high]
    #[arg(long, value_name = "CONDITION", value_parser = parse_fail_on, value_delimiter = ',', help_heading = "Exit code")]
    pub fail_on: Vec<FailOn>,
    /// Do not exit with 3 where something could not be read
    #[arg(long, help_heading = "Exit code")]
    pub allow_incomplete: bool,

    /// Threads [default: as many as processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Running")]
    pub threads: Option<u16>,
    /// Believe a repository that belongs to somebody else where it points outside of itself [default: in CI only]
    #[arg(long, help_heading = "Running")]
    pub trust_repository: bool,
}

/// `penstock pipe`: every flag stands for the variable of the same name and comes before it.
#[derive(Debug, Default, Args)]
#[command(
    after_help = "Every flag is also a variable: --fail-on is FAIL_ON. Credentials are variables only: BITBUCKET_ACCESS_TOKEN, or \
ATLASSIAN_ACCOUNT_EMAIL with ATLASSIAN_API_TOKEN, or BITBUCKET_OAUTH_CLIENT_ID with BITBUCKET_OAUTH_CLIENT_SECRET; \
COMPANION_TOKEN for the companion app.\n\n\
Exit codes: 0 passed, 1 a condition of the gate failed, 2 wrong usage or configuration, 3 could not run, incomplete, a blocking condition \
is unknown, or a required destination failed."
)]
pub struct PipeArgs {
    /// Also fail on findings: `new:SEVERITY`, `any:SEVERITY` (that and worse), or `never` for none but the configured conditions
    #[arg(long, value_name = "CONDITION", value_delimiter = ',', help_heading = "Gate")]
    pub fail_on: Vec<String>,
    /// Compare with this commit or branch
    #[arg(long, value_name = "REVISION", help_heading = "Gate")]
    pub base: Option<String>,
    /// The main branch, if it cannot be found out
    #[arg(long, value_name = "BRANCH", help_heading = "Gate")]
    pub main_branch: Option<String>,
    /// Let a run pass where something could not be read
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true", help_heading = "Gate")]
    pub allow_incomplete: Option<String>,
    /// Look into archives
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true", help_heading = "Gate")]
    pub archives: Option<String>,

    /// Tells several runs on one commit apart [default: penstock]
    #[arg(long, value_name = "NAME", help_heading = "Publishing")]
    pub name: Option<String>,
    /// Post Code Insights reports [default: true]
    #[arg(long, value_name = "BOOLEAN", help_heading = "Publishing")]
    pub code_insights: Option<String>,
    /// Post a build status [default: true]
    #[arg(long, value_name = "BOOLEAN", help_heading = "Publishing")]
    pub build_status: Option<String>,
    /// Post a build status also at the beginning [default: false]
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true", help_heading = "Publishing")]
    pub status_inprogress: Option<String>,
    /// Post one comment on the pull request [default: true]
    #[arg(long, value_name = "BOOLEAN", help_heading = "Publishing")]
    pub pr_comment: Option<String>,
    /// Also comment at the lines of new findings [default: false]
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true", help_heading = "Publishing")]
    pub inline_comments: Option<String>,
    /// Exit with 3 if one of these fails: code-insights, build-status, pr-comment, companion
    #[arg(long, value_name = "DESTINATION", value_delimiter = ',', help_heading = "Publishing")]
    pub require_publish: Vec<String>,
    /// Address of the companion app
    #[arg(long, value_name = "URL", help_heading = "Publishing")]
    pub companion_url: Option<String>,

    /// How Bitbucket is reached.
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Tell more
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true")]
    pub debug: Option<String>,
}

impl PipeArgs {
    /// What was given, by the names of the variables.
    pub fn given(&self) -> Vec<(&'static str, String)> {
        let joined = |items: &Vec<String>| (!items.is_empty()).then(|| items.join(","));
        [
            ("FAIL_ON", joined(&self.fail_on)),
            ("BASE", self.base.clone()),
            ("MAIN_BRANCH", self.main_branch.clone()),
            ("ALLOW_INCOMPLETE", self.allow_incomplete.clone()),
            ("ARCHIVES", self.archives.clone()),
            ("NAME", self.name.clone()),
            ("CODE_INSIGHTS", self.code_insights.clone()),
            ("BUILD_STATUS", self.build_status.clone()),
            ("STATUS_INPROGRESS", self.status_inprogress.clone()),
            ("PR_COMMENT", self.pr_comment.clone()),
            ("INLINE_COMMENTS", self.inline_comments.clone()),
            ("REQUIRE_PUBLISH", joined(&self.require_publish)),
            ("COMPANION_URL", self.companion_url.clone()),
            ("DEBUG", self.debug.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .chain(self.connection.given())
        .collect()
    }
}

/// How Bitbucket is reached. Each flag stands for the variable of the same name and comes before it.
#[derive(Debug, Default, Args)]
pub struct ConnectionArgs {
    /// Address of Bitbucket's REST API [default: the public one]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    pub bitbucket_api_url: Option<String>,
    /// Address of Bitbucket's pages, from which OAuth consumers get their tokens [default: the public ones]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    pub bitbucket_site_url: Option<String>,
    /// Where Pipelines' authentication proxy listens
    #[arg(long, value_name = "HOST:PORT", help_heading = "Connection")]
    pub auth_proxy: Option<String>,
    /// Certificates to believe beside those of the system, as a PEM file
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub ca_bundle: Option<String>,
}

impl ConnectionArgs {
    /// What was given, by the names of the variables.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, String)> {
        [
            ("BITBUCKET_API_URL", self.bitbucket_api_url.clone()),
            ("BITBUCKET_SITE_URL", self.bitbucket_site_url.clone()),
            ("AUTH_PROXY", self.auth_proxy.clone()),
            ("CA_BUNDLE", self.ca_bundle.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

/// `penstock api`
#[derive(Debug, Args)]
#[command(
    after_help = "In PATH, {workspace}, {repo_slug}, {commit}, {branch} and {pr_id} stand for what BITBUCKET_WORKSPACE, BITBUCKET_REPO_SLUG, \
BITBUCKET_COMMIT, BITBUCKET_BRANCH and BITBUCKET_PR_ID hold.\n\n\
Credentials are variables only: BITBUCKET_ACCESS_TOKEN, or ATLASSIAN_ACCOUNT_EMAIL with ATLASSIAN_API_TOKEN, or BITBUCKET_OAUTH_CLIENT_ID with \
BITBUCKET_OAUTH_CLIENT_SECRET. Without them, in Pipelines, the call goes through the authentication proxy, which signs calls of reports only.\n\n\
JSON is printed indented on a terminal and else on one line; anything else as it is.\n\n\
Exit codes: 0 done, 2 wrong usage or credentials, 3 the server said no or could not be reached."
)]
pub struct ApiArgs {
    /// GET, POST, PUT, PATCH or DELETE
    #[arg(value_name = "METHOD")]
    pub method: ApiMethod,
    /// Path below the API, with or without a query, such as `/repositories/{workspace}/{repo_slug}`
    #[arg(value_name = "PATH")]
    pub path: String,
    /// A field of the body: `name=text`, or `name:=json`; of the query for GET and DELETE, and with --input
    #[arg(long, short, value_name = "NAME=VALUE")]
    pub field: Vec<String>,
    /// Send this file of JSON as the body; `-` is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub input: Option<PathBuf>,
    /// Read all pages of a list and print its entries as one array
    #[arg(long)]
    pub paginate: bool,
    /// Print only what this JSON pointer leads to, such as `/links/html/href`, a text without its quotes; with --paginate, of each entry, one a line
    #[arg(long, value_name = "JSON_POINTER")]
    pub select: Option<String>,
    /// Give up after this time, retries included
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// How Bitbucket is reached.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// What to do with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
#[expect(missing_docs, reason = "the methods of HTTP")]
pub enum ApiMethod {
    #[value(alias = "get")]
    Get,
    #[value(alias = "post")]
    Post,
    #[value(alias = "put")]
    Put,
    #[value(alias = "patch")]
    Patch,
    #[value(alias = "delete")]
    Delete,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On terminals, unless NO_COLOR says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// `penstock rules`
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// What to do with the rules
    #[command(subcommand)]
    pub action: Option<RulesAction>,
}

/// What to do with the rules.
#[derive(Debug, Subcommand)]
pub enum RulesAction {
    /// Show one rule
    Show {
        /// Its id, or the id gitleaks knows it by
        id: String,
    },
}

/// `penstock init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder [default: the current one]
    #[arg(value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub path: Option<PathBuf>,
    /// Also install a git hook that scans what is committed
    #[arg(long)]
    pub hook: bool,
}

/// Reads the command line.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(arguments)
}

fn parse_confidence(text: &str) -> Result<Confidence, String> {
    text.parse().map_err(|error: penstock_common::severity::UnknownName| error.to_string())
}

fn parse_format(text: &str) -> Result<Format, String> {
    text.parse().map_err(|error: crate::render::UnknownFormat| error.to_string())
}

fn parse_output(text: &str) -> Result<OutputFile, String> {
    text.parse().map_err(|error: crate::render::BadOutput| error.to_string())
}

fn parse_fail_on(text: &str) -> Result<FailOn, String> {
    text.parse().map_err(|error: crate::assess::fail_on::Unreadable| error.to_string())
}

/// `10MB`, `512KiB`, `1000`: bytes.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return Err(format!("`{text}` is no size: write a number with kB, MB, GB, KiB, MiB or GiB")),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| format!("`{text}` is no size: write a number with kB, MB, GB, KiB, MiB or GiB"))
}
