//! A receiver of runs, until there is a companion app.
//!
//! Owns as little as can be: who may send (a token, or a step whose token names the receiver as its audience), that a body is compressed
//! JSON, and that the same key gets the same answer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use serde_json::{Value, json};

use crate::app::App;
use crate::door::inflated;
use crate::journal::Place;
use crate::random;
use crate::rest::auth::authorization;

/// Runs that were received.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<Received>);

#[derive(Debug, Default)]
struct Received {
    runs: Vec<Value>,
    deliveries: Vec<Value>,
    /// By idempotency key: what was sent and what was answered.
    answers: HashMap<String, (Bytes, Value)>,
}

impl Runs {
    /// What was told of their destinations, in the order in which it came.
    pub(crate) fn deliveries(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).deliveries.clone()
    }

    /// All of them, in the order in which they came.
    pub(crate) fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).runs.clone()
    }
}

/// The receiver.
pub(crate) fn router(app: &App) -> Router {
    Router::new()
        .route("/api/v1/runs", post(receive))
        .route("/api/v1/runs/{id}/deliveries", post(deliveries))
        .with_state(app.clone())
}

async fn receive(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let problem = |status: StatusCode, title: &str, detail: &str| {
        let body = json!({"type": "about:blank", "status": status.as_u16(), "title": title, "detail": detail});
        let media = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, media, body.to_string()).into_response()
    };
    let wrong = |detail: &str| {
        app.journal.violation(place, format!("companion: {detail}"));
        problem(StatusCode::BAD_REQUEST, "Bad request", detail)
    };
    if !is_known(&app, &headers) {
        let detail = "Send a token of the app, or a step's token with this app's URL among its audiences.";
        return problem(StatusCode::UNAUTHORIZED, "Unauthorized", detail);
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = text("idempotency-key");
    if key.is_empty() || key.len() > 255 {
        return wrong("`Idempotency-Key` is missing or too long");
    }
    if text("content-encoding") != "gzip" || text("content-type") != "application/json" {
        return wrong("the body is not `application/json` with `Content-Encoding: gzip`");
    }
    let run = match serde_json::from_slice::<Value>(&inflated(&headers, &body)) {
        Ok(run) if run.is_object() => run,
        _ => return wrong("the body is not a JSON object"),
    };
    let mut received = app.runs.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((former, answer)) = received.answers.get(key) {
        if *former != body {
            let detail = "The same Idempotency-Key came with another body.";
            return problem(StatusCode::UNPROCESSABLE_ENTITY, "Key was used before", detail);
        }
        return (StatusCode::CREATED, Json(answer.clone())).into_response();
    }
    let id = random::uuid().trim_matches(['{', '}']).to_owned();
    let note = "the sandbox's receiver judges nothing";
    let answer = json!({"version": 1, "run": id, "state": "waiting", "note": note});
    received.answers.insert(key.to_owned(), (body, answer.clone()));
    received.runs.push(run);
    (StatusCode::CREATED, Json(answer)).into_response()
}

/// What came of a run's destinations.
async fn deliveries(State(app): State<App>, headers: HeaderMap, Json(told): Json<Value>) -> StatusCode {
    if !is_known(&app, &headers) {
        return StatusCode::UNAUTHORIZED;
    }
    app.runs.0.lock().unwrap_or_else(PoisonError::into_inner).deliveries.push(told);
    StatusCode::NO_CONTENT
}

fn is_known(app: &App, headers: &HeaderMap) -> bool {
    let Some((scheme, value)) = authorization(headers) else { return false };
    let (known, own) = {
        let world = app.world();
        (world.tokens.is_companion(&value), world.urls.companion.clone())
    };
    scheme == "bearer" && (known || app.issuer.verify(&value, &own).is_some())
}
