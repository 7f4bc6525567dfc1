//! From an upload to what is tracked.
//!
//! Owns the reduction: sightings by tool, and what is shown of each finding, once for each text.

use std::collections::{BTreeSet, HashMap};

use penstock_common::Finding;
use penstock_common::upload::v1::Upload;

use super::redact::redact;
use crate::crypto::{CryptoError, random};
use crate::track::{Commit, Print, Run, RunId, Scope, Seen, Sighting, ToolRun};

/// An upload, reduced.
pub struct Reduced {
    /// What is tracked of it.
    pub run: Run,
    /// What is shown of its findings, as JSON.
    pub contents: HashMap<Print, String>,
    /// The rest of it: findings in the order in which they came.
    pub upload: Upload,
    /// Of each finding, its tool and its place in the run.
    pub slots: Vec<(usize, usize)>,
    /// In how many findings something was hidden that looks like a secret.
    pub hidden: usize,
}

/// Reduces an upload about `commit` that started at `at` (unix milliseconds).
///
/// # Errors
/// When the system gives no randomness.
pub fn reduce(mut upload: Upload, run: RunId, commit: Commit, at: i64) -> Result<Reduced, CryptoError> {
    let hidden = redact(&mut upload.run.findings, random()?);
    let compared = upload.run.comparison.as_ref().is_some_and(|comparison| comparison.base.kind.is_known());
    let in_base: BTreeSet<u32> = upload.value_in_base.iter().copied().collect();
    let mut tools: Vec<ToolRun> = upload
        .run
        .tools
        .iter()
        .map(|tool| ToolRun {
            tool: tool.name.clone(),
            configuration: Print::of(&[tool.configuration.as_bytes()]),
            scope: Scope::of_words(&tool.scope),
            complete: tool.complete,
            sightings: Vec::new(),
        })
        .collect();
    let mut contents = HashMap::with_capacity(upload.run.findings.len());
    let mut slots = Vec::with_capacity(upload.run.findings.len());
    for (number, finding) in upload.run.findings.iter().enumerate() {
        let tool = tool_of(&tools, finding);
        let value_in_base = compared.then(|| in_base.contains(&(number as u32)));
        let sighting = Sighting::of(finding, &tools[tool].tool, &[], value_in_base);
        // What is shown belongs to no run: where it stands in a comparison is said elsewhere, and who owns the file beside it.
        let shown = Finding { change: None, group: None, owners: Vec::new(), ..finding.clone() };
        if let Ok(body) = serde_json::to_string(&shown) {
            contents.insert(sighting.content, body);
        }
        slots.push((tool, tools[tool].sightings.len()));
        tools[tool].sightings.push(sighting);
    }
    let subject = upload.run.subject.as_ref();
    let run = Run {
        id: run,
        commit,
        at,
        name: upload.name.clone(),
        branch: subject.and_then(|subject| subject.branch.clone()),
        pull_request: subject.and_then(|subject| subject.pull_request.as_ref()).map(|pull_request| pull_request.id),
        tools,
    };
    Ok(Reduced { run, contents, upload, slots, hidden })
}

/// Whose finding it is: an upload does not say, but what stands in a commit of the past is not found by who looks at files.
fn tool_of(tools: &[ToolRun], finding: &Finding) -> usize {
    let seen = if finding.commit.is_some() { Seen::Past } else { Seen::Files };
    tools.iter().position(|tool| *tool.scope.seen() == seen).unwrap_or(0)
}
