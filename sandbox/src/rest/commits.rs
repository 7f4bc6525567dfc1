//! Commits: one, lists, and the best common ancestor of two.

use axum::extract::{Path, State};
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
use crate::state::Urls;
use crate::state::account::User;

pub(super) fn routes() -> Router<App> {
    const HERE: &str = "/repositories/{workspace}/{repo_slug}";
    Router::new()
        .route(&format!("{HERE}/commit/{{commit}}"), get(show))
        .route(&format!("{HERE}/commits"), get(list_all))
        .route(&format!("{HERE}/commits/{{*revision}}"), get(list))
        .route(&format!("{HERE}/merge-base/{{*revspec}}"), get(merge_base))
}

#[derive(Deserialize)]
struct At {
    #[serde(default)]
    commit: String,
    #[serde(default)]
    revision: String,
    #[serde(default)]
    revspec: String,
}

/// Separates the fields of a commit in what git writes, and ends it: bytes that git's text cannot hold.
const FORMAT: &str = "--format=%H%x00%aI%x00%an <%ae>%x00%P%x00%B%x00";

/// Some commits as Bitbucket shows them, `arguments` being for `git log`.
pub(crate) fn log(git: &Git, urls: &Urls, full_name: &str, arguments: &[String]) -> Result<Vec<Value>, Refusal> {
    let fixed = ["log", "--topo-order", "-z", FORMAT].map(str::to_owned);
    let written = git.run(fixed.iter().chain(arguments))?;
    let text = String::from_utf8_lossy(&written);
    let fields: Vec<&str> = text.split('\0').collect();
    // `-z` ends each commit with one more.
    Ok(fields.chunks_exact(6).map(|fields| commit_json(urls, full_name, fields)).collect())
}

fn commit_json(urls: &Urls, full_name: &str, fields: &[&str]) -> Value {
    let (hash, date, author, parents, message) = (fields[0], fields[1], fields[2], fields[3], fields[4]);
    let links = |hash: &str| {
        json!({
            "self": {"href": format!("{}/repositories/{full_name}/commit/{hash}", urls.api)},
            "html": {"href": format!("{}/{full_name}/commits/{hash}", urls.site)},
        })
    };
    let parents: Vec<Value> = parents
        .split_whitespace()
        .map(|parent| json!({"type": "commit", "hash": parent, "links": links(parent)}))
        .collect();
    let mut by = json!({"type": "author", "raw": author});
    // If the address belongs to an account, the account is given, too. The sandbox knows one
    // address.
    let known = User::somebody();
    if author.starts_with(&format!("{} <", known.name)) {
        by["user"] = known.json(urls);
    }
    json!({
        "type": "commit",
        "hash": hash,
        "date": date,
        "author": by,
        "message": message,
        "summary": {"type": "rendered", "raw": message, "markup": "markdown", "html": ""},
        "parents": parents,
        "links": links(hash),
    })
}

fn one(app: &App, subject: &Subject, hash: &str) -> Answer {
    let (git, urls, full_name) = subject.git_and_urls(app)?;
    let mut found = log(&git, &urls, &full_name, &["--max-count=1".to_owned(), hash.to_owned()])?;
    let mut commit = found.pop().ok_or_else(|| Refusal::no_commit(hash))?;
    let world = app.world();
    commit["repository"] = subject.of(&world)?.short_json(&world.urls);
    Ok(Json(commit).into_response())
}

async fn show(State(app): State<App>, Extension(subject): Extension<Subject>, Path(at): Path<At>) -> Answer {
    let hash = commit_id(&subject.git(&app)?, &at.commit)?;
    one(&app, &subject, &hash)
}

async fn list_all(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(asked): Extension<Asked>,
) -> Answer {
    commits(&app, &subject, &asked, None)
}

async fn list(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(asked): Extension<Asked>,
    Path(at): Path<At>,
) -> Answer {
    commits(&app, &subject, &asked, Some(&at.revision))
}

/// Those that `include` reaches (without it: all branches) and `exclude` does not.
fn commits(app: &App, subject: &Subject, asked: &Asked, revision: Option<&str>) -> Answer {
    let (git, urls, full_name) = subject.git_and_urls(app)?;
    let mut arguments = Vec::new();
    let mut includes: Vec<String> = revision.map(str::to_owned).into_iter().collect();
    includes.extend(asked.query().filter(|(name, _)| name == "include").map(|(_, value)| value));
    if includes.is_empty() {
        arguments.extend(["--branches".to_owned(), "--tags".to_owned()]);
    }
    for include in includes {
        arguments.push(commit_id(&git, &include)?);
    }
    for (_, exclude) in asked.query().filter(|(name, _)| name == "exclude") {
        arguments.push(format!("^{}", commit_id(&git, &exclude)?));
    }
    if let Some(path) = asked.value("path") {
        arguments.extend(["--".to_owned(), path]);
    }
    let style = Style { pagelen: 30, is_counted: false };
    page(asked, log(&git, &urls, &full_name, &arguments)?, style)
}

async fn merge_base(State(app): State<App>, Extension(subject): Extension<Subject>, Path(at): Path<At>) -> Answer {
    let git = subject.git(&app)?;
    let Some((one_name, other_name)) = at.revspec.split_once("..") else {
        return Err(Refusal::wrong("The spec must name two commits: `one..other`"));
    };
    let (first, second) = (commit_id(&git, one_name)?, commit_id(&git, other_name)?);
    let base = git.text(["merge-base", &first, &second]).map_err(|_| Refusal::not_found("No common ancestor"))?;
    one(&app, &subject, &base)
}
