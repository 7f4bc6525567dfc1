//! `/_sandbox/` on the site's port: what people, Bitbucket's administrators and the weather do, for scripts.
//!
//! Owns the words of these calls, and nothing of what they do: each is a method of [`Bitbucket`] or one of the app's. They ask for no
//! credentials, and stand in no journal. A body is JSON and holds nothing unknown; a refusal is 422 with `{"error": …}`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connect::frames::{Frame, Scene};
use crate::connect::host_page;
use crate::connect::install::{self, ConnectError, Install};
use crate::connect::mishap::Mishap;
use crate::git::Commit;
use crate::sandbox::Bitbucket;
use crate::state::Error;
use crate::state::permission::Permission;

/// The routes, around what they act on.
pub(crate) fn router(bitbucket: Bitbucket) -> Router {
    Router::new()
        .route("/_sandbox/", get(addresses))
        .route("/_sandbox/apps", get(apps))
        .route("/_sandbox/deliveries", get(deliveries))
        .route("/_sandbox/frames", get(frames))
        .route("/_sandbox/host", get(host))
        .route("/_sandbox/{act}", post(perform))
        .with_state(bitbucket)
}

/// What can be done: the last part of the path names it, the body has its fields.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
enum Act {
    Install {
        workspace: String,
        descriptor: String,
        #[serde(default)]
        registered: bool,
        app_secret: Option<String>,
        #[serde(default)]
        known_late: bool,
    },
    Uninstall {
        app: String,
        workspace: String,
    },
    Workspace {
        slug: String,
    },
    RenameWorkspace {
        from: String,
        to: String,
    },
    Person {
        name: String,
        personal_workspace: Option<String>,
    },
    Permit {
        repository: String,
        person: String,
        permission: Permission,
    },
    Repository {
        name: String,
        fork_of: Option<String>,
    },
    RenameRepository {
        from: String,
        to: String,
    },
    MoveToProject {
        repository: String,
        project: String,
    },
    DeleteRepository {
        repository: String,
    },
    Push {
        repository: String,
        branch: String,
        message: String,
        #[serde(default)]
        write: BTreeMap<String, String>,
        #[serde(default)]
        remove: Vec<String>,
        #[serde(default)]
        rename: BTreeMap<String, String>,
    },
    Branch {
        repository: String,
        branch: String,
        at: String,
    },
    DeleteBranch {
        repository: String,
        branch: String,
    },
    OpenPullRequest {
        repository: String,
        title: String,
        source: String,
        destination: String,
        /// The repository that the source lies in.
        fork: Option<String>,
    },
    UpdatePullRequest {
        repository: String,
        id: u64,
        title: Option<String>,
        description: Option<String>,
        destination: Option<String>,
    },
    Merge {
        repository: String,
        id: u64,
    },
    Decline {
        repository: String,
        id: u64,
    },
    Comment {
        repository: String,
        id: u64,
        text: String,
    },
    EditComment {
        repository: String,
        id: u64,
        comment: u64,
        text: String,
    },
    DeleteComment {
        repository: String,
        id: u64,
        comment: u64,
    },
    Step {
        repository: String,
        branch: Option<String>,
        pull_request: Option<u64>,
        /// Audiences of its token; none in the list: the workspace's own. Without the list it has no token.
        oidc: Option<Vec<String>>,
        /// A folder that does not exist yet.
        clone: Option<PathBuf>,
        depth: Option<u32>,
    },
    Token {
        repository: Option<String>,
        workspace: Option<String>,
        scopes: Vec<String>,
    },
    Hook {
        subject: String,
        url: String,
        secret: Option<String>,
        events: Vec<String>,
    },
    Mishap {
        mishap: Mishap,
        times: usize,
    },
    ClearMishaps {},
    RefuseUser {
        status: Option<u16>,
    },
    Settle {},
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the call does not fit: {0}")]
    Call(String),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    World(#[from] Error),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"error": self.to_string()}))).into_response()
    }
}

/// With `?by=` the UUID of who does it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct By {
    by: Option<String>,
}

async fn perform(
    State(bitbucket): State<Bitbucket>,
    Path(name): Path<String>,
    Query(By { by }): Query<By>,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    let wrong = |error: serde_json::Error| Refused::Call(error.to_string());
    let mut call: Value = if body.is_empty() { json!({}) } else { serde_json::from_slice(&body).map_err(wrong)? };
    match call.as_object_mut() {
        Some(fields) => fields.insert("act".to_owned(), name.into()),
        None => return Err(Refused::Call("the body is no JSON object".to_owned())),
    };
    let act: Act = serde_json::from_value(call).map_err(wrong)?;
    let bitbucket = match by {
        Some(person) => bitbucket.acting_as(&person)?,
        None => bitbucket,
    };
    act.perform(&bitbucket).await.map(Json)
}

impl Act {
    async fn perform(self, bitbucket: &Bitbucket) -> Result<Value, Refused> {
        let nothing = json!({});
        Ok(match self {
            Self::Install { workspace, descriptor, registered, app_secret, known_late } => {
                let mut wish = Install::new(&workspace, &descriptor);
                if registered {
                    wish = wish.registered();
                }
                if let Some(secret) = app_secret {
                    wish = wish.with_app_secret(&secret);
                }
                if known_late {
                    wish = wish.known_late();
                }
                json!(install::install(&bitbucket.app, &wish).await?)
            }
            Self::Uninstall { app, workspace } => {
                install::uninstall(&bitbucket.app, &app, &workspace).await?;
                nothing
            }
            Self::Workspace { slug } => {
                bitbucket.workspace(&slug)?;
                nothing
            }
            Self::RenameWorkspace { from, to } => {
                bitbucket.rename_workspace(&from, &to)?;
                nothing
            }
            Self::Person { name, personal_workspace } => {
                let person = bitbucket.person(&name);
                if let Some(slug) = personal_workspace {
                    bitbucket.personal_workspace(&slug, &person.uuid)?;
                }
                json!(person)
            }
            Self::Permit { repository, person, permission } => {
                bitbucket.permit(&repository, &person, permission)?;
                nothing
            }
            Self::Repository { name, fork_of } => {
                match fork_of {
                    None => bitbucket.repository(&name)?,
                    Some(parent) => bitbucket.fork(&parent, &name)?,
                }
                let uuid = bitbucket.app.world().named(&name)?.uuid.clone();
                json!({"uuid": uuid})
            }
            Self::RenameRepository { from, to } => {
                bitbucket.rename_repository(&from, &to)?;
                nothing
            }
            Self::MoveToProject { repository, project } => {
                bitbucket.move_to_project(&repository, &project)?;
                nothing
            }
            Self::DeleteRepository { repository } => {
                bitbucket.delete_repository(&repository)?;
                nothing
            }
            Self::Push { repository, branch, message, write, remove, rename } => {
                let commit = Commit::new(&message);
                let commit = rename.iter().fold(commit, |commit, (from, to)| commit.rename(from, to));
                let commit = write.iter().fold(commit, |commit, (path, text)| commit.write(path, text));
                let commit = remove.iter().fold(commit, Commit::remove);
                json!({"commit": bitbucket.push(&repository, &branch, &commit)?})
            }
            Self::Branch { repository, branch, at } => {
                json!({"commit": bitbucket.branch(&repository, &branch, &at)?})
            }
            Self::DeleteBranch { repository, branch } => {
                bitbucket.delete_branch(&repository, &branch)?;
                nothing
            }
            Self::OpenPullRequest { repository, title, source, destination, fork } => {
                let id = match fork {
                    None => bitbucket.open_pull_request(&repository, &title, &source, &destination)?,
                    Some(fork) => bitbucket.open_pull_request_from(&fork, &source, &repository, &destination)?,
                };
                json!({"id": id})
            }
            Self::UpdatePullRequest { repository, id, title, description, destination } => {
                let (title, description) = (title.as_deref(), description.as_deref());
                bitbucket.update_pull_request(&repository, id, title, description, destination.as_deref())?;
                nothing
            }
            Self::Merge { repository, id } => json!({"commit": bitbucket.merge(&repository, id)?}),
            Self::Decline { repository, id } => {
                bitbucket.decline(&repository, id)?;
                nothing
            }
            Self::Comment { repository, id, text } => json!({"comment": bitbucket.comment(&repository, id, &text)?}),
            Self::EditComment { repository, id, comment, text } => {
                bitbucket.edit_comment(&repository, id, comment, &text)?;
                nothing
            }
            Self::DeleteComment { repository, id, comment } => {
                bitbucket.delete_comment(&repository, id, comment)?;
                nothing
            }
            Self::Step { repository, branch, pull_request, oidc, clone, depth } => {
                let step = match (branch, pull_request) {
                    (Some(branch), None) => bitbucket.branch_step(&repository, &branch)?,
                    (None, Some(id)) => bitbucket.pull_request_step(&repository, id)?,
                    _ => return Err(Refused::Call("name a `branch` or a `pull_request`".to_owned())),
                };
                let mut environment: BTreeMap<_, _> = bitbucket.step_environment(&step).into_iter().collect();
                environment.insert("BITBUCKET_API_URL".to_owned(), bitbucket.api_url());
                environment.insert("AUTH_PROXY".to_owned(), bitbucket.proxy_addr().to_owned());
                if let Some(folder) = clone {
                    bitbucket.clone_for(&step, &folder, depth)?;
                    environment.insert("BITBUCKET_CLONE_DIR".to_owned(), folder.display().to_string());
                }
                if let Some(audiences) = oidc {
                    let audiences: Vec<&str> = audiences.iter().map(String::as_str).collect();
                    let token = bitbucket.oidc_token(&step, &audiences);
                    environment.insert("BITBUCKET_STEP_OIDC_TOKEN".to_owned(), token);
                }
                json!({"commit": step.commit(), "pipeline": step.pipeline(), "step": step.uuid(), "environment": environment})
            }
            Self::Token { repository, workspace, scopes } => {
                let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
                let token = match (repository, workspace) {
                    (Some(repository), None) => bitbucket.repository_token(&repository, &scopes)?,
                    (None, Some(workspace)) => bitbucket.workspace_token(&workspace, &scopes)?,
                    _ => return Err(Refused::Call("name a `repository` or a `workspace`".to_owned())),
                };
                json!({"token": token})
            }
            Self::Hook { subject, url, secret, events } => {
                let events: Vec<&str> = events.iter().map(String::as_str).collect();
                json!({"uuid": bitbucket.hook(&subject, &url, secret.as_deref(), &events)?})
            }
            Self::Mishap { mishap, times } => {
                bitbucket.mishap(mishap, times);
                nothing
            }
            Self::ClearMishaps {} => {
                bitbucket.clear_mishaps();
                nothing
            }
            Self::RefuseUser { status } => {
                bitbucket.refuse_user_to_apps(status);
                nothing
            }
            Self::Settle {} => {
                bitbucket.app.webhooks.settle().await;
                nothing
            }
        })
    }
}

async fn addresses(State(bitbucket): State<Bitbucket>) -> Json<Value> {
    Json(json!({
        "api": bitbucket.api_url(),
        "site": bitbucket.site_url(),
        "proxy": bitbucket.proxy_addr(),
        "companion": bitbucket.companion_url(),
        "owner": bitbucket.owner(),
    }))
}

async fn apps(State(bitbucket): State<Bitbucket>) -> Json<Value> {
    Json(json!(bitbucket.installed()))
}

async fn deliveries(State(bitbucket): State<Bitbucket>) -> Json<Value> {
    Json(json!(bitbucket.deliveries()))
}

/// Where somebody looks, and who. Without an app: the only one that is installed in the workspace.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    workspace: Option<String>,
    app: Option<String>,
    /// UUID.
    viewer: Option<String>,
    /// `workspace/slug`.
    repository: Option<String>,
    pull_request: Option<u64>,
    /// Key of a module: only this one.
    module: Option<String>,
}

impl Look {
    fn frames(self, bitbucket: &Bitbucket) -> Result<Vec<Frame>, Refused> {
        let mut scene = Scene::new();
        if let Some(viewer) = &self.viewer {
            scene = scene.seen_by(viewer);
        }
        if let Some(repository) = &self.repository {
            scene = scene.in_repository(repository);
        }
        if let Some(id) = self.pull_request {
            scene = scene.in_pull_request(id);
        }
        let by_repository = || self.repository.as_deref()?.split_once('/').map(|(workspace, _)| workspace.to_owned());
        let workspace = self.workspace.clone().or_else(by_repository);
        let workspace = workspace.ok_or_else(|| Refused::Call("name a `workspace` or a `repository`".to_owned()))?;
        let app = match self.app {
            Some(app) => app,
            None => {
                let all = bitbucket.installed();
                let mut here = all.into_iter().filter(|known| known.workspace == workspace);
                match (here.next(), here.next()) {
                    (Some(known), None) => known.app,
                    _ => return Err(Refused::Call("name an `app`: there is none, or there are several".to_owned())),
                }
            }
        };
        let mut frames = bitbucket.frames(&app, &workspace, &scene)?;
        if let Some(module) = self.module {
            frames.retain(|frame| frame.key == module);
            if frames.is_empty() {
                return Err(ConnectError::NoModule(module).into());
            }
        }
        Ok(frames)
    }
}

async fn frames(State(bitbucket): State<Bitbucket>, Query(look): Query<Look>) -> Result<Json<Value>, Refused> {
    Ok(Json(json!(look.frames(&bitbucket)?)))
}

async fn host(State(bitbucket): State<Bitbucket>, Query(look): Query<Look>) -> Result<Html<String>, Refused> {
    let title = look.repository.clone().or_else(|| look.workspace.clone()).unwrap_or_default();
    Ok(Html(host_page::html(&title, &look.frames(&bitbucket)?)))
}
