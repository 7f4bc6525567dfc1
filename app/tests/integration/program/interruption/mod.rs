//! An operation that is interrupted, wherever that is, changes nothing or all of it.
//!
//! Each operation that writes is dropped at each point at which it waits, and then made to panic
//! there. After each interruption the state in memory must be that of the tables, and the repeated
//! operation must end as if nothing had happened.

mod bench;
mod hang_up;
mod jobs;
mod people;

use penstock_app::inbox;
use penstock_app::jobs::forget;
use penstock_app::state::State;
use penstock_app::upload::settle;
use serde_json::json;

use bench::{Bench, Interruption, Operation, Outcome, difference, failed};

/// Runs each test on both databases and with both ways to interrupt.
macro_rules! interrupted {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(mod $test {
                use crate::program::interruption::bench::Interruption;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn dropped() {
                    super::super::$test(async || None, Interruption::Drop).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn panicking() {
                    super::super::$test(async || None, Interruption::Panic).await;
                }
            })*
        }

        mod postgres {
            $(mod $test {
                use crate::program::interruption::bench::Interruption;
                use crate::store::world::database;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn dropped() {
                    if database().await.is_some() {
                        super::super::$test(database, Interruption::Drop).await;
                    }
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn panicking() {
                    if database().await.is_some() {
                        super::super::$test(database, Interruption::Panic).await;
                    }
                }
            })*
        }
    };
}
use interrupted;

/// Does an operation once without and once with interruptions, and compares what is in the tables.
async fn ends_alike<O>(
    database: impl AsyncFn() -> Option<String>,
    how: Interruption,
    prepare: impl AsyncFn(&Bench) -> O,
) where
    O: Fn(State) -> Operation,
{
    let mut ended = Vec::new();
    for interrupts in [false, true] {
        let bench = Bench::new(database().await).await;
        let operation = prepare(&bench).await;
        let before = bench.tables().await;
        let outcome: Outcome = match interrupts {
            true => bench.interrupt(how, operation).await,
            false => operation(bench.state()).await,
        };
        assert_eq!(outcome, Ok(()), "interrupted: {interrupts}");
        let after = bench.tables().await;
        assert!(before != after, "the operation writes nothing, so there is nothing to interrupt");
        assert_eq!(bench.orphans().await, Vec::<String>::new());
        ended.push(after);
    }
    assert!(ended[0] == ended[1], "{:#?}", difference(&ended[0], &ended[1]));
}

interrupted!(an_upload, a_webhook, what_webhooks_ask_for, the_end_of_what_is_kept);

async fn an_upload(database: impl AsyncFn() -> Option<String>, how: Interruption) {
    ends_alike(database, how, async |bench| {
        let (workspace, repository, run) = (bench.workspace(), bench.repository, bench.waiting);
        move |state| -> Operation {
            let workspace = workspace.clone();
            Box::pin(async move { settle(&state, &workspace, repository, run, None).await.map(drop).map_err(failed) })
        }
    })
    .await;
}

async fn a_webhook(database: impl AsyncFn() -> Option<String>, how: Interruption) {
    ends_alike(database, how, async |bench| {
        let (tenant, data) = (bench.tenant, json!({"repository": {"uuid": bench.repository.braced()}}));
        move |state| -> Operation {
            let data = data.clone();
            Box::pin(async move {
                inbox::keep(&state, tenant, "repo:updated", &data)
                    .await
                    .map_err(|problem| problem.detail().to_owned())?;
                inbox::work_out(&state).await.map(drop).map_err(failed)
            })
        }
    })
    .await;
}

async fn what_webhooks_ask_for(database: impl AsyncFn() -> Option<String>, how: Interruption) {
    ends_alike(database, how, async |bench| {
        for event in ["repo:updated", "repo:push"] {
            let data = json!({"repository": {"uuid": bench.repository.braced()}});
            inbox::keep(&bench.state(), bench.tenant, event, &data).await.unwrap();
        }
        |state| -> Operation { Box::pin(async move { inbox::work_out(&state).await.map(drop).map_err(failed) }) }
    })
    .await;
}

async fn the_end_of_what_is_kept(database: impl AsyncFn() -> Option<String>, how: Interruption) {
    ends_alike(database, how, async |_| {
        |state: State| -> Operation {
            Box::pin(async move {
                let later = state.now() + 2000 * 86_400_000;
                forget(&state.store, later).await.map_err(failed)
            })
        }
    })
    .await;
}
