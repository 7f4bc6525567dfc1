//! What buttons do.
//!
//! Owns the forms: what they hold, who may press what, and that a pipeline runs after what was pushed, as it would. Each ends where it began.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::changes::Change;
use super::layout::escaped;
use super::visit::{SCHEME, VIEWER, Visit};
use crate::pipelines::PipelineError;
use crate::random;
use crate::sandbox::Bitbucket;
use crate::state::permission::Permission;
use crate::state::{self};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the form does not fit: `{0}` is missing or makes no sense")]
    Field(&'static str),
    #[error("there is no such button")]
    Button,
    #[error("{0} may not do this here: {1} is needed")]
    Right(String, &'static str),
    #[error(transparent)]
    World(#[from] state::Error),
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error("it cannot be kept: {0}")]
    Keep(#[from] std::io::Error),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status =
            if matches!(self, Self::Right(..)) { StatusCode::FORBIDDEN } else { StatusCode::UNPROCESSABLE_ENTITY };
        let told = escaped(&self.to_string());
        (status, Html(format!("<!doctype html><html lang=\"en\"><title>Not done</title><p>{told}"))).into_response()
    }
}

/// The fields of a form.
struct Form(HashMap<String, String>);

impl Form {
    fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    fn get(&self, name: &'static str) -> Result<&str, Refused> {
        self.0.get(name).map(String::as_str).ok_or(Refused::Field(name))
    }

    fn number(&self, name: &'static str) -> Result<u64, Refused> {
        self.get(name)?.parse().map_err(|_| Refused::Field(name))
    }

    /// A place on this host, and nowhere else.
    fn back(&self) -> Result<&str, Refused> {
        let back = self.get("back")?;
        let plain =
            back.starts_with('/') && !back.starts_with("//") && back.bytes().all(|byte| byte.is_ascii_graphic());
        if plain && !back.contains('\\') { Ok(back) } else { Err(Refused::Field("back")) }
    }
}

/// Remembers who looks, and in which colours.
pub(super) async fn switch(body: Bytes) -> Response {
    let form = Form::read(&body);
    let mut response = match form.back() {
        Ok(back) => Redirect::to(back).into_response(),
        Err(refused) => return refused.into_response(),
    };
    for name in [VIEWER, SCHEME] {
        let plain = |value: &&String| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if let Some(value) = form.0.get(name).filter(plain)
            && let Ok(cookie) = format!("{name}={value}; Path=/; SameSite=Strict; HttpOnly").parse()
        {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

/// Does what a button says.
pub(super) async fn perform(
    State(bitbucket): State<Bitbucket>,
    Path(act): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // A pipeline asks this very server, and takes its time.
    let done = tokio::task::spawn_blocking(move || {
        let form = Form::read(&body);
        let back = form.back()?.to_owned();
        let visit = Visit::of(&bitbucket, &headers);
        let bitbucket = Bitbucket { actor: visit.viewer.clone(), ..bitbucket };
        press(&bitbucket, &visit, &act, &form)?;
        bitbucket.keep()?;
        Ok::<_, Refused>(back)
    });
    match done.await {
        Ok(Ok(back)) => Redirect::to(&back).into_response(),
        Ok(Err(refused)) => refused.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn press(bitbucket: &Bitbucket, visit: &Visit, act: &str, form: &Form) -> Result<(), Refused> {
    let repository = form.get("repository")?;
    let (least, words) = if act == "comment" { (Permission::Read, "reading") } else { (Permission::Write, "writing") };
    if visit.may(&bitbucket.app.world(), repository) < least {
        return Err(Refused::Right(visit.viewer.name.clone(), words));
    }
    match act {
        "push" => {
            let branch = form.get("branch")?;
            push(bitbucket, repository, branch, form)?;
            run(bitbucket, repository, branch)
        }
        "open" => {
            let main = main_branch(bitbucket, repository)?;
            let branch = format!("change/{}", random::token("").split_off(42));
            bitbucket.branch(repository, &branch, &main)?;
            push(bitbucket, repository, &branch, form)?;
            let title = form.get("title").ok().filter(|title| !title.trim().is_empty()).unwrap_or("A change");
            let id = bitbucket.open_pull_request(repository, title, &branch, &main)?;
            bitbucket.run_pull_request(repository, id)?;
            Ok(())
        }
        "merge" => {
            let id = form.number("pull_request")?;
            bitbucket.merge(repository, id)?;
            let destination = bitbucket.app.world().current(repository, id)?.destination.branch.clone();
            bitbucket.run_branch(repository, &destination)?;
            Ok(())
        }
        "run" => run(bitbucket, repository, form.get("branch")?),
        "comment" => {
            bitbucket.comment(repository, form.number("pull_request")?, form.get("text")?)?;
            Ok(())
        }
        _ => Err(Refused::Button),
    }
}

fn push(bitbucket: &Bitbucket, repository: &str, branch: &str, form: &Form) -> Result<(), Refused> {
    let change = Change::named(form.get("change")?).ok_or(Refused::Field("change"))?;
    let git = bitbucket.app.world().named(repository)?.git.clone();
    bitbucket.push(repository, branch, &change.commit(&git, branch))?;
    Ok(())
}

/// The pipelines that a push starts: the branch's, or those of the open pull requests from it.
fn run(bitbucket: &Bitbucket, repository: &str, branch: &str) -> Result<(), Refused> {
    let open = {
        let world = bitbucket.app.world();
        let uuid = world.named(repository)?.uuid.clone();
        world.open_from(&uuid, |source| source == branch)
    };
    if open.is_empty() {
        bitbucket.run_branch(repository, branch)?;
    }
    for (_, id) in open {
        bitbucket.run_pull_request(repository, id)?;
    }
    Ok(())
}

fn main_branch(bitbucket: &Bitbucket, repository: &str) -> Result<String, Refused> {
    Ok(bitbucket.app.world().named(repository)?.main_branch.clone())
}
