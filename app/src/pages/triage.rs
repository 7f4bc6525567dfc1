//! Somebody judges findings.
//!
//! Owns the form's way to `judgement`: it came from our own page, the right to it is asked of Bitbucket now, and each finding is judged as anywhere else.

use axum::extract::{RawForm, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;
use penstock::analyze::secrets::mask;

use super::finding::id_of;
use super::form::{Form, see};
use super::moment::begin_of;
use super::refusal::Refusal;
use super::visit::InRepository;
use super::words::STATUSES;
use crate::judgement::{Judge, Judged, REASON_MAX, Refused, judge};
use crate::state::State;
use crate::track::{Actor, Decision};

/// Most findings at once.
const MOST: usize = 100;
const DAY: i64 = 86_400_000;

pub(super) async fn act(
    Shared(state): Shared<State>,
    at: InRepository,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    carry_out(&state, &at, &headers, &form).await.unwrap_or_else(|why| why.page(&state))
}

async fn carry_out(state: &State, at: &InRepository, headers: &HeaderMap, form: &[u8]) -> Result<Response, Refusal> {
    let form = Form::read(form);
    let viewer = &at.visit.viewer;
    viewer.check_form(state, headers, "triage", form.text("token"))?;
    let rule = |why: &str| Refusal::Rule(why.to_owned());
    let findings = form.all("finding").map(id_of).collect::<Result<Vec<_>, _>>()?;
    let (reason, back) = (mask(reason_of(&form)?), form.text("back"));
    let pull_request = match form.text("pull_request") {
        "" => None,
        // Not to be read as "everywhere", whatever it is.
        number => Some(number.parse::<u64>().map_err(|_| Refusal::NotFound("pull request"))?),
    };
    if findings.is_empty() {
        return Err(rule("no finding is chosen"));
    }
    if findings.len() > MOST {
        return Err(Refusal::Rule(format!("at most {MOST} findings are judged at once")));
    }
    let found = STATUSES.into_iter().find(|one| one.name() == form.text("status"));
    let status = found.ok_or_else(|| rule("there is no such judgement"))?;
    let expires = match form.text("expires") {
        "" => None,
        // The last day counts to its end.
        day => Some(begin_of(day).ok_or_else(|| rule("the date must look like 2026-12-31"))? + DAY),
    };
    viewer.may_triage(state, at.id()).await?;
    let (mut judged, mut waits) = (0, 0);
    for finding in findings {
        let decision = Decision {
            status,
            reason: reason.clone(),
            author: Actor::Account(viewer.account.clone()),
            account: viewer.account.clone(),
            expires,
            now: state.now(),
        };
        let wish = Judge { finding, pull_request, decision };
        match judge(state, at.store(), at.id(), &wish).await {
            Ok(Judged::Holds) => judged += 1,
            Ok(Judged::Waits(_)) => waits += 1,
            Err(Refused::Store(error)) => return Err(error.into()),
            Err(why) if judged + waits > 0 => {
                let done = super::words::counted(judged + waits, "finding was", "findings were");
                return Err(Refusal::Rule(format!("{why}. {done} judged before")));
            }
            Err(why) => return Err(Refusal::Rule(why.to_string())),
        }
    }
    Ok(back_to(back, judged, waits))
}

/// The reason that was entered.
pub(super) fn reason_of(form: &Form) -> Result<&str, Refusal> {
    let reason = form.text("reason").trim();
    if reason.chars().count() > REASON_MAX {
        return Err(Refusal::Rule(format!("a reason has at most {REASON_MAX} characters")));
    }
    Ok(reason)
}

/// Back to where it was sent from. Only pages of this visit are led to.
pub(super) fn back_to(back: &str, judged: u64, waits: u64) -> Response {
    let known = back.starts_with("findings?") || back.starts_with("finding?");
    let plain = back.bytes().all(|byte| byte.is_ascii_graphic());
    let back = if known && plain { back.trim_end_matches(['?', '&']) } else { "findings" };
    let joint = if back.contains('?') { '&' } else { '?' };
    let waits = if waits > 0 { format!("&waits={waits}") } else { String::new() };
    see(&format!("{back}{joint}done={judged}{waits}"))
}
