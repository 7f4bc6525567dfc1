//! Serving.
//!
//! Owns the listeners and the end: no new connection, no new job, what runs is finished, and the database is closed.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::state::State;
use crate::{jobs, router};

/// How long what runs may take when the program is told to stop.
const END: Duration = Duration::from_secs(25);

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
    /// A listener failed.
    #[error("the listener failed: {0}")]
    Failed(#[source] std::io::Error),
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

/// Serves until [`State::stop`].
///
/// # Errors
/// When a listener fails.
pub async fn serve(state: State, listeners: Listeners) -> Result<(), ServeError> {
    let work = tokio::spawn(jobs::workers(state.clone()));
    let rounds = tokio::spawn(jobs::rounds(state.clone()));
    let until = |state: State| async move { state.stopped().await };
    let app = axum::serve(listeners.app, router::router(&state)).with_graceful_shutdown(until(state.clone()));
    let health = axum::serve(listeners.health, router::health(&state)).with_graceful_shutdown(until(state.clone()));
    let app = tokio::spawn(app.into_future());
    let health = tokio::spawn(health.into_future());
    state.stopped().await;
    tracing::info!("stopping");
    let all = async {
        let _ = tokio::join!(app, health, work, rounds);
    };
    if tokio::time::timeout(END, all).await.is_err() {
        tracing::warn!("some requests or jobs did not end in time; jobs are done again");
    }
    state.store.close().await;
    Ok(())
}
