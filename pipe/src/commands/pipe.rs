//! `penstock pipe`: what the container runs in a step of Bitbucket Pipelines.
//!
//! Owns the order of things in a step: what it is told, review, reports, what is left behind, publishing, exit code. Every decision is made in the
//! rooms that it calls. The environment is never printed.

mod left_behind;
mod log;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use penstock_common::decorate::{self, links};
use penstock_common::delivery::Outcome;
use penstock_common::{Category, Delivery, Destination, Subject};

use self::left_behind::Digest;
use self::log::Log;
use super::exit;
use crate::analyze::secrets::mask;
use crate::bitbucket::Bitbucket;
use crate::cli::{PipeArgs, ScanArgs};
use crate::error::Error;
use crate::pipelines_env::PipelinesEnv;
use crate::publish::{self, Companion, OpenStatus, Plan, Sent};
use crate::render::{self, Format, Report, output_file};
use crate::review::{self, Assessment, Remote};
use crate::settings::pipe::{self, PipeSettings};
use crate::settings::{Connection, Environment, Variables};

pub(super) fn run(arguments: &PipeArgs, variables: &Variables, environment: &Environment) -> Result<ExitCode, Error> {
    let variables = variables.clone().with(arguments.given());
    let settings = PipeSettings::read(&variables)?;
    // A log of Pipelines is no terminal and shows colours all the same.
    let log = Log::new(environment.color().unwrap_or(true), settings.debug);
    let outcome = Step::prepare(settings, &variables, environment, &log).and_then(|step| step.run());
    if outcome.is_err() {
        log.failure("Penstock could not run");
    }
    outcome
}

/// One step, once everything that it is told has been checked.
struct Step<'a> {
    settings: PipeSettings,
    build: PipelinesEnv,
    environment: &'a Environment,
    connection: Connection,
    /// Nothing is published without one.
    plan: Option<Plan>,
    log: &'a Log,
}

impl<'a> Step<'a> {
    fn prepare(
        settings: PipeSettings,
        variables: &Variables,
        environment: &'a Environment,
        log: &'a Log,
    ) -> Result<Self, Error> {
        for (name, meant) in pipe::near_misses(variables) {
            log.warning(&format!("the variable `{name}` is none of Penstock's: is `{meant}` meant?"));
        }
        let build: PipelinesEnv = variables.read()?;
        let connection = Connection::read(variables, &build)?;
        let plan = build.subject().map(|subject| plan(&settings, &build, &connection, subject));
        Ok(Self { settings, build, environment, connection, plan, log })
    }

    fn run(mut self) -> Result<ExitCode, Error> {
        self.introduce();
        let open = self.open_status();
        let mut assessment = self.review()?;
        for plan in self.plan.iter_mut() {
            plan.allow_incomplete = assessment.allow_incomplete;
        }
        let sent = self.send(&mut assessment);
        let report = Report { run: &assessment.run, below_minimum: assessment.below_minimum, color: self.log.color() };
        show(&report)?;
        self.write_reports(&report);
        self.leave_behind(&assessment);
        let deliveries = self.publish(&assessment, sent, open.is_some());
        if let Some(open) = open.filter(|_| has_status(&deliveries)) {
            open.close();
        }
        Ok(self.conclude(&assessment, &deliveries))
    }

    fn introduce(&self) {
        self.log.info(&format!("Penstock {}", env!("CARGO_PKG_VERSION")));
        if let Some(plan) = &self.plan {
            let Subject { workspace, repository, commit, .. } = &plan.subject;
            let occasion = plan.context().identity().occasion();
            self.log.info(&format!("{workspace}/{repository}, {occasion}, commit {commit}"));
        }
        self.log.debug(&format!("Bitbucket is asked with {}", self.connection.auth.name()));
    }

    fn open_status(&self) -> Option<OpenStatus> {
        let plan = self.plan.as_ref().filter(|plan| plan.build_status && self.settings.status_inprogress)?;
        match OpenStatus::open(plan) {
            Ok(open) => Some(open),
            Err(outcome) => {
                self.log.warning(&format!("build status at the beginning {}", told(&outcome)));
                None
            }
        }
    }

    fn review(&self) -> Result<Assessment, Error> {
        let arguments = ScanArgs {
            archives: self.settings.archives,
            fail_on: self.settings.fail_on.clone(),
            base: self.settings.base.clone(),
            allow_incomplete: self.settings.allow_incomplete,
            quiet: true,
            ..ScanArgs::default()
        };
        let remote = self
            .plan
            .as_ref()
            .map(|plan| Bitbucket::new(&self.connection, &plan.subject, plan.context().identity().status_key()));
        review::run(&review::Request {
            arguments: &arguments,
            environment: self.environment,
            // Outside of any build this is a scan like any other.
            build: (self.build.in_pipelines() || self.build.commit.is_some()).then_some(&self.build),
            main_branch: self.settings.main_branch.as_deref(),
            remote: remote.as_ref().map(|remote| remote as &dyn Remote),
            progress: None,
        })
    }

    /// Under the clone, which may belong to another user, or hold a link where a report should go. What cannot be written is told, and changes
    /// nothing.
    fn write_reports(&self, report: &Report<'_>) {
        for file in left_behind::reports(&self.clone_dir(), &self.settings.name) {
            let written = output_file::prepare(std::slice::from_ref(&file))
                .and_then(|prepared| prepared.iter().try_for_each(|one| one.write(report)));
            match written {
                Ok(()) => self.log.debug(&format!("{} was written", file.path.display())),
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                    self.log.warning(&format!("{error}{cause}"));
                }
            }
        }
    }

    /// For later steps. What cannot be left behind is told, and changes nothing.
    fn leave_behind(&self, assessment: &Assessment) {
        let digest = Digest::of(&assessment.run);
        if let Some(folder) = &self.build.pipe_shared_storage_dir {
            match left_behind::share(folder, &self.settings.name, &digest) {
                Ok(path) => self.log.debug(&format!("for other pipes: {}", path.display())),
                Err(error) => {
                    self.log.warning(&format!("nothing is left for other pipes: {}", error.in_one_line()));
                }
            }
        }
        if let Some(path) = &self.build.variables_path
            && let Err(error) = left_behind::append_variables(path, &digest)
        {
            self.log.warning(&format!("there are no output variables: {}", error.in_one_line()));
        }
    }

    /// Sends the run to the companion app. Its verdict takes the place of ours, because there is one only.
    fn send(&self, assessment: &mut Assessment) -> Option<Sent> {
        let plan = Plan { found: assessment.secrets.clone(), ..self.plan.clone()? };
        let sent = publish::send(&plan, &assessment.run);
        if let Some(gate) = sent.answer.as_ref().and_then(|answer| answer.gate.clone()) {
            self.log.info("the verdict is the companion app's, over all tools that ran on the branch");
            assessment.run.gate = Some(gate);
        } else if sent.answer.is_some() {
            self.log.info("the verdict is this step's own: the companion app has none yet");
        }
        Some(sent)
    }

    fn publish(&self, assessment: &Assessment, sent: Option<Sent>, keeps_status: bool) -> Vec<Delivery> {
        let (Some(plan), Some(sent)) = (&self.plan, sent) else {
            self.log.info(
                "nothing is published: `BITBUCKET_WORKSPACE`, `BITBUCKET_REPO_SLUG` and `BITBUCKET_COMMIT` are not all set",
            );
            return Vec::new();
        };
        let plan = Plan { found: assessment.secrets.clone(), ..plan.clone() };
        let deliveries = publish::run(&plan, &assessment.run, sent, keeps_status);
        for delivery in &deliveries {
            let text = format!("{}: {}", delivery.destination, told(&delivery.outcome));
            match &delivery.outcome {
                Outcome::Failed { .. } => self.log.warning(&text),
                Outcome::Published { .. } | Outcome::Skipped { .. } => self.log.info(&text),
            }
        }
        deliveries
    }

    /// The last line, and the exit code: 1 before 3.
    fn conclude(&self, assessment: &Assessment, deliveries: &[Delivery]) -> ExitCode {
        let sentence = decorate::verdict::sentence(&assessment.run, assessment.allow_incomplete);
        let missing: Vec<&str> = self
            .settings
            .require_publish
            .iter()
            .filter(|required| {
                deliveries
                    .iter()
                    .find(|delivery| delivery.destination == **required)
                    .is_none_or(|delivery| delivery.falls_short())
            })
            .map(|required| required.name())
            .collect();
        let code = exit::of(assessment);
        if code != exit::PASSED {
            self.log.failure(&sentence);
        } else if !missing.is_empty() {
            self.log.failure(&format!("{sentence}; but not published, although required: {}", missing.join(", ")));
        } else {
            self.log.success(&sentence);
        }
        ExitCode::from(if code == exit::PASSED && !missing.is_empty() { exit::INCOMPLETE } else { code })
    }

    fn clone_dir(&self) -> PathBuf {
        self.build.clone_dir.clone().unwrap_or_else(|| Path::new(".").to_owned())
    }
}

fn plan(settings: &PipeSettings, build: &PipelinesEnv, connection: &Connection, subject: Subject) -> Plan {
    Plan {
        connection: connection.clone(),
        subject,
        name: mask(&settings.name),
        web: links::BITBUCKET.to_owned(),
        categories: vec![Category::Secret],
        allow_incomplete: settings.allow_incomplete,
        step_run_number: build.step_run_number.unwrap_or(0),
        code_insights: settings.code_insights,
        build_status: settings.build_status,
        pr_comment: settings.pr_comment,
        inline_comments: settings.inline_comments,
        found: Vec::new(),
        hurried: false,
        companion: Companion {
            url: settings.companion_url.clone(),
            token: settings.companion_token.clone(),
            identity: build.oidc_token.clone(),
        },
    }
}

/// The report for people, in the log.
fn show(report: &Report<'_>) -> Result<(), Error> {
    let mut out = BufWriter::new(io::stdout().lock());
    render::write(Format::Text, report, &mut out).and_then(|()| out.flush()).map_err(Error::Output)
}

/// How a destination ended, in words.
fn told(outcome: &Outcome) -> String {
    let with = |text: String, remedy: &str| if remedy.is_empty() { text } else { format!("{text}; {remedy}") };
    match outcome {
        Outcome::Published { detail } => format!("published: {detail}"),
        Outcome::Skipped { reason, remedy } => with(format!("skipped: {reason}"), remedy),
        Outcome::Failed { reason, remedy } => with(format!("failed: {reason}"), remedy),
    }
}

/// Whether the final status stands in place of the one from the beginning.
fn has_status(deliveries: &[Delivery]) -> bool {
    let is_status = |delivery: &&Delivery| delivery.destination == Destination::BuildStatus;
    deliveries.iter().find(is_status).is_some_and(|delivery| matches!(delivery.outcome, Outcome::Published { .. }))
}
