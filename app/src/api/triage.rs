//! `POST …/findings/{finding}/triage`

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use penstock::analyze::secrets::mask;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::findings::id_of;
use crate::door::caller::Caller;
use crate::judgement::{Judge, Judged as Outcome, REASON_MAX, Refused, judge as decide};
use crate::problem::Problem;
use crate::state::State;
use crate::track::{Actor, Decision, Status};

/// A judgement.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// What is said.
    status: Status,
    /// Why. Needed to dismiss a finding.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    reason: String,
    /// From when on it holds no more, in unix milliseconds.
    expires_at: Option<i64>,
    /// Only in this pull request, until that is merged.
    pull_request: Option<u64>,
}

/// What holds now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Judged {
    /// The finding.
    id: String,
    /// What is said of it, or will be.
    status: Status,
    /// Whether that counts only once another person approves it.
    waits_for_approval: bool,
    /// Why it does not count yet; absent if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

pub(super) async fn judge(
    Shared(state): Shared<State>,
    Path((repository, finding)): Path<(String, String)>,
    headers: HeaderMap,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Judged>), Problem> {
    let caller = Caller::of(&state, &headers).await?;
    caller.spend(&state)?;
    let workspace = state.store.for_workspace(caller.workspace());
    let repository = super::known(&workspace, &repository).await?;
    caller.may_triage(repository)?;
    let finding = id_of(&finding)?;
    let Json(wanted) = wanted.map_err(|why| Problem::bad_request(why.body_text()))?;
    if wanted.reason.chars().count() > REASON_MAX {
        return Err(Problem::bad_request(format!("`reason` has more than {REASON_MAX} characters")));
    }
    let Caller::Token { name, creator, .. } = &caller else {
        return Err(Problem::forbidden("a step never judges findings"));
    };
    let decision = Decision {
        status: wanted.status,
        reason: mask(&wanted.reason),
        author: Actor::Token(name.clone()),
        account: creator.clone(),
        expires: wanted.expires_at,
        now: state.now(),
    };
    let wish = Judge { finding, pull_request: wanted.pull_request, decision };
    match decide(&state, &workspace, repository, &wish).await {
        Ok(outcome) => {
            let why = match outcome {
                Outcome::Holds => None,
                Outcome::Waits(why) => Some(why.to_string()),
            };
            let waits_for_approval = why.is_some();
            let status = if waits_for_approval { StatusCode::ACCEPTED } else { StatusCode::OK };
            Ok((status, Json(Judged { id: finding.to_string(), status: wanted.status, waits_for_approval, why })))
        }
        Err(Refused::Store(error)) => Err(error.into()),
        Err(Refused::Triage(crate::track::TriageError::UnknownFinding(_))) => {
            Err(Problem::not_found("there is no such finding"))
        }
        Err(why) => Err(Problem::unprocessable(why.to_string())),
    }
}
