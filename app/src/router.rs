//! The routes.
//!
//! Owns what holds for all of them: a request's id, its log line and number, how long it may take, and what headers no answer lacks. Addresses are
//! logged by their pattern only: queries hold tokens.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State as Shared};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::timeout::TimeoutLayer;
use tracing::Instrument as _;

use crate::problem::Problem;
use crate::run_to_end::run_to_end;
use crate::state::State;
use crate::store::new_id;
use crate::{api, door, inbox, pages, upload};

/// How long a request may take.
const TIME: Duration = Duration::from_secs(60);
/// How long the database may take to count for the metrics.
const COUNTING: Duration = Duration::from_secs(2);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything under the app's own address.
pub fn router(state: &State) -> Router {
    let routes = Router::new()
        .merge(door::connect::handlers::router())
        .merge(door::hooks::router())
        .layer(DefaultBodyLimit::max(inbox::BODY_MAX))
        .merge(upload::router())
        .merge(api::router())
        .merge(pages::router(state))
        .fallback(async || Problem::not_found("there is nothing under this address"))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "The address knows no such method", "see the documentation")
        });
    let base = state.config.base.path();
    let routes = if base.is_empty() { routes } else { Router::new().nest(base, routes) };
    routes
        .layer(middleware::from_fn_with_state(state.clone(), run_to_end))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIME))
        .layer(middleware::from_fn_with_state(state.clone(), observe))
        .with_state(state.clone())
}

/// How the program is, for whoever runs it. Not for the public: see `HEALTH_ADDR`.
pub fn health(state: &State) -> Router {
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(state.clone())
}

async fn observe(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    let id = format!("{:032x}", new_id());
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().clone();
    let span = tracing::info_span!("request", id = %id, %method, route = %route);
    let begin = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let seconds = begin.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    span.in_scope(|| tracing::info!(status, seconds, "answered"));
    state.metrics.request(&route, status, seconds);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whether this copy can serve.
async fn ready(Shared(state): Shared<State>) -> Response {
    let mut faults = state.readiness.faults().await;
    if state.is_stopping() {
        faults.insert(0, "the program is stopping".to_owned());
    }
    if faults.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, faults.join("\n") + "\n").into_response()
}

async fn metrics(Shared(state): Shared<State>) -> Response {
    let now = state.now();
    state.metrics.uploads(state.uploads.in_use());
    let counted = async {
        if let Ok(queue) = state.store.system().queue_state(now).await {
            state.metrics.queue(&queue, now);
        }
        if let Ok(waiting) = state.store.system().unsigned_candidates("connect").await {
            state.metrics.candidates(waiting);
        }
    };
    // What the database does not count in time keeps its last number.
    let _ = tokio::time::timeout(COUNTING, counted).await;
    let kind = [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    (kind, state.metrics.text()).into_response()
}
