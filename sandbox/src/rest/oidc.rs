//! The identity provider of Pipelines: what anybody may read of it.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::refusal::{Answer, Refusal};
use crate::app::App;
use crate::oidc::issuer;

pub(super) fn routes() -> Router<App> {
    const HERE: &str = "/workspaces/{workspace}/pipelines-config/identity/oidc";
    Router::new()
        .route(&format!("{HERE}/.well-known/openid-configuration"), get(configuration))
        .route(&format!("{HERE}/keys.json"), get(keys))
}

#[derive(Deserialize)]
struct At {
    workspace: String,
}

impl At {
    /// The issuer, if there is such a workspace.
    fn issuer(&self, app: &App) -> Result<String, Refusal> {
        let world = app.world();
        let found = world.workspace(&self.workspace).map_err(|_| Refusal::no_workspace(&self.workspace))?;
        Ok(issuer(&world.urls, &found.slug))
    }
}

async fn configuration(State(app): State<App>, Path(at): Path<At>) -> Answer {
    let issuer = at.issuer(&app)?;
    Ok(Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/keys.json"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "aud", "iss", "iat", "exp", "accountUuid", "workspaceUuid", "repositoryUuid", "pipelineUuid",
            "stepUuid", "branchName", "deploymentEnvironmentUuid"],
        "scopes_supported": ["openid"],
    }))
    .into_response())
}

async fn keys(State(app): State<App>, Path(at): Path<At>) -> Answer {
    at.issuer(&app)?;
    Ok(Json(app.issuer.keys()).into_response())
}
