//! The store: one suite, run on both databases.

mod audit;
mod backup;
mod borders;
mod directory;
pub(crate) mod findings;
mod journal;
mod lists;
mod logs;
mod queue;
mod rows;
mod schema;
mod settings;
pub(crate) mod world;

use world::World;

/// Runs each test on SQLite, and on PostgreSQL where there is one. `scripts/test` demands that there is.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test($crate::store::World::sqlite().await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some(world) = $crate::store::World::postgres().await {
                    super::$test(world).await;
                }
            })*
        }
    };
}
use on_both;
