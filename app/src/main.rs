//! The program: parse, run, exit code.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use penstock_app::cli::Cli;
use penstock_app::commands;

/// Gives memory back after a large run. The system's keeps it in a heap for each thread, and one
/// run is worked on by several threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    // A panic's own message may quote what was being read. Where it happened is all that may be told.
    std::panic::set_hook(Box::new(|panic| {
        if let Some(place) = panic.location() {
            let _ = writeln!(io::stderr(), "fault at {}:{}", place.file(), place.line());
        }
    }));
    match commands::run(Cli::parse(), commands::system_clock()).await {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            error.code()
        }
    }
}
