//! Files and directories of a commit.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::page::{Style, page};
use super::refusal::{Answer, Refusal};
use super::{Asked, Subject, commit_id};
use crate::app::App;
use crate::git::Git;
use crate::state::in_address;

pub(super) fn routes() -> Router<App> {
    const SRC: &str = "/repositories/{workspace}/{repo_slug}/src";
    Router::new().route(SRC, get(root)).route(&format!("{SRC}/{{commit}}/{{*path}}"), get(show))
}

#[derive(Deserialize)]
struct At {
    commit: String,
    path: String,
}

/// To the root directory of the main branch.
async fn root(State(app): State<App>, Extension(subject): Extension<Subject>) -> Answer {
    let world = app.world();
    let repository = subject.of(&world)?;
    let tip = repository.git.tip(&repository.main_branch).ok_or_else(|| Refusal::no_commit(&repository.main_branch))?;
    let (api, _) = repository.at(&world.urls);
    Ok((StatusCode::FOUND, [(header::LOCATION, format!("{api}/src/{tip}/."))]).into_response())
}

/// What git says about one entry of a tree.
struct Entry {
    mode: String,
    kind: String,
    id: String,
    size: Option<u64>,
    path: String,
}

impl Entry {
    fn parse(line: &str) -> Option<Self> {
        let (head, path) = line.split_once('\t')?;
        let mut words = head.split_whitespace();
        let mut word = || words.next().map(str::to_owned);
        let (mode, kind, id) = (word()?, word()?, word()?);
        let size = word().and_then(|size| size.parse().ok());
        Some(Self { mode, kind, id, size, path: path.to_owned() })
    }

    fn json(&self, api: &str, commit: &str) -> Value {
        let here = format!("{api}/src/{commit}/{}", in_address(&self.path));
        let mut shown = json!({
            "path": self.path,
            "commit": {"type": "commit", "hash": commit, "links": {"self": {"href": format!("{api}/commit/{commit}")}}},
            "links": {"self": {"href": here}, "meta": {"href": format!("{here}?format=meta")}},
        });
        if self.kind == "tree" {
            shown["type"] = "commit_directory".into();
        } else {
            shown["type"] = "commit_file".into();
            shown["size"] = self.size.into();
            shown["escaped_path"] = self.path.clone().into();
            let attribute = match self.mode.as_str() {
                "120000" => Some("link"),
                "100755" => Some("executable"),
                "160000" => Some("subrepository"),
                _ => None,
            };
            shown["attributes"] = attribute.into_iter().map(Value::from).collect();
        }
        shown
    }
}

fn entries(git: &Git, commit: &str, path: &str) -> Result<Vec<Entry>, Refusal> {
    let mut arguments = vec!["ls-tree", "-z", "--long", "--full-tree", commit];
    if !path.is_empty() {
        arguments.extend(["--", path]);
    }
    let written = git.run(arguments)?;
    Ok(String::from_utf8_lossy(&written).split('\0').filter_map(Entry::parse).collect())
}

async fn show(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(asked): Extension<Asked>,
    Path(at): Path<At>,
) -> Answer {
    let (git, urls, full_name) = subject.git_and_urls(&app)?;
    let api = format!("{}/repositories/{full_name}", urls.api);
    let commit = commit_id(&git, &at.commit)?;
    let wants_meta = asked.value("format").as_deref() == Some("meta");
    let path = at.path.trim_end_matches('/').trim_start_matches("./").trim_end_matches('.');
    let no_file = || Refusal::not_found(&format!("No such file or directory: {path}"));
    if !path.is_empty() {
        let entry = entries(&git, &commit, path)?.pop().filter(|entry| entry.path == path).ok_or_else(no_file)?;
        if wants_meta {
            return Ok(Json(entry.json(&api, &commit)).into_response());
        }
        if entry.kind != "tree" {
            let content = git.run(["cat-file", "blob", &entry.id])?;
            let headers =
                [(header::CONTENT_TYPE, "application/octet-stream"), (header::CONTENT_DISPOSITION, "attachment")];
            return Ok((headers, content).into_response());
        }
    }
    let inside = if path.is_empty() { String::new() } else { format!("{path}/") };
    let items = entries(&git, &commit, &inside)?.iter().map(|entry| entry.json(&api, &commit)).collect();
    page(&asked, items, Style { is_counted: false, ..Style::default() })
}
