//! How long it takes to apply a run of 10 000 findings to a repository that holds 100 000: `cargo bench -p penstock-app --bench track`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people to read")]

use penstock::analyze::secrets::mask;
use penstock_common::Masked;
use std::time::{Duration, Instant};

use penstock_app::crypto::MasterKeys;
use penstock_app::track::chain::{ChainId, Signer};
use penstock_app::track::{
    Actor, Branch, BranchId, Changes, Commit, Event, Facts, Print, Repository, Run, RunId, Scope, Sighting, Standing,
    ToolRun, apply_run, chain, set_main_branch,
};
use penstock_common::{Category, Severity, Uuid};

const HELD: u32 = 100_000;
const SEEN: u32 = 10_000;
const TIMES: usize = 20;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let keys = MasterKeys::read_or_create(&folder.path().join("master.key")).unwrap();
    let chain = ChainId::Audit { workspace: Uuid::from([1; 16]) };
    let signer = Signer { chain, key: keys.log_key().unwrap() };
    let repository = filled();
    report("load 100 000 findings", || rows(&repository), Repository::load);
    let unchanged: Vec<Sighting> = (0..SEEN).map(|number| sighting(number, 0)).collect();
    let changed: Vec<Sighting> = (0..SEEN).map(|number| sighting(number, u32::from(number % 100 == 0))).collect();
    let new: Vec<Sighting> = (HELD..HELD + SEEN).map(|number| sighting(number, 0)).collect();
    for (what, sightings) in [("unchanged", unchanged), ("1 % changed", changed), ("all new", new)] {
        let run = run(2, "lib", sightings);
        let mut told = (0, 0);
        report(
            &format!("apply 10 000, {what}"),
            || (),
            |()| {
                let changes = apply(&repository, &run);
                told = (changes.findings.len() + changes.occurrences.len(), changes.events.len());
                changes
            },
        );
        let changes = apply(&repository, &run);
        println!("{:>32} {} rows, {} events", "", told.0, told.1);
        report("  chain of its events", || (), |()| signer.append(chain::Head::default(), &changes.events).unwrap());
    }
    let run = run(2, "", (0..SEEN).map(|number| sighting(number, 0)).collect());
    report("apply 10 000, 90 000 fixed", || (), |()| apply(&repository, &run));
}

/// Prints the median and the worst but one of some times. On a machine that does other things too, the time on the processor is the one to
/// read; where the system does not tell it, it is that of the clock.
fn report<I, O>(what: &str, input: impl Fn() -> I, mut measured: impl FnMut(I) -> O) {
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let input = input();
            let start = (Instant::now(), on_processor());
            let output = measured(input);
            let time = match (start.1, on_processor()) {
                (Some(start), Some(end)) => end.saturating_sub(start),
                _ => start.0.elapsed(),
            };
            drop(output);
            time
        })
        .collect();
    times.sort();
    println!("{what:<32} median {:>9.2?}  p95 {:>9.2?}", times[TIMES / 2], times[TIMES - 2]);
}

/// What this thread has had of the processor.
fn on_processor() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn filled() -> Repository {
    let main = Branch::new(BranchId(1), "main".into());
    let mut repository = Repository::load(Changes { branches: vec![main], ..Changes::default() });
    repository.accept(set_main_branch(&repository, BranchId(1), Actor::Bitbucket, 0));
    let run = run(1, "", (0..HELD).map(|number| sighting(number, 0)).collect());
    let changes = apply(&repository, &run);
    repository.accept(changes);
    repository
}

/// What a store would load.
fn rows(repository: &Repository) -> Changes {
    Changes {
        main: repository.main(),
        branches: repository.branches().cloned().collect(),
        findings: repository.findings().cloned().collect(),
        occurrences: repository.occurrences(BranchId(1)).cloned().collect(),
        events: Vec::<Event>::new(),
        ..Changes::default()
    }
}

fn apply(repository: &Repository, run: &Run) -> Changes {
    let mut next = u128::from(run.at as u64) << 64;
    let facts = Facts { standing: Standing::Head, base: None, now: run.at, by_tree: false };
    apply_run(repository, run, &facts, &mut || {
        next += 1;
        next
    })
    .changes
}

fn run(number: u8, folder: &str, sightings: Vec<Sighting>) -> Run {
    let tool = ToolRun {
        tool: "lint".into(),
        configuration: Print(1),
        scope: Scope::folder(folder),
        complete: true,
        sightings,
    };
    Run {
        id: RunId(number.into()),
        commit: Commit::from([number; 20]),
        at: number.into(),
        name: "penstock".into(),
        branch: Some("main".into()),
        pull_request: None,
        tools: vec![tool],
    }
}

/// The first tenth stands in `lib`.
fn sighting(number: u32, version: u32) -> Sighting {
    let folder = if number < SEEN { "lib" } else { "src" };
    let path = mask(&format!("{folder}/module-{}/file-{}.rs", number % 97, number / 20));
    let rule = mask(&format!("rule-{}", number % 50));
    let context = [number.to_le_bytes(), version.to_le_bytes()].concat();
    Sighting {
        ours: Print::of(&[rule.as_bytes(), path.as_bytes(), &context]),
        path_free: Print::of(&[rule.as_bytes(), &context]),
        own: Vec::new(),
        content: Print::of(&[&context]),
        category: Category::CodeQuality,
        severity: Severity::Medium,
        value_in_base: None,
        in_base: None,
        allowed: None,
        owner: Masked::EMPTY,
        path,
        rule,
    }
}
