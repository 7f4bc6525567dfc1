//! Pull requests: what a merge brings, and what ends with a refusal.

use penstock_app::track::{self, Actor, Detection, Kind, PullRequestState, Status};

use super::world::{World, commit, person};

/// `feature` brings `new.rs`; `main` and `feature` have `old.rs`.
fn world() -> World {
    let mut world = World::new();
    world.scan("main", 2, &["r old.rs old"]);
    world.fork("feature", "main", 2, 20);
    world.scan("feature", 20, &["r old.rs old", "r new.rs new"]);
    world.open_pull_request(7, "feature", "main");
    world.news();
    world
}

#[test]
fn a_merge_brings_what_is_new() {
    let mut world = world();
    world.merge(7, 30);
    assert_eq!(world.news(), [Kind::Merged, Kind::Introduced]);
    assert_eq!(world.open("main"), ["new.rs", "old.rs"]);
    assert_eq!(world.row("main", "r new.rs new").introduced_by, Some(7));
    assert_eq!(world.row("main", "r old.rs old").introduced_by, None);
    assert!(world.merge(7, 30).is_empty(), "once");
    world.scan("main", 30, &["r old.rs old", "r new.rs new"]);
    assert_eq!(world.news(), [], "the run says what the merge said");
    world.push("main", 31);
    world.scan("main", 31, &["r old.rs old"]);
    assert_eq!(world.detection("main", "r new.rs new"), Some(Detection::Fixed));
    assert_eq!(world.row("main", "r new.rs new").introduced_by, Some(7), "and who brought it stays known");
}

#[test]
fn run_and_news_of_the_merge_may_come_in_any_order() {
    let end = |merge_first: bool| {
        let mut world = world();
        world.push("main", 30);
        if merge_first {
            world.merge(7, 30);
        }
        // The merge resolved a conflict so that `new.rs` is not there any more, but `also.rs` is.
        world.scan("main", 30, &["r old.rs old", "r also.rs also"]);
        if !merge_first {
            world.merge(7, 30);
        }
        let told = |words| {
            let row = world.row("main", words);
            (row.gone.map(|gone| gone.how), row.introduced_by, row.first.commit)
        };
        (world.open("main"), told("r new.rs new"), told("r old.rs old"))
    };
    assert_eq!(end(true), end(false));
    assert_eq!(end(true).0, ["also.rs", "old.rs"]);
}

#[test]
fn a_run_on_the_merge_commit_learns_who_brought_its_findings() {
    let mut world = world();
    world.push("main", 30);
    world.scan("main", 30, &["r old.rs old", "r new.rs new"]);
    world.merge(7, 30);
    assert_eq!(world.row("main", "r new.rs new").introduced_by, Some(7));
    assert_eq!(world.row("main", "r old.rs old").introduced_by, None);
}

#[test]
fn a_merge_does_not_take_a_fix_of_the_destination_back() {
    let mut world = world();
    world.scan("main", 3, &[]);
    world.merge(7, 30);
    assert_eq!(world.detection("main", "r old.rs old"), Some(Detection::Fixed));
    assert_eq!(world.open("main"), ["new.rs"]);
}

#[test]
fn the_source_may_be_deleted_before_the_news_of_the_merge() {
    let mut world = world();
    let source = world.branch("feature");
    let changes = track::delete_branch(&world.state, source, Actor::Bitbucket, 5);
    world.accept(changes);
    world.merge(7, 30);
    assert_eq!(world.open("main"), ["new.rs", "old.rs"]);
}

#[test]
fn what_is_judged_in_a_pull_request_holds_there_and_after_the_merge_everywhere() {
    let mut world = world();
    world.triage("r new.rs new", Some(7), Status::AcceptedRisk);
    let finding = world.finding("r new.rs new");
    assert_eq!(finding.triage.status, Status::NeedsTriage);
    assert_eq!(finding.triage_in(Some(7)).status, Status::AcceptedRisk);
    assert_eq!(finding.triage_in(Some(8)).status, Status::NeedsTriage);
    world.news();
    world.merge(7, 30);
    assert_eq!(world.news(), [Kind::Merged, Kind::Introduced, Kind::Triaged]);
    let finding = world.finding("r new.rs new");
    assert_eq!((finding.triage.status, finding.proposed.len()), (Status::AcceptedRisk, 0));
    assert_eq!(finding.triage.author, Some(person("reviewer")), "who judged, not who merged");
}

#[test]
fn a_newer_word_everywhere_is_not_taken_back_by_a_merge() {
    let mut world = world();
    world.triage("r new.rs new", Some(7), Status::AcceptedRisk);
    world.triage("r new.rs new", None, Status::Confirmed);
    world.news();
    world.merge(7, 30);
    assert_eq!(world.news(), [Kind::Merged, Kind::Introduced, Kind::Withdrawn]);
    assert_eq!(world.finding("r new.rs new").triage.status, Status::Confirmed);
}

#[test]
fn what_was_judged_in_a_declined_pull_request_ends_with_it() {
    let mut world = world();
    world.triage("r new.rs new", Some(7), Status::AcceptedRisk);
    world.news();
    for _ in 0..2 {
        let changes = track::decline(&world.state, 7, &person("author"), 9);
        world.accept(changes);
    }
    assert_eq!(world.news(), [Kind::Declined, Kind::Withdrawn]);
    assert_eq!(world.finding("r new.rs new").triage_in(Some(7)).status, Status::NeedsTriage);
    assert_eq!(world.open("main"), ["old.rs"]);
    world.merge(7, 30);
    assert_eq!(world.open("main"), ["old.rs"], "what is over stays so");
}

#[test]
fn late_news_does_not_open_a_pull_request_again() {
    let mut world = world();
    let open = world.state.pull_request(7).unwrap().clone();
    assert!(track::open_pull_request(&world.state, open.clone()).is_empty());
    world.merge(7, 30);
    assert!(track::open_pull_request(&world.state, open).is_empty());
    assert_eq!(world.state.pull_request(7).unwrap().state, PullRequestState::Merged(commit(30)));
}
