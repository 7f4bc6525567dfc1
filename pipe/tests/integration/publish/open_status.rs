use std::panic::{AssertUnwindSafe, catch_unwind};

use penstock::publish::OpenStatus;
use penstock_common::Severity;
use penstock_common::delivery::Outcome;

use super::fixture::{Fixture, finding, publish, run};

/// Of all statuses on the head.
pub(super) fn states(fixture: &Fixture) -> Vec<String> {
    fixture.statuses().into_iter().map(|(_, state)| state).collect()
}

#[test]
fn an_open_status_is_closed_by_the_final_one() {
    let (fixture, _) = Fixture::with_token(&["repository"]);
    let open = OpenStatus::open(&fixture.plan()).unwrap();
    assert_eq!(states(&fixture), ["INPROGRESS"]);
    publish(&fixture.plan(), &run(vec![finding(1, Severity::High)]));
    open.close();
    assert_eq!(states(&fixture), ["FAILED"]);
}

#[test]
fn whatever_ends_the_run_closes_it() {
    let (fixture, _) = Fixture::with_token(&["repository"]);
    drop(OpenStatus::open(&fixture.plan()).unwrap());
    assert_eq!(states(&fixture), ["STOPPED"]);

    let plan = fixture.plan();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _open = OpenStatus::open(&plan).unwrap();
        assert_eq!(states(&fixture), ["INPROGRESS"]);
        panic!("a fault");
    }));
    assert!(panicked.is_err());
    assert_eq!(states(&fixture), ["STOPPED"]);
}

#[test]
fn what_was_killed_without_a_word_is_closed_by_the_next_run() {
    let (fixture, _) = Fixture::with_token(&["repository"]);
    std::mem::forget(OpenStatus::open(&fixture.plan()).unwrap());
    assert_eq!(states(&fixture), ["INPROGRESS"]);
    publish(&fixture.plan(), &run(Vec::new()));
    assert_eq!(states(&fixture), ["SUCCESSFUL"]);
}

#[test]
fn without_a_token_nothing_is_opened() {
    let fixture = Fixture::new();
    let outcome = OpenStatus::open(&fixture.plan()).expect_err("no token");
    assert!(matches!(&outcome, Outcome::Skipped { remedy, .. } if remedy.contains("`repository`")), "{outcome:?}");
    assert!(fixture.sandbox.journal().is_empty());
}
