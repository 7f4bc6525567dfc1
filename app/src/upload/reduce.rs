//! From an upload to what is tracked.
//!
//! Owns the reduction: sightings by tool, and what is shown of each finding, once for each text.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::{mem, thread};

use penstock::analyze::secrets::Engine;
use penstock_common::Finding;
use penstock_common::upload::v1::Upload;

use super::redact::redact;
use crate::crypto::{CryptoError, random};
use crate::track::{Commit, Print, Run, RunId, Scope, Seen, Sighting, ToolRun};

/// Most threads that reduce one upload, and fewest findings for which one is worth its start.
const THREADS_MAX: usize = 4;
const PART_MIN: usize = 1000;

/// An upload, reduced.
pub struct Reduced {
    /// What is tracked of it.
    pub run: Run,
    /// What is shown of its findings, as JSON.
    pub contents: Arc<HashMap<Print, String>>,
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
    let engine = Engine::new(random()?, 0, &[]);
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
    let value_in_base = |number: usize| compared.then(|| in_base.contains(&(number as u32)));
    let parts = parts(&mut upload.run.findings, &engine, &tools, &value_in_base);
    let mut contents = HashMap::with_capacity(upload.run.findings.len());
    let mut slots = Vec::with_capacity(upload.run.findings.len());
    let mut hidden = 0;
    for part in parts {
        hidden += part.hidden;
        for (tool, sighting, body) in part.findings {
            contents.extend(body.map(|body| (sighting.content, body)));
            slots.push((tool, tools[tool].sightings.len()));
            tools[tool].sightings.push(sighting);
        }
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
    Ok(Reduced { run, contents: Arc::new(contents), upload, slots, hidden })
}

/// Some of the findings: of each the place of its tool, what is tracked, and what is shown as JSON.
struct Part {
    hidden: usize,
    findings: Vec<(usize, Sighting, Option<String>)>,
}

/// All findings in their order, on all cores: somebody waits for the answer.
fn parts(
    findings: &mut [Finding],
    engine: &Engine,
    tools: &[ToolRun],
    value_in_base: &(impl Fn(usize) -> Option<bool> + Sync),
) -> Vec<Part> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    let size = findings.len().div_ceil(threads).max(PART_MIN);
    thread::scope(|scope| {
        let parts = findings.chunks_mut(size).enumerate();
        let begin =
            |(at, part): (usize, _)| scope.spawn(move || reduced(part, at * size, engine, tools, value_in_base));
        let workers: Vec<_> = parts.map(begin).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

fn reduced(
    part: &mut [Finding],
    first: usize,
    engine: &Engine,
    tools: &[ToolRun],
    value_in_base: &impl Fn(usize) -> Option<bool>,
) -> Part {
    let hidden = redact(part, engine);
    let reduced = part.iter_mut().enumerate().map(|(at, finding)| {
        let tool = tool_of(tools, finding);
        let sighting = Sighting::of(finding, &tools[tool].tool, &[], value_in_base(first + at));
        // What is shown belongs to no run: where it stands in a comparison is said elsewhere, and who owns the file beside it.
        let (change, group, owners) = (finding.change.take(), finding.group.take(), mem::take(&mut finding.owners));
        let shown = serde_json::to_string(finding).ok();
        (finding.change, finding.group, finding.owners) = (change, group, owners);
        (tool, sighting, shown)
    });
    Part { hidden, findings: reduced.collect() }
}

/// Whose finding it is: an upload does not say, but what stands in a commit of the past is not found by who looks at files.
fn tool_of(tools: &[ToolRun], finding: &Finding) -> usize {
    let seen = if finding.commit.is_some() { Seen::Past } else { Seen::Files };
    tools.iter().position(|tool| *tool.scope.seen() == seen).unwrap_or(0)
}
