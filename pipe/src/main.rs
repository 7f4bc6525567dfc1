//! The program: parse, run, exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use penstock::{cli, commands};

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, with code 0.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
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
