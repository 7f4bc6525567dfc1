//! Webhooks that a repository set up by hand, over HTTP.
//!
//! Owns the order of checks: the id selects a secret and nothing else; the tenant is that row's, after the signature over the raw body held.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use penstock_common::Uuid;
use serde_json::Value;

use super::hook;
use crate::inbox;
use crate::problem::Problem;
use crate::state::State;

/// The header with the event's name.
const EVENT_HEADER: &str = "x-event-key";

/// Where hooks are received, below the app's address; the id follows.
pub const PATH: &str = "/hooks";

/// The route.
pub fn router() -> Router<State> {
    Router::new().route(&format!("{PATH}/{{id}}"), post(receive))
}

async fn receive(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    // That there is no such hook looks from outside like a wrong signature.
    let refused = |why: hook::Refusal| Problem::unauthorized(why.to_string());
    let id: hook::HookId = id.parse().map_err(|_| refused(hook::Refusal::Signature))?;
    let known = state.store.system().hook(Uuid::from(*id.as_bytes())).await?;
    let known = known.ok_or_else(|| refused(hook::Refusal::Signature))?;
    let signatures: Vec<&str> =
        headers.get_all(hook::SIGNATURE_HEADER).iter().filter_map(|value| value.to_str().ok()).collect();
    hook::verify(&known.secret, &signatures, &body).map_err(refused)?;
    let event = headers.get(EVENT_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let data: Value =
        serde_json::from_slice(&body).map_err(|_| Problem::bad_request("the body is no webhook of Bitbucket"))?;
    let named =
        |pointer: &str| data.pointer(pointer).and_then(Value::as_str).and_then(|text| text.parse::<Uuid>().ok());
    if named("/repository/uuid") != Some(known.repository) {
        return Err(Problem::unprocessable("the webhook is about another repository than its secret was made for"));
    }
    let workspace = named("/repository/workspace/uuid");
    if event != "repo:transfer" && workspace.is_some_and(|workspace| workspace != known.workspace) {
        return Err(Problem::unprocessable("the webhook is about another workspace than its secret was made for"));
    }
    inbox::keep(&state, known.workspace, event, &data).await
}
