//! What the program tells of itself: logs and numbers.
//!
//! Owns their form. Neither names a tenant's content, and no log holds an address with a query, a body or a header: tokens travel there. Numbers are
//! in Prometheus' text format, without names of tenants.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Log;

/// Begins to log to stderr. A second call changes nothing.
pub fn start(log: Log) {
    let registry = tracing_subscriber::registry().with(LevelFilter::from_level(log.level));
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(false);
    let _ = if log.json { registry.with(lines.json()).try_init() } else { registry.with(lines).try_init() };
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: String,
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limit {
    budget: &'static str,
    limit: &'static str,
}

/// The numbers.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Histogram,
    jobs: Family<Kind, Counter>,
    webhooks: Family<Kind, Counter>,
    queue: [Gauge; 3],
    oldest: Gauge<f64, AtomicU64>,
    connections: Gauge,
    candidates: Gauge,
    uploads: [Gauge; 2],
    skew: Gauge,
    limited: Family<Limit, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("penstock");
        let metrics = Self {
            requests: Family::default(),
            seconds: Histogram::new([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]),
            jobs: Family::default(),
            webhooks: Family::default(),
            queue: [Gauge::default(), Gauge::default(), Gauge::default()],
            oldest: Gauge::default(),
            connections: Gauge::default(),
            candidates: Gauge::default(),
            uploads: [Gauge::default(), Gauge::default()],
            skew: Gauge::default(),
            limited: Family::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "Requests by route and status", metrics.requests.clone());
        registry.register("http_request_seconds", "Seconds to answer a request", metrics.seconds.clone());
        registry.register("jobs", "Jobs by kind and outcome", metrics.jobs.clone());
        registry.register("webhooks", "Webhooks by event and outcome", metrics.webhooks.clone());
        let [waiting, taken, dead] = &metrics.queue;
        registry.register("queue_waiting", "Jobs that wait", waiting.clone());
        registry.register("queue_taken", "Jobs that are being done", taken.clone());
        registry.register("queue_dead", "Jobs that nobody tries any more", dead.clone());
        registry.register(
            "queue_oldest_seconds",
            "Seconds for which the oldest due job has waited",
            metrics.oldest.clone(),
        );
        registry.register(
            "installations_waiting",
            "Unsigned installations that wait for their proof",
            metrics.candidates.clone(),
        );
        let [received, inflated] = &metrics.uploads;
        registry.register("upload_received_bytes", "Bytes of uploads that are being received", received.clone());
        registry.register("upload_inflated_bytes", "Bytes of uploads in work, without compression", inflated.clone());
        registry.register("connections", "Connections that are open", metrics.connections.clone());
        registry.register(
            "clock_skew_seconds",
            "Seconds by which this clock is behind Bitbucket's",
            metrics.skew.clone(),
        );
        registry.register(
            "limited",
            "What was refused, by the budget and the limit that was reached",
            metrics.limited.clone(),
        );
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// A request was answered. `route` is the pattern, never the path.
    pub fn request(&self, route: &str, status: u16, seconds: f64) {
        self.requests.get_or_create(&Request { route: route.to_owned(), status }).inc();
        self.seconds.observe(seconds);
    }

    /// A job ended: `done`, `retried`, `buried`.
    pub fn job(&self, kind: &str, outcome: &str) {
        self.jobs.get_or_create(&Kind { kind: kind.to_owned(), outcome: outcome.to_owned() }).inc();
    }

    /// A webhook came. `event` is one of the names that Bitbucket documents, or `other`.
    pub fn webhook(&self, event: &str, outcome: &str) {
        self.webhooks.get_or_create(&Kind { kind: event.to_owned(), outcome: outcome.to_owned() }).inc();
    }

    /// The connections that are open, of all listeners.
    pub fn connections(&self) -> Gauge {
        self.connections.clone()
    }

    /// So many unsigned installations wait for their proof.
    pub fn candidates(&self, number: usize) {
        self.candidates.set(i64::try_from(number).unwrap_or(i64::MAX));
    }

    /// So many bytes of uploads are received, and inflated.
    pub fn uploads(&self, bytes: [usize; 2]) {
        for (gauge, bytes) in self.uploads.iter().zip(bytes) {
            gauge.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }

    /// So many seconds this clock is behind Bitbucket's.
    pub fn skew(&self, seconds: i64) {
        self.skew.set(seconds);
    }

    /// Something was refused because a limit of a budget was reached. Both are names that the
    /// program gives.
    pub fn limited(&self, budget: &'static str, limit: &'static str) {
        self.limited.get_or_create(&Limit { budget, limit }).inc();
    }

    /// As [`Metrics::limited`], for code that has no access to the metrics.
    pub fn limited_counter(&self) -> impl Fn(&'static str, &'static str) + Send + Sync + 'static {
        let limited = self.limited.clone();
        move |budget, limit| {
            limited.get_or_create(&Limit { budget, limit }).inc();
        }
    }

    /// How the queue stands now.
    pub fn queue(&self, state: &crate::store::system::QueueState, now: i64) {
        let numbers = [state.waiting, state.taken, state.dead];
        for (gauge, number) in self.queue.iter().zip(numbers) {
            gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
        }
        self.oldest.set(state.oldest_due.map_or(0.0, |at| now.saturating_sub(at) as f64 / 1000.0));
    }

    /// All numbers as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
