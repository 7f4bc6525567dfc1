//! The whole program, over real HTTP, with a Bitbucket on loopback.

mod api;
mod approvals;
mod as_it_is;
mod audit_export;
mod commands;
mod connection;
mod crash;
mod exhaustion;
mod faults;
mod flood;
mod interruption;
mod makers;
mod masked;
mod operator;
mod operator_mistakes;
mod outage;
mod repair;
mod settings;
mod story;
pub(crate) mod told;
pub(crate) mod uploads;
mod webhooks;
pub(crate) mod world;

/// Runs each test on SQLite, and on PostgreSQL where there is one.
macro_rules! scenes {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test($crate::program::uploads::Scene::on(None).await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                if let Some(url) = $crate::store::world::database().await {
                    super::$test($crate::program::uploads::Scene::on(Some(&url)).await).await;
                }
            })*
        }
    };
}
pub(crate) use scenes;
