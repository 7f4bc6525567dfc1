//! Branches: what moves them, and what does not.

use penstock_app::track::{self, Actor, Detection, Effect, Facts, Kind, Standing, Timeline};

use super::world::{World, commit, lint_codes};

#[test]
fn a_late_run_moves_nothing() {
    let mut world = World::new();
    let late = world.run_of("main", 1, vec![lint_codes(&["r a.rs a", "r old.rs old"])]);
    world.scan("main", 3, &["r a.rs a", "r b.rs b"]);
    let applied = world.apply(&late);
    assert_eq!(applied.effect, Effect::History);
    assert_eq!(world.open("main"), ["a.rs", "b.rs"]);
    assert_eq!(
        world.detection("main", "r old.rs old"),
        Some(Detection::Fixed),
        "what it saw is known to have been there"
    );
    assert_eq!(world.row("main", "r a.rs a").first.commit, commit(1), "and since when");
}

#[test]
fn a_late_run_of_a_tool_that_has_none_newer_is_carried_forward() {
    let mut world = World::new();
    let mut other = lint_codes(&["r a.rs a"]);
    other.tool = "other".into();
    let late = world.run_of("main", 1, vec![other]);
    world.scan("main", 3, &["r b.rs b"]);
    world.apply(&late);
    assert_eq!(world.open("main"), ["a.rs", "b.rs"]);
}

#[test]
fn what_nobody_confirmed_changes_nothing_until_somebody_does() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a"]);
    let run = world.run_of("main", 2, vec![lint_codes(&["r b.rs b"])]);
    let doubtful = Facts { standing: Standing::Unconfirmed, ..world.facts(&run) };
    let applied = world.apply_with(&run, &doubtful);
    assert_eq!(applied.effect, Effect::Nothing);
    assert!(applied.changes.is_empty());
    assert_eq!(applied.matched, [[None]]);
    world.apply(&run);
    assert_eq!(world.open("main"), ["b.rs"]);
}

#[test]
fn a_commit_of_no_branch_changes_nothing() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a"]);
    assert!(world.scan("main", 77, &[]).changes.is_empty());
    let mut tag = world.run_of("main", 3, vec![lint_codes(&[])]);
    tag.branch = None;
    assert!(world.apply(&tag).changes.is_empty());
    assert_eq!(world.open("main"), ["a.rs"]);
}

#[test]
fn a_forced_push_moves_the_branch_and_what_it_dropped_does_not() {
    let mut world = World::new();
    let dropped = world.run_of("main", 3, vec![lint_codes(&["r dropped.rs dropped"])]);
    world.scan("main", 2, &["r a.rs a"]);
    world.git.get_mut("main").unwrap()[2] = commit(9);
    world.scan("main", 9, &["r b.rs b"]);
    assert_eq!(world.apply(&dropped).effect, Effect::Nothing);
    assert_eq!(world.open("main"), ["b.rs"]);
    // Back to where it was.
    world.git.get_mut("main").unwrap().truncate(2);
    assert_eq!(world.scan("main", 2, &["r a.rs a"]).effect, Effect::Moved);
    assert_eq!(world.open("main"), ["a.rs"]);
    assert_eq!(world.row("main", "r a.rs a").reopened, 1);
}

#[test]
fn several_runs_on_one_commit_combine() {
    let mut world = World::new();
    let mut other = lint_codes(&["r a.rs a"]);
    other.tool = "other".into();
    world.scan_with("main", 3, vec![other]);
    world.scan("main", 3, &["r b.rs b"]);
    assert_eq!(world.open("main"), ["a.rs", "b.rs"]);
    world.scan("main", 3, &["r c.rs y"]);
    assert_eq!(
        world.open("main"),
        ["a.rs", "b.rs", "c.rs"],
        "no run takes back what another one of the commit reported"
    );
}

#[test]
fn branches_are_apart() {
    let mut world = World::new();
    world.scan("main", 2, &["r a.rs a"]);
    world.news();
    world.fork("feature", "main", 2, 20);
    world.scan("feature", 20, &["r a.rs a", "r b.rs b"]);
    assert_eq!(world.news(), [Kind::Introduced], "that a branch has what the main branch has is no news");
    world.scan("main", 3, &[]);
    assert_eq!(world.open("feature"), ["a.rs", "b.rs"]);
    assert_eq!(world.detection("main", "r a.rs a"), Some(Detection::Fixed));
    assert_eq!(world.detection("main", "r b.rs b"), None);
}

#[test]
fn a_deleted_branch_holds_nothing_and_one_of_the_same_name_begins_anew() {
    let mut world = World::new();
    world.fork("feature", "main", 2, 20);
    world.scan("feature", 20, &["r a.rs a"]);
    world.news();
    let id = world.branch("feature");
    let delete = |world: &mut World| {
        let changes = track::delete_branch(&world.state, id, Actor::Bitbucket, 5);
        world.accept(changes)
    };
    delete(&mut world);
    assert!(delete(&mut world).is_empty(), "once");
    assert_eq!(world.news(), [Kind::BranchDeleted]);
    assert_eq!(world.open("feature"), [""; 0]);
    let id = world.id("r a.rs a");
    world.fork("feature", "main", 3, 21);
    world.scan("feature", 21, &["r a.rs a"]);
    assert_eq!(world.id("r a.rs a"), id, "the finding is the same");
    assert_eq!(world.row("feature", "r a.rs a").first.commit, commit(21), "and its life on the branch another one");
}

#[test]
fn new_names_touch_no_finding() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs a"]);
    world.news();
    let id = world.branch("main");
    let changes = track::rename_branch(&world.state, id, &"trunk".into(), Actor::Bitbucket, 5);
    assert_eq!(changes.occurrences.len() + changes.findings.len(), 0);
    world.accept(changes);
    world.git.insert("trunk".to_owned(), world.git["main"].clone());
    world.scan("trunk", 2, &["r a.rs a"]);
    let changes = track::rename_repository(&"team/old".into(), &"team/new".into(), Actor::Bitbucket, 6);
    world.accept(changes);
    assert!(track::rename_repository(&"team/new".into(), &"team/new".into(), Actor::Bitbucket, 6).is_empty());
    assert_eq!(world.news(), [Kind::BranchRenamed, Kind::RepositoryRenamed]);
    assert_eq!(world.open("trunk"), ["a.rs"]);
}

#[test]
fn a_long_history_is_bounded_and_forgets_no_tools_last_word() {
    let mut world = World::new();
    let mut rare = lint_codes(&["r rare.rs rare"]);
    rare.tool = "rare".into();
    let late = world.run_of("main", 1, vec![lint_codes(&[])]);
    world.scan_with("main", 2, vec![rare]);
    for number in 100..300 {
        world.push("main", number);
        world.scan("main", number, &["r a.rs a"]);
    }
    let timeline = &world.state.branch_named("main").unwrap().timeline;
    assert_eq!(timeline.commits().len(), Timeline::COMMITS_MAX);
    assert!(timeline.accounts().iter().any(|account| &*account.series.tool == "rare"));
    assert_eq!(world.apply(&late).effect, Effect::Nothing, "its place is not known any more");
    assert_eq!(world.open("main"), ["a.rs", "rare.rs"]);
}
