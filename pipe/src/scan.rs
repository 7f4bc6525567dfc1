//! One scan, from what is asked for to a run.
//!
//! Owns bringing checkout and analyzers together: which source is read, with how many threads, and how the findings of all threads become one
//! ordered list. Decides nothing about findings and prints nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use penstock_common::{Confidence, Run, Skipped, ToolRun, time};

use crate::analyze::secrets::rule::Rule;
use crate::analyze::secrets::{Engine, Found, Reporter, Scanner};
use crate::checkout::{self, Coverage, Item, Limits, Progress, TreeOptions, Visitor, work_tree};

/// What is asked for.
pub struct Request {
    /// Where to look.
    pub target: Target,
    /// Which files of a tree count.
    pub tree: TreeOptions,
    /// Bounds.
    pub limits: Limits,
    /// Least confidence of a finding.
    pub minimum: Confidence,
    /// The time of the run, unix seconds.
    pub now: i64,
    /// Random bytes, new for every run.
    pub key: [u8; 16],
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The files of these paths, or of the current folder.
    Tree(Vec<PathBuf>),
}

impl Target {
    /// In words, as a run names its scope.
    pub fn scope(&self) -> String {
        match self {
            Self::Tree(paths) if paths.is_empty() => "tree .".to_owned(),
            Self::Tree(paths) => {
                let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
                format!("tree {}", shown.join(" "))
            }
        }
    }
}

/// A run and what it does not tell.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The run.
    pub run: Run,
    /// Candidates whose confidence was below the asked for.
    pub below_minimum: u64,
}

/// Why a scan could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What should be looked at cannot be.
    #[error(transparent)]
    Checkout(#[from] checkout::Error),
}

/// Runs the scan. `enabled` says which rules are in force.
pub fn run(
    request: &Request,
    progress: Option<&dyn Progress>,
    enabled: impl Fn(&Rule) -> bool,
) -> Result<Outcome, Error> {
    let engine = Engine::new(request.key, request.now, enabled);
    let visitor = || SecretsVisitor { scanner: engine.scanner(), reporter: Reporter::new(request.minimum) };
    let (visitors, coverage) = match &request.target {
        Target::Tree(paths) => work_tree::scan(paths, &request.tree, &request.limits, progress, visitor)?,
    };
    Ok(collect(request, visitors, coverage))
}

/// One thread's way through the items.
struct SecretsVisitor<'e> {
    scanner: Scanner<'e>,
    reporter: Reporter,
}

impl Visitor for SecretsVisitor<'_> {
    fn visit(&mut self, item: Item<'_>) {
        self.reporter.scan(&mut self.scanner, &item);
    }
}

/// Puts the findings of all threads into one order, so that the number of threads leaves no trace.
fn collect(request: &Request, visitors: Vec<SecretsVisitor<'_>>, mut coverage: Coverage) -> Outcome {
    let mut found: Vec<Found> = Vec::new();
    let mut below_minimum = 0;
    for visitor in visitors {
        below_minimum += visitor.reporter.below_minimum;
        for (subject, count) in visitor.reporter.omitted {
            let reason = format!("{count} further findings in this file are not listed");
            coverage.skipped.push(Skipped { subject, reason, by_limit: true });
        }
        found.extend(visitor.reporter.found);
    }
    coverage.skipped.sort();
    found.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut members: BTreeMap<u128, u32> = BTreeMap::new();
    for one in &found {
        *members.entry(one.identity).or_default() += 1;
    }
    // Numbered by first appearance: the identity itself is random and must leave no trace.
    let mut numbers: BTreeMap<u128, u32> = BTreeMap::new();
    for one in &mut found {
        if members[&one.identity] > 1 {
            let next = numbers.len() as u32 + 1;
            one.finding.group = Some(*numbers.entry(one.identity).or_insert(next));
        }
    }
    let run = Run {
        schema_version: Run::SCHEMA_VERSION,
        started_at: time::rfc3339(request.now),
        tools: vec![ToolRun {
            name: "penstock".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            configuration: String::new(),
            scope: request.target.scope(),
            complete: coverage.complete(),
            files: coverage.files,
            bytes: coverage.bytes,
            skipped: coverage.skipped,
        }],
        findings: found.into_iter().map(|one| one.finding).collect(),
    };
    Outcome { run, below_minimum }
}

fn order(found: &Found) -> impl Ord + '_ {
    let finding = &found.finding;
    (&finding.location, &finding.rule, &finding.commit, &finding.fingerprints)
}
