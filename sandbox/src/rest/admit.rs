//! Who may pass?
//!
//! Owns the order in which Bitbucket asks: does the caller have the scope, is there such a repository, does the caller see it.

use axum::http::request::Parts;
use axum::http::{Method, StatusCode};

use super::Subject;
use super::auth::{By, Caller};
use super::refusal::Refusal;
use crate::app::App;
use crate::contract::Operation;
use crate::state::Found;

/// Lets a caller pass, to the repository with these names if the call is about one. `base` is where links lead to.
pub(super) fn admit(
    app: &App,
    operation: &Operation,
    parts: &Parts,
    caller: &Caller,
    names: Option<(String, String)>,
    base: &str,
) -> Result<Option<Subject>, Refusal> {
    let is_anonymous = caller.by == By::Nothing && operation.scope.is_some();
    if let Some(scope) = operation.scope.as_ref().filter(|_| !is_anonymous)
        && !caller.has_scope(scope, operation.granular.as_deref())
    {
        let needed = caller.needed(scope, operation.granular.as_deref());
        return Err(Refusal::lacks_scope(needed, &caller.scopes));
    }
    let anonymous = || Refusal::unauthorized("Authentication is required for this resource.");
    let Some((workspace, slug)) = names else {
        return if is_anonymous { Err(anonymous()) } else { Ok(None) };
    };
    let world = app.world();
    let (repository, has_moved) = match world.find(&workspace, &slug) {
        Found::Here(repository) => (repository, false),
        Found::Moved(repository) => (repository, true),
        Found::Nothing if is_anonymous => return Err(anonymous()),
        Found::Nothing => return Err(Refusal::no_repository()),
    };
    let only_reads = matches!(parts.method, Method::GET | Method::HEAD);
    if is_anonymous && (repository.is_private || !only_reads) {
        return Err(anonymous());
    }
    if !caller.sees(repository) {
        return Err(Refusal::no_repository());
    }
    if has_moved {
        let former = format!("/repositories/{workspace}/{slug}");
        let present = format!("/repositories/{}", repository.full_name());
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        if !target.contains(&former) {
            return Err(Refusal::no_repository());
        }
        let status = if only_reads { StatusCode::MOVED_PERMANENTLY } else { StatusCode::PERMANENT_REDIRECT };
        return Err(Refusal::moved(status, format!("{base}{}", target.replacen(&former, &present, 1))));
    }
    Ok(Some(Subject(repository.uuid.clone())))
}
