//! Secrets: an equal fingerprint does not prove an equal value.

use penstock_app::track::{Detection, Status};

use super::world::{World, commit, distinct, secret};

const PLACE: &str = "key a.env KEY=…";

fn seen(value_in_base: bool) -> [penstock_app::track::Sighting; 1] {
    [secret(PLACE, Some(value_in_base))]
}

#[test]
fn a_changed_value_is_a_new_finding() {
    let mut world = World::new();
    world.scan_secrets("main", 1, ("main", 1), &seen(true));
    let old = world.id(PLACE);
    world.triage(PLACE, None, Status::FalsePositive);
    let applied = world.scan_secrets("main", 2, ("main", 1), &seen(false));
    let new = applied.matched[0][0].unwrap();
    assert_ne!(new, old);
    let main = world.state.main().unwrap();
    assert_eq!(world.state.detection(main, old), Some(Detection::Fixed));
    assert_eq!(world.state.detection(main, new), Some(Detection::Open));
    assert_eq!(world.state.finding(new).unwrap().triage.status, Status::NeedsTriage, "nobody judged this one");

    let again = world.scan_secrets("main", 2, ("main", 1), &seen(false));
    assert_eq!(again.matched[0][0], Some(new), "the same step, run again");
    let next = world.scan_secrets("main", 3, ("main", 2), &seen(true));
    assert_eq!(next.matched[0][0], Some(new));
    assert_eq!(world.findings(PLACE).len(), 2);
}

#[test]
fn a_branch_that_changes_a_value_has_a_new_finding_and_keeps_it() {
    let mut world = World::new();
    world.scan_secrets("main", 2, ("main", 1), &seen(false));
    let old = world.id(PLACE);
    world.fork("feature", "main", 2, 20);
    let first = world.scan_secrets("feature", 20, ("main", 2), &seen(false)).matched[0][0].unwrap();
    assert_ne!(first, old);
    world.push("feature", 21);
    let second = world.scan_secrets("feature", 21, ("main", 2), &seen(false)).matched[0][0].unwrap();
    assert_eq!(second, first, "the base still has the other value");
    world.push("feature", 22);
    let back = world.scan_secrets("feature", 22, ("main", 2), &seen(true)).matched[0][0].unwrap();
    assert_eq!(back, old, "the value of the base is back");
}

#[test]
fn a_new_value_stays_the_same_finding_after_the_merge() {
    let mut world = World::new();
    world.scan_secrets("main", 2, ("main", 1), &seen(false));
    let old = world.id(PLACE);
    world.fork("feature", "main", 2, 20);
    let new = world.scan_secrets("feature", 20, ("main", 2), &seen(false)).matched[0][0].unwrap();
    world.open_pull_request(7, "feature", "main");
    world.merge(7, 30);
    let on_main = world.scan_secrets("main", 30, ("main", 2), &seen(false)).matched[0][0];
    assert_eq!(on_main, Some(new));
    let main = world.state.main().unwrap();
    assert_eq!(world.state.occurrence(main, new).unwrap().introduced_by, Some(7));
    assert_eq!(world.state.detection(main, old), Some(Detection::Fixed));
    // The gate failed, and the last commit that passed is still the base.
    world.push("main", 31);
    assert_eq!(world.scan_secrets("main", 31, ("main", 2), &seen(false)).matched[0][0], Some(new));
    world.push("main", 32);
    assert_eq!(world.scan_secrets("main", 32, ("main", 31), &seen(true)).matched[0][0], Some(new));
}

#[test]
fn what_was_dismissed_does_not_speak_for_what_is_put_in_its_place() {
    let mut world = World::new();
    world.scan_secrets("main", 1, ("main", 1), &seen(true));
    let dummy = world.id(PLACE);
    world.triage(PLACE, None, Status::UsedInTests);
    world.scan_secrets("main", 2, ("main", 1), &[]);
    let real = world.scan_secrets("main", 3, ("main", 2), &seen(false)).matched[0][0].unwrap();
    assert_ne!(real, dummy);
    assert_eq!(world.state.finding(dummy).unwrap().triage.status, Status::UsedInTests);
    world.triage_finding(real, None, Status::AcceptedRisk);
    world.push("main", 4);
    let again = world.scan_secrets("main", 4, ("main", 2), &seen(false)).matched[0][0];
    assert_eq!(again, Some(real), "while it is there, what was said of it holds");
}

#[test]
fn a_revert_and_its_revert_are_one_finding() {
    let mut world = World::new();
    world.scan_secrets("main", 1, ("main", 1), &seen(true));
    world.scan_secrets("main", 2, ("main", 1), &[]);
    world.scan_secrets("main", 3, ("main", 2), &seen(false));
    assert_eq!(world.row("main", PLACE).reopened, 1);
}

#[test]
fn a_changed_value_is_told_apart_in_any_order_of_arrival() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut world = World::new();
        let flags = [(1, false), (2, true), (3, false)];
        for at in order {
            let (number, flag) = flags[at];
            // The base of each is the commit before, scanned or not.
            let base = if number == 1 { 0 } else { number - 1 };
            if base == 0 {
                world.scan_with("main", number, vec![super::world::lint(&[secret(PLACE, None)])]);
            } else {
                world.scan_secrets("main", number, ("main", base), &seen(flag));
            }
        }
        let main = world.state.main().unwrap();
        let open: Vec<_> = world.state.open(main).map(|row| row.finding).collect();
        assert_eq!((world.findings(PLACE).len(), open.len()), (2, 1), "{order:?}");
        let gone = world.findings(PLACE).into_iter().find(|one| one.id != open[0]).unwrap();
        assert_eq!(world.state.occurrence(main, gone.id).unwrap().gone.unwrap().by.commit, commit(3), "{order:?}");
    }
}

#[test]
fn without_a_comparison_the_fingerprint_decides() {
    let mut world = World::new();
    for number in [1, 2] {
        let run = vec![super::world::lint(&[secret(PLACE, None)])];
        assert_eq!(distinct(&world.scan_with("main", number, run).matched).len(), 1);
    }
    assert_eq!(world.findings(PLACE).len(), 1);
}
