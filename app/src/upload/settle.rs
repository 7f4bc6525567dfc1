//! A run is confirmed, applied and judged.
//!
//! Owns the one way from a run that is kept to what it changes, whoever goes it: the request that brought it, or a job that tries again. All that
//! it changes is written in one transaction: findings, log, verdict, and what shall stand in Bitbucket.

use std::sync::Arc;

use penstock::analyze::secrets::mask;
use penstock_common::delivery::Outcome;
use penstock_common::upload::answer::{Answer, Post, Sender, State as Progress};
use penstock_common::upload::v1::Upload;
use penstock_common::{Delivery, Destination, Masked, Subject, Uuid, masked};

use super::confirm::{About as Confirmation, Confirmed, confirm};
use super::work::{Room, declared};
use super::{Encoding, Reduced, read, reduce};
use crate::bitbucket::facts::{self, facts};
use crate::bitbucket::{Error as Refused, InRepository, Purpose, Submitter};
use crate::jobs::{Failed, follow, kind};
use crate::judgement;
use crate::review::{self, Conclusion, Evidence, Inconclusive, RunFacts};
use crate::settings::Settings;
use crate::state::State;
use crate::store;
use crate::store::system::Subject as Wish;
use crate::store::workspace::{Lane, NAMES_MAX, RunRow, RunState, State as Tracked, Workspace, restored};
use crate::track::{
    Applied, BranchId, Changes, Commit, Effect, Facts, RunId, apply_run, others_on, recall, reconsider,
};

/// How often a run is applied anew because another copy wrote in between.
const ATTEMPTS: usize = 5;

/// Why a run was not settled. It waits on.
#[derive(Debug, thiserror::Error)]
pub enum Unsettled {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Bitbucket.
    #[error("Bitbucket could not be asked: {0}")]
    Bitbucket(#[from] Refused),
    /// What was kept of it cannot be read.
    #[error("the run that was kept cannot be read")]
    Document,
    /// The task that settles it ended before it was settled.
    #[error("the attempt to apply the run ended before it was done")]
    Interrupted,
}

impl From<Inconclusive> for Unsettled {
    fn from(error: Inconclusive) -> Self {
        match error {
            Inconclusive::Store(error) => Self::Store(error),
            Inconclusive::Bitbucket(error) => Self::Bitbucket(error),
            Inconclusive::Form => Self::Document,
        }
    }
}

impl From<Failed> for Unsettled {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Store(error) => Self::Store(error),
            Failed::Bitbucket(error) => Self::Bitbucket(error),
            Failed::Senseless(_) => Self::Document,
            Failed::Interrupted => Self::Interrupted,
        }
    }
}

/// Settles a run. `reduced` is what the request that brought it already has, with the room that it
/// takes; otherwise the run is read as it was kept.
///
/// # Errors
/// When it cannot be settled now. What is wrong with the run itself is no error but an answer.
pub async fn settle(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    run: RunId,
    reduced: Option<(Reduced, Room)>,
) -> Result<Answer, Unsettled> {
    let row = workspace.run(repository, run).await?.ok_or(store::Error::NotFound("run"))?;
    if let Some(answer) = row.answer.as_deref().and_then(restored) {
        return Ok(answer);
    }
    let (mut reduced, _room) = match reduced {
        Some(reduced) => reduced,
        None => kept(state, workspace, repository, &row).await?,
    };
    let bitbucket = state.bitbucket.of(workspace.id()).await?.on_behalf_of(Purpose::Confirmation(submitter(&row)));
    let there = bitbucket.in_repository(repository);
    let subject = reduced.upload.run.subject.clone().unwrap_or_default();
    let trusted = row.actor.starts_with(TRUSTED);
    let about = match confirm(&there, &subject, row.pipeline, trusted).await? {
        Confirmed::Yes(about) => about,
        Confirmed::No(why) => return refuse(workspace, repository, &row, why).await,
        Confirmed::Fork(number) => {
            let why = masked!["not scanned: pull request ", number, " comes from a fork"];
            return refuse(workspace, repository, &row, why).await;
        }
    };
    follow::ensure_repository(state, workspace, &there).await?;
    // Of other runs Bitbucket has confirmed the branch.
    if trusted
        && let Some(name) = &about.branch
        && is_full_of_branches(workspace, repository, name).await?
    {
        state.metrics.limited("branches", "repository");
        let why = masked![
            "the repository has ",
            BRANCHES_MAX,
            " branches with runs, which is the limit: delete those in Bitbucket that are merged"
        ];
        return refuse(workspace, repository, &row, why).await;
    }
    reduced.run.branch.clone_from(&about.branch);
    // What a run saw counts on the day on which it had seen it.
    let happened = row.finished_at.unwrap_or(row.started_at);
    let mut settled = Err(store::Error::Conflict.into());
    for _ in 0..ATTEMPTS {
        settled = apply(state, workspace, &there, &reduced, &about, happened).await;
        if !matches!(settled, Err(Unsettled::Store(store::Error::Conflict))) {
            break;
        }
    }
    let_go(reduced);
    settled
}

/// Maximum number of living branches of a repository that have runs.
const BRANCHES_MAX: usize = 10_000;

/// Whether a repository has no room for a branch of this name, which it does not know.
async fn is_full_of_branches(workspace: &Workspace, repository: Uuid, name: &str) -> Result<bool, Unsettled> {
    let mut lane = workspace.lane(repository).await;
    let tracked = lane.state(&[]).await?;
    let is_known = tracked.repository.branch_named(name).is_some();
    Ok(!is_known && tracked.repository.branches().filter(|branch| branch.deleted.is_none()).count() >= BRANCHES_MAX)
}

/// Frees what consists of tens of thousands of texts; nobody waits for that.
fn let_go(large: impl Send + 'static) {
    tokio::task::spawn_blocking(move || drop(large));
}

/// Who sent a run, as far as a bucket goes.
fn submitter(row: &RunRow) -> Submitter {
    match (row.actor.strip_prefix(TRUSTED).or(row.actor.strip_prefix(TOKEN)), row.pipeline) {
        (Some(name), _) => Submitter::token(name),
        (None, Some(pipeline)) => Submitter::Pipeline(pipeline),
        (None, None) => Submitter::token(&row.actor),
    }
}

/// How the actor of a run begins that came with a token.
pub(super) const TOKEN: &str = "token:";
/// How the actor of a run begins that may say by itself what it is about. No other actor begins so.
pub(super) const TRUSTED: &str = "any-ref:";

async fn kept(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    row: &RunRow,
) -> Result<(Reduced, Room), Unsettled> {
    let document = workspace.run_document(repository, row.run).await?.ok_or(Unsettled::Document)?;
    let room = room(state, workspace, &document).await.ok_or_else(busy)?;
    let (run, commit, at) = (row.run, row.commit, row.started_at);
    // It takes room until it ends, also if nobody waits for it any more.
    let reduced = tokio::task::spawn_blocking(move || {
        let received = read(&document, Encoding::Gzip).map_err(|_| Unsettled::Document)?;
        Ok::<_, Unsettled>((reduce(received.upload, run, commit, at), room))
    });
    reduced.await.map_err(|_| Unsettled::Document)?
}

/// Room for a run that was kept, compressed.
async fn room(state: &State, workspace: &Workspace, document: &[u8]) -> Option<Room> {
    state.uploads.inflate(workspace.id(), declared(document, Encoding::Gzip), &state.metrics).await.ok()
}

fn busy() -> Unsettled {
    Unsettled::Store(store::Error::Unavailable("too many runs are in work".to_owned()))
}

/// An upload as it was kept, with the room that it takes; nothing if it was forgotten.
///
/// # Errors
/// When there is no room for it now.
pub async fn upload_of(
    state: &State,
    workspace: &Workspace,
    repository: Uuid,
    row: &RunRow,
) -> Result<Option<(Upload, Room)>, Unsettled> {
    let Some(document) = workspace.run_document(repository, row.run).await.ok().flatten() else { return Ok(None) };
    let room = room(state, workspace, &document).await.ok_or_else(busy)?;
    let read = tokio::task::spawn_blocking(move || Some((read(&document, Encoding::Gzip).ok()?.upload, room))).await;
    Ok(read.ok().flatten())
}

async fn refuse(workspace: &Workspace, repository: Uuid, row: &RunRow, why: Masked) -> Result<Answer, Unsettled> {
    let answer = blank(row.run, Progress::Refused, why);
    let mut write = workspace.write().await?;
    let text = json(&answer)?;
    write.run_ended(repository, row.run, RunState::Refused, row.branch.as_deref(), row.pull_request, &text).await?;
    write.commit().await?;
    Ok(answer)
}

/// An answer without a verdict.
pub(super) fn blank(run: RunId, state: Progress, note: Masked) -> Answer {
    Answer {
        version: 1,
        run: run.to_string(),
        state,
        note,
        base: None,
        gate: None,
        counts: Default::default(),
        policy_changes: Vec::new(),
        link: None,
        posts: Vec::new(),
    }
}

fn json(answer: &Answer) -> Result<String, Unsettled> {
    serde_json::to_string(answer).map_err(|_| Unsettled::Document)
}

/// One attempt.
async fn apply(
    state: &State,
    workspace: &Workspace,
    there: &InRepository,
    reduced: &Reduced,
    about: &Confirmation,
    happened: i64,
) -> Result<Answer, Unsettled> {
    let repository = there.id();
    let names: Vec<&str> = about.branch.as_deref().into_iter().chain(about.destination()).collect();
    let mut lane = workspace.lane(repository).await;
    let now = state.now();
    lane.state(&names).await?;
    let mut changes = Changes::default();
    if let Some(pull_request) = &about.pull_request {
        let more = follow::pull_request_row(&lane, pull_request, repository)?;
        lane.accept(&more);
        changes.extend(more);
    }
    let known = facts_of(&lane, there, reduced, about, now).await?;
    let applied = {
        let tracked = lane.loaded().ok_or(store::Error::Conflict)?;
        apply_run(&tracked.repository, &reduced.run, &known, &mut store::new_id)
    };
    let Applied { changes: more, effect, branch, .. } = applied;
    changes.extend(more);
    let moved = branch.filter(|_| matches!(effect, Effect::Moved | Effect::Repeated));
    let mut jobs = Vec::new();
    let knows_others = |tracked: &Tracked| !others_on(&tracked.repository, moved, about.commit).is_empty();
    if let Some(branch) = moved.filter(|_| lane.loaded().is_some_and(knows_others)) {
        lane.accept(&changes);
        let shared = shared(&mut lane, branch, about.commit, now).await?;
        lane.accept(&shared.recalled);
        changes.extend(shared.recalled);
        jobs = shared.jobs;
    }
    // A run that reports worse may end what a dismissal says, and one of the main branch may
    // begin it.
    let said: Vec<_> = changes.findings.iter().filter(|row| row.triage.status.dismisses()).map(|row| row.id).collect();
    if !said.is_empty() {
        lane.accept(&changes);
        let policy = Settings::of(workspace, Some(repository)).await?.policy();
        let tracked = lane.loaded().ok_or(store::Error::Conflict)?;
        changes.extend(reconsider(&tracked.repository, Some(&said), &policy, now));
    }
    let changes = Arc::new(changes);
    // Both cores have something to do meanwhile.
    let preparing = lane.prepare(&changes, &reduced.contents, happened)?;
    lane.accept(&changes);

    let mut answer = blank(reduced.run.id, Progress::History, Masked::EMPTY);
    let judged = match moved {
        Some(branch) => {
            answer.state = Progress::Applied;
            let pull_request = about.pull_request.as_ref().map(|pull_request| pull_request.number);
            let about = review::About { branch, commit: about.commit, pull_request };
            let tracked = lane.loaded().ok_or(store::Error::Conflict)?;
            let web = state.config.hosts.script_and_frame_origin();
            let runs = workspace.runs_on(repository, about.commit).await?;
            let evidence = reduced.evidence(&runs);
            let conclusion = review::conclude(workspace, there, tracked, &about, &evidence, &web, now).await?;
            tell(&mut answer, &conclusion, &reduced.upload);
            Some((about, conclusion))
        }
        None => {
            answer.note = match effect {
                Effect::History => "the branch was scanned further already: the run tells of its past".into(),
                _ => "the run's commit stands in no branch: it is kept, and changes nothing".into(),
            };
            None
        }
    };
    let prepared = preparing.done().await?;
    let mut write = workspace.write().await?;
    for job in &jobs {
        write.job(job, now, now).await?;
    }
    if let Some((about, conclusion)) = &judged {
        conclusion.write(&mut write, there, about, now).await?;
    }
    write.happened(happened);
    if let (Some(branch), Some(metrics)) = (moved, &reduced.upload.run.metrics)
        && !write.measured(repository, branch, &reduced.run.name, metrics, now).await?
    {
        answer.note = masked![
            "the numbers on tests and coverage are not kept: ",
            NAMES_MAX,
            " other NAMEs have sent some for this branch today, which is the limit"
        ];
        state.metrics.limited("metric_series", "branch");
    }
    let text = json(&answer)?;
    let number = about.pull_request.as_ref().map(|pull_request| pull_request.number);
    write.run_ended(repository, reduced.run.id, RunState::Applied, about.branch.as_deref(), number, &text).await?;
    write.trusted_run(repository, now).await?;
    for delivery in reduced.upload.deliveries.iter().take(Destination::ALL.len()) {
        write.delivered(repository, "pipe", &about.commit.to_string(), delivery, now).await?;
    }
    let log = write.prepared(&lane, &changes, prepared, now).await?;
    write.commit_in(&mut lane, log).await?;
    let_go(changes);
    Ok(answer)
}

impl Confirmation {
    fn destination(&self) -> Option<&str> {
        self.pull_request.as_ref().map(|pull_request| pull_request.destination.as_str())
    }
}

/// Where the run stands, as Bitbucket says now.
async fn facts_of(
    lane: &Lane,
    there: &InRepository,
    reduced: &Reduced,
    about: &Confirmation,
    now: i64,
) -> Result<Facts, Unsettled> {
    let tracked = lane.loaded().ok_or(store::Error::Conflict)?;
    let known = about.branch.as_deref().and_then(|name| tracked.repository.branch_named(name));
    let timeline = known.map(|branch| branch.timeline.commits()).unwrap_or_default();
    let named = reduced.upload.run.comparison.as_ref().and_then(|comparison| comparison.base.commit.as_deref());
    let commit = named.and_then(|hash| hash.parse().ok());
    let of = match about.destination() {
        Some(name) => tracked.repository.branch_named(name),
        None => tracked.repository.main().and_then(|main| tracked.repository.branch(main)),
    };
    let place = facts::About { commit: about.commit, branch: about.branch.as_deref(), timeline };
    let is_scanned = of.is_some_and(|branch| !branch.timeline.accounts().is_empty());
    let is_itself = of.is_some_and(|branch| Some(&*branch.name) == about.branch.as_deref());
    let known = facts(there, place, of.zip(commit), now).await?;
    Ok(Facts { by_tree: !is_scanned && !is_itself, ..known })
}

/// What other branches know of the commit to which a run moved its branch, and what they learn from
/// it.
struct Shared {
    /// What they reported of it before.
    recalled: Changes,
    /// Verdicts to give again, because the run reports what they do not know.
    jobs: Vec<Wish>,
}

/// Both; the run was accepted before.
async fn shared(lane: &mut Lane, branch: BranchId, commit: Commit, now: i64) -> store::Result<Shared> {
    let others = others_on(&lane.loaded().ok_or(store::Error::Conflict)?.repository, Some(branch), commit);
    if others.is_empty() {
        return Ok(Shared { recalled: Changes::default(), jobs: Vec::new() });
    }
    let id = lane.repository();
    let tracked = &lane.loaded_with(&others).await?.repository;
    let recalled = recall(tracked, branch, now);
    let at_it = others.iter().filter_map(|id| tracked.branch(*id));
    let at_it = at_it.filter(|row| row.deleted.is_none() && row.timeline.last() == Some(commit));
    let learning = at_it.filter(|row| !recall(tracked, row.id, now).is_empty());
    Ok(Shared { recalled, jobs: learning.flat_map(|row| judgement::of_branch(tracked, id, row.id)).collect() })
}

/// Says in the answer what was concluded, and what the app posts of it.
fn tell(answer: &mut Answer, conclusion: &Conclusion, upload: &Upload) {
    let judgement = &conclusion.verdict.judgement;
    answer.base = Some(judgement.base.clone());
    answer.counts = conclusion.verdict.counts();
    answer.gate = Some(judgement.evaluation.clone());
    answer.policy_changes = upload.run.comparison.as_ref().map(|one| one.policy_changes.clone()).unwrap_or_default();
    answer.link = Some(mask(&conclusion.page));
    let post = |destination| Post { destination, by: Sender::App, reason: Masked::EMPTY };
    answer.posts = conclusion.wished.iter().map(|(destination, ..)| post(*destination)).collect();
}

impl Reduced {
    /// `runs` are those of the commit.
    fn evidence(&self, runs: &[RunRow]) -> Evidence<'_> {
        let run = &self.upload.run;
        let (complete, leaked) = (run.complete(), review::leaked(run.comparison.as_ref()));
        let own = RunFacts { run: self.run.id, name: &self.run.name, complete, leaked };
        let applied = runs.iter().filter(|row| row.state == RunState::Applied && row.run != self.run.id);
        Evidence {
            tools: &run.tools,
            started_at: &run.started_at,
            comparison: run.comparison.as_ref(),
            together: review::together(applied.map(review::facts_of_run).chain([own])),
            ran: self.run.at,
            contents: &self.contents,
        }
    }
}

/// What the pipe says of a run's deliveries after it was sent. Where its reports are not there, or people dismissed something of which it does not
/// know, the commit is judged once more, and that posts the reports.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn delivered(
    workspace: &Workspace,
    repository: Uuid,
    row: &RunRow,
    deliveries: &[Delivery],
    now: i64,
) -> store::Result<()> {
    let deliveries = &deliveries[..deliveries.len().min(Destination::ALL.len())];
    let reports = deliveries.iter().find(|delivery| delivery.destination == Destination::CodeInsights);
    let answer = row.answer.as_deref().and_then(restored::<Answer>);
    let is_due = match (reports, answer) {
        (Some(Delivery { outcome: Outcome::Published { .. }, .. }), Some(answer)) => answer.counts.dismissed > 0,
        (Some(reports), Some(_)) => reports.falls_short(),
        _ => false,
    };
    let branch = match &row.branch {
        Some(name) => workspace.branch(repository, Some(name)).await?,
        None => None,
    };
    let mut write = workspace.write().await?;
    for delivery in deliveries {
        write.delivered(repository, "pipe", &row.commit.to_string(), delivery, now).await?;
    }
    let again = match (row.pull_request, branch) {
        _ if !is_due || row.state != RunState::Applied => None,
        (Some(number), _) => Some((kind::PULL_REQUEST, number.to_string())),
        (None, branch) => branch.map(|(id, _)| (kind::BRANCH, id.to_string())),
    };
    if let Some((kind, subject)) = again {
        write.job(&Wish { repository: Some(repository), kind, subject }, now, now).await?;
    }
    write.commit().await
}

/// The ids in an upload's subject.
pub(super) fn uuid(text: Option<&String>) -> Option<Uuid> {
    text.and_then(|text| text.parse().ok())
}

/// The repository that an upload names.
pub(super) fn repository_of(subject: &Subject) -> Option<Uuid> {
    uuid(subject.repository_uuid.as_ref())
}
