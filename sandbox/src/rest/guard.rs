//! What happens to every call of the REST API before and after its handler.
//!
//! Owns the order: does the request fit the contract, who is calling, may it call so often, may it pass. Writes refusals in the
//! operation's shape, and holds the sandbox's own answers against Atlassian's document.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::admit::admit;
use super::auth::{Caller, Vouched};
use super::rate::{self, Rate};
use super::refusal::Refusal;
use super::{Asked, Base, fields, user};
use crate::app::App;
use crate::connect::token;
use crate::contract::{Family, Operation, Verdict};
use crate::journal::Place;

/// The operation that returns the owner of the credentials.
const USER: &str = "get_user";
/// Largest body of a request.
pub(crate) const BODY_MAX: usize = 16 << 20;

/// Guards one call.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_MAX).await.unwrap_or_default();
    let place = parts.extensions.get::<Place>().copied();
    let violation = |what: String| {
        if let Some(place) = place {
            app.journal.violation(place, what);
        }
    };
    let Some(operation) = operation(&app, &parts) else {
        violation("the contract has no such operation".to_owned());
        let refusal = if is_removed(parts.uri.path()) { Refusal::removed() } else { Refusal::no_api() };
        return refusal.write(Family::General);
    };
    if let Some(place) = place {
        app.journal.amend(place, |entry| entry.operation = Some(operation.name.clone()));
    }
    let verdict = app.contract.judge(operation, &parts.uri, &parts.headers, &body);
    verdict.own.iter().for_each(|mismatch| violation(format!("contract: {mismatch}")));
    verdict.document.iter().for_each(|mismatch| violation(format!("document: {mismatch}")));

    let mut rate = None;
    let entered = enter(&app, operation, &mut parts, &verdict, &mut rate).await;
    let uri = parts.uri.clone();
    let mut response = match entered {
        Ok(()) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(refusal) => refusal.into_response(),
    };
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        if let Some(what) = refusal.violation() {
            violation(format!("contract: {what}"));
        }
        response = refusal.write(operation.errors);
    }
    let (mut response, wrong) = finish(&app, operation, &uri, response).await;
    wrong.into_iter().for_each(violation);
    if let Some(rate) = rate {
        rate.tell(&mut response);
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"Bitbucket.org HTTP\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The operation of the contract whose route was found. Templates of routes say which names stand for several segments, those of the
/// contract do not.
fn operation(app: &App, parts: &Parts) -> Option<&'static Operation> {
    let template = parts.extensions.get::<MatchedPath>()?.as_str().replace("{*", "{");
    app.contract.operation(parts.method.as_str(), template.strip_prefix("/2.0")?)
}

/// Is this part of the issue tracker's API, which was removed on 2026-08-20?
fn is_removed(path: &str) -> bool {
    let removed = ["issues", "components", "milestones", "versions"];
    path.starts_with("/2.0/repositories/") && path.split('/').nth(5).is_some_and(|name| removed.contains(&name))
}

/// Whether a revision in the address contains an encoded slash. Bitbucket takes it for the end of
/// the revision, and the rest names no commit. Seen:
/// <https://github.com/CenterForOpenScience/waterbutler/pull/377>,
/// <https://github.com/jenkinsci/bitbucket-branch-source-plugin/pull/102>,
/// <https://bitbucket.org/site/master/issues/9969>.
fn names_a_slash_in_a_revision(path: &str) -> bool {
    let mut parts = path.split('/').skip(5);
    let is_about_a_revision = matches!(parts.next(), Some("src" | "commit" | "commits"));
    is_about_a_revision && parts.next().is_some_and(|revision| revision.to_ascii_lowercase().contains("%2f"))
}

/// Lets a call in, with what its handler wants to know. `rate` is told to the caller also if it is not let in.
async fn enter(
    app: &App,
    operation: &Operation,
    parts: &mut Parts,
    verdict: &Verdict,
    rate: &mut Option<Rate>,
) -> Result<(), Refusal> {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok();
    let name =
        |wanted: &str| params.as_ref()?.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned());
    let names = name("workspace").zip(name("repo_slug"));
    let base = match parts.extensions.get::<Base>() {
        Some(base) => base.0.to_owned(),
        None => app.world().urls.api.trim_end_matches("/2.0").to_owned(),
    };
    let asked = token::Asked {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
    };
    let caller = Caller::of_api(&app.world(), asked, &parts.headers, parts.extensions.get::<Vouched>())?;
    if operation.name == USER {
        user::check(app, &caller)?;
    }
    if names_a_slash_in_a_revision(parts.uri.path()) {
        return Err(Refusal::no_commit(parts.uri.path().split('/').nth(6).unwrap_or_default()));
    }
    if names.is_some() {
        rate.insert(rate::count(app, &caller)).check()?;
    }
    let subject = admit(app, operation, parts, &caller, names, &base)?;
    if !verdict.own.is_empty() {
        return Err(Refusal::misfit(&verdict.own, operation));
    }
    parts.extensions.insert(Asked { uri: parts.uri.clone(), base });
    parts.extensions.insert(caller);
    if let Some(subject) = subject {
        parts.extensions.insert(subject);
    }
    Ok(())
}

/// Judges the answer and leaves out what was not asked for.
async fn finish(app: &App, operation: &'static Operation, uri: &Uri, response: Response) -> (Response, Vec<String>) {
    let (mut parts, body) = response.into_parts();
    let bytes: Bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let media = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = media.starts_with("application/json");
    let json: Option<Value> = is_json.then(|| serde_json::from_slice(&bytes).ok()).flatten();
    // That a repository moved is declared nowhere.
    let is_moved = matches!(parts.status, StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
    let wrong = if is_moved { Vec::new() } else { app.contract.judge_answer(operation, parts.status, json.as_ref()) };
    let wrong = wrong.iter().map(|mismatch| format!("the sandbox's own answer: {mismatch}")).collect();
    let query = uri.query().unwrap_or_default();
    let wanted = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "fields");
    let bytes = match (wanted, json) {
        (Some((_, wanted)), Some(json)) if parts.status.is_success() => {
            parts.headers.remove(header::CONTENT_LENGTH);
            Bytes::from(fields::select(&json, &wanted).to_string())
        }
        _ => bytes,
    };
    (Response::from_parts(parts, Body::from(bytes)), wrong)
}
