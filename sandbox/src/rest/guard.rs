//! What happens to every call of the REST API before and after its handler.
//!
//! Owns the order: does the request fit the contract, who is calling, may it call so often, does it have the scope, does it see the
//! repository. Writes refusals in the operation's shape, and holds the sandbox's own answers against Atlassian's document.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::auth::{By, Caller, Vouched};
use super::rate::{self, Rate};
use super::refusal::Refusal;
use super::{Asked, Base, Subject, fields};
use crate::app::App;
use crate::contract::{Family, Operation, Verdict};
use crate::journal::Place;
use crate::state::Found;

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
    let template = parts.extensions.get::<MatchedPath>().map(|path| path.as_str().replace("{*", "{"));
    let template = template.as_deref().and_then(|template| template.strip_prefix("/2.0"));
    let operation = template.and_then(|template| app.contract.operation(parts.method.as_str(), template));
    let Some(operation) = operation else {
        violation("the contract has no such operation".to_owned());
        let refusal = if is_removed(parts.uri.path()) { Refusal::removed() } else { Refusal::no_api() };
        return refusal.write(Family::General);
    };
    if let Some(place) = place {
        app.journal.amend(place, |entry| entry.operation = Some(operation.name.clone()));
    }

    let verdict = app.contract.judge(operation, &parts.uri, &parts.headers, &body);
    for (mismatch, by) in
        verdict.own.iter().map(|own| (own, "contract")).chain(verdict.document.iter().map(|it| (it, "document")))
    {
        violation(format!("{by}: {mismatch}"));
    }
    let params = RawPathParams::from_request_parts(&mut parts, &()).await.ok();
    let name = |wanted: &str| {
        let found = params.as_ref()?.iter().find(|(name, _)| *name == wanted)?;
        Some(found.1.to_owned())
    };
    let names = name("workspace").zip(name("repo_slug"));
    let vouched = parts.extensions.get::<Vouched>().cloned();
    let admitted = admit(&app, operation, &parts.method, &parts.uri, &parts.headers, vouched.as_ref(), names, &verdict);
    let (mut response, rate) = match admitted {
        Err((response, rate)) => (response, rate),
        Ok(Admitted { caller, subject, rate }) => {
            let base = parts.extensions.get::<Base>().map(|base| base.0.to_owned());
            let base = base.unwrap_or_else(|| app.world().urls.api.trim_end_matches("/2.0").to_owned());
            parts.extensions.insert(Asked { uri: parts.uri.clone(), base });
            parts.extensions.insert(caller);
            if let Some(subject) = subject {
                parts.extensions.insert(subject);
            }
            (next.run(Request::from_parts(parts.clone(), Body::from(body))).await, rate)
        }
    };
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        if let Some(what) = refusal.violation() {
            violation(format!("contract: {what}"));
        }
        response = refusal.write(operation.errors);
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"Bitbucket.org HTTP\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    let (mut response, wrong) = finish(&app, operation, &parts.uri, response).await;
    wrong.into_iter().for_each(violation);
    if let Some(rate) = rate {
        rate.tell(&mut response);
    }
    response
}

/// Is this part of the issue tracker's API, which was removed on 2026-08-20?
fn is_removed(path: &str) -> bool {
    let removed = ["issues", "components", "milestones", "versions"];
    path.starts_with("/2.0/repositories/") && path.split('/').nth(5).is_some_and(|name| removed.contains(&name))
}

/// Who may pass.
struct Admitted {
    caller: Caller,
    subject: Option<Subject>,
    rate: Option<Rate>,
}

#[expect(
    clippy::too_many_arguments,
    reason = "the parts of a request, which cannot be borrowed as one across an await"
)]
fn admit(
    app: &App,
    operation: &Operation,
    method: &Method,
    uri: &Uri,
    headers: &axum::http::HeaderMap,
    vouched: Option<&Vouched>,
    names: Option<(String, String)>,
    verdict: &Verdict,
) -> Result<Admitted, (Response, Option<Rate>)> {
    let refuse = |refusal: Refusal| (refusal.into_response(), None);
    let caller = Caller::of_api(&app.world(), headers, vouched).map_err(refuse)?;
    let mut rate = None;
    if names.is_some() {
        rate = Some(rate::count(app, &caller).map_err(|(refusal, rate)| (refusal.into_response(), Some(rate)))?);
    }
    let refuse = |refusal: Refusal| (refusal.into_response(), rate);
    if let Some(scope) = &operation.scope
        && caller.by != By::Nothing
        && !caller.has_scope(scope, operation.granular.as_deref())
    {
        let needed = caller.needed(scope, operation.granular.as_deref());
        return Err(refuse(Refusal::lacks_scope(needed, &caller.scopes)));
    }
    let is_anonymous = caller.by == By::Nothing && operation.scope.is_some();
    let anonymous = || Refusal::unauthorized("Authentication is required for this resource.");
    let mut subject = None;
    if let Some((workspace, slug)) = names {
        let world = app.world();
        let (repository, moved) = match world.find(&workspace, &slug) {
            Found::Here(repository) => (repository, false),
            Found::Moved(repository) => (repository, true),
            Found::Nothing if is_anonymous => return Err(refuse(anonymous())),
            Found::Nothing => return Err(refuse(Refusal::no_repository())),
        };
        let only_reads = matches!(*method, Method::GET | Method::HEAD);
        if is_anonymous && (repository.is_private || !only_reads) {
            return Err(refuse(anonymous()));
        }
        if !caller.sees(repository) {
            return Err(refuse(Refusal::no_repository()));
        }
        if moved {
            let former = format!("/repositories/{workspace}/{slug}");
            let now = format!("/repositories/{}", repository.full_name());
            let target = uri.path_and_query().map_or("", |target| target.as_str()).trim_start_matches("/2.0");
            let location = format!("{}{}", world.urls.api, target.replacen(&former, &now, 1));
            let status = if only_reads { StatusCode::MOVED_PERMANENTLY } else { StatusCode::PERMANENT_REDIRECT };
            return Err(((status, [(header::LOCATION, location)]).into_response(), rate));
        }
        subject = Some(Subject(repository.uuid.clone()));
    } else if is_anonymous {
        return Err(refuse(anonymous()));
    }
    if !verdict.own.is_empty() {
        return Err(refuse(Refusal::misfit(&verdict.own, operation)));
    }
    Ok(Admitted { caller, subject, rate })
}

/// Judges the answer and leaves out what was not asked for.
async fn finish(app: &App, operation: &'static Operation, uri: &Uri, response: Response) -> (Response, Vec<String>) {
    let (mut parts, body) = response.into_parts();
    let bytes: Bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let media = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let json: Option<Value> =
        media.starts_with("application/json").then(|| serde_json::from_slice(&bytes).ok()).flatten();
    // A redirect for a repository that moved is declared nowhere.
    let wrong = if parts.headers.contains_key(header::LOCATION)
        && parts.status != StatusCode::FOUND
        && parts.status.is_redirection()
    {
        Vec::new()
    } else {
        app.contract.judge_answer(operation, parts.status, json.as_ref())
    };
    let wrong = wrong.iter().map(|mismatch| format!("the sandbox's own answer: {mismatch}")).collect();
    let asked =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).find(|(name, _)| name == "fields");
    let bytes = match (asked, json) {
        (Some((_, wanted)), Some(json)) if parts.status.is_success() => {
            parts.headers.remove(header::CONTENT_LENGTH);
            Bytes::from(fields::select(&json, &wanted).to_string())
        }
        _ => bytes,
    };
    (Response::from_parts(parts, Body::from(bytes)), wrong)
}
