//! `penstock scan`.
//!
//! Owns the order of things: review, reports, exit code.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use super::exit;
use crate::checkout::Progress;
use crate::cli::{ColorChoice, ScanArgs};
use crate::error::Error;
use crate::progress::ProgressLine;
use crate::render::{self, Format, Report, output_file};
use crate::review;
use crate::settings::Environment;

pub(super) fn run(arguments: &ScanArgs, environment: &Environment) -> Result<ExitCode, Error> {
    let started = Instant::now();
    let destinations = output_file::prepare(&arguments.output)?;
    let line = ProgressLine::start(arguments.quiet);
    let assessment = review::run(&review::Request {
        arguments,
        environment,
        build: None,
        main_branch: None,
        remote: None,
        progress: line.as_ref().map(|line| line as &dyn Progress),
    })?;
    drop(line);

    let report = Report {
        run: &assessment.run,
        below_minimum: assessment.below_minimum,
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
    Ok(ExitCode::from(exit::of(&assessment)))
}

fn color(choice: ColorChoice, environment: &Environment) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => environment.color().unwrap_or_else(|| io::stdout().is_terminal()),
    }
}
