//! Judgements that wait for a second person.
//!
//! Owns the list and its buttons. Everybody who reads the repository's findings sees it; who may decide is asked of Bitbucket at that moment, and what
//! becomes of a judgement is known to `judgement`.

use askama::Template;
use axum::extract::{RawForm, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;
use penstock_common::Uuid;
use serde::Deserialize;

use super::form::{Form, see};
use super::level::{Level, Way};
use super::moment::Moment;
use super::people::Names;
use super::refusal::Refusal;
use super::shell::{Shell, page, whole};
use super::visit::Query;
use super::words::{self, Lozenge};
use crate::judgement::{Refused, approve, reject, withdraw};
use crate::state::State;
use crate::store::workspace::{Approval, ApprovalState};

/// What the form's token is made for.
const ACTION: &str = "approvals";
/// Most that are shown, of those that wait and of those that ended.
const WAITING: i64 = 100;
const ENDED: i64 = 20;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    done: String,
}

/// One judgement.
#[derive(Clone, Debug)]
struct ApprovalView {
    id: String,
    finding: String,
    rule: String,
    pull_request: Option<(u64, String)>,
    judgement: Lozenge,
    reason: String,
    who: String,
    at: Moment,
    state: Lozenge,
    ended: Option<(String, Moment)>,
    own: bool,
}

#[derive(Template)]
#[template(path = "approvals.html", blocks = ["content"])]
struct ApprovalsPage {
    shell: Shell,
    ways: Vec<Way>,
    waiting: Vec<ApprovalView>,
    ended: Vec<ApprovalView>,
    token: String,
    done: bool,
}
page!(ApprovalsPage);

pub(super) async fn show(Shared(state): Shared<State>, at: Level, Query(asked): Query<Asked>) -> Response {
    make(&at, !asked.done.is_empty()).await.map_or_else(|why| why.page(&state), |page| whole(&page))
}

async fn make(at: &Level, done: bool) -> Result<ApprovalsPage, Refusal> {
    let repository = at.id().ok_or(Refusal::NotFound("page for a whole workspace"))?;
    let names = Names::of(at.store()).await?;
    let waiting = at.store().approvals(Some(repository), Some(ApprovalState::Waiting), u128::MAX, WAITING).await?;
    let all = at.store().approvals(Some(repository), None, u128::MAX, WAITING).await?;
    let ended = all.iter().filter(|one| one.state != ApprovalState::Waiting).take(ENDED as usize);
    let mut views = (Vec::new(), Vec::new());
    for one in &waiting {
        views.0.push(view(at, &names, one).await?);
    }
    for one in ended {
        views.1.push(view(at, &names, one).await?);
    }
    Ok(ApprovalsPage {
        shell: at.shell("Penstock: approvals"),
        ways: at.ways("approvals"),
        waiting: views.0,
        ended: views.1,
        token: at.visit.viewer.form_token(ACTION),
        done,
    })
}

async fn view(at: &Level, names: &Names, one: &Approval) -> Result<ApprovalView, Refusal> {
    let new = &one.new;
    let finding = at.store().finding(new.repository, new.finding).await?;
    let link = |number| at.repository.as_ref().map(|repository| (number, repository.pull_request(number)));
    Ok(ApprovalView {
        id: Uuid::from(new.approval).to_string(),
        finding: new.finding.to_string(),
        rule: finding.map_or_else(|| "a finding that is gone".to_owned(), |finding| finding.rule.into()),
        pull_request: new.pull_request.and_then(link),
        judgement: words::status(new.judgement.status),
        reason: words::written(&new.judgement.reason),
        who: names.account(&new.proposer),
        at: at.visit.moment(one.proposed_at),
        state: match one.state {
            ApprovalState::Waiting => Lozenge { word: "Waits", look: "warning" },
            ApprovalState::Approved => Lozenge { word: "Approved", look: "success" },
            ApprovalState::Rejected => Lozenge { word: "Rejected", look: "danger" },
            ApprovalState::Withdrawn => Lozenge { word: "Taken back", look: "" },
        },
        ended: one.ended.as_ref().map(|(by, when)| (names.account(by), at.visit.moment(*when))),
        own: new.proposer == at.account(),
    })
}

pub(super) async fn decide(
    Shared(state): Shared<State>,
    at: Level,
    headers: HeaderMap,
    RawForm(body): RawForm,
) -> Response {
    carry_out(&state, &at, &headers, &Form::read(&body)).await.unwrap_or_else(|why| why.page(&state))
}

async fn carry_out(state: &State, at: &Level, headers: &HeaderMap, form: &Form) -> Result<Response, Refusal> {
    let nothing = || Refusal::NotFound("judgement that waits for approval");
    let repository = at.id().ok_or_else(nothing)?;
    let viewer = &at.visit.viewer;
    viewer.check_form(state, headers, ACTION, form.text("token"))?;
    viewer.may_triage(state, repository).await?;
    let id = form.text("id").parse::<Uuid>().map_err(|_| nothing())?.number();
    let decided = match form.text("decision") {
        "approve" => approve(state, at.store(), repository, id, at.account()).await,
        "reject" => reject(state, at.store(), repository, id, at.account()).await,
        "withdraw" => withdraw(state, at.store(), repository, id, at.account()).await,
        _ => return Err(Refusal::Rule("there is no such decision".to_owned())),
    };
    match decided {
        Ok(()) => Ok(see("approvals?done=1")),
        Err(Refused::Store(error)) => Err(error.into()),
        Err(Refused::NothingWaits) => Err(nothing()),
        Err(why) => Err(Refusal::Rule(why.to_string())),
    }
}
