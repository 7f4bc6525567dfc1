//! One review of a change: what is looked at, what it is compared with, and what comes of it.
//!
//! Owns the order: head, base, policy, scan, commits, comparison, suppressions, gate. It drives `checkout`, `scan` and `assess`; the pipe and the
//! command line go through it alike. It publishes nothing, prints nothing and turns no verdict into an exit code.

mod base;
mod changed_lines;
mod comparison;
mod head;
mod leaked;
mod nothing;
mod owners;
mod policy;
mod remote;
#[cfg(test)]
mod tests;
mod unread;

use penstock_common::gate::{Count, Evaluation, Measure, Metric, Verdict, evaluate};
use penstock_common::measure::measure;
use penstock_common::{BaseKind, Masked, Notice, Run, Secret, time};

pub use remote::{Remote, RemoteError};

use crate::analyze::secrets::rule;
use crate::assess::suppress::{self, Proof};
use crate::assess::{FailOn, Suppress};
use crate::checkout::Progress;
use crate::cli::ScanArgs;
use crate::error::Error;
use crate::pipelines_env::PipelinesEnv;
use crate::scan::{self, Scan};
use crate::settings::{self, Environment};
use base::Choice;
use comparison::Compared;

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What flags say.
    pub arguments: &'a ScanArgs,
    /// What the environment says to every command.
    pub environment: &'a Environment,
    /// The build that this is part of: its commit is the head, and it says what that is compared with. Without one the head is what the flags
    /// name, and it is compared only if they name a base.
    pub build: Option<&'a PipelinesEnv>,
    /// The main branch, if it is not what the clone or Bitbucket says.
    pub main_branch: Option<&'a str>,
    /// Answers what the clone cannot.
    pub remote: Option<&'a dyn Remote>,
    /// Is told how far it has come.
    pub progress: Option<&'a dyn Progress>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// The run, with its comparison, its gate and its notices.
    pub run: Run,
    /// Candidates whose confidence was below the asked for.
    pub below_minimum: u64,
    /// Whether an incomplete run may pass.
    pub allow_incomplete: bool,
    /// Values that were found, for whoever must keep others from repeating them. Never told.
    pub secrets: Vec<Secret>,
}

impl Assessment {
    /// What the gate says.
    pub fn verdict(&self) -> Verdict {
        self.run.gate.as_ref().map_or(Verdict::Unknown, Evaluation::verdict)
    }

    /// Whether the run saw what it had to see, or may pass without.
    pub fn is_complete_enough(&self) -> bool {
        self.allow_incomplete || self.run.complete()
    }
}

/// A notice whose texts are not masked yet: it was made before the scan.
struct Remark {
    subject: String,
    text: String,
}

/// Makes a review.
pub fn run(request: &Request<'_>) -> Result<Assessment, Error> {
    let Request { arguments, environment, build, progress, .. } = *request;
    let mut remarks = Vec::new();
    let place = head::find(request, &mut remarks)?;
    let chosen = match &place.compared {
        Some((repository, head)) => {
            let choice = Choice {
                repository: repository.clone(),
                head,
                given: arguments.base.as_deref(),
                build,
                main_branch: request.main_branch,
                remote: request.remote,
            };
            Some(choice.choose().map_err(scan::Error::from)?)
        }
        None => None,
    };
    let judged = policy::judge_by(&place, chosen.as_ref(), arguments, &mut remarks)?;
    let settings = settings::scan(arguments, &judged.policy.file, environment)?;
    if let (None, Some(word)) = (&chosen, arguments.fail_on.iter().find(|word| matches!(word, FailOn::New(_)))) {
        return Err(settings::Error::NoBase(*word).into());
    }
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(Error::Randomness)?;
    let look = scan::Request {
        tree: settings.tree,
        limits: settings.limits,
        archives: settings.archives,
        minimum: settings.minimum,
        enabled: settings.enabled,
        exclude: settings.exclude,
        gitleaks: judged.policy.gitleaks,
        allow: settings.allow,
        now: settings::now(environment),
        key,
    };
    let scan = Scan::new(&look)?;
    let mut head = scan.look(&place.target, progress)?;
    let mut notices = std::mem::take(&mut head.unknown_rules);
    notices.extend(nothing::account(&mut head, build.is_some(), &|text| scan.masked(text)));
    if place.is_whole {
        remarks.extend(scan.unmatched_excludes().map(|pattern| Remark {
            subject: "scan.exclude".to_owned(),
            text: format!("`{pattern}` matches no file, so it leaves out nothing"),
        }));
    }
    let below_minimum = head.below_minimum;
    let mask = |text: &str| scan.masked(text);
    let owners = judged.owners.masked(&mask);
    let (mut run, leaked_unknown) = match &chosen {
        Some(chosen) => {
            let compared = Compared::with(chosen, head, &scan, progress)?;
            let policy_changes = judged.changes.iter().map(|sentence| mask(sentence)).collect();
            compared.into_run(look.now, policy_changes, &owners, &mask)
        }
        None => (comparison::run_of(head, look.now, &owners), None),
    };
    run.subject = build.and_then(PipelinesEnv::subject);
    notices.extend(suppress(&mut run, &settings.suppress, &mask, look.now));
    let conditions = if chosen.is_some() { settings.compared } else { settings.alone };
    remarks.extend(conditions.loosened.into_iter().map(|text| Remark { subject: "gate".to_owned(), text }));
    let mut measures = measure(&run.findings, run.comparison.as_ref());
    if let Some(why) = leaked_unknown {
        let metrics = Count::ALL.map(Metric::Leaked);
        measures.values.extend(metrics.map(|metric| (metric, Measure::Unknown(mask(&why)))));
    }
    // Some missing files may be allowed. In a build, reading nothing at all is never allowed.
    let read_any = run.tools.iter().any(|tool| tool.files > 0);
    let allow_incomplete = settings.allow_incomplete && (read_any || build.is_none());
    if !read_any && !run.complete() {
        nothing::forget(&mut measures, allow_incomplete);
    }
    run.gate = Some(evaluate(&conditions.all, &measures));
    notices.extend(remarks.iter().map(|one| Notice { subject: mask(&one.subject), text: mask(&one.text) }));
    notices.sort();
    run.notices = notices;
    // A clock may be set back meanwhile.
    run.finished_at = Some(time::rfc3339(settings::now(environment).max(look.now)));
    let secrets = scan.into_secrets();
    Ok(Assessment { run, below_minimum, allow_incomplete, secrets })
}

/// Marks what the configuration suppresses, in all lists. What was suppressed and is gone is not worth a word.
fn suppress(run: &mut Run, entries: &[Suppress], mask: &dyn Fn(&str) -> Masked, now: i64) -> Vec<Notice> {
    let proof = match run.comparison.as_ref().map(|comparison| comparison.base.kind) {
        None | Some(BaseKind::NotApplicable) => Proof::NotNeeded,
        Some(BaseKind::Unknown) => Proof::Missing,
        Some(_) => Proof::Compared,
    };
    let named = |given: &str, id: &str| {
        given == id || rule::find(id).is_some_and(|index| rule::builtin()[index].is_named(given))
    };
    let today = time::date(now);
    suppress::lift(&mut run.findings, proof);
    let notices = suppress::suppress(entries, &mut run.findings, proof, today, &named, mask);
    if let Some(comparison) = &mut run.comparison {
        // What is fixed stands in the base, what has leaked does not.
        for (list, proof) in [(&mut comparison.fixed, Proof::NotNeeded), (&mut comparison.leaked, Proof::Missing)] {
            suppress::suppress(entries, list, proof, today, &named, mask);
        }
        comparison.fixed.retain(|finding| finding.is_active());
    }
    notices
}
