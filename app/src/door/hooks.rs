//! Webhooks that a repository set up by hand, over HTTP.
//!
//! Owns the order of checks: the id selects a secret and nothing else; the tenant is that row's, after the signature over the raw body held.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn;
use axum::routing::post;
use penstock_common::Uuid;
use serde_json::Value;

use super::hook;
use crate::inbox;
use crate::problem::Problem;
use crate::state::State;

/// Where hooks are received, below the app's address; the id follows.
pub const PATH: &str = "/hooks";

/// The route.
pub fn router() -> Router<State> {
    Router::new().route(&format!("{PATH}/{{id}}"), post(receive).layer(from_fn(inbox::in_time)))
}

async fn receive(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    // That there is no such hook looks from outside like a wrong signature.
    let refused = |why: hook::Refusal| Problem::unauthorized(why.to_string());
    let id: hook::HookId = id.parse().map_err(|_| refused(hook::Refusal::Signature))?;
    let known = state.store.system().hook(Uuid::from(*id.as_bytes())).await?;
    let known = known.ok_or_else(|| refused(hook::Refusal::Signature))?;
    let signatures: Vec<&str> =
        headers.get_all(hook::SIGNATURE_HEADER).iter().filter_map(|value| value.to_str().ok()).collect();
    let body = inbox::receive(body).await?;
    hook::verify(&known.secret, &signatures, &body).map_err(refused)?;
    // Only signed requests count: knowing the address is not enough to use up the bucket.
    state.hooks.take(Uuid::from(*id.as_bytes()), state.now()).inspect_err(|_| {
        state.metrics.limited("webhooks", "hook");
    })?;
    let (event, data) = inbox::open(&headers, &body)?;
    let named =
        |pointer: &str| data.pointer(pointer).and_then(Value::as_str).and_then(|text| text.parse::<Uuid>().ok());
    if named("/repository/uuid") != Some(known.repository) {
        return Err(Problem::unprocessable("the webhook is about another repository than its secret was made for"));
    }
    let workspace = named("/repository/workspace/uuid");
    if event != "repo:transfer" && workspace.is_some_and(|workspace| workspace != known.workspace) {
        return Err(Problem::unprocessable("the webhook is about another workspace than its secret was made for"));
    }
    inbox::keep(&state, known.workspace, &event, &data).await
}
