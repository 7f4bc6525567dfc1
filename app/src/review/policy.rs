//! `[gate]` and `[[suppress]]` of the destination branch.
//!
//! Owns that the app reads them exactly as the pipe does: with the same code.

use std::path::Path;

use jiff::tz::Offset;
use penstock::analyze::secrets::mask;
use penstock::assess::{self, Layers, conditions};
use penstock::settings::file;
use penstock_common::Notice;

use crate::bitbucket::{Error, InRepository, POLICY_MAX};
use crate::track::{Commit, Policy, Suppress};

/// Where a repository keeps its policy.
const FILE: &str = "penstock.toml";

/// A policy, and what there is to know of it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// It.
    pub policy: Policy,
    /// What there is to know.
    pub notices: Vec<Notice>,
}

/// What holds where nothing is said.
impl Default for Standing {
    fn default() -> Self {
        Self { policy: of(&file::File::default()), notices: Vec::new() }
    }
}

/// The policy at a commit of a branch. A file that cannot be used counts as none, and that is told.
pub(super) async fn at(repository: &InRepository, commit: Commit, branch: &str) -> Result<Standing, Error> {
    let Some(bytes) = repository.file(commit, FILE, POLICY_MAX).await? else { return Ok(Standing::default()) };
    Ok(read(&String::from_utf8_lossy(&bytes), branch))
}

fn read(text: &str, branch: &str) -> Standing {
    match file::read(Path::new(FILE), text) {
        Ok(file) => Standing { policy: of(&file), notices: Vec::new() },
        Err(mistakes) => {
            let first = mistakes.first().map(ToString::to_string).unwrap_or_default();
            let text = format!("`{FILE}` of `{branch}` cannot be used, so the default gate holds: {first}");
            let notices = vec![Notice { subject: FILE.into(), text: mask(&text) }];
            Standing { notices, ..Standing::default() }
        }
    }
}

fn of(file: &file::File) -> Policy {
    let single = file.gate.conditions();
    let layers = Layers { file_fail_on: file.gate.fail_on.as_deref(), file: &single, flag: &[] };
    Policy { conditions: conditions(&layers, true).all, suppress: file.suppress.iter().map(suppress).collect() }
}

fn suppress(entry: &assess::Suppress) -> Suppress {
    // The last day counts to its end.
    let end = entry.until.and_then(|day| Offset::UTC.to_timestamp(day.tomorrow().ok()?.at(0, 0, 0, 0)).ok());
    Suppress {
        rule: entry.rule.clone(),
        path: entry.path.clone(),
        fingerprint: entry.fingerprint.clone(),
        until: end.map(|moment| moment.as_millisecond()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_the_pipe_reads_it() {
        let text = "[gate]\nnew.low = 0\n[[suppress]]\nrule = \"r\"\nreason = \"x\"\nuntil = \"2026-12-31\"\n";
        let standing = read(text, "main");
        assert!(standing.notices.is_empty());
        assert!(standing.policy.conditions.iter().any(|one| one.metric.to_string() == "new.low"));
        assert_eq!(standing.policy.suppress[0].until, Some(1_798_761_600_000), "the first moment of 2027");
    }

    #[test]
    fn a_file_with_a_mistake_counts_as_none_and_that_is_told() {
        let standing = read("[gat]\n", "main");
        assert_eq!(standing.policy, Standing::default().policy);
        assert!(standing.notices[0].text.contains("penstock.toml:1:2"), "{:?}", standing.notices);
    }
}
