//! `penstock-app verify`: whether the logs are as they were written.
//!
//! Owns what is checked and how it is reported: every log against its keys, and against ends that
//! were exported before. It changes nothing, but for `--seal`.

use std::path::Path;

use penstock_common::Uuid;

use crate::store::workspace::Log;
use crate::store::{Result, Store};
use crate::track::chain::{Broken, ChainId, Head};
use crate::track::exported_head::ExportedHead;

/// The result of the check.
#[derive(Debug, Default)]
pub struct Report {
    /// A line for each log.
    pub lines: Vec<String>,
    /// Number of logs that are as they were written.
    pub whole: u64,
    /// Number of logs that are not.
    pub broken: u64,
}

/// Checks all logs, or those of one workspace.
///
/// # Errors
/// When the database does not answer.
pub async fn verify(store: &Store, only: Option<Uuid>) -> Result<Report> {
    let mut report = Report::default();
    for tenant in store.system().tenants().await? {
        if only.is_some_and(|only| only != tenant.workspace) {
            continue;
        }
        let workspace = store.for_workspace(tenant.workspace);
        for log in workspace.logs().await? {
            let name = name(&workspace.chain(log));
            match workspace.verify_log(log).await? {
                Ok(verified) if verified.head == Head::default() => {}
                Ok(verified) => {
                    let head = ExportedHead { chain: workspace.chain(log), head: verified.head };
                    let plain = match verified.plain {
                        0 => String::new(),
                        count => format!(", {count} of them from before logs had a key"),
                    };
                    report.lines.push(format!("whole   {name}: {} entries{plain}  {head}", verified.head.number));
                    report.whole += 1;
                }
                Err(broken) => {
                    report.lines.push(format!("BROKEN  {name}: {broken}{}", remedy(&broken)));
                    report.broken += 1;
                }
            }
        }
    }
    Ok(report)
}

/// Checks that logs still contain the ends listed in `exported`: earlier output of `verify`, or the
/// program's log.
///
/// # Errors
/// When the database does not answer.
pub async fn verify_against(store: &Store, exported: &str, only: Option<Uuid>) -> Result<Report> {
    let mut report = Report::default();
    for exported in ExportedHead::find_all(exported) {
        let (workspace, log) = match exported.chain {
            ChainId::Audit { workspace } => (workspace, Log::Audit),
            ChainId::Findings { workspace, repository } => (workspace, Log::Findings(repository)),
        };
        if only.is_some_and(|only| only != workspace) {
            continue;
        }
        let (name, number) = (name(&exported.chain), exported.head.number);
        match store.for_workspace(workspace).log_hash(log, number).await? {
            Some(hash) if hash == exported.head.hash => report.whole += 1,
            Some(_) => {
                report.lines.push(format!("BROKEN  {name}: entry {number} is another one than was exported"));
                report.broken += 1;
            }
            None => {
                let why =
                    "was exported and is missing: the log was cut back, or deleted with its repository or workspace";
                report.lines.push(format!("BROKEN  {name}: entry {number} {why}"));
                report.broken += 1;
            }
        }
    }
    Ok(report)
}

/// Reads a file with exported ends.
///
/// # Errors
/// When it cannot be read.
pub fn read_exported(path: &Path) -> std::io::Result<String> {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn name(chain: &ChainId) -> String {
    match chain {
        ChainId::Audit { workspace } => format!("audit log of workspace {workspace}"),
        ChainId::Findings { workspace, repository } => {
            format!("log of findings of repository {repository} in workspace {workspace}")
        }
    }
}

const fn remedy(broken: &Broken) -> &'static str {
    match broken {
        Broken::Unsealed(_) => {
            "; if an older version of the program wrote it, check it with `verify --seal` once all copies are exchanged"
        }
        Broken::UnknownKey { .. } => "; give the key file that has it",
        _ => "",
    }
}
