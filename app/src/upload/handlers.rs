//! The upload API over HTTP.
//!
//! Owns status codes and headers. A run is durable before it is answered, also where Bitbucket cannot confirm it now: then the answer says so, and a job
//! tries again.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use penstock::analyze::secrets::{BuiltIn, mask};
use penstock_common::upload::answer::{Answer, State as Progress};
use penstock_common::upload::v1::{BODY_MAX, IDEMPOTENCY_HEADER};
use penstock_common::{Delivery, Uuid, masked};

use super::cut::cut_delivery;
use super::settle::{TOKEN, TRUSTED, blank, delivered, repository_of, uuid};
use super::work::{Room, declared};
use super::{Encoding, Reduced, Unsettled, read, reduce, settle_to_end};
use crate::bitbucket::Purpose;
use crate::door::caller::Caller;
use crate::jobs::kind;
use crate::problem::Problem;
use crate::review::{Tool, leaked};
use crate::state::{DOCUMENTS_A_DAY, State};
use crate::store::new_id;
use crate::store::system::Subject as Wish;
use crate::store::workspace::{NewRun, restored};
use crate::track::{Commit, RunId};

/// How long a request waits for Bitbucket. The run goes on beyond that, but the pipe takes its own
/// verdict.
const CONFIRMATION: Duration = Duration::from_secs(20);

/// The routes.
pub fn router() -> Router<State> {
    Router::new()
        .route("/api/v1/runs", post(receive).layer(DefaultBodyLimit::max(BODY_MAX)))
        .route("/api/v1/runs/{run}/deliveries", post(deliveries).layer(DefaultBodyLimit::max(256 * 1024)))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn unread(why: &BytesRejection) -> Problem {
    match why.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(format!("the body has more than {} MiB", BODY_MAX >> 20)),
        _ => Problem::bad_request("the body cannot be read"),
    }
}

async fn receive(
    Shared(state): Shared<State>,
    headers: HeaderMap,
    request: Request,
) -> Result<(StatusCode, Json<Answer>), Problem> {
    let caller = Caller::of(&state, &headers).await?;
    caller.spend(&state)?;
    // A run that could not be confirmed within the hour is better sent later: the pipe takes its
    // own verdict meanwhile.
    if let Ok(bitbucket) = state.bitbucket.of(caller.workspace()).await {
        bitbucket.on_behalf_of(Purpose::Confirmation(caller.submitter())).check_bucket().map_err(|wait| {
            state.metrics.limited("bitbucket_requests", "confirmation");
            let words = "this step or token has used up its requests to Bitbucket, which confirm what a run is about: send fewer runs in an hour";
            Problem::too_many(words, wait.as_secs())
        })?;
    }
    // Who may send nothing is not read from, and nothing is read before there is room for it.
    let length = text(&headers, header::CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
    let room = state.uploads.receive(caller.workspace(), caller.sender(), length, &state.metrics).await?;
    let body = Bytes::from_request(request, &state).await.map_err(|why| unread(&why))?;
    let encoding = Encoding::of(text(&headers, header::CONTENT_ENCODING.as_str()))?;
    let key = text(&headers, IDEMPOTENCY_HEADER).filter(|key| is_key(key)).map(str::to_owned);
    let key =
        key.ok_or_else(|| Problem::bad_request("`Idempotency-Key` must be 8 to 128 letters, digits, `-` or `_`"))?;

    told(work(state, caller, Sent { body, encoding, key, room }).await?)
}

/// What was received.
struct Sent {
    body: Bytes,
    encoding: Encoding,
    key: String,
    /// Of the body.
    room: Room,
}

/// Keeps a run, and settles it if Bitbucket is quick enough.
async fn work(state: State, caller: Caller, sent: Sent) -> Result<Answer, Problem> {
    let Sent { body, encoding, key, room } = sent;
    let inflated = state.uploads.inflate(caller.workspace(), declared(&body, encoding), &state.metrics).await?;
    let read = tokio::task::spawn_blocking(move || {
        let _until_it_is_read = room;
        let received = read(&body, encoding)?;
        let document = received.document(&body).map_err(|_| Problem::bad_request("the body cannot be kept"))?;
        Ok::<_, Problem>((received.upload, document))
    });
    let (upload, document) = read.await.map_err(|_| Problem::bad_request("the body cannot be read"))??;
    let subject = upload.run.subject.clone().unwrap_or_default();
    let named = repository_of(&subject);
    let repository = match (&caller, named) {
        (Caller::Step(step), _) => step.repository,
        (_, Some(named)) => named,
        (_, None) => return Err(Problem::unprocessable("the run names no repository: `run.subject.repository_uuid`")),
    };
    let (pipeline, step) = (uuid(subject.pipeline_uuid.as_ref()), uuid(subject.step_uuid.as_ref()));
    if let Caller::Step(caller) = &caller {
        caller.check(named, pipeline, step).map_err(|why| Problem::forbidden(why.to_string()))?;
    }
    caller.may_upload(repository)?;
    let commit: Commit = subject
        .commit
        .parse()
        .map_err(|_| Problem::unprocessable("`run.subject.commit` must be a full commit: 40 hex digits"))?;

    let workspace = state.store.for_workspace(caller.workspace());
    let now = state.now();
    if let Some(known) = workspace.run_by_key(repository, &key).await? {
        let answer = match known.answer.as_deref().and_then(restored) {
            Some(answer) => answer,
            None => settled(&state, caller.workspace(), repository, known.run, None).await?,
        };
        return Ok(answer);
    }
    let run = RunId(new_id());
    // Nothing is from the future, whatever the sender's clock says.
    let started_at = millis(&upload.run.started_at).unwrap_or(now).min(now);
    let finished_at = upload.run.finished_at.as_deref().and_then(millis).map(|at| at.clamp(started_at, now));
    state.documents.take_many(caller.workspace(), document.len().div_ceil(1024), now).map_err(|wait| {
        state.metrics.limited("documents", "tenant");
        Problem::too_many(
            format!(
                "this workspace has sent {} MiB of runs (compressed) in a day, which is its limit: send fewer findings, or fewer runs",
                DOCUMENTS_A_DAY >> 10
            ),
            wait,
        )
    })?;
    let actor = match &caller {
        Caller::Step(_) => "step".to_owned(),
        Caller::Token { name, .. } if caller.is_trusted_for_any_ref() => format!("{TRUSTED}{name}"),
        Caller::Token { name, .. } => format!("{TOKEN}{name}"),
    };
    let pipeline = pipeline.or(match &caller {
        Caller::Step(step) => step.pipeline,
        Caller::Token { .. } => None,
    });
    let tools: Vec<Tool> = upload.run.tools.iter().map(Tool::from).collect();
    let new = NewRun {
        run,
        repository,
        idempotency_key: key.clone(),
        received_at: now,
        started_at,
        finished_at,
        commit,
        branch: subject.branch.clone(),
        pull_request: subject.pull_request.as_ref().map(|pull_request| pull_request.id),
        name: upload.name.clone(),
        step,
        pipeline,
        actor,
        complete: upload.run.complete(),
        findings: upload.run.findings.len(),
        tools: serde_json::to_string(&tools).unwrap_or_default(),
        metrics: upload.run.metrics,
        leaked: leaked(upload.run.comparison.as_ref()),
        document,
    };
    // Both cores have something to do meanwhile.
    let reducing = tokio::task::spawn_blocking(move || reduce(upload, run, commit, started_at));
    let mut write = workspace.write().await?;
    let is_new = write.new_run(&new).await?;
    if is_new {
        // If this copy of the program dies here, another one goes on.
        let later = now + 2 * i64::try_from(CONFIRMATION.as_millis()).unwrap_or(0);
        let wish = Wish { repository: Some(repository), kind: kind::RUN, subject: run.to_string() };
        write.job(&wish, later, now).await?;
    }
    write.commit().await?;
    let (run, reduced) = if is_new {
        (run, reducing.await.ok().map(|reduced| (reduced, inflated)))
    } else {
        // The same request came twice at the same time.
        (workspace.run_by_key(repository, &key).await?.map_or(run, |known| known.run), None)
    };
    settled(&state, caller.workspace(), repository, run, reduced).await
}

/// Settles a run. The sender waits for that if Bitbucket is quick enough; else it goes on without.
async fn settled(
    state: &State,
    workspace: Uuid,
    repository: Uuid,
    run: RunId,
    reduced: Option<(Reduced, Room)>,
) -> Result<Answer, Problem> {
    let workspace = state.store.for_workspace(workspace);
    let note =
        match tokio::time::timeout(CONFIRMATION, settle_to_end(state, &workspace, repository, run, reduced)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(Unsettled::Store(error))) if !error.is_temporary() => return Err(error.into()),
            Ok(Err(error)) => {
                tracing::warn!(workspace = %workspace.id(), %repository, %run, %error, "a run waits");
                mask(&error.to_string())
            }
            Err(_) => "Bitbucket did not confirm in time what the run is about".into(),
        };
    Ok(blank(run, Progress::Waiting, note))
}

fn told(answer: Answer) -> Result<(StatusCode, Json<Answer>), Problem> {
    match answer.state {
        Progress::Refused if !answer.note.starts_with("not scanned") => {
            Err(Problem::unprocessable(answer.note.to_string()))
        }
        _ => Ok((StatusCode::CREATED, Json(answer))),
    }
}

async fn deliveries(
    Shared(state): Shared<State>,
    Path(run): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<StatusCode, Problem> {
    let caller = Caller::of(&state, &headers).await?;
    caller.spend(&state)?;
    let unknown = || Problem::not_found("there is no such run");
    let run: RunId = run.parse().map_err(|_| unknown())?;
    let workspace = state.store.for_workspace(caller.workspace());
    let (repository, row) = workspace.run_anywhere(run).await?.ok_or_else(unknown)?;
    caller.may_upload(repository).map_err(|_| unknown())?;
    let body = Bytes::from_request(request, &state).await.map_err(|why| unread(&why))?;
    let read = masked::read::<Vec<Delivery>>(&body, &mut BuiltIn::default());
    let (mut deliveries, _) = read.map_err(|_| Problem::bad_request("the body is no list of deliveries"))?;
    deliveries.iter_mut().for_each(cut_delivery);
    delivered(&workspace, repository, &row, &deliveries, state.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn is_key(key: &str) -> bool {
    (8..=128).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Unix milliseconds of a moment in RFC 3339.
fn millis(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}
