//! `penstock scan`.
//!
//! Owns the order of things: settings, scan, verdict, reports, exit code.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use super::exit;
use crate::checkout::{Location, Progress};
use crate::cli::{ColorChoice, ScanArgs};
use crate::error::Error;
use crate::progress::ProgressLine;
use crate::render::{self, Format, Report, Verdict, output_file};
use crate::scan::{self, Request, Target};
use crate::settings::{self, Environment};

pub(super) fn run(arguments: &ScanArgs, environment: &Environment) -> Result<ExitCode, Error> {
    let started = Instant::now();
    let first = arguments.paths.first().map_or(Path::new("."), |path| path.as_path());
    // A repository that cannot be read is told by the scan itself, with what it would have been needed for.
    let root = Location::discover(first).ok().flatten().and_then(|location| location.root);
    let folder = tree_root(root.as_deref(), first);
    let file = settings::read_file(arguments.settings.as_deref(), folder)?;
    let settings = settings::scan(arguments, &file, environment)?;
    let files = settings::gitleaks::Files {
        root: folder,
        config: arguments.config.as_deref(),
        ignore: arguments.gitleaks_ignore.as_deref(),
    };
    let gitleaks = settings::gitleaks::read(files)?.map(Arc::new);
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(Error::Randomness)?;
    let request = Request {
        target: target(arguments),
        tree: settings.tree,
        limits: settings.limits,
        archives: settings.archives,
        minimum: settings.minimum,
        exclude: settings.exclude,
        gitleaks,
        now: settings::now(environment),
        key,
    };
    let destinations = output_file::prepare(&arguments.output)?;
    let line = ProgressLine::start(arguments.quiet);
    let progress = line.as_ref().map(|line| line as &dyn Progress);
    let rules = settings.enabled;
    let outcome = scan::run(&request, progress, &rules)?;
    drop(line);

    let failed = settings.fail_on.fails(&outcome.run.findings);
    let report = Report {
        run: &outcome.run,
        verdict: Verdict { failed, condition: settings.fail_on.to_string() },
        below_minimum: outcome.below_minimum,
        color: color(arguments.color, environment),
    };
    for destination in &destinations {
        destination.write(&report)?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let written = render::write(arguments.format.unwrap_or(Format::Text), &report, &mut out).and_then(|()| out.flush());
    match written {
        // Whoever reads may stop reading: `penstock scan | head`.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(Error::Output(error)),
        _ => {}
    }
    if !arguments.quiet && io::stderr().is_terminal() {
        let _ = writeln!(io::stderr(), "{:.2} s", started.elapsed().as_secs_f64());
    }
    let complete = outcome.run.complete() || settings.allow_incomplete;
    Ok(ExitCode::from(if failed {
        exit::FAILED
    } else if complete {
        exit::PASSED
    } else {
        exit::INCOMPLETE
    }))
}

/// The folder whose configuration counts: the work tree's root, or what is scanned outside of any. A bare repository has none.
fn tree_root<'a>(root: Option<&'a Path>, given: &'a Path) -> Option<&'a Path> {
    let is_bare = || Location::discover(given).ok().flatten().is_some();
    root.or_else(|| {
        if is_bare() {
            None
        } else if given.is_dir() {
            Some(given)
        } else {
            given.parent()
        }
    })
}

fn target(arguments: &ScanArgs) -> Target {
    let place = || arguments.paths.first().cloned().unwrap_or_else(|| ".".into());
    if arguments.stdin {
        Target::Input(arguments.stdin_name.clone().unwrap_or_else(|| "stdin".to_owned()))
    } else if arguments.staged {
        Target::Staged(place())
    } else if let Some(range) = &arguments.range {
        Target::Range(place(), range.clone())
    } else if arguments.history {
        Target::History(place())
    } else {
        Target::Tree(arguments.paths.clone())
    }
}

fn color(choice: ColorChoice, environment: &Environment) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => environment.color().unwrap_or_else(|| io::stdout().is_terminal()),
    }
}
