//! API tokens: made, listed, ended.
//!
//! Owns that a token is shown once, on the page that answers its form, and never stands in an address. Of a repository's page, only the tokens that are
//! good for that repository alone are its business.

use askama::Template;
use axum::extract::{RawForm, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use penstock_common::Uuid;
use serde::Deserialize;

use super::form::{Form, see};
use super::level::{Level, Way};
use super::moment::Moment;
use super::people::Names;
use super::refusal::{Refusal, sentence};
use super::shell::{Shell, page, whole, with_status};
use super::visit::Query;
use super::words::Lozenge;
use crate::door::token::{Scope, Scopes};
use crate::settings::tokens::{self, DAYS_MAX, NAME_MAX, Refused, Wanted};
use crate::state::State;
use crate::store::workspace::Token;

/// What the forms' tokens are made for.
const MAKE: &str = "make-token";
const REVOKE: &str = "revoke-token";
/// For how many days a token holds unless somebody says otherwise.
const DAYS: &str = "90";

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    done: String,
}

/// A token.
#[derive(Clone, Debug)]
struct TokenView {
    id: String,
    name: String,
    scopes: String,
    of: &'static str,
    who: String,
    made: Moment,
    used: Option<Moment>,
    ends: Option<Moment>,
    state: Lozenge,
    holds: bool,
}

#[derive(Template)]
#[template(path = "tokens.html", blocks = ["content"])]
struct TokensPage {
    shell: Shell,
    ways: Vec<Way>,
    tokens: Vec<TokenView>,
    scopes: [(&'static str, &'static str, bool); 4],
    name: String,
    days: String,
    name_max: usize,
    days_max: u32,
    wrong_name: String,
    wrong_scopes: String,
    wrong_days: String,
    /// The one that was just made.
    shown: Option<String>,
    ended: bool,
    make: String,
    revoke: String,
}
page!(TokensPage);

pub(super) async fn show(Shared(state): Shared<State>, at: Level, Query(asked): Query<Asked>) -> Response {
    let made = async {
        at.admit().await?;
        let page = page(&at, &Form::read(b"")).await?;
        Ok(TokensPage { ended: !asked.done.is_empty(), ..page })
    };
    made.await.map_or_else(|why: Refusal| why.page(&state), |page| whole(&page))
}

async fn page(at: &Level, form: &Form) -> Result<TokensPage, Refusal> {
    let (names, now) = (Names::of(at.store()).await?, at.visit.now);
    let is_ours = |token: &Token| at.id().is_none_or(|repository| token.repository == Some(repository));
    let mut all: Vec<Token> = at.store().tokens().await?.into_iter().filter(is_ours).collect();
    let holds = |token: &Token| token.revoked_at.is_none() && token.expires_at.is_none_or(|end| end > now);
    all.sort_by_key(|token| (!holds(token), std::cmp::Reverse(token.token)));
    let view = |token: Token| TokenView {
        id: Uuid::from(token.token).to_string(),
        holds: holds(&token),
        state: match (holds(&token), token.revoked_at) {
            (true, _) => Lozenge { word: "Holds", look: "success" },
            (false, Some(_)) => Lozenge { word: "Revoked", look: "" },
            (false, None) => Lozenge { word: "Expired", look: "" },
        },
        of: if token.repository.is_some() { "one repository" } else { "all repositories" },
        who: names.account(&token.creator),
        made: at.visit.moment(token.created_at),
        used: token.last_used_at.map(|when| at.visit.moment(when)),
        ends: token.expires_at.map(|when| at.visit.moment(when)),
        name: token.name,
        scopes: token.scopes,
    };
    Ok(TokensPage {
        shell: at.shell("Penstock: API tokens"),
        ways: at.ways("tokens"),
        tokens: all.into_iter().map(view).collect(),
        scopes: Scope::ALL.map(|scope| (scope.name(), words(scope), form.get(scope.name()).is_some())),
        name: form.text("name").chars().take(2 * NAME_MAX).collect(),
        days: form.get("days").unwrap_or(DAYS).chars().take(10).collect(),
        name_max: NAME_MAX,
        days_max: DAYS_MAX,
        wrong_name: String::new(),
        wrong_scopes: String::new(),
        wrong_days: String::new(),
        shown: None,
        ended: false,
        make: at.visit.viewer.form_token(MAKE),
        revoke: at.visit.viewer.form_token(REVOKE),
    })
}

const fn words(scope: Scope) -> &'static str {
    match scope {
        Scope::Upload => "Send runs that a pipeline confirms",
        Scope::UploadAnyRef => "Send runs of any branch and commit",
        Scope::Read => "Read runs and findings",
        Scope::Triage => "Judge findings",
    }
}

pub(super) async fn make(
    Shared(state): Shared<State>,
    at: Level,
    headers: HeaderMap,
    RawForm(body): RawForm,
) -> Response {
    let form = Form::read(&body);
    let made = async {
        at.admit_change(&headers, MAKE, form.text("token")).await?;
        let scopes: Scopes = Scope::ALL.into_iter().filter(|scope| form.get(scope.name()).is_some()).collect();
        let days = form.text("days").trim().parse().unwrap_or(0);
        let wanted = Wanted {
            name: form.text("name").to_owned(),
            scopes,
            repository: at.id(),
            days,
            maker: Some(at.visit.viewer.person),
        };
        match tokens::make(at.store(), &wanted, at.account(), at.visit.now).await {
            Ok((_, token)) => {
                let page = page(&at, &Form::read(b"")).await?;
                Ok(whole(&TokensPage { shown: Some(token.expose().to_owned()), ..page }))
            }
            Err(Refused::Store(error)) => Err(Refusal::Store(error)),
            Err(why) => {
                let mut page = page(&at, &form).await?;
                let words = sentence(&why.to_string());
                match why {
                    Refused::NoScope => page.wrong_scopes = words,
                    Refused::Days => page.wrong_days = words,
                    _ => page.wrong_name = words,
                }
                Ok(with_status(&page, StatusCode::UNPROCESSABLE_ENTITY))
            }
        }
    };
    made.await.unwrap_or_else(|why: Refusal| why.page(&state))
}

pub(super) async fn revoke(
    Shared(state): Shared<State>,
    at: Level,
    headers: HeaderMap,
    RawForm(body): RawForm,
) -> Response {
    let form = Form::read(&body);
    let ended = async {
        at.admit_change(&headers, REVOKE, form.text("token")).await?;
        let nothing = || Refusal::NotFound("token");
        let id = form.text("id").parse::<Uuid>().map_err(|_| nothing())?.number();
        let known = at.store().token(id).await?.ok_or_else(nothing)?;
        if at.id().is_some_and(|repository| known.repository != Some(repository)) {
            return Err(nothing());
        }
        // That it holds no more already is what was wanted.
        tokens::revoke(at.store(), id, at.account(), at.visit.now).await?;
        Ok(see("tokens?done=1"))
    };
    ended.await.unwrap_or_else(|why: Refusal| why.page(&state))
}
