//! The program: parse, run, exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use penstock::{cli, commands, error};

fn main() -> ExitCode {
    // A panic's own message may quote the text that was looked at. Where it happened is all that may be told.
    std::panic::set_hook(Box::new(|panic| {
        if let Some(place) = panic.location() {
            let _ = writeln!(io::stderr(), "fault at {}:{}", place.file(), place.line());
        }
    }));
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(usage) => {
            if usage.use_stderr() {
                // What was written where a flag should be may be a secret.
                let _ = io::stderr().write_all(error::masked(&usage.render().to_string()).as_bytes());
            } else {
                // Help and version.
                let _ = usage.print();
            }
            return ExitCode::from(usage.exit_code() as u8);
        }
    };
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            let _ = io::stderr().write_all(error.render().as_bytes());
            ExitCode::from(error.code())
        }
    }
}
