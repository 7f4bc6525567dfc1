//! Workspaces, their repositories, and who may do what in one.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::auth::Caller;
use super::page::{Style, page};
use super::refusal::{Answer, Refusal};
use super::{Asked, Subject};
use crate::app::App;
use crate::state::{Workspace, World};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/workspaces/{workspace}", get(show))
        .route("/repositories/{workspace}", get(repositories))
        .route("/workspaces/{workspace}/permissions", get(members))
        .route("/workspaces/{workspace}/permissions/repositories", get(all_permissions))
        .route("/workspaces/{workspace}/permissions/repositories/{repo_slug}", get(permissions))
}

#[derive(Deserialize)]
struct At {
    workspace: String,
}

impl At {
    fn find<'a>(&self, world: &'a World) -> Result<&'a Workspace, Refusal> {
        world.workspace(&self.workspace).map_err(|_| Refusal::no_workspace(&self.workspace))
    }
}

async fn show(State(app): State<App>, Extension(caller): Extension<Caller>, Path(at): Path<At>) -> Answer {
    let world = app.world();
    let workspace = at.find(&world)?;
    if !caller.sees_workspace(&workspace.uuid) {
        return Err(Refusal::no_workspace(&at.workspace));
    }
    Ok(Json(workspace.json(&world.urls)).into_response())
}

/// Those that the caller sees.
async fn repositories(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(asked): Extension<Asked>,
    Path(at): Path<At>,
) -> Answer {
    let world = app.world();
    let workspace = at.find(&world)?;
    let all = world.repositories_of(&workspace.uuid).into_iter().filter(|known| caller.sees(known));
    let shown = all.map(|repository| {
        let parent = repository.parent.as_ref().and_then(|parent| world.repository(parent));
        repository.json(&world.urls, parent.map(|parent| parent.short_json(&world.urls)))
    });
    let shown = shown.collect();
    page(&asked, shown, Style::default())
}

/// Who belongs to a workspace, and as what: who may do everything owns it, everybody else who may do something in it is a member.
async fn members(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(asked): Extension<Asked>,
    Path(at): Path<At>,
) -> Answer {
    let world = app.world();
    let workspace = at.find(&world)?;
    if !caller.sees_workspace(&workspace.uuid) {
        return Err(Refusal::no_workspace(&at.workspace));
    }
    let shown = world.members_of(&workspace.uuid).into_iter().map(|(person, owns)| {
        json!({
            "type": "workspace_membership",
            "permission": if owns { "owner" } else { "member" },
            "user": person.json(&world.urls),
            "workspace": workspace.json(&world.urls),
        })
    });
    page(&asked, shown.collect(), Style::default())
}

/// What everybody may effectively do in each repository; for administrators of the workspace only (documented).
async fn all_permissions(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(asked): Extension<Asked>,
    Path(at): Path<At>,
) -> Answer {
    let world = app.world();
    let workspace = at.find(&world)?;
    let repositories = world.repositories_of(&workspace.uuid);
    if !caller.sees_workspace(&workspace.uuid) || !repositories.iter().all(|one| caller.administers(one)) {
        return Err(Refusal::forbidden("You must be an administrator of the workspace."));
    }
    let mut shown = Vec::new();
    for repository in repositories {
        for (person, permission) in world.permitted(repository) {
            shown.push(json!({
                "type": "repository_permission",
                "permission": permission.name(),
                "user": person.json(&world.urls),
                "repository": repository.short_json(&world.urls),
            }));
        }
    }
    page(&asked, shown, Style::default())
}

/// What everybody may effectively do in a repository; for its administrators only (documented).
async fn permissions(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(caller): Extension<Caller>,
    Extension(asked): Extension<Asked>,
) -> Answer {
    let world = app.world();
    let repository = subject.of(&world)?;
    if !caller.administers(repository) {
        return Err(Refusal::forbidden("You must be an administrator of the repository."));
    }
    let shown = world.permitted(repository).into_iter().map(|(person, permission)| {
        json!({
            "type": "repository_permission",
            "permission": permission.name(),
            "user": person.json(&world.urls),
            "repository": repository.short_json(&world.urls),
        })
    });
    page(&asked, shown.collect(), Style::default())
}
