//! Webhooks.
//!
//! Owns what happens before a webhook is answered: it is kept, and nothing else. What it asks for is worked out afterwards (`wishes`), and whoever
//! does that reads the truth from Bitbucket: a webhook is a hint. Who sent it was decided at the door.

mod wishes;

use axum::http::StatusCode;
use penstock_common::Uuid;
use serde::Deserialize;
use serde_json::Value;

pub use wishes::{EVENTS, wishes};

use crate::problem::Problem;
use crate::state::State;
use crate::store::{News, Result};

/// Most bytes of a webhook. Bitbucket sends none above 256 KB; what Connect wraps around it is little.
pub const BODY_MAX: usize = 512 * 1024;
/// Most characters of an event's name.
const EVENT_MAX: usize = 64;
/// Webhooks that are worked out at a time.
const BATCH: i64 = 200;

/// Takes a Connect envelope apart: `{"event": …, "data": …}`.
///
/// # Errors
/// When it is none.
pub fn open_envelope(body: &[u8]) -> std::result::Result<(String, Value), Problem> {
    #[derive(Deserialize)]
    struct Envelope {
        event: String,
        data: Value,
    }
    let Envelope { event, data } =
        serde_json::from_slice(body).map_err(|_| Problem::bad_request("the body is no webhook of Bitbucket"))?;
    Ok((event, data))
}

/// Keeps a webhook of a tenant whose sender was verified. Durable when this returns.
///
/// # Errors
/// When it cannot be kept: then the sender is told to come again.
pub async fn keep(state: &State, tenant: Uuid, event: &str, data: &Value) -> std::result::Result<StatusCode, Problem> {
    let name = if EVENTS.contains(&event) { event } else { "other" };
    if event.is_empty() || event.len() > EVENT_MAX || !event.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::bad_request("the name of the event makes no sense"));
    }
    // Keys come out in order, so that the same news has the same form, whichever way it came.
    let body = serde_json::to_string(data).map_err(|_| Problem::bad_request("the body is no webhook of Bitbucket"))?;
    let news = News { tenant, event: event.to_owned(), body, at: state.now() };
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
