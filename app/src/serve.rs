//! Serving.
//!
//! Owns the listeners and the end: no new connection, no new job, what runs is finished, the
//! journal is written out, and the database is closed.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::connections::{self, Bounds};
use crate::state::State;
use crate::{jobs, readiness, router};

/// Connections to the health address. It is the operator's own, so one source may have all of them.
const HEALTH: Bounds = Bounds { source: 64, ..Bounds::new(64) };
/// How long what runs may take when the program is told to stop.
const END: Duration = Duration::from_secs(25);

/// Time before a loop that panicked starts again.
const RESTART: Duration = Duration::from_secs(1);

/// Why the program does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or not this machine's.
    #[error("{name}={address} cannot be listened on: {source}")]
    Listen {
        /// The variable.
        name: &'static str,
        /// Its value.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// Both listeners, bound.
#[derive(Debug)]
pub struct Listeners {
    app: TcpListener,
    health: TcpListener,
}

impl Listeners {
    /// Binds both.
    ///
    /// # Errors
    /// When one cannot be.
    pub async fn bind(state: &State) -> Result<Self, ServeError> {
        let bind = async |name, address| {
            TcpListener::bind(address).await.map_err(|source| ServeError::Listen { name, address, source })
        };
        let app = bind("LISTEN_ADDR", state.config.listen).await?;
        let health = bind("HEALTH_ADDR", state.config.health).await?;
        Ok(Self { app, health })
    }
}

/// Runs a loop until the program stops. One that panics starts again.
async fn keep_running<F>(state: State, name: &'static str, run: fn(State) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    while tokio::spawn(run(state.clone())).await.is_err() && !state.is_stopping() {
        tracing::error!(name, "a fault of this program: a loop ended and starts again");
        tokio::time::sleep(RESTART).await;
    }
}

/// Serves until [`State::stop`].
///
/// # Errors
/// When a listener fails.
pub async fn serve(state: State, listeners: Listeners) -> Result<(), ServeError> {
    let work = tokio::spawn(keep_running(state.clone(), "workers", jobs::workers));
    let rounds = tokio::spawn(keep_running(state.clone(), "rounds", jobs::rounds));
    let proofs = tokio::spawn(keep_running(state.clone(), "proofs", jobs::proofs));
    let probes = tokio::spawn(keep_running(state.clone(), "probes", readiness::probes));
    let bounds = Bounds::new(state.config.connections_max);
    let app = tokio::spawn(connections::serve(state.clone(), listeners.app, router::router(&state), bounds));
    let health = tokio::spawn(connections::serve(state.clone(), listeners.health, router::health(&state), HEALTH));
    state.stopped().await;
    tracing::info!("stopping");
    let all = async {
        let _ = tokio::join!(app, health, work, rounds, proofs, probes);
        state.tasks.ended().await;
        state.store.caught_up().await;
    };
    if tokio::time::timeout(END, all).await.is_err() {
        tracing::warn!("some requests or jobs did not end in time; jobs are done again");
    }
    state.store.close().await;
    Ok(())
}
