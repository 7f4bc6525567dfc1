//! The one verdict.

use penstock_app::track::{self, Doubt, Judgement, Policy, Question, Status, Suppress};
use penstock_common::gate::{Bound, Condition, Count, Level, Measure, Measures, Metric, Missing, Verdict};
use penstock_common::{BaseKind, Severity, SuppressionKind};
use proptest::prelude::*;

use super::world::{World, code, commit, lint, secret};

const NEW_HIGH: Metric = Metric::New(Count::Of(Severity::High));

fn none_new() -> Policy {
    Policy { conditions: vec![Condition::at_most(NEW_HIGH, 0.0, Level::Block)], suppress: Vec::new() }
}

/// `main` has `old.rs` at 2; `feature` begins there and brings `new.rs`.
fn world() -> World {
    let mut world = World::new();
    world.scan("main", 2, &["r old.rs old", "r gone.rs gone"]);
    world.fork("feature", "main", 2, 20);
    world.scan("feature", 20, &["r old.rs old", "r new.rs new"]);
    world.open_pull_request(7, "feature", "main");
    world
}

struct Asked<'w> {
    world: &'w World,
    policy: Policy,
    floor: Vec<Condition>,
    merge_base: Option<u32>,
    doubt: Option<Doubt>,
}

impl<'w> Asked<'w> {
    fn new(world: &'w World) -> Self {
        Self { world, policy: none_new(), floor: Vec::new(), merge_base: Some(2), doubt: None }
    }

    fn judge(&self) -> Judgement {
        let state = &self.world.state;
        let pull_request = state.pull_request(7).unwrap();
        let base = track::base_of_pull_request(state, pull_request, self.merge_base.map(commit));
        let question = Question {
            branch: pull_request.source.unwrap(),
            pull_request: Some(7),
            base: &base,
            measured: Measures::default(),
            doubt: self.doubt,
            dismissals: &Default::default(),
            now: 50,
        };
        let judged = track::verdict(state, &question, &self.policy, &self.floor);
        let counted = judged.new.len() + judged.existing.len() + judged.dismissed.len();
        assert_eq!(counted, state.open(question.branch).count(), "nothing is lost or told twice");
        judged
    }

    fn verdict(&self) -> Verdict {
        self.judge().evaluation.verdict()
    }
}

#[test]
fn what_the_base_has_does_not_block() {
    let mut world = world();
    let judged = Asked::new(&world).judge();
    assert_eq!(judged.evaluation.verdict(), Verdict::Failed);
    assert_eq!(judged.evaluation.conditions[0].value, Some(1.0));
    assert_eq!(judged.new, [world.id("r new.rs new")]);
    assert_eq!(judged.existing, [world.id("r old.rs old")]);
    assert_eq!(judged.fixed, [world.id("r gone.rs gone")]);
    world.push("feature", 21);
    world.scan("feature", 21, &["r old.rs old"]);
    assert_eq!(Asked::new(&world).verdict(), Verdict::Passed);
}

#[test]
fn what_comes_back_is_new_against_the_time_without_it() {
    let mut world = World::new();
    for (number, codes) in [(1, &["r a.rs a"][..]), (2, &[]), (3, &["r a.rs a"])] {
        world.scan("main", number, codes);
    }
    let main = world.state.main().unwrap();
    let base = track::base_of_branch(&world.state, main, commit(3), None);
    let question = Question {
        branch: main,
        pull_request: None,
        base: &base,
        measured: Measures::default(),
        doubt: None,
        dismissals: &Default::default(),
        now: 50,
    };
    let judged = track::verdict(&world.state, &question, &none_new(), &[]);
    assert_eq!((base.base.commit, judged.new.len()), (Some(commit(2).to_string()), 1));

    // A branch that began before it was gone had it all along.
    world.fork("feature", "main", 1, 20);
    world.scan("feature", 20, &["r a.rs a"]);
    world.open_pull_request(7, "feature", "main");
    let judged = Asked { merge_base: Some(1), ..Asked::new(&world) }.judge();
    assert_eq!((judged.new.len(), judged.existing.len()), (0, 1));
}

#[test]
fn the_base_is_the_best_that_has_a_run_and_is_named() {
    let mut world = world();
    let kind = |world: &World, merge_base| {
        let base = Asked { merge_base, ..Asked::new(world) }.judge().base;
        (base.kind, base.commit)
    };
    let told = |kind, number: u32| (kind, Some(commit(number).to_string()));
    assert_eq!(kind(&world, Some(2)), told(BaseKind::MergeBase, 2));
    world.scan("main", 3, &["r new.rs new"]);
    assert_eq!(kind(&world, Some(1)), told(BaseKind::DestinationTip, 3), "the head");
    let main = world.state.main().unwrap();
    let changes = track::move_branch(&world.state, main, commit(99));
    world.accept(changes);
    assert_eq!(kind(&world, None), told(BaseKind::DestinationTip, 3), "the newest run");
    let judged = Asked { merge_base: None, ..Asked::new(&world) }.judge();
    assert_eq!(judged.new, [world.id("r old.rs old")], "the destination's newest state counts");
    assert_eq!(Asked::new(&world).judge().new, [world.id("r new.rs new")], "and with the merge base that of then");
}

#[test]
fn without_a_base_nothing_passes_that_asks_for_what_is_new() {
    let mut world = World::new();
    world.fork("feature", "main", 2, 20);
    world.scan("feature", 20, &["r new.rs new"]);
    world.open_pull_request(7, "feature", "main");
    let judged = Asked::new(&world).judge();
    assert_eq!(judged.evaluation.verdict(), Verdict::Unknown);
    assert_eq!(judged.base.kind, BaseKind::Unknown);
    assert!(!judged.evaluation.conditions[0].reason.is_empty());
}

#[test]
fn the_first_run_of_a_branch_has_no_base_and_that_is_right() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a"]);
    let main = world.state.main().unwrap();
    let base = |world: &World, number| track::base_of_branch(&world.state, main, commit(number), None);
    assert_eq!(base(&world, 1).base.kind, BaseKind::NotApplicable);
    world.scan("main", 3, &["r a.rs a"]);
    assert_eq!(base(&world, 3).base.commit, Some(commit(1).to_string()));
    world.fork("feature", "main", 3, 20);
    let feature = world.branch("feature");
    let chosen = track::base_of_branch(&world.state, feature, commit(20), Some(commit(3)));
    assert_eq!(chosen.base.kind, BaseKind::MergeBase, "of any other branch it is that of a merge into the main one");
}

#[test]
fn people_and_entries_may_dismiss() {
    let mut world = world();
    let suppress = |suppress: Suppress| Policy { suppress: vec![suppress], ..none_new() };
    let asked = |world: &World, entry| Asked { policy: suppress(entry), ..Asked::new(world) }.verdict();
    let by = |rule: &str, path: &str, until| Suppress {
        rule: Some(rule.to_owned()),
        path: Some(path.to_owned()),
        fingerprint: None,
        until,
    };
    assert_eq!(asked(&world, by("r", "*.rs", None)), Verdict::Passed);
    assert_eq!(asked(&world, by("r", "*.rs", Some(51))), Verdict::Passed);
    assert_eq!(asked(&world, by("r", "*.rs", Some(50))), Verdict::Failed, "it is over");
    assert_eq!(asked(&world, by("s", "*.rs", None)), Verdict::Failed, "all that it names must hold");
    assert_eq!(asked(&world, by("r", "lib/*.rs", None)), Verdict::Failed);
    assert_eq!(asked(&world, Suppress::default()), Verdict::Failed, "an entry that names nothing means nothing");
    world.triage("r new.rs new", Some(7), Status::Confirmed);
    assert_eq!(Asked::new(&world).verdict(), Verdict::Failed);
    world.triage("r new.rs new", Some(7), Status::AcceptedRisk);
    let judged = Asked::new(&world).judge();
    assert_eq!(judged.evaluation.verdict(), Verdict::Passed);
    assert_eq!(judged.dismissed, [world.id("r new.rs new")]);
}

#[test]
fn a_fingerprint_does_not_speak_for_a_secret_that_the_base_has_not() {
    let sighting = |flag| track::Sighting { ours: track::Print(0xabc), ..secret("key a.env KEY=…", flag) };
    let entry = Suppress { fingerprint: Some(format!("pf1:{:032x}", 0xabc)), ..Suppress::default() };
    let any = Condition::at_most(Metric::Any(Count::Total), 0.0, Level::Block);
    let policy = Policy { conditions: vec![any], suppress: vec![entry] };
    for (flag, expected) in [(true, Verdict::Passed), (false, Verdict::Failed)] {
        let mut world = World::new();
        world.scan_secrets("main", 2, ("main", 1), &[sighting(Some(false))]);
        world.fork("feature", "main", 2, 20);
        world.scan_secrets("feature", 20, ("main", 2), &[sighting(Some(flag))]);
        world.open_pull_request(7, "feature", "main");
        assert_eq!(Asked { policy: policy.clone(), ..Asked::new(&world) }.verdict(), expected);
    }
}

#[test]
fn what_the_change_itself_allows_is_counted() {
    let mut world = World::new();
    world.scan("main", 2, &[]);
    world.fork("feature", "main", 2, 20);
    let allowed = |kind| track::Sighting { allowed: Some(kind), ..code("r a.rs a") };
    world.scan_with("feature", 20, vec![lint(&[allowed(SuppressionKind::Inline)])]);
    world.open_pull_request(7, "feature", "main");
    let conditions =
        vec![Condition::at_most(NEW_HIGH, 0.0, Level::Block), Condition::at_most(Metric::NewAllowed, 0.0, Level::Warn)];
    let policy = Policy { conditions, suppress: Vec::new() };
    let judged = Asked { policy: policy.clone(), ..Asked::new(&world) }.judge();
    assert_eq!(judged.evaluation.verdict(), Verdict::Passed);
    assert!(judged.evaluation.conditions[1].warns());
    // What the destination's configuration suppresses is not for the run to say.
    world.scan_with("feature", 20, vec![lint(&[allowed(SuppressionKind::Configuration)])]);
    assert_eq!(Asked { policy, ..Asked::new(&world) }.verdict(), Verdict::Failed);
}

#[test]
fn a_doubtful_run_passes_nothing() {
    let mut world = world();
    let asked = |world: &World, doubt| Asked { doubt, ..Asked::new(world) }.verdict();
    assert_eq!(asked(&world, Some(Doubt::Incomplete)), Verdict::Failed, "one is too many already");
    assert_eq!(asked(&world, Some(Doubt::Unconfirmed)), Verdict::Unknown);
    world.push("feature", 21);
    world.scan("feature", 21, &["r old.rs old"]);
    assert_eq!(asked(&world, None), Verdict::Passed);
    assert_eq!(asked(&world, Some(Doubt::Incomplete)), Verdict::Unknown);
    assert_eq!(asked(&world, Some(Doubt::Unconfirmed)), Verdict::Unknown);
}

#[test]
fn what_others_measured_is_judged_too() {
    let world = world();
    let base = track::base_of_pull_request(&world.state, world.state.pull_request(7).unwrap(), Some(commit(2)));
    let measured = Measures { values: [(Metric::TestsFailed, Measure::Known(2.0))].into(), new_lines: None };
    let branch = world.state.branch_named("feature").unwrap().id;
    let question = Question {
        branch,
        pull_request: Some(7),
        base: &base,
        measured,
        doubt: None,
        dismissals: &Default::default(),
        now: 50,
    };
    let policy =
        Policy { conditions: vec![Condition::at_most(Metric::TestsFailed, 0.0, Level::Block)], suppress: Vec::new() };
    let judged = track::verdict(&world.state, &question, &policy, &[]);
    assert_eq!(judged.evaluation.conditions[0].value, Some(2.0));
    assert_eq!(judged.evaluation.verdict(), Verdict::Failed);
}

fn condition() -> impl Strategy<Value = Condition> {
    let metric = prop::sample::select(vec![NEW_HIGH, Metric::Any(Count::Total), Metric::TestsFailed]);
    let level = prop::sample::select(vec![Level::Block, Level::Warn]);
    let missing = prop::sample::select(vec![Missing::Block, Missing::Warn, Missing::Ignore]);
    let lines = prop::option::of(0_u64..3);
    (metric, 0_u8..4, any::<bool>(), level, missing, lines).prop_map(
        |(metric, limit, most, level, missing, min_lines)| {
            let limit = f64::from(limit);
            let bound = if most { Bound::AtMost(limit) } else { Bound::AtLeast(limit) };
            Condition { metric, bound, level, missing, min_lines }
        },
    )
}

/// How far from passing.
fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Passed => 0,
        Verdict::Unknown => 1,
        Verdict::Failed => 2,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_floor_tightens_and_never_loosens(
        conditions in prop::collection::vec(condition(), 0..4),
        floor in prop::collection::vec(condition(), 0..4),
    ) {
        let world = world();
        let judge = |conditions: &[Condition], floor: &[Condition]| {
            let policy = Policy { conditions: conditions.to_vec(), suppress: Vec::new() };
            severity(Asked { policy, floor: floor.to_vec(), ..Asked::new(&world) }.verdict())
        };
        let both = judge(&conditions, &floor);
        prop_assert!(both >= judge(&conditions, &[]));
        prop_assert!(both >= judge(&[], &floor));
        prop_assert_eq!(both, judge(&conditions, &[]).max(judge(&[], &floor)), "and no more than both say");
    }
}
