//! temporary
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used)]
use std::process::ExitCode;
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let all = args.iter().any(|a| a == "--all-files");
    let low = args.iter().any(|a| a == "--low");
    let paths: Vec<_> = args[2..]
        .iter()
        .enumerate()
        .filter(|(i, a)| !a.starts_with("--") && !args[i + 1].starts_with("--format"))
        .map(|(_, a)| a.into())
        .collect();
    let request = penstock::scan::Request {
        target: penstock::scan::Target::Tree(paths),
        tree: penstock::checkout::TreeOptions { all_files: all, ..Default::default() },
        limits: penstock::checkout::Limits { threads: 2, ..Default::default() },
        minimum: if low { penstock_common::Confidence::Low } else { penstock_common::Confidence::Medium },
        now: 1_800_000_000,
        key: [9; 16],
    };
    let out = penstock::scan::run(&request, None, |_| true).unwrap();
    if args.iter().any(|a| a == "--count") {
        println!(
            "{} findings {} files {} bytes {} low",
            out.run.findings.len(),
            out.run.tools[0].files,
            out.run.tools[0].bytes,
            out.below_minimum
        );
        return ExitCode::SUCCESS;
    }
    println!("{}", serde_json::to_string_pretty(&out.run).unwrap());
    ExitCode::SUCCESS
}
