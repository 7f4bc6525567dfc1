//! Incoming connections.
//!
//! Owns how many there may be, in total and from one source, and how long a client may keep the
//! program waiting: for the head of a request, for the next request, and for room to write an
//! answer. It does not know what a request does.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep};
use tower::Service as _;

use crate::source::{Peer, Source};
use crate::state::State;

/// Time for the head of a connection's first request.
const HEAD: Duration = Duration::from_secs(20);
/// Time for each later head, and so for a connection to be idle. Proxies keep connections for 60 s,
/// and must be the ones that close them.
const IDLE: Duration = Duration::from_secs(75);
/// Time within which a client must accept some of an answer.
const WRITE: Duration = Duration::from_secs(30);
/// Wait after the system refuses to accept a connection, as it does without free file descriptors.
const REFUSED: Duration = Duration::from_millis(200);

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// In total.
    pub total: usize,
    /// From one source.
    pub source: usize,
    /// Time for the first head.
    pub head: Duration,
}

impl Bounds {
    /// One source may have this fraction of all.
    const SHARE: usize = 8;

    /// Bounds for `total` connections, of which one source may have an eighth.
    pub const fn new(total: usize) -> Self {
        let share = total / Self::SHARE;
        Self { total, source: if share == 0 { 1 } else { share }, head: HEAD }
    }
}

/// The connections that are open.
#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_source: HashMap<Source, usize>,
    /// Shared with other listeners.
    gauge: Gauge,
}

/// One connection's place, freed on drop.
struct Place {
    open: Arc<Mutex<Open>>,
    source: Option<Source>,
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    /// Takes a place; fails with the name of the limit that is reached.
    fn take(open: &Arc<Mutex<Open>>, bounds: Bounds, source: Option<Source>) -> Result<Self, &'static str> {
        let mut now = lock(open);
        if now.total >= bounds.total {
            return Err("total");
        }
        if let Some(source) = source {
            let count = now.by_source.entry(source).or_default();
            if *count >= bounds.source {
                return Err("source");
            }
            *count += 1;
        }
        now.total += 1;
        now.gauge.inc();
        drop(now);
        Ok(Self { open: Arc::clone(open), source })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.total -= 1;
        open.gauge.dec();
        let Some(source) = self.source else { return };
        if let Some(count) = open.by_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                open.by_source.remove(&source);
            }
        }
    }
}

/// Serves a listener until the program stops and the running requests are answered.
pub async fn serve(state: State, listener: TcpListener, router: Router, bounds: Bounds) {
    let open = Arc::new(Mutex::new(Open { gauge: state.metrics.connections(), ..Open::default() }));
    let mut running = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Ended tasks are released.
            Some(_) = running.join_next(), if !running.is_empty() => continue,
            () = state.stopped() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_the_peer(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(REFUSED).await;
                continue;
            }
        };
        let source = state.config.trusted_proxies.source_of_connection(peer.ip());
        match Place::take(&open, bounds, source) {
            Ok(place) => {
                running.spawn(connection(state.clone(), stream, peer.ip(), router.clone(), bounds.head, place));
            }
            Err(limit) => state.metrics.limited("connections", limit),
        }
    }
    drop(listener);
    while running.join_next().await.is_some() {}
}

/// Whether only this connection failed, before it was accepted. The next one may work.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionRefused | K::ConnectionAborted | K::ConnectionReset)
}

async fn connection(state: State, stream: TcpStream, peer: IpAddr, router: Router, head: Duration, place: Place) {
    // Answers are small, and a client waits for each.
    let _ = stream.set_nodelay(true);
    let begun = Arc::new(Notify::new());
    let begin = Arc::clone(&begun);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        begin.notify_one();
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request.map(Body::new))
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(Impatient::new(stream)), service);
    tokio::pin!(served);
    // How a connection ends does not matter here.
    let is_begun = tokio::select! {
        _ = served.as_mut() => false,
        () = begun.notified() => true,
        () = tokio::time::sleep(head) => {
            state.metrics.limited("connections", "head");
            false
        }
        () = state.stopped() => false,
    };
    if is_begun {
        tokio::select! {
            _ = served.as_mut() => {}
            () = state.stopped() => {
                served.as_mut().graceful_shutdown();
                let _ = served.await;
            }
        }
    }
    drop(place);
}

/// A stream that fails when its peer accepts nothing for [`WRITE`].
struct Impatient {
    stream: TcpStream,
    /// Runs while something waits to be written.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    const fn new(stream: TcpStream) -> Self {
        Self { stream, deadline: None }
    }

    /// The result of a write; an error if it has been pending for too long.
    fn within<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + WRITE)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Impatient {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.within(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.within(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.within(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::TrustedProxies;

    #[test]
    fn open_connections_of_all_listeners_are_counted() {
        let gauge = Gauge::default();
        let listener = || Arc::new(Mutex::new(Open { gauge: gauge.clone(), ..Open::default() }));
        let (app, health) = (listener(), listener());
        let take = |open| Place::take(open, Bounds::new(80), None).unwrap();
        let held = [take(&app), take(&app), take(&health)];
        assert_eq!(gauge.get(), 3);
        drop(held);
        assert_eq!(gauge.get(), 0);
    }

    #[test]
    fn one_source_leaves_room_for_others_and_places_become_free() {
        let bounds = Bounds::new(80);
        let open = Arc::new(Mutex::new(Open::default()));
        let trusted = TrustedProxies::default();
        let source = |text: &str| trusted.source_of_connection(text.parse().unwrap());
        let (one, other) = (source("203.0.113.1"), source("203.0.113.2"));
        let held: Vec<_> = std::iter::from_fn(|| Place::take(&open, bounds, one).ok()).collect();
        assert_eq!((held.len(), Place::take(&open, bounds, one).err()), (10, Some("source")));
        assert!(Place::take(&open, bounds, other).is_ok());
        let rest: Vec<_> = std::iter::from_fn(|| Place::take(&open, bounds, None).ok()).collect();
        assert_eq!((rest.len(), Place::take(&open, bounds, other).err()), (70, Some("total")));
        drop((held, rest));
        let now = lock(&open);
        assert_eq!((now.total, now.by_source.len()), (0, 0));
    }
}
