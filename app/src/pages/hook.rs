//! The webhook that an admin sets up by hand.
//!
//! Owns that its secret is shown once. What an address like this proves, and what not, is known to `door::hook`.

use askama::Template;
use axum::extract::{RawForm, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;
use penstock_common::Uuid;
use serde::Deserialize;

use super::form::{Form, see};
use super::level::{Level, Way};
use super::moment::Moment;
use super::refusal::Refusal;
use super::shell::{Shell, page, whole};
use super::visit::Query;
use crate::inbox::EVENTS;
use crate::settings::hooks;
use crate::state::State;

/// What the forms' tokens are made for.
const MAKE: &str = "make-hook";
const REMOVE: &str = "remove-hook";

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    done: String,
}

/// The hook that is there.
#[derive(Clone, Debug)]
struct HookView {
    id: String,
    url: String,
    made: Moment,
}

#[derive(Template)]
#[template(path = "hook.html", blocks = ["content"])]
struct HookPage {
    shell: Shell,
    ways: Vec<Way>,
    hook: Option<HookView>,
    events: [&'static str; 14],
    /// Of the one that was just made.
    secret: Option<String>,
    ended: bool,
    make: String,
    remove: String,
}
page!(HookPage);

pub(super) async fn show(Shared(state): Shared<State>, at: Level, Query(asked): Query<Asked>) -> Response {
    let made = async {
        let repository = repository(&at)?;
        at.admit().await?;
        Ok(HookPage { ended: !asked.done.is_empty(), ..page(&at, repository).await? })
    };
    made.await.map_or_else(|why: Refusal| why.page(&state), |page| whole(&page))
}

fn repository(at: &Level) -> Result<Uuid, Refusal> {
    at.id().ok_or(Refusal::NotFound("page for a whole workspace"))
}

async fn page(at: &Level, repository: Uuid) -> Result<HookPage, Refusal> {
    let rows = at.store().hooks(Some(repository)).await?;
    let view = |row: &crate::store::workspace::HookRow| HookView {
        id: row.hook.to_string(),
        url: hooks::url(&at.visit.state.config.base, row.hook),
        made: at.visit.moment(row.created_at),
    };
    Ok(HookPage {
        shell: at.shell("Penstock: webhook"),
        ways: at.ways("hook"),
        hook: rows.last().map(view),
        events: EVENTS,
        secret: None,
        ended: false,
        make: at.visit.viewer.form_token(MAKE),
        remove: at.visit.viewer.form_token(REMOVE),
    })
}

pub(super) async fn make(
    Shared(state): Shared<State>,
    at: Level,
    headers: HeaderMap,
    RawForm(body): RawForm,
) -> Response {
    let made = async {
        let repository = repository(&at)?;
        at.admit_change(&headers, MAKE, Form::read(&body).text("token")).await?;
        let base = &state.config.base;
        let new = hooks::make(at.store(), repository, base, at.account(), at.visit.now).await;
        let new = new.map_err(|why| match why {
            hooks::Refused::Store(error) => Refusal::Store(error),
            other => Refusal::Rule(other.to_string()),
        })?;
        let secret = Some(new.secret.expose().to_owned());
        Ok(whole(&HookPage { secret, ..page(&at, repository).await? }))
    };
    made.await.unwrap_or_else(|why: Refusal| why.page(&state))
}

pub(super) async fn remove(
    Shared(state): Shared<State>,
    at: Level,
    headers: HeaderMap,
    RawForm(body): RawForm,
) -> Response {
    let form = Form::read(&body);
    let ended = async {
        let repository = repository(&at)?;
        at.admit_change(&headers, REMOVE, form.text("token")).await?;
        let nothing = || Refusal::NotFound("webhook");
        let id: Uuid = form.text("id").parse().map_err(|_| nothing())?;
        match hooks::remove(at.store(), repository, id, at.account(), at.visit.now).await? {
            true => Ok(see("hook?done=1")),
            false => Err(nothing()),
        }
    };
    ended.await.unwrap_or_else(|why: Refusal| why.page(&state))
}
