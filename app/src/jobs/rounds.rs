//! What is done again and again.
//!
//! Owns the rounds: waiting webhooks become jobs, lost jobs are requeued, and, separately, waiting
//! secrets are proven; less often everything is compared with Bitbucket, triage decisions expire,
//! and old data is deleted. Two copies of the program do not run the same round at the same time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Failed, kind, retention};
use crate::audit_export;
use crate::door;
use crate::inbox;
use crate::judgement::concerned;
use crate::settings::Settings;
use crate::state::State;
use crate::store::system::{Subject, TenantState};
use crate::store::{self, new_id};
use crate::track::exported_head::ExportedHead;
use crate::track::{expire, reconsider};

/// How long to wait between two looks, if nobody tells.
const LOOK: Duration = Duration::from_millis(500);
/// How long one copy works out all webhooks before another one may, in milliseconds.
const INBOX: i64 = 10_000;
/// Time between two looks for lost jobs, two sweeps and two clean-ups, in milliseconds.
const REAP: i64 = 10_000;
const SWEEP: i64 = 30 * 60_000;
const CLEAN: i64 = 60 * 60_000;
/// Time between two looks for entries of the audit log to send, and between two reports of where
/// logs end.
const EXPORT: i64 = 30_000;
const HEADS: i64 = 24 * 60 * 60_000;

/// Goes its rounds until everything comes to an end.
pub async fn rounds(state: State) {
    let mut leases = Leases { owner: new_id(), mine: BTreeMap::new() };
    let mut is_started = false;
    while !state.is_stopping() {
        let busy = match round(&state, &mut leases, &mut is_started).await {
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

/// Proves secrets that wait, in rounds of their own: anyone can send some, and nothing else may
/// wait for them.
pub async fn proofs(state: State) {
    let mut leases = Leases { owner: new_id(), mine: BTreeMap::new() };
    while !state.is_stopping() {
        let round = async {
            let is_mine = leases.has(&state, "candidates", INBOX, state.now()).await?;
            store::Result::Ok(is_mine && door::prove_waiting(&state).await? > 0)
        };
        match round.await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "installations that wait cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = state.stopped() => {}
        }
    }
}

/// What this copy does and no other one does meanwhile.
struct Leases {
    owner: u128,
    /// Until when, in unix milliseconds.
    mine: BTreeMap<&'static str, i64>,
}

impl Leases {
    /// Whether this copy does it at `now`. A lease of `time` milliseconds is renewed in its second half only, so that looking costs nothing.
    async fn has(&mut self, state: &State, name: &'static str, time: i64, now: i64) -> store::Result<bool> {
        if self.mine.get(name).is_some_and(|until| until - now > time / 2) {
            return Ok(true);
        }
        let until = now + time;
        let taken = state.store.system().take_lease(name, self.owner, now, until).await?;
        if taken {
            self.mine.insert(name, until);
        } else {
            self.mine.remove(name);
        }
        Ok(taken)
    }

    /// Whether this copy does it now, once in `time` milliseconds.
    async fn once(&mut self, state: &State, name: &'static str, time: i64, now: i64) -> store::Result<bool> {
        if self.mine.get(name).is_some_and(|until| *until > now) {
            return Ok(false);
        }
        // Nobody keeps it: who finds it ended does it next.
        let taken = state.store.system().take_lease(name, new_id(), now, now + time).await?;
        self.mine.insert(name, now + time);
        Ok(taken)
    }
}

/// One round; `true` if there may be more to do.
async fn round(state: &State, leases: &mut Leases, is_started: &mut bool) -> Result<bool, Failed> {
    let now = state.now();
    let mut busy = false;
    if leases.has(state, "inbox", INBOX, now).await? {
        busy |= inbox::work_out(state).await? > 0;
    }
    if leases.once(state, "reaper", REAP, now).await? {
        state.store.system().reap_jobs(now).await?;
    }
    // Webhooks that came while no copy ran are lost, because Bitbucket does not send them again. So
    // a start sweeps at once, whichever copy had the last turn. Sweeps that are queued already are
    // not doubled.
    if leases.once(state, "sweep", SWEEP, now).await? || !*is_started {
        wish_for_sweeps(state, now).await?;
        *is_started = true;
    }
    if leases.once(state, "clean", CLEAN, now).await? {
        retention::forget(&state.store, now).await?;
        end_judgements(state, now).await?;
    }
    if leases.once(state, "audit export", EXPORT, now).await? {
        audit_export::export(state).await?;
    }
    if leases.once(state, "log heads", HEADS, now).await? {
        report_heads(state).await?;
    }
    Ok(busy)
}

/// Writes the end of each log to the program's log, so that a later truncation is noticed.
async fn report_heads(state: &State) -> Result<(), Failed> {
    for tenant in state.store.system().tenants().await? {
        let workspace = state.store.for_workspace(tenant.workspace);
        for (log, head) in workspace.log_heads().await? {
            let head = ExportedHead { chain: workspace.chain(log), head };
            tracing::info!(%head, "end of a log");
        }
    }
    Ok(())
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

/// Ends dismissals that have expired at `now`.
///
/// # Errors
/// When the database does not answer.
pub async fn end_judgements(state: &State, now: i64) -> Result<(), Failed> {
    for tenant in state.store.system().tenants().await? {
        let workspace = state.store.for_workspace(tenant.workspace);
        for row in workspace.repositories().await? {
            let mut lane = workspace.lane(row.repository).await;
            let tracked = &lane.state(&[]).await?.repository;
            let mut changes = expire(tracked, now);
            lane.accept(&changes);
            let policy = Settings::of(&workspace, Some(row.repository)).await?.policy();
            let tracked = &lane.loaded().ok_or(store::Error::Conflict)?.repository;
            // Of two people one may have spoken for a shorter time.
            changes.extend(reconsider(tracked, None, &policy, now));
            if changes.is_empty() {
                continue;
            }
            let branches: Vec<_> = tracked.branches().map(|branch| branch.id).collect();
            let concerned = concerned(tracked, row.repository, None, &branches);
            let mut write = workspace.write().await?;
            for job in &concerned {
                write.job(job, now, now).await?;
            }
            lane.accept(&changes);
            let log = write.changes(&lane, &changes, &Default::default(), now).await?;
            write.commit_in(&mut lane, log).await?;
        }
    }
    Ok(())
}
