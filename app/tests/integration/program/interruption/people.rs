//! What people do, interrupted.

use penstock_app::jobs::end_judgements;
use penstock_app::judgement::{Judge, Judged, Refused, approve, judge, lower_severity, reject, withdraw};
use penstock_app::settings::{Key, Value, set};
use penstock_app::state::State;
use penstock_app::store::workspace::ApprovalState;
use penstock_app::track::{Actor, Decision, FindingId, Status};

use super::bench::{Bench, Interruption, Operation, failed};
use super::{ends_alike, interrupted};

interrupted!(triage, a_proposal, an_approval, a_rejection, a_withdrawal, a_lower_severity, an_expiry, settings);

type Database = Option<String>;

fn wish(state: &State, finding: FindingId, account: &str) -> Judge {
    let author = Actor::Account(account.to_owned());
    let decision = Decision {
        status: Status::FalsePositive,
        reason: "a test".into(),
        author,
        account: account.to_owned(),
        expires: None,
        now: state.now(),
    };
    Judge { finding, pull_request: None, decision }
}

async fn judged(bench: &Bench, rule: &str) -> impl Fn(State) -> Operation + use<> {
    let (workspace, repository, finding) = (bench.workspace(), bench.repository, bench.finding(rule).await);
    move |state| {
        let workspace = workspace.clone();
        Box::pin(async move {
            judge(&state, &workspace, repository, &wish(&state, finding, "ann")).await.map(drop).map_err(failed)
        })
    }
}

async fn triage(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| judged(bench, "one").await).await;
}

async fn a_proposal(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        second_person(bench).await;
        judged(bench, "bad").await
    })
    .await;
}

async fn second_person(bench: &Bench) {
    let on = [(Key::SecondPerson, Some(Value::Switch(true)))];
    set(&bench.workspace(), None, &on, "admin", bench.state().now()).await.unwrap();
}

/// A dismissal that waits for another person.
async fn proposed(bench: &Bench) -> u128 {
    second_person(bench).await;
    let (state, workspace, finding) = (bench.state(), bench.workspace(), bench.finding("bad").await);
    let outcome = judge(&state, &workspace, bench.repository, &wish(&state, finding, "ann")).await.unwrap();
    assert!(matches!(outcome, Judged::Waits(_)), "{outcome:?}");
    let waiting = workspace.waiting_approval(bench.repository, finding, None).await.unwrap().unwrap();
    assert_eq!(waiting.state, ApprovalState::Waiting);
    waiting.new.approval
}

/// What ended already before the interruption was noticed does not wait any more.
fn ended(outcome: Result<(), Refused>) -> Result<(), String> {
    match outcome {
        Err(Refused::NothingWaits) => Ok(()),
        other => other.map_err(failed),
    }
}

macro_rules! of_approval {
    ($($test:ident: $act:ident by $person:literal),* $(,)?) => {
        $(async fn $test(database: impl AsyncFn() -> Database, how: Interruption) {
            ends_alike(database, how, async |bench| {
                let (workspace, repository, approval) = (bench.workspace(), bench.repository, proposed(bench).await);
                move |state| -> Operation {
                    let workspace = workspace.clone();
                    Box::pin(async move { ended($act(&state, &workspace, repository, approval, $person).await) })
                }
            })
            .await;
        })*
    };
}
of_approval!(an_approval: approve by "bob", a_rejection: reject by "bob", a_withdrawal: withdraw by "ann");

async fn a_lower_severity(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        let (workspace, repository, finding) = (bench.workspace(), bench.repository, bench.finding("worse").await);
        move |state| -> Operation {
            let workspace = workspace.clone();
            Box::pin(async move {
                let reason = "a test".into();
                let lowered = lower_severity(&state, &workspace, repository, finding, &reason, "admin").await;
                lowered.map(drop).map_err(failed)
            })
        }
    })
    .await;
}

async fn an_expiry(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        let (state, finding) = (bench.state(), bench.finding("one").await);
        let mut wish = wish(&state, finding, "ann");
        wish.decision.status = Status::AcceptedRisk;
        wish.decision.expires = Some(state.now() + 1000);
        judge(&state, &bench.workspace(), bench.repository, &wish).await.unwrap();
        |state: State| -> Operation {
            Box::pin(async move { end_judgements(&state, state.now() + 2000).await.map_err(failed) })
        }
    })
    .await;
}

async fn settings(database: impl AsyncFn() -> Database, how: Interruption) {
    ends_alike(database, how, async |bench| {
        let (workspace, repository) = (bench.workspace(), bench.repository);
        move |state: State| -> Operation {
            let workspace = workspace.clone();
            Box::pin(async move {
                let off = [(Key::PostComment, Some(Value::Switch(false))), (Key::RunDays, Some(Value::Number(90)))];
                set(&workspace, Some(repository), &off[..1], "admin", state.now()).await.map_err(failed)?;
                set(&workspace, None, &off[1..], "admin", state.now()).await.map_err(failed)
            })
        }
    })
    .await;
}
