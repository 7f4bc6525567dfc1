//! What users of similar tools had to report as bugs. Each test is one of those.

use penstock_app::track::{Detection, Effect, Kind, Print, Scope, Sighting, Status};

use super::world::{World, code, distinct, lint, lint_codes, moved, rows_written};

#[test]
fn a_moved_line_is_not_a_new_finding_beside_a_duplicate() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a"]);
    world.news();
    let applied = world.scan_with("main", 2, vec![lint(&[moved("r a.rs a", 40)])]);
    assert_eq!(world.news(), []);
    assert_eq!(world.state.findings().count(), 1);
    assert_eq!(applied.changes.occurrences.len(), 1, "its new place is written");
    assert_eq!(world.detection("main", "r a.rs a"), Some(Detection::Open));
}

#[test]
fn a_run_that_is_sent_again_changes_nothing() {
    let mut world = World::new();
    let run = world.run_of("main", 1, vec![lint_codes(&["r a.rs a", "r b.rs b"])]);
    let first = world.apply(&run);
    let again = world.apply(&run);
    assert_eq!(again.effect, Effect::Repeated);
    assert!(again.changes.is_empty());
    assert_eq!(again.matched, first.matched, "and it is answered like the first time");
}

#[test]
fn an_unchanged_run_writes_no_finding() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a", "r b.rs b"]);
    for commit in [1, 2, 3] {
        let applied = world.scan("main", commit, &["r b.rs b", "r a.rs a"]);
        assert_eq!(rows_written(&applied), 0, "commit {commit}");
        assert_eq!(applied.effect, Effect::Moved);
    }
}

#[test]
fn a_reimport_does_not_mitigate_what_was_accepted() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a"]);
    world.triage("r a.rs a", None, Status::AcceptedRisk);
    for commit in [2, 3] {
        world.scan("main", commit, &["r a.rs a"]);
    }
    assert_eq!(world.detection("main", "r a.rs a"), Some(Detection::Open));
    assert_eq!(world.finding("r a.rs a").triage.status, Status::AcceptedRisk);
}

#[test]
fn a_reimport_does_not_reopen_what_a_person_closed() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a"]);
    world.triage("r a.rs a", None, Status::FalsePositive);
    world.news();
    world.scan("main", 2, &["r a.rs a"]);
    assert_eq!(world.news(), []);
    world.scan("main", 3, &[]);
    world.push("main", 4);
    world.scan("main", 4, &["r a.rs a"]);
    assert_eq!(world.news(), [Kind::Fixed, Kind::Reopened], "machines say what they see");
    assert_eq!(world.finding("r a.rs a").triage.status, Status::FalsePositive, "and people's word stands");
}

#[test]
fn a_return_is_noticed_without_anybody_having_closed_it_by_hand() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a"]);
    let id = world.id("r a.rs a");
    world.scan("main", 2, &[]);
    assert_eq!(world.detection("main", "r a.rs a"), Some(Detection::Fixed));
    world.scan("main", 3, &["r a.rs a"]);
    assert_eq!(world.id("r a.rs a"), id, "the same row");
    assert_eq!(world.row("main", "r a.rs a").reopened, 1);
    assert_eq!(world.news(), [Kind::Introduced, Kind::Fixed, Kind::Reopened]);
}

#[test]
fn what_did_not_come_to_its_end_closes_nothing() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a", "r b.rs b"]);
    let mut half = lint_codes(&["r c.rs c"]);
    half.complete = false;
    world.scan_with("main", 2, vec![half]);
    assert_eq!(world.open("main"), ["a.rs", "b.rs", "c.rs"], "what it found counts");
}

#[test]
fn another_tool_or_name_or_scope_closes_nothing() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a", "r lib/b.rs b"]);
    let mut other = lint_codes(&[]);
    other.tool = "other".into();
    world.scan_with("main", 2, vec![other]);
    let mut run = world.run_of("main", 2, vec![lint_codes(&[])]);
    run.name = "nightly".into();
    world.apply(&run);
    assert_eq!(world.open("main"), ["a.rs", "lib/b.rs"], "carried forward");
    let mut part = lint_codes(&[]);
    part.scope = Scope::folder("lib");
    world.scan_with("main", 3, vec![part]);
    assert_eq!(world.open("main"), ["a.rs"], "only what it would have seen");
}

#[test]
fn a_dropped_rule_is_no_fix() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a", "s a.rs x", "s b.rs x"]);
    let mut changed = lint_codes(&["s b.rs x"]);
    changed.configuration = Print(2);
    world.scan_with("main", 2, vec![changed.clone()]);
    assert_eq!(world.detection("main", "r a.rs a"), Some(Detection::Removed), "nothing is known of the code");
    assert_eq!(world.detection("main", "s a.rs x"), Some(Detection::Fixed), "its rule was at work");
    world.scan_with("main", 3, vec![lint_codes(&["r a.rs a"])]);
    assert_eq!(world.detection("main", "r a.rs a"), Some(Detection::Open));
}

#[test]
fn a_renamed_file_keeps_its_findings_and_a_copy_brings_new_ones() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs x"]);
    world.triage("r a.rs x", None, Status::WontFix);
    world.news();
    world.scan("main", 2, &["r b.rs x"]);
    assert_eq!(world.news(), [Kind::Moved]);
    assert_eq!(world.finding("r b.rs x").triage.status, Status::WontFix);
    world.scan("main", 3, &["r b.rs x", "r c.rs x"]);
    assert_eq!(world.news(), [Kind::Introduced]);
    assert_eq!(world.finding("r c.rs x").triage.status, Status::NeedsTriage);
}

#[test]
fn a_file_that_comes_back_under_its_old_name_is_the_copy() {
    let mut world = World::new();
    world.scan("main", 1, &["r b.rs x"]);
    world.scan("main", 2, &["r c.rs x"]);
    let id = world.id("r c.rs x");
    let applied = world.scan("main", 3, &["r a.rs x", "r b.rs x", "r c.rs x"]);
    assert_eq!(applied.matched[0][2], Some(id));
    assert_eq!(distinct(&applied.matched).len(), 3);
}

#[test]
fn what_was_gone_before_was_not_renamed() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs x"]);
    world.triage("r a.rs x", None, Status::WontFix);
    world.scan("main", 2, &[]);
    world.scan("main", 3, &["r b.rs x"]);
    assert_eq!(world.finding("r b.rs x").triage.status, Status::NeedsTriage);
    assert_eq!(world.detection("main", "r a.rs x"), Some(Detection::Fixed));
}

#[test]
fn whether_a_file_was_renamed_is_told_only_by_who_would_have_seen_the_old_one() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs x"]);
    let mut half = lint_codes(&["r b.rs x"]);
    half.complete = false;
    world.scan_with("main", 2, vec![half]);
    assert_eq!(world.open("main"), ["a.rs", "b.rs"]);
}

#[test]
fn a_tools_own_fingerprint_comes_first() {
    let own = |words, own| Sighting { own: vec![Print(own)], ..code(words) };
    let mut world = World::new();
    world.scan_with("main", 1, vec![lint(&[own("r a.rs x", 1), own("r a.rs y", 2)])]);
    let (x, y) = (world.id("r a.rs x"), world.id("r a.rs y"));
    // The lines changed places, and one of them its text.
    let applied = world.scan_with("main", 2, vec![lint(&[own("r a.rs y", 1), own("r a.rs z", 2)])]);
    assert_eq!(applied.matched, [[Some(x), Some(y)]]);
}

#[test]
fn an_own_fingerprint_that_knows_no_file_does_not_take_a_finding_away_from_its_place() {
    let own = |words| Sighting { own: vec![Print(1)], ..code(words) };
    let mut world = World::new();
    world.scan_with("main", 1, vec![lint(&[own("r b.rs x")])]);
    let b = world.id("r b.rs x");
    let applied = world.scan_with("main", 2, vec![lint(&[own("r a.rs x"), own("r b.rs x")])]);
    assert_eq!(applied.matched[0][1], Some(b));
    assert_eq!(distinct(&applied.matched).len(), 2);
}

#[test]
fn a_fingerprint_that_all_results_share_tells_nothing() {
    // Some tools give one to all that a rule finds. To try each with each would take for ever.
    let sightings = |file: &str| -> Vec<Sighting> {
        let of = |number: u32| Sighting {
            own: vec![Print(1)],
            path_free: Print(2),
            ..code(&format!("r {file}.rs {number}"))
        };
        (0..3_000).map(of).collect()
    };
    let mut world = World::new();
    world.scan_with("main", 1, vec![lint(&sightings("a"))]);
    let again = world.scan_with("main", 2, vec![lint(&sightings("a"))]);
    assert_eq!(rows_written(&again), 0);
    let elsewhere = world.scan_with("main", 3, vec![lint(&sightings("b"))]);
    assert_eq!(elsewhere.changes.findings.len(), 3_000, "nothing proves that they moved");
    assert_eq!(world.open("main").len(), 3_000);
}

#[test]
fn a_result_that_is_told_twice_is_one_finding() {
    let mut world = World::new();
    let twice = [code("r a.rs a"), code("r a.rs a"), moved("r a.rs a", 9)];
    let applied = world.scan_with("main", 1, vec![lint(&twice)]);
    assert_eq!(distinct(&applied.matched).len(), 1);
    assert!(applied.matched[0].iter().all(Option::is_some));
    let again = world.scan_with("main", 1, vec![lint(&twice)]);
    assert_eq!(rows_written(&again), 0);
}

#[test]
fn a_fix_in_the_files_is_no_fix_of_the_history() {
    let mut world = World::new();
    let mut history = lint_codes(&["r a.rs a"]);
    history.scope = Scope::of_words("history");
    world.scan_with("main", 1, vec![lint_codes(&["r a.rs a"]), history.clone()]);
    world.scan_with("main", 2, vec![lint_codes(&[]), history.clone()]);
    world.scan_with("main", 3, vec![lint_codes(&[])]);
    assert_eq!(world.detection("main", "r a.rs a"), Some(Detection::Open));
    history.sightings.clear();
    world.scan_with("main", 3, vec![history]);
    assert_eq!(world.detection("main", "r a.rs a"), Some(Detection::Fixed));
}

#[test]
fn a_tool_that_has_not_run_for_long_is_stale_and_not_fixed() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a"]);
    world.news();
    let changes = penstock_app::track::mark_stale(&world.state, 100, 1_000);
    world.accept(changes);
    assert_eq!(world.detection("main", "r a.rs a"), Some(Detection::Stale));
    assert!(penstock_app::track::mark_stale(&world.state, 100, 2_000).is_empty(), "once");
    world.scan("main", 2, &["r a.rs a"]);
    assert_eq!(world.detection("main", "r a.rs a"), Some(Detection::Open));
    assert_eq!(world.news(), [Kind::WentStale, Kind::CameBack]);
}
