//! Connect's requests over HTTP.
//!
//! Owns the descriptor, the callbacks and the webhooks. The raw path and query are what tokens cover: nothing is decoded or rewritten before they are
//! checked. The tenant is the installation's workspace and comes from nowhere else.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use penstock_common::Uuid;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use super::client_key::Kind;
use super::descriptor::{self, Descriptor};
use super::directory::{active, candidate, carry_out, known};
use super::jwt::inbound;
use super::lifecycle::{Candidate, Decision, Known, Lifecycle, Refused};
use super::{ClientKey, HttpInstallKeys, HttpProver, Request};
use crate::inbox;
use crate::problem::Problem;
use crate::source::{Peer, Source};
use crate::state::State;
use crate::store::system::Written;

/// How often a decision is made anew because somebody else wrote in between.
const ATTEMPTS: usize = 4;
/// How long an unsigned callback waits for its turn to be proven. Bitbucket waits ten seconds for
/// the answer.
const PLACE: Duration = Duration::from_secs(2);
/// Proofs that are tried again at a time.
const PROOFS: usize = 8;

/// The routes.
pub fn router() -> Router<State> {
    Router::new()
        .route(descriptor::PATH, get(describe))
        .route(descriptor::INSTALLED_PATH, post(installed))
        .route(descriptor::UNINSTALLED_PATH, post(uninstalled))
        .route(descriptor::WEBHOOK_PATH, post(webhook).layer(from_fn(inbox::in_time)))
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
    peer: Option<Extension<Peer>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let source = peer.and_then(|Extension(Peer(peer))| state.config.trusted_proxies.source_of_request(peer, &headers));
    callback(&state, &Signed::new(&uri, &headers), &body, Some(source))
        .await
        .map_or_else(Problem::into_response, IntoResponse::into_response)
}

async fn uninstalled(
    Shared(state): Shared<State>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    callback(&state, &Signed::new(&uri, &headers), &body, None)
        .await
        .map_or_else(Problem::into_response, IntoResponse::into_response)
}

/// `installs` is the source of a callback `installed`, as far as it is known; absent for
/// `uninstalled`.
async fn callback(
    state: &State,
    signed: &Signed<'_>,
    body: &[u8],
    installs: Option<Option<Source>>,
) -> Result<StatusCode, Problem> {
    let lifecycle = lifecycle(state);
    let installation = lifecycle.subject(body).map_err(refused)?;
    let request = signed.request(&Method::POST);
    for attempt in 0..ATTEMPTS {
        let now = state.now();
        let known = known(&state.store, &installation).await?;
        let decision = match installs {
            None => lifecycle.uninstalled(body, &request, &known, now).await,
            Some(_) if is_excluded(state, &installation) => Decision::Refuse(Refused::NotAllowed),
            Some(source) => match lifecycle.consider(body, &request, &known, now).await {
                Err(decision) => *decision,
                Ok(candidate) => {
                    if let (0, false, Some(source)) = (attempt, candidate.signed, source) {
                        state.installers.take(source, now).inspect_err(|_| {
                            state.metrics.limited("installations", "source");
                        })?;
                    }
                    first_proof(state, candidate, &known, now).await
                }
            },
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

fn lifecycle(state: &State) -> Lifecycle<'_, HttpInstallKeys, HttpProver> {
    Lifecycle { app: &state.config.app, keys: &state.install_keys, prover: &state.prover }
}

/// Whether the installation's name contains a workspace that may not install the app.
fn is_excluded(state: &State, installation: &ClientKey) -> bool {
    matches!(installation.kind(), Kind::Registered { account, .. } if state.config.allowed.excludes(account))
}

/// Proves a candidate while its sender waits. Anyone can send an unsigned one, so only some of
/// these are proven at a time; the worker proves those that get no turn soon.
async fn first_proof(state: &State, candidate: Candidate, known: &Known, now: i64) -> Decision {
    let _place = if candidate.signed {
        None
    } else {
        match tokio::time::timeout(PLACE, state.first_proofs.acquire()).await {
            Ok(Ok(place)) => Some(place),
            _ => return Decision::Pending { candidate, retry_at: now },
        }
    };
    proven(state, candidate, known, now).await
}

/// Acts on the result of a proof. Only now is its workspace known for sure.
async fn proven(state: &State, candidate: Candidate, known: &Known, now: i64) -> Decision {
    match lifecycle(state).prove(candidate, known, now).await {
        Decision::Activate { principal, .. }
            if !state.config.allowed.includes(principal.uuid, principal.slug.as_deref()) =>
        {
            tracing::warn!(workspace = %principal.uuid, "a workspace that ALLOWED_WORKSPACES does not name wants to install the app");
            Decision::Refuse(Refused::NotAllowed)
        }
        decision => decision,
    }
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
            state.rights.forget(row.workspace);
        }
        Decision::Pending { candidate, retry_at } => {
            let waits_for = candidate.waits_for.map_or_else(|| "its turn".to_owned(), |failure| failure.to_string());
            let (failures, seconds) = (candidate.failures, (retry_at - state.now()).max(0) / 1000);
            tracing::info!(%installation, failures, again_in = seconds, waits_for, "an installation waits for its proof");
        }
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
        Refused::Keys(_) => Problem::unavailable(why.to_string(), 5),
        _ => Problem::new(status, "The callback is refused", why.to_string()),
    }
}

/// Tries the proofs that are due, some at a time, so that one that Bitbucket does not answer delays
/// no other. Returns their number.
///
/// # Errors
/// When the database does not answer.
pub async fn prove_waiting(state: &State) -> crate::store::Result<usize> {
    let due = state.store.system().due_candidates(state.now()).await?;
    let count = due.len();
    let mut running = JoinSet::new();
    for kept in due {
        if running.len() >= PROOFS {
            running.join_next().await;
        }
        let state = state.clone();
        running.spawn(async move {
            if let Err(error) = prove_again(&state, &kept).await {
                tracing::warn!(%error, "an installation waits on");
            }
        });
    }
    while running.join_next().await.is_some() {}
    Ok(count)
}

async fn prove_again(state: &State, kept: &crate::store::system::Candidate) -> crate::store::Result<()> {
    let Some(candidate) = candidate(kept.clone()) else {
        return state.store.system().drop_candidate(kept.id).await;
    };
    let (installation, now) = (candidate.installation.clone(), state.now());
    let known = known(&state.store, &installation).await?;
    let decision = proven(state, candidate, &known, now).await;
    carry_out(&state.store, &decision, &known, kept.id, now).await?;
    // The refusal was logged, and there is no caller to report it to.
    let _ = told(state, &installation, &decision);
    Ok(())
}

/// A signed request that is valid.
pub struct Vouched {
    /// The tenant that it speaks for.
    pub workspace: Uuid,
    /// When it was signed, by the host's clock; unix milliseconds.
    pub signed_at: i64,
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
}

/// Checks a signed request.
///
/// # Errors
/// When it is not signed by an installation that is active.
pub async fn vouched(
    state: &State,
    method: &Method,
    uri: &axum::http::Uri,
    headers: &HeaderMap,
) -> Result<Vouched, Problem> {
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
    // The signature is sound: either the token is old, or this clock is wrong. Bitbucket knows
    // which.
    if let Err(super::jwt::Refusal::Early { .. } | super::jwt::Refusal::Expired { .. }) = verified {
        state.skew.suspect();
    }
    let verified = verified.map_err(unauthorized)?;
    let token_hash = Sha256::digest(token.expose()).into();
    Ok(Vouched { workspace: found.workspace, signed_at: verified.issued_at, token_hash })
}

async fn webhook(
    Shared(state): Shared<State>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    // The token does not cover the body, so it is read only from its sender.
    let tenant = vouched(&state, &Method::POST, &uri, &headers).await?.workspace;
    let (event, data) = inbox::open(&headers, &inbox::receive(body).await?)?;
    inbox::keep(&state, tenant, &event, &data).await
}
