//! bitbucket.org: git over HTTP with a token, and OAuth's token endpoint.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json};
use serde_json::json;

use crate::app::App;
use crate::connect::exchange;
use crate::connect::token::Asked;
use crate::journal::Place;
use crate::rest::auth::{Caller, authorization, basic, jwt};
use crate::smart_http::Wish;
use crate::state::Found;
use crate::state::account::User;

/// The site.
pub(crate) fn router(app: &App) -> Router {
    Router::new().route("/site/oauth2/access_token", post(access_token)).fallback(git).with_state(app.clone())
}

/// Client credentials, or an app's own token, for a token that lives for two hours.
async fn access_token(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let grants: Vec<&str> =
        form.iter().filter(|(name, _)| name == "grant_type").map(|(_, value)| value.as_str()).collect();
    let refuse = |status: StatusCode, error: &str, words: &str| {
        (status, Json(json!({"error": error, "error_description": words}))).into_response()
    };
    if grants == [exchange::GRANT] {
        let asked = Asked { method: "POST", path: uri.path(), query: uri.query().unwrap_or_default() };
        return exchange::answer(&app, place, jwt(&headers), asked, &form);
    }
    if grants != ["client_credentials"] {
        app.journal.violation(place, "contract: `grant_type` is none of those that are known".to_owned());
        let words = "Only client_credentials and the grant of Connect apps are supported";
        return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", words);
    }
    let pair = authorization(&headers).filter(|(scheme, _)| scheme == "basic").and_then(|(_, value)| basic(&value));
    let granted = pair.and_then(|(id, secret)| app.world().tokens.grant(&id, &secret));
    let Some((token, scopes)) = granted else {
        return refuse(StatusCode::UNAUTHORIZED, "unauthorized_client", "Invalid OAuth client credentials");
    };
    let answer = json!({
        "access_token": token,
        "token_type": "bearer",
        "expires_in": 7200,
        "scopes": scopes.join(" "),
    });
    Json(answer).into_response()
}

async fn git(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    direct(&app, &parts.method, &parts.uri, &parts.headers, &body)
}

/// git with a token, or without one for a public repository.
fn direct(app: &App, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Response {
    let Some(wish) = Wish::read(method, uri) else { return StatusCode::NOT_FOUND.into_response() };
    let challenge = || {
        let mut response = (StatusCode::UNAUTHORIZED, "Authentication required").into_response();
        let value = HeaderValue::from_static("Basic realm=\"Bitbucket.org HTTP\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        response
    };
    let world = app.world();
    let Ok(caller) = Caller::of_git(&world, headers) else { return challenge() };
    let repository = match world.find(&wish.workspace, &wish.slug) {
        Found::Here(repository) => repository,
        Found::Moved(repository) if caller.sees(repository) => {
            let (_, page) = repository.at(&world.urls);
            let former = format!("/{}/{}", wish.workspace, wish.slug);
            let target = uri.path_and_query().map_or("", |target| target.as_str());
            let rest = target.strip_prefix(&former).unwrap_or_default();
            return (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, format!("{page}{rest}"))]).into_response();
        }
        _ if caller.user.is_none() => return challenge(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let needed = if wish.writes() {
        ("repository:write", "write:repository:bitbucket")
    } else {
        ("repository", "read:repository:bitbucket")
    };
    let may = caller.has_scope(needed.0, Some(needed.1)) || !wish.writes() && !repository.is_private;
    if !caller.sees(repository) || !may {
        return if caller.user.is_none() { challenge() } else { StatusCode::FORBIDDEN.into_response() };
    }
    let (git, uuid) = (repository.git.clone(), repository.uuid.clone());
    drop(world);
    let before = if wish.writes() { app.heads_before(&git) } else { None };
    let response = wish.answer(&git, headers, body);
    app.tell_push(&uuid, &caller.user.unwrap_or_else(User::somebody), before.as_ref());
    response
}
