//! What a run reported of a commit stays: no other run of that commit takes it back, whatever it
//! says of itself.

use std::collections::{BTreeMap, BTreeSet};

use penstock_app::track::{self, Actor, Print, RunId, Scope, Sighting, ToolRun};
use penstock_common::{Category, Severity, SuppressionKind};
use proptest::prelude::*;

use super::world::{World, code, commit, lint, lint_codes, moved, secret};

/// What a second run of the commit may state of itself while it reports less.
fn milder() -> Vec<(&'static str, Vec<ToolRun>)> {
    let empty = || lint(&[]);
    let low = Sighting { severity: Severity::Low, ..moved("r a.rs a", 2) };
    let allowed = Sighting { allowed: Some(SuppressionKind::Inline), ..code("r a.rs a") };
    let moved = Sighting { path: "tests/a.rs".into(), ours: Print(77), ..code("r a.rs a") };
    vec![
        ("empty", vec![empty()]),
        ("no tools", vec![]),
        ("another configuration", vec![ToolRun { configuration: Print(9), ..empty() }]),
        ("another tool", vec![ToolRun { tool: "other".into(), ..empty() }]),
        ("a smaller scope", vec![ToolRun { scope: Scope::folder("docs"), ..empty() }]),
        ("incomplete", vec![ToolRun { complete: false, ..empty() }]),
        ("less severe", vec![lint(&[low])]),
        ("allowed", vec![lint(&[allowed])]),
        ("in another file", vec![lint(&[moved])]),
    ]
}

fn is_as_reported(world: &World, branch: &str, what: &str) {
    let row = world.row(branch, "r a.rs a");
    assert!(row.is_open(), "{what}");
    assert_eq!((row.severity, row.allowed, row.path.as_str()), (Severity::High, None, "a.rs"), "{what}");
}

#[test]
fn a_second_run_of_the_commit_takes_nothing_back() {
    for (what, tools) in milder() {
        for (name, at) in [("penstock", 5), ("other", 5), ("penstock", -5)] {
            let what = format!("{what} as {name} at {at}");
            let mut world = World::new();
            world.scan("main", 3, &["r a.rs a"]);
            let mut run = world.run_of("main", 3, tools.clone());
            (run.name, run.at) = (name.into(), world.now + at);
            world.apply(&run);
            is_as_reported(&world, "main", &what);
            // Nor does the same in the other order, as when a run is sent before the step that
            // found it ends.
            let mut world = World::new();
            let honest = world.run_of("main", 3, vec![lint_codes(&["r a.rs a"])]);
            let mut run = world.run_of("main", 3, tools.clone());
            (run.name, run.at) = (name.into(), world.now + at);
            world.apply(&run);
            world.apply(&honest);
            if !what.contains("in another file") {
                is_as_reported(&world, "main", &what);
            }
            // A new commit is another matter.
            world.push("main", 4);
            for name in [name, "penstock"] {
                let mut run = world.run_of("main", 4, vec![lint(&[])]);
                run.name = name.into();
                world.apply(&run);
            }
            assert!(!world.open("main").contains(&"a.rs".to_owned()), "{what}");
        }
    }
}

#[test]
fn the_contradiction_is_kept_until_a_new_commit() {
    let mut world = World::new();
    world.scan("main", 2, &["r a.rs a"]);
    // Seen again unchanged, which is not written.
    world.scan("main", 3, &["r a.rs a"]);
    let (second, third) =
        (world.run_of("main", 3, vec![lint(&[])]), world.run_of("main", 3, vec![lint_codes(&["r a.rs a"])]));
    world.apply(&second);
    let row = world.row("main", "r a.rs a");
    assert_eq!((row.denied, row.seen.commit), (Some(second.id), commit(3)));
    world.apply(&third);
    assert!(world.row("main", "r a.rs a").is_open());
    world.push("main", 4);
    world.scan("main", 4, &["r a.rs a"]);
    world.scan("main", 4, &[]);
    assert_eq!(world.row("main", "r a.rs a").seen.commit, commit(4), "it counts of the new commit, too");
    world.push("main", 5);
    world.scan("main", 5, &[]);
    assert!(world.open("main").is_empty());
}

#[test]
fn a_branch_that_is_forced_back_has_what_was_reported_there() {
    let mut world = World::new();
    world.fork("feature", "main", 2, 20);
    world.scan("feature", 20, &["r a.rs a", "r b.rs b"]);
    world.push("feature", 21);
    world.scan("feature", 21, &["r a.rs a"]);
    world.push("feature", 22);
    world.scan("feature", 22, &[]);
    world.git.get_mut("feature").unwrap().truncate(3);
    world.scan("feature", 20, &[]);
    assert_eq!(world.open("feature"), ["a.rs", "b.rs"]);
    world.push("feature", 23);
    world.scan("feature", 23, &[]);
    assert!(world.open("feature").is_empty());
}

#[test]
fn what_a_merge_brought_is_refuted_by_a_run_of_the_merge_commit_and_what_a_run_reported_is_not() {
    let mut world = World::new();
    world.scan("main", 2, &[]);
    world.fork("feature", "main", 2, 20);
    world.scan("feature", 20, &["r a.rs a", "r b.rs b"]);
    world.open_pull_request(7, "feature", "main");
    world.merge(7, 30);
    assert_eq!(world.open("main"), ["a.rs", "b.rs"]);
    world.scan("main", 30, &["r a.rs a"]);
    assert_eq!(world.open("main"), ["a.rs"], "the merge left one out");
    world.scan("main", 30, &[]);
    assert_eq!(world.open("main"), ["a.rs"]);
}

#[test]
fn results_of_tests_may_be_repeated() {
    let mut world = World::new();
    let test = |words| Sighting { category: Category::TestFailure, ..code(words) };
    world.scan_with("main", 3, vec![lint(&[test("r a.rs a")])]);
    world.scan_with("main", 3, vec![lint(&[])]);
    assert!(world.open("main").is_empty());
    world.scan_with("main", 3, vec![lint(&[test("r a.rs a")])]);
    assert_eq!(world.open("main"), ["a.rs"]);
}

#[test]
fn a_secret_is_not_called_existing_by_a_second_run() {
    let mut world = World::new();
    world.scan_secrets("main", 2, ("main", 1), &[secret("key a.env K", Some(false))]);
    world.fork("feature", "main", 2, 20);
    world.scan_secrets("feature", 20, ("main", 2), &[secret("key a.env K", Some(false))]);
    let all = world.findings("key a.env K");
    assert_eq!(all.len(), 2, "another value is another secret");
    let new = all[1].id;
    world.scan_secrets("feature", 20, ("main", 2), &[secret("key a.env K", Some(true))]);
    let feature = world.branch("feature");
    assert!(world.state.is_open(feature, new));
}

/// Carries to a branch what others reported of its commit, as the app does after each run.
fn recall(world: &mut World, branch: &str) {
    let id = world.branch(branch);
    let changes = track::recall(&world.state, id, world.now);
    world.accept(changes);
    assert!(track::recall(&world.state, id, world.now).is_empty(), "once");
}

#[test]
fn another_branch_at_the_commit_takes_nothing_back_either() {
    for (what, tools) in milder() {
        for (name, deleted) in [("penstock", false), ("other", false), ("penstock", true)] {
            let mut world = World::new();
            world.fork("feature", "main", 2, 20);
            world.scan("feature", 20, &["r a.rs a"]);
            if deleted {
                let id = world.branch("feature");
                let changes = track::delete_branch(&world.state, id, Actor::Bitbucket, 1);
                world.accept(changes);
            }
            world.git.insert("again".to_owned(), world.git["feature"].clone());
            let mut run = world.run_of("again", 20, tools.clone());
            run.name = name.into();
            world.apply(&run);
            recall(&mut world, "again");
            is_as_reported(&world, "again", what);
            // A complete run of a later commit speaks for it, also if the other's `NAME` never runs
            // here.
            world.push("again", 21);
            let mut run = world.run_of("again", 21, vec![lint(&[])]);
            run.name = name.into();
            world.apply(&run);
            recall(&mut world, "again");
            assert!(!world.open("again").contains(&"a.rs".to_owned()), "{what} as {name}");
        }
    }
}

#[test]
fn what_another_branch_reported_is_no_base() {
    let mut world = World::new();
    world.scan("main", 3, &[]);
    world.git.insert("poison".to_owned(), world.git["main"].clone());
    world.scan("poison", 3, &["r a.rs a"]);
    recall(&mut world, "main");
    assert_eq!(world.open("main"), ["a.rs"], "it is reported");
    world.fork("feature", "main", 3, 20);
    world.scan("feature", 20, &["r a.rs a"]);
    world.open_pull_request(7, "feature", "main");
    let row = world.state.pull_request(7).unwrap();
    let base = track::base_of_pull_request(&world.state, row, Some(commit(3)));
    let question = track::Question {
        branch: world.state.branch_named("feature").unwrap().id,
        pull_request: Some(7),
        base: &base,
        measured: Default::default(),
        doubt: None,
        dismissals: &Default::default(),
        now: 50,
    };
    let judged = track::verdict(&world.state, &question, &track::Policy::default(), &[]);
    assert_eq!((judged.new.len(), judged.existing.len()), (1, 0));
}

/// A run of a commit: who sends it, when it says that it started, and what it reports, as severity
/// and whether it is allowed.
#[derive(Clone, Debug)]
struct Report {
    commit: u32,
    at: i64,
    nightly: bool,
    complete: bool,
    configuration: u8,
    tool: &'static str,
    codes: BTreeMap<u8, (Severity, bool)>,
}

fn report() -> impl Strategy<Value = Report> {
    let severity = prop::sample::select(vec![Severity::Low, Severity::High, Severity::Critical]);
    let codes = prop::collection::btree_map(0_u8..3, (severity, any::<bool>()), 0..3);
    let tool = prop::sample::select(vec!["lint", "lint", "audit"]);
    (1_u32..4, 0_i64..3, any::<bool>(), any::<bool>(), 0_u8..2, tool, codes).prop_map(
        |(commit, at, nightly, complete, configuration, tool, codes)| Report {
            commit,
            at,
            nightly,
            complete,
            configuration,
            tool,
            codes,
        },
    )
}

fn arrive(reports: &[(usize, Report)]) -> World {
    let mut world = World::new();
    for (id, report) in reports {
        let sighting = |(number, (severity, allowed)): (&u8, &(Severity, bool))| Sighting {
            severity: *severity,
            allowed: allowed.then_some(SuppressionKind::Inline),
            ..code(&format!("{} {number}.rs {number}", report.tool))
        };
        let tool = ToolRun {
            tool: report.tool.into(),
            configuration: Print(report.configuration.into()),
            complete: report.complete,
            ..lint(&report.codes.iter().map(sighting).collect::<Vec<_>>())
        };
        let mut run = world.run_of("main", report.commit, vec![tool]);
        (run.id, run.at) = (RunId(1000 + *id as u128), report.at);
        run.name = if report.nightly { "nightly" } else { "penstock" }.into();
        world.apply(&run);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// From the definition: of the newest commit that was scanned, all that any run reported
    /// counts, as severe as the worst run says, and allowed only if all of them say so.
    #[test]
    fn all_that_was_reported_of_the_newest_commit_counts(
        (one, other) in prop::collection::vec(report(), 1..8)
            .prop_map(|reports| reports.into_iter().enumerate().collect::<Vec<_>>())
            .prop_flat_map(|reports| (Just(reports.clone()), Just(reports).prop_shuffle()))
    ) {
        let newest = one.iter().map(|(_, report)| report.commit).max().unwrap();
        let mut expected: BTreeMap<String, (Severity, bool)> = BTreeMap::new();
        for (_, report) in one.iter().filter(|(_, report)| report.commit == newest) {
            for (number, (severity, allowed)) in &report.codes {
                let words = format!("{} {number}.rs {number}", report.tool);
                let known = expected.entry(words).or_insert((*severity, true));
                *known = (known.0.max(*severity), known.1 && *allowed);
            }
        }
        for world in [arrive(&one), arrive(&other)] {
            for (words, (severity, allowed)) in &expected {
                let row = world.row("main", words);
                prop_assert!(row.is_open(), "{}", words);
                prop_assert_eq!((row.severity, row.allowed.is_some()), (*severity, *allowed), "{}", words);
            }
            // And the worst that was ever reported of anything is known; on main a complete run of
            // a newer commit may lower it.
            let all: BTreeSet<_> = one.iter().flat_map(|(_, report)| report.codes.keys().map(|code| (report.tool, *code))).collect();
            for (tool, code) in all {
                let finding = world.finding(&format!("{tool} {code}.rs {code}"));
                let open = world.state.occurrence(world.state.main().unwrap(), finding.id).filter(|row| row.is_open());
                prop_assert!(open.is_none_or(|row| row.severity <= finding.worst));
            }
        }
    }
}
