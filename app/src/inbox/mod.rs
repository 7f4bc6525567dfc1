//! Webhooks.
//!
//! Owns what happens before a webhook is answered: only the ids in it are stored. The jobs that
//! follow from it are derived afterwards (`wishes`), and they read the current state from
//! Bitbucket: a webhook is a hint. Its sender was verified at the door.

mod read;
mod wishes;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use penstock_common::Uuid;
use serde_json::Value;

use wishes::ids;
pub use wishes::{EVENTS, wishes};

use crate::problem::Problem;
use crate::state::State;
use crate::store::{News, Result};

/// Maximum bytes of a callback, and of anything else whose sender is unknown until it was read.
pub const BODY_MAX: usize = 512 * 1024;
/// Maximum bytes of a webhook. Bitbucket is reported to send at most 256 KB, but only ids are
/// stored, so there is no need to lose one because of a long title.
pub const WEBHOOK_MAX: usize = 4 << 20;
/// How long a webhook may take. Bitbucket waits ten seconds for the answer.
const TIME: Duration = Duration::from_secs(6);
/// The header with the event's name.
pub const EVENT_HEADER: &str = "x-event-key";
/// Maximum characters of an event's name.
const EVENT_MAX: usize = 64;
/// Webhooks that are worked out at a time.
const BATCH: i64 = 200;

/// Answers a webhook in time, whatever is broken. One that is stored after all is known when it
/// comes again.
pub async fn in_time(request: Request, next: Next) -> Response {
    let late = |_| Problem::unavailable("the webhook could not be stored in time", 5).into_response();
    tokio::time::timeout(TIME, next.run(request)).await.unwrap_or_else(late)
}

/// Reads the body of a webhook, whose sender is known or will be by its signature.
///
/// # Errors
/// When it is too large.
pub async fn receive(body: Body) -> std::result::Result<Bytes, Problem> {
    let words = "no webhook of Bitbucket has so many bytes";
    let too_large = |_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The webhook is too large", words);
    axum::body::to_bytes(body, WEBHOOK_MAX).await.map_err(too_large)
}

/// The event's name and data: with the name in a header, or in Connect's envelope.
///
/// # Errors
/// When it is no webhook.
pub fn open(headers: &HeaderMap, body: &[u8]) -> std::result::Result<(String, Value), Problem> {
    let header = headers.get(EVENT_HEADER).and_then(|value| value.to_str().ok());
    read::read(body, header).ok_or_else(|| Problem::bad_request("the body is no webhook of Bitbucket"))
}

/// Stores a webhook of a tenant whose sender was verified: the ids in it, and only if a job follows
/// from it. Durable when this returns.
///
/// # Errors
/// When it cannot be kept: then the sender is told to come again.
pub async fn keep(state: &State, tenant: Uuid, event: &str, data: &Value) -> std::result::Result<StatusCode, Problem> {
    if event.is_empty() || event.len() > EVENT_MAX || !event.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::bad_request("the name of the event makes no sense"));
    }
    let name = if EVENTS.contains(&event) { event } else { "other" };
    let unreadable = |_| Problem::bad_request("the body is no webhook of Bitbucket");
    // Everything but the ids is the sender's text, of any size, and nothing reads it.
    let body = serde_json::to_string(&ids(data)).map_err(unreadable)?;
    if !EVENTS.contains(&event) || wishes(tenant, event, body.as_bytes()).is_empty() {
        state.metrics.webhook(name, "ignored");
        return Ok(StatusCode::OK);
    }
    // Keys are sorted, so that the same event has the same digest in either shape.
    let digest = News::digest(event, &serde_json::to_vec(data).map_err(unreadable)?);
    let news = News { tenant, event: event.to_owned(), body, digest, at: state.now() };
    let new = state.store.system().keep_news(news).await?;
    state.metrics.webhook(name, if new { "kept" } else { "known" });
    Ok(StatusCode::OK)
}

/// Works out what the webhooks that wait ask for. How many there were.
///
/// # Errors
/// When the database does not answer; then they wait on.
pub async fn work_out(state: &State) -> Result<usize> {
    let system = state.store.system();
    let headers = system.waiting_news(BATCH).await?;
    let now = state.now();
    for header in &headers {
        let workspace = state.store.for_workspace(header.workspace);
        let Some(told) = workspace.news(header.id).await? else { continue };
        let wishes = wishes(header.workspace, &told.event, &told.body);
        if wishes.is_empty() {
            continue;
        }
        let mut write = workspace.write().await?;
        for wish in &wishes {
            write.job(wish, now, now).await?;
        }
        write.commit().await?;
    }
    let ids: Vec<u128> = headers.iter().map(|header| header.id).collect();
    if !ids.is_empty() {
        system.news_handled(&ids, now).await?;
    }
    Ok(headers.len())
}
