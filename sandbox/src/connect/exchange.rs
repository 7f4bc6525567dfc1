//! The token endpoint, as apps use it: a token that they made for one that Bitbucket makes.
//!
//! After <https://developer.atlassian.com/cloud/bitbucket/oauth-2-connect/>. What comes out acts as the account that the app is installed for.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::token::{self, Asked, Refused};
use crate::app::App;
use crate::clock;
use crate::journal::Place;
use crate::random;
use crate::state::token::{Kind, Reach, Token, suffices};

/// What an app writes for `grant_type`.
pub(crate) const GRANT: &str = "urn:bitbucket:oauth2:jwt";

/// What goes wrong: a status, OAuth's word for it, and what happened. `is_wrong` is what only a wrong app does.
struct Problem {
    status: StatusCode,
    error: &'static str,
    words: String,
    is_wrong: bool,
}

impl Problem {
    fn wrong(error: &'static str, words: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, words: words.to_owned(), is_wrong: true }
    }
}

/// Answers a form that came with a token, or should have.
pub(crate) fn answer(
    app: &App,
    place: Place,
    jwt: Option<&str>,
    asked: Asked<'_>,
    form: &[(String, String)],
) -> Response {
    match exchange(app, jwt, asked, form) {
        Ok(response) => response,
        Err(Problem { status, error, words, is_wrong }) => {
            if is_wrong {
                app.journal.violation(place, format!("contract: {words}"));
            }
            (status, Json(json!({"error": error, "error_description": words}))).into_response()
        }
    }
}

fn exchange(app: &App, jwt: Option<&str>, asked: Asked<'_>, form: &[(String, String)]) -> Result<Response, Problem> {
    let known = ["grant_type", "scope", "bitbucket_repository"];
    if form.iter().any(|(name, _)| !known.contains(&name.as_str())) {
        return Err(Problem::wrong("invalid_request", "the form has fields that this grant does not know"));
    }
    let jwt = jwt.ok_or_else(|| Problem::wrong("invalid_request", "there is no `Authorization: JWT …`"))?;
    let mut world = app.world();
    let verified = token::verify(&world.apps, jwt, asked, clock::now().as_second());
    let (known, terms) = verified.map_err(|refused| Problem {
        status: StatusCode::UNAUTHORIZED,
        error: "unauthorized_client",
        words: refused.words().to_owned(),
        is_wrong: matches!(refused, Refused::Wrong(_)),
    })?;
    let mut values = form.iter().filter(|(name, _)| name == "scope").map(|(_, value)| value.as_str());
    let scopes: Vec<String> = match values.next() {
        None => terms.descriptor.scopes.clone(),
        Some(wanted) => wanted.split_whitespace().map(str::to_owned).collect(),
    };
    if !scopes.iter().all(|wanted| suffices(&terms.descriptor.scopes, wanted)) {
        return Err(Problem::wrong("invalid_scope", "`scope` holds more than the descriptor"));
    }
    let mut repositories = form.iter().filter(|(name, _)| name == "bitbucket_repository").map(|(_, value)| value);
    let reach = match (repositories.next(), repositories.next()) {
        (None, _) => Reach::Workspace(known.workspace.clone()),
        (Some(uuid), None) => {
            let inside = world.repository(uuid).filter(|found| found.workspace_uuid == known.workspace);
            let inside = inside.ok_or_else(|| Problem {
                status: StatusCode::BAD_REQUEST,
                error: "invalid_request",
                words: "the workspace has no such repository".to_owned(),
                is_wrong: false,
            })?;
            Reach::Repository(inside.uuid.clone())
        }
        // Whether it may be repeated is not documented.
        _ => return Err(Problem::wrong("invalid_request", "`bitbucket_repository` came more than once")),
    };
    let (installation, workspace) = (Some(known.client_key.clone()), known.workspace.clone());
    let user = world.account(&workspace).map_err(|error| Problem::wrong("invalid_request", &error.to_string()))?;
    let made =
        Token { kind: Kind::OAuth, user, email: None, scopes: scopes.clone(), reach, expired: false, installation };
    let answer = json!({
        "access_token": world.tokens.add(made),
        "token_type": "bearer",
        "expires_in": 7200,
        // It refreshes nothing: an app makes a new token instead.
        "refresh_token": random::token(""),
        "scopes": scopes.join(" "),
    });
    Ok(Json(answer).into_response())
}
