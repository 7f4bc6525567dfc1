//! What is done again and again.
//!
//! Owns the rounds: webhooks that wait are worked out, lost jobs are given back, secrets that wait are proven; once in a while everything is compared
//! with Bitbucket, judgements expire, and what is old is forgotten. What one copy of the program does is not done by another at the same time.

use std::time::Duration;

use super::{Failed, follow, kind, retention};
use crate::door;
use crate::inbox;
use crate::state::State;
use crate::store::new_id;
use crate::store::system::{Subject, TenantState};
use crate::track::expire;

/// How long to wait between two looks, if nobody tells.
const LOOK: Duration = Duration::from_millis(500);
/// Time between two sweeps, and between two clean-ups, in milliseconds.
const SWEEP: i64 = 30 * 60_000;
const CLEAN: i64 = 60 * 60_000;

/// Goes its rounds until everything comes to an end.
pub async fn rounds(state: State) {
    let owner = new_id();
    while !state.is_stopping() {
        let busy = match round(&state, owner).await {
            Ok(busy) => busy,
            Err(error) => {
                tracing::warn!(%error, "a round was not finished");
                false
            }
        };
        if busy {
            continue;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = state.store.job_added() => {}
            () = state.stopped() => {}
        }
    }
}

/// One round; `true` if there may be more to do.
async fn round(state: &State, owner: u128) -> Result<bool, Failed> {
    let system = state.store.system();
    let now = state.now();
    let mut busy = false;
    if system.take_lease("inbox", owner, now, now + 5_000).await? {
        busy |= inbox::work_out(state).await? > 0;
    }
    if system.take_lease("reaper", owner, now, now + 5_000).await? {
        system.reap_jobs(now).await?;
        busy |= door::prove_waiting(state).await? > 0;
    }
    if system.take_lease("sweep", owner, now, now + SWEEP).await? {
        wish_for_sweeps(state, now).await?;
    }
    if system.take_lease("clean", owner, now, now + CLEAN).await? {
        retention::forget(state).await?;
        end_judgements(state, now).await?;
    }
    Ok(busy)
}

async fn wish_for_sweeps(state: &State, now: i64) -> Result<(), Failed> {
    for tenant in state.store.system().tenants().await? {
        if tenant.state != TenantState::Active {
            continue;
        }
        let workspace = state.store.for_workspace(tenant.workspace);
        let repositories = workspace.repositories().await?;
        let mut write = workspace.write().await?;
        for row in repositories.iter().filter(|row| row.gone_at.is_none()) {
            let subject = Subject { repository: Some(row.repository), kind: kind::SWEEP, subject: String::new() };
            write.job(&subject, now, now).await?;
        }
        write.commit().await?;
    }
    Ok(())
}

async fn end_judgements(state: &State, now: i64) -> Result<(), Failed> {
    for tenant in state.store.system().tenants().await? {
        let workspace = state.store.for_workspace(tenant.workspace);
        for row in workspace.repositories().await? {
            let mut lane = workspace.lane(row.repository).await;
            let changes = expire(&lane.state(&[]).await?.repository, now);
            follow::write_in(&mut lane, &changes, now).await?;
        }
    }
    Ok(())
}
