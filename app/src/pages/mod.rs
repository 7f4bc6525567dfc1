//! What people see inside Bitbucket.
//!
//! Owns panels and pages: each is a view model and a template, made on the server, complete without a script. All pages of a visit lie beside each other
//! under `/s/<handle>/`, so every link is relative and no page knows its handle. What a page shows was decided elsewhere; a change is made by the
//! rooms that own it, after `door::viewer` let it through.

mod approvals;
mod assets;
mod audit;
mod chart;
mod connection;
mod context;
mod deliveries;
mod export;
mod finding;
mod findings;
mod form;
mod gate;
mod hook;
mod level;
mod metrics;
mod moment;
mod overview;
mod people;
mod pull_request_panel;
mod refusal;
mod runs;
mod settings;
mod severity;
mod shell;
mod tokens;
mod trends;
mod triage;
mod visit;
mod words;
mod workspace;

use axum::Router;
use axum::extract::{OriginalUri, State as Shared};
use axum::http::HeaderMap;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use tower_http::compression::CompressionLayer;

use crate::door::entrance::{self, Start};
use crate::state::State;
use refusal::Refusal;

/// Most bytes of a form.
const FORM_MAX: usize = 64 * 1024;

/// The routes.
pub fn router(state: &State) -> Router<State> {
    let mut router = Router::new();
    for path in entrance::paths() {
        router = router.route(path, get(enter));
    }
    let host = state.config.hosts.script_and_frame_origin();
    router
        .route("/s/{handle}/overview", get(overview::show))
        .route("/s/{handle}/pull-request", get(pull_request_panel::show))
        .route("/s/{handle}/findings", get(findings::show))
        .route("/s/{handle}/finding", get(finding::show))
        .route("/s/{handle}/triage", post(triage::act))
        .route("/s/{handle}/lower-severity", post(severity::act))
        .route("/s/{handle}/export", get(export::show))
        .route("/s/{handle}/trends", get(trends::show))
        .route("/s/{handle}/runs", get(runs::show))
        .route("/s/{handle}/deliveries", get(deliveries::show))
        .route("/s/{handle}/retry", post(deliveries::retry))
        .route("/s/{handle}/workspace", get(workspace::show))
        .route("/s/{handle}/settings", get(settings::show).post(settings::change))
        .route("/s/{handle}/workspace-settings", get(settings::show))
        .route("/s/{handle}/tokens", get(tokens::show))
        .route("/s/{handle}/make-token", post(tokens::make))
        .route("/s/{handle}/revoke-token", post(tokens::revoke))
        .route("/s/{handle}/hook", get(hook::show))
        .route("/s/{handle}/make-hook", post(hook::make))
        .route("/s/{handle}/remove-hook", post(hook::remove))
        .route("/s/{handle}/connection", get(connection::show))
        .route("/s/{handle}/audit", get(audit::show))
        .route("/s/{handle}/audit.jsonl", get(audit::download))
        .route("/s/{handle}/approvals", get(approvals::show).post(approvals::decide))
        .layer(axum::extract::DefaultBodyLimit::max(FORM_MAX))
        .layer(middleware::map_response(move |response| {
            let host = host.clone();
            async move { shell::headers(&host, response) }
        }))
        .layer(CompressionLayer::new())
        // These are compressed already.
        .route("/assets/{name}", get(assets::serve))
}

/// From a signed address to the page that it stands for. Its token covers only this one address, so it ends here.
async fn enter(Shared(state): Shared<State>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let (handle, start) = match entrance::open(&state, &uri, &headers).await {
        Ok(opened) => opened,
        Err(closed) => return Refusal::from(closed).page(&state),
    };
    let page = match start {
        Start::RepositoryPanel => "overview".to_owned(),
        Start::PullRequestPanel(number) => format!("pull-request?id={number}"),
        Start::Findings => "findings".to_owned(),
        Start::Workspace => "workspace".to_owned(),
        Start::RepositorySettings => "settings".to_owned(),
        Start::WorkspaceSettings => "workspace-settings".to_owned(),
    };
    form::see(&format!("../../s/{}/{page}", handle.expose()))
}
