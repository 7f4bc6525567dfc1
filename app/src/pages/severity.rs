//! An admin lowers the worst severity of a finding.
//!
//! Owns the path from the form to `judgement`: the form came from our own page, and Bitbucket
//! confirms the right to it now.

use axum::extract::{RawForm, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;
use penstock::analyze::secrets::mask;

use super::finding::{LOWER_SEVERITY, id_of};
use super::form::Form;
use super::refusal::Refusal;
use super::triage::{back_to, reason_of};
use super::visit::InRepository;
use crate::judgement::{Refused, lower_severity};
use crate::state::State;

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
    viewer.check_form(state, headers, LOWER_SEVERITY, form.text("token"))?;
    let (finding, reason) = (id_of(form.text("finding"))?, reason_of(&form)?);
    viewer.may_configure(state, at.id()).await?;
    match lower_severity(state, at.store(), at.id(), finding, &mask(reason), &viewer.account).await {
        Ok(_) => Ok(back_to(form.text("back"), 1, 0)),
        Err(Refused::Store(error)) => Err(error.into()),
        Err(why) => Err(Refusal::Rule(why.to_string())),
    }
}
