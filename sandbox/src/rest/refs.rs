//! Branches.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::commits::log;
use super::page::{Style, page};
use super::refusal::{Answer, Refusal};
use super::{Asked, Subject};
use crate::app::App;
use crate::git::Git;
use crate::state::{Urls, in_address};

pub(super) fn routes() -> Router<App> {
    const BRANCHES: &str = "/repositories/{workspace}/{repo_slug}/refs/branches";
    Router::new().route(BRANCHES, get(list)).route(&format!("{BRANCHES}/{{*name}}"), get(show))
}

#[derive(Deserialize)]
struct At {
    name: String,
}

fn branch_json(git: &Git, urls: &Urls, full_name: &str, name: &str) -> Result<Value, Refusal> {
    let tip = git.tip(name).ok_or_else(|| Refusal::not_found(&format!("Branch \"{name}\" not found")))?;
    let target = log(git, urls, full_name, &["--max-count=1".to_owned(), tip])?.pop();
    let (api, at) = (format!("{}/repositories/{full_name}", urls.api), in_address(name));
    Ok(json!({
        "type": "branch",
        "name": name,
        "target": target,
        "merge_strategies": ["merge_commit", "squash", "fast_forward"],
        "default_merge_strategy": "merge_commit",
        "links": {
            "self": {"href": format!("{api}/refs/branches/{at}")},
            "commits": {"href": format!("{api}/commits/{at}")},
            "html": {"href": format!("{}/{full_name}/branch/{at}", urls.site)},
        },
    }))
}

async fn list(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(asked): Extension<Asked>,
) -> Answer {
    let (git, urls, full_name) = subject.git_and_urls(&app)?;
    let names = git.text(["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"])?;
    // One that is deleted while the list is made is not in it.
    let lives = |name: &&str| git.tip(name).is_some();
    let items =
        names.lines().filter(lives).map(|name| branch_json(&git, &urls, &full_name, name)).filter_map(Result::ok);
    let items = items.collect();
    page(&asked, items, Style::default())
}

async fn show(State(app): State<App>, Extension(subject): Extension<Subject>, Path(at): Path<At>) -> Answer {
    let (git, urls, full_name) = subject.git_and_urls(&app)?;
    Ok(Json(branch_json(&git, &urls, &full_name, &at.name)?).into_response())
}
