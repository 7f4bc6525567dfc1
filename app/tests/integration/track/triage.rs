//! What people say, and until when.

use penstock_app::jobs::kind;
use penstock_app::judgement::concerned;
use penstock_app::track::{self, Actor, Decision, FindingId, Kind, Status, TriageError};
use penstock_common::Masked;
use penstock_common::Uuid;

use super::world::{World, decision};

#[test]
fn a_judgement_ends_when_its_time_is_over() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs x"]);
    let id = world.id("r a.rs x");
    let until = Decision { expires: Some(100), ..decision(Status::AcceptedRisk, 10) };
    let changes = track::triage(&world.state, id, None, &until).unwrap();
    world.accept(changes);
    world.news();
    assert!(track::expire(&world.state, 99).is_empty());
    for _ in 0..2 {
        let changes = track::expire(&world.state, 100);
        world.accept(changes);
    }
    assert_eq!(world.news(), [Kind::Expired], "once");
    assert_eq!(world.finding("r a.rs x").triage.status, Status::NeedsTriage);
}

#[test]
fn a_judgement_in_a_pull_request_ends_too() {
    let mut world = World::new();
    world.fork("feature", "main", 2, 20);
    world.scan("feature", 20, &["r a.rs x"]);
    world.open_pull_request(7, "feature", "main");
    let id = world.id("r a.rs x");
    let until = Decision { expires: Some(100), ..decision(Status::WontFix, 10) };
    let changes = track::triage(&world.state, id, Some(7), &until).unwrap();
    world.accept(changes);
    let changes = track::expire(&world.state, 100);
    world.accept(changes);
    assert_eq!(world.finding("r a.rs x").triage_in(Some(7)).status, Status::NeedsTriage);
    world.merge(7, 30);
    assert_eq!(world.finding("r a.rs x").triage.status, Status::NeedsTriage, "and does not come back with the merge");
}

#[test]
fn the_same_word_twice_is_one() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs x"]);
    world.news();
    for _ in 0..2 {
        world.triage("r a.rs x", None, Status::Confirmed);
    }
    assert_eq!(world.news(), [Kind::Triaged]);
    assert_eq!(world.open("main"), ["a.rs"], "and it opens and closes nothing");
}

#[test]
fn what_is_missing_is_told() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs x"]);
    let id = world.id("r a.rs x");
    let wrong = |finding, pull_request, decision: &Decision| {
        track::triage(&world.state, finding, pull_request, decision).unwrap_err()
    };
    let accept = decision(Status::AcceptedRisk, 10);
    let silent = Decision { reason: " ".into(), ..accept.clone() };
    assert_eq!(wrong(id, None, &silent), TriageError::NoReason("accepted_risk"));
    assert_eq!(wrong(FindingId(0), None, &accept), TriageError::UnknownFinding(FindingId(0)));
    assert_eq!(wrong(id, Some(7), &accept), TriageError::PullRequestNotOpen(7));
    assert_eq!(wrong(id, None, &Decision { expires: Some(10), ..accept }), TriageError::Expired);
    let confirm = Decision { reason: Masked::EMPTY, ..decision(Status::Confirmed, 10) };
    assert!(track::triage(&world.state, id, None, &confirm).is_ok(), "to confirm needs no reason");
}

#[test]
fn twenty_branches_are_judged_again_the_ones_scanned_last() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs x"]);
    for number in 100..125 {
        let name = format!("branch-{number}");
        world.fork(&name, "main", 1, number);
        world.scan(&name, number, &["r a.rs x"]);
    }
    world.fork("feature", "main", 1, 20);
    world.scan("feature", 20, &["r a.rs x"]);
    world.open_pull_request(7, "feature", "main");
    world.branch("never scanned");
    let gone = world.branch("branch-124");
    let changes = track::delete_branch(&world.state, gone, Actor::Bitbucket, 1);
    world.accept(changes);
    let all: Vec<_> = world.state.branches().map(|row| row.id).collect();
    let mut others: Vec<_> = (104..124).map(|number| world.branch(&format!("branch-{number}")).to_string()).collect();
    others.reverse();
    let told = concerned(&world.state, Uuid::from([1; 16]), None, &all);
    let of = |kind| told.iter().filter(move |job| job.kind == kind).map(|job| job.subject.clone()).collect::<Vec<_>>();
    assert_eq!((of(kind::MAIN_BRANCH), of(kind::PULL_REQUEST)), (vec![String::new()], vec!["7".to_owned()]));
    assert_eq!(of(kind::BRANCH), others);
    assert_eq!(told.len(), 22);
    let told = concerned(&world.state, Uuid::from([1; 16]), Some(7), &all);
    assert_eq!(told.iter().map(|job| job.subject.as_str()).collect::<Vec<_>>(), ["7"]);
}
