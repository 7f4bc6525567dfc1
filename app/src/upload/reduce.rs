//! From an upload to what is tracked.
//!
//! Owns the reduction: sightings by tool, and what is shown of each finding, once for each text.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::{mem, thread};

use penstock_common::Finding;
use penstock_common::upload::v1::Upload;

use super::cut::{cut_finding, cut_rest};
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
    /// The rest of it, without its findings.
    pub upload: Upload,
}

/// Reduces an upload about `commit` that started at `at` (unix milliseconds).
pub fn reduce(mut upload: Upload, run: RunId, commit: Commit, at: i64) -> Reduced {
    cut_rest(&mut upload);
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
    let mut findings = mem::take(&mut upload.run.findings);
    let mut contents = HashMap::with_capacity(findings.len());
    for part in parts(&mut findings, &tools, &value_in_base) {
        for (tool, sighting, body) in part {
            contents.extend(body.map(|body| (sighting.content, body)));
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
    Reduced { run, contents: Arc::new(contents), upload }
}

/// Some of the findings: of each the place of its tool, what is tracked, and what is shown as JSON.
type Part = Vec<(usize, Sighting, Option<String>)>;

/// All findings in their order, on all cores: somebody waits for the answer.
fn parts(
    findings: &mut [Finding],
    tools: &[ToolRun],
    value_in_base: &(impl Fn(usize) -> Option<bool> + Sync),
) -> Vec<Part> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    let size = findings.len().div_ceil(threads).max(PART_MIN);
    thread::scope(|scope| {
        let parts = findings.chunks_mut(size).enumerate();
        let begin = |(at, part): (usize, _)| scope.spawn(move || reduced(part, at * size, tools, value_in_base));
        let workers: Vec<_> = parts.map(begin).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

fn reduced(
    part: &mut [Finding],
    first: usize,
    tools: &[ToolRun],
    value_in_base: &impl Fn(usize) -> Option<bool>,
) -> Part {
    let reduced = part.iter_mut().enumerate().map(|(at, finding)| {
        cut_finding(finding);
        let tool = tool_of(tools, finding);
        let sighting = Sighting::of(finding, &tools[tool].tool, &[], value_in_base(first + at));
        // What is shown belongs to no run: its place in a comparison and the owners of its file are
        // kept elsewhere.
        (finding.change, finding.group, finding.owners) = (None, None, Vec::new());
        let mut shown = serde_json::to_string(finding).ok();
        shown.iter_mut().for_each(String::shrink_to_fit);
        (tool, sighting, shown)
    });
    reduced.collect()
}

/// Whose finding it is: an upload does not say, but what stands in a commit of the past is not found by who looks at files.
fn tool_of(tools: &[ToolRun], finding: &Finding) -> usize {
    let seen = if finding.commit.is_some() { Seen::Past } else { Seen::Files };
    tools.iter().position(|tool| *tool.scope.seen() == seen).unwrap_or(0)
}
