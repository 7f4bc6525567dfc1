//! Pages that look and behave like those of the host, so that the app's real frames can be seen where people see them.
//!
//! Owns which page shows which places of the app, and what is done by a press of a button. The look is the sandbox's own. A page sets its own colour
//! scheme and nothing else: browsers let a frame of another site follow it (`prefers-color-scheme`), and that is all that an app is told of it here.
//! Who looks is a person of the sandbox, chosen by himself: nobody signs in.

mod acts;
mod changes;
mod layout;
mod pages;
mod visit;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::sandbox::Bitbucket;

/// The pages, around what they show. Beside git and OAuth, on the same port.
pub(crate) fn router(bitbucket: Bitbucket) -> Router {
    Router::new()
        .route("/", get(begin))
        .route("/atlassian-connect/all.js", get(script))
        .route("/_host/switch", post(acts::switch))
        .route("/_host/{act}", post(acts::perform))
        .route("/{workspace}", get(pages::workspace))
        .route("/{workspace}/", get(pages::workspace))
        .route("/{workspace}/addon/{app}/{module}", get(pages::workspace_module))
        .route("/{workspace}/{slug}", get(pages::overview))
        .route("/{workspace}/{slug}/", get(pages::overview))
        .route("/{workspace}/{slug}/addon/{app}/{module}", get(pages::repository_module))
        .route("/{workspace}/{slug}/pull-requests", get(pages::pull_requests))
        .route("/{workspace}/{slug}/pull-requests/{id}", get(pages::pull_request))
        .with_state(bitbucket)
}

/// The script that apps load from the host: one of the sandbox's own, with as much as an app needs to be shown.
async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("all.js"))
}

/// The first workspace there is.
async fn begin(State(bitbucket): State<Bitbucket>) -> Response {
    let first = bitbucket.app.world().workspaces.keys().next().cloned();
    match first {
        Some(slug) => Redirect::to(&format!("/{slug}/")).into_response(),
        None => Html("<!doctype html><title>Sandbox</title><p>There is no workspace yet.".to_owned()).into_response(),
    }
}
