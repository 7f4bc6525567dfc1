//! Connect's requests over HTTP.
//!
//! Owns the descriptor, the callbacks and the webhooks. The raw path and query are what tokens cover: nothing is decoded or rewritten before they are
//! checked. The tenant is the installation's workspace and comes from nowhere else.

use axum::body::Bytes;
use axum::extract::{OriginalUri, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use penstock_common::Uuid;

use super::descriptor::{self, Descriptor};
use super::directory::{active, carry_out, known};
use super::jwt::inbound;
use super::lifecycle::{Decision, Lifecycle, Refused};
use super::{ClientKey, Request};
use crate::inbox;
use crate::problem::Problem;
use crate::state::State;
use crate::store::system::Written;

/// How often a decision is made anew because somebody else wrote in between.
const ATTEMPTS: usize = 4;

/// The routes.
pub fn router() -> Router<State> {
    Router::new()
        .route(descriptor::PATH, get(describe))
        .route(descriptor::INSTALLED_PATH, post(installed))
        .route(descriptor::UNINSTALLED_PATH, post(uninstalled))
        .route(descriptor::WEBHOOK_PATH, post(webhook))
}

async fn describe(Shared(state): Shared<State>) -> Json<Descriptor> {
    Json(Descriptor::of(&state.config.app))
}

/// What a token covers, and the headers that may carry one.
struct Signed<'a> {
    uri: &'a axum::http::Uri,
    authorization: Vec<&'a str>,
}

impl<'a> Signed<'a> {
    fn new(uri: &'a axum::http::Uri, headers: &'a HeaderMap) -> Self {
        let authorization =
            headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| value.to_str().ok()).collect();
        Self { uri, authorization }
    }

    fn request(&'a self, method: &'a Method) -> Request<'a> {
        Request {
            method: method.as_str(),
            path: self.uri.path(),
            query: self.uri.query().unwrap_or_default(),
            authorization: &self.authorization,
        }
    }
}

async fn installed(
    Shared(state): Shared<State>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    callback(&state, &Signed::new(&uri, &headers), &body, true)
        .await
        .map_or_else(Problem::into_response, IntoResponse::into_response)
}

async fn uninstalled(
    Shared(state): Shared<State>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    callback(&state, &Signed::new(&uri, &headers), &body, false)
        .await
        .map_or_else(Problem::into_response, IntoResponse::into_response)
}

async fn callback(state: &State, signed: &Signed<'_>, body: &[u8], installs: bool) -> Result<StatusCode, Problem> {
    let lifecycle = Lifecycle { app: &state.config.app, keys: &state.install_keys, prover: &state.prover };
    let installation = lifecycle.subject(body).map_err(refused)?;
    let request = signed.request(&Method::POST);
    for _ in 0..ATTEMPTS {
        let now = state.now();
        let known = known(&state.store, &installation).await?;
        let decision = if installs {
            lifecycle.installed(body, &request, &known, now).await
        } else {
            lifecycle.uninstalled(body, &request, &known, now).await
        };
        if carry_out(&state.store, &decision, &known, 0, now).await? == Written::Changed {
            continue;
        }
        if let Decision::Remove { row, .. } = &decision {
            state.store.system().dismiss_viewers(row.workspace).await?;
        }
        return told(state, &installation, &decision);
    }
    Err(Problem::unavailable("the installation is being changed by another request", 1))
}

/// What was decided, for the log and for Bitbucket.
fn told(state: &State, installation: &ClientKey, decision: &Decision) -> Result<StatusCode, Problem> {
    match decision {
        Decision::Activate { principal, .. } => {
            tracing::info!(%installation, workspace = %principal.uuid, "installed");
            state.bitbucket.forget(principal.uuid);
        }
        Decision::RotateSecret { row, .. } => {
            tracing::info!(%installation, workspace = %row.workspace, "the secret was changed");
            state.bitbucket.forget(row.workspace);
        }
        Decision::Remove { row, .. } => {
            tracing::info!(%installation, workspace = %row.workspace, "uninstalled");
            state.bitbucket.forget(row.workspace);
        }
        Decision::Pending { .. } => tracing::info!(%installation, "an installation waits for its proof"),
        Decision::Ignore(why) => tracing::debug!(%installation, ?why, "a callback changes nothing"),
        Decision::Refuse(why) => {
            tracing::warn!(%installation, %why, "a callback is refused");
            return Err(refused(*why));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

fn refused(why: Refused) -> Problem {
    let status = StatusCode::from_u16(why.status()).unwrap_or(StatusCode::BAD_REQUEST);
    match why {
        Refused::TooMany { seconds } => Problem::too_many(why.to_string(), seconds.unsigned_abs()),
        Refused::Keys(_) => Problem::unavailable(why.to_string(), 5),
        _ => Problem::new(status, "The callback is refused", why.to_string()),
    }
}

/// Tries the proofs that are due. How many.
///
/// # Errors
/// When the database does not answer.
pub async fn prove_waiting(state: &State) -> crate::store::Result<usize> {
    let lifecycle = Lifecycle { app: &state.config.app, keys: &state.install_keys, prover: &state.prover };
    let due = state.store.system().due_candidates(state.now()).await?;
    for kept in &due {
        let Ok(installation) = kept.name.parse::<ClientKey>() else {
            state.store.system().drop_candidate(kept.id).await?;
            continue;
        };
        let now = state.now();
        let known = known(&state.store, &installation).await?;
        let candidate = super::lifecycle::Candidate {
            installation: installation.clone(),
            secret: kept.secret.clone(),
            signed: kept.signed,
            as_of: kept.as_of,
            since: kept.since,
            failures: kept.failures,
        };
        let decision = lifecycle.prove(candidate, &known, now).await;
        carry_out(&state.store, &decision, &known, kept.id, now).await?;
        // A refusal was logged; there is nobody to be told.
        let _ = told(state, &installation, &decision);
    }
    Ok(due.len())
}

/// The tenant that a signed request speaks for.
///
/// # Errors
/// When it is not signed by an installation that is active.
pub async fn tenant(
    state: &State,
    method: &Method,
    uri: &axum::http::Uri,
    headers: &HeaderMap,
) -> Result<Uuid, Problem> {
    let signed = Signed::new(uri, headers);
    let request = signed.request(method);
    let unauthorized = |why: super::jwt::Refusal| Problem::unauthorized(why.to_string());
    let token = request.token().map_err(unauthorized)?.ok_or_else(|| unauthorized(super::jwt::Refusal::Missing))?;
    let claimed = inbound::claimed_installation(&token).map_err(unauthorized)?;
    let Some(found) = active(&state.store, &claimed).await? else {
        return Err(unauthorized(super::jwt::Refusal::Signature));
    };
    let now = state.now();
    let verified = inbound::verify(&token, &claimed, &found.secret, &request, &state.config.base, now);
    match verified {
        // The signature held, so it is Bitbucket's clock that says otherwise.
        Err(super::jwt::Refusal::Early { seconds }) => state.skew.refused(seconds, now),
        Err(super::jwt::Refusal::Expired { seconds }) => state.skew.refused(-seconds, now),
        Ok(_) => state.skew.agreed(),
        Err(_) => {}
    }
    verified.map_err(unauthorized)?;
    Ok(found.workspace)
}

async fn webhook(
    Shared(state): Shared<State>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let tenant = tenant(&state, &Method::POST, &uri, &headers).await?;
    let (event, data) = inbox::open_envelope(&body)?;
    inbox::keep(&state, tenant, &event, &data).await
}
