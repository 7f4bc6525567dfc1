//! The workers.
//!
//! Owns taking, keeping and giving back jobs. A worker that dies loses its job to another one when the lease is over. Beside the workers that do
//! everybody's jobs, one serves only tenants for whom nobody works: jobs that take long, because Bitbucket does not answer for one tenant, may hold all
//! others.

use std::time::Duration;

use crate::bitbucket::Purpose;
use crate::jobs::outcome::ATTEMPTS_MAX;
use crate::jobs::{
    Failed, branches, comment, judge_anew, judge_branch, kind, pull_request, repository, sweep, waiting,
};
use crate::publish;
use crate::state::State;
use crate::store::system::{Job, Turn};
use crate::store::{Result, new_id};
use crate::track::{BranchId, RunId};
use crate::upload;

/// How long a job is taken for, and how often that is renewed.
const LEASE: Duration = Duration::from_secs(60);
const HEARTBEAT: Duration = Duration::from_secs(20);
/// How long a worker waits before it looks again, if nobody tells it.
const IDLE: Duration = Duration::from_secs(2);
/// How long it waits when the database does not answer.
const AWAY: Duration = Duration::from_secs(3);

/// Works until everything comes to an end.
pub async fn workers(state: State) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..state.config.workers {
        tasks.spawn(worker(state.clone(), Turn::Any));
    }
    tasks.spawn(worker(state, Turn::Unserved));
    tasks.join_all().await;
}

async fn worker(state: State, turn: Turn) {
    while !state.is_stopping() {
        let wait = match do_one(&state, turn).await {
            Ok(true) => continue,
            Ok(false) => IDLE,
            Err(error) => {
                tracing::warn!(%error, "the queue cannot be read");
                AWAY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = state.store.job_added() => {}
            () = state.stopped() => {}
        }
    }
}

/// Does the next job that is due; `false` if there is none.
///
/// # Errors
/// When the queue cannot be read.
pub async fn do_one(state: &State, turn: Turn) -> Result<bool> {
    let system = state.store.system();
    let (owner, now) = (new_id(), state.now());
    let Some(job) = system.claim_job(turn, owner, now, now + millis(LEASE)).await? else { return Ok(false) };
    let outcome = {
        // In a task of its own: a job that panics takes no worker with it.
        let (of, taken) = (state.clone(), job.clone());
        let mut work = state.tasks.spawn(async move { perform(&of, &taken).await });
        loop {
            tokio::select! {
                outcome = &mut work => break outcome.unwrap_or(Err(Failed::Interrupted)),
                () = tokio::time::sleep(HEARTBEAT) => {
                    let until = state.now() + millis(LEASE);
                    // If it is lost, somebody else does it, too: that comes to the same.
                    let _ = system.extend_job(job.id, owner, until).await;
                }
            }
        }
    };
    end(state, &job, owner, outcome).await?;
    Ok(true)
}

async fn end(state: &State, job: &Job, owner: u128, outcome: std::result::Result<(), Failed>) -> Result<()> {
    let system = state.store.system();
    let Err(failed) = outcome else {
        state.metrics.job(&job.kind, "done");
        return system.finish_job(job.id, owner).await;
    };
    let now = state.now();
    if failed.is_passing() && job.attempts < ATTEMPTS_MAX {
        let wait = failed.wait(job.attempts, drawn());
        tracing::info!(kind = job.kind, attempts = job.attempts, %failed, wait, "a job is tried again");
        state.metrics.job(&job.kind, "retried");
        return system.retry_job(job.id, owner, now + wait).await;
    }
    // Without an installation there is nothing to be done and nobody to be told.
    if matches!(&failed, Failed::Bitbucket(crate::bitbucket::Error::NotInstalled)) {
        state.metrics.job(&job.kind, "dropped");
        return system.finish_job(job.id, owner).await;
    }
    tracing::warn!(kind = job.kind, attempts = job.attempts, %failed, "a job is given up");
    state.metrics.job(&job.kind, "buried");
    let mut write = state.store.for_workspace(job.workspace).write().await?;
    write.job_failed(job.id, &failed.to_string(), now).await?;
    write.commit().await?;
    system.bury_job(job.id, owner).await
}

/// Does what a job says.
///
/// # Errors
/// When it is not done.
pub async fn perform(state: &State, job: &Job) -> std::result::Result<(), Failed> {
    let workspace = state.store.for_workspace(job.workspace);
    let senseless = Failed::Senseless("the job says nothing of what it is about");
    let Some(repository) = job.repository else {
        return match job.kind.as_str() {
            kind::JUDGE_ANEW => judge_anew::judge_workspace_anew(state, &workspace).await,
            _ => Err(senseless),
        };
    };
    let number = || job.subject.parse::<u64>().ok();
    match job.kind.as_str() {
        kind::BRANCHES => branches::follow_branches(state, &workspace, repository, Purpose::Verdict).await,
        kind::REPOSITORY => repository::follow_repository(state, &workspace, repository, Purpose::Verdict).await,
        kind::PULL_REQUEST => {
            pull_request::follow_pull_request(state, &workspace, repository, number().ok_or(senseless)?).await
        }
        kind::MAIN_BRANCH => judge_branch::judge_branch(state, &workspace, repository, None).await,
        kind::BRANCH => {
            let branch: BranchId = job.subject.parse().map_err(|_| senseless)?;
            judge_branch::judge_branch(state, &workspace, repository, Some(branch)).await
        }
        kind::JUDGE_ANEW => judge_anew::judge_repository_anew(state, &workspace, repository).await,
        kind::WAITING => waiting::end_waiting(state, &workspace, repository, number().ok_or(senseless)?).await,
        kind::SWEEP => sweep::sweep(state, &workspace, repository).await,
        kind::RUN => {
            let run: RunId = job.subject.parse().map_err(|_| senseless)?;
            Ok(upload::settle_to_end(state, &workspace, repository, run, None).await.map(drop)?)
        }
        kind::COMMENT => {
            let ids = job.subject.split_once('/').and_then(|(number, id)| number.parse().ok().zip(id.parse().ok()));
            let (number, id) = ids.ok_or(senseless)?;
            comment::act_on_comment(state, &workspace, repository, number, id).await
        }
        kind::PUBLISH => {
            let (kind, subject) = job.subject.split_once('/').ok_or(senseless)?;
            publish::post(state, &workspace, repository, kind, subject).await
        }
        _ => Err(Failed::Senseless("no such kind of job is known to this version")),
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn drawn() -> f64 {
    getrandom::u32().map_or(1.0, |drawn| f64::from(drawn) / f64::from(u32::MAX))
}
