//! The directory of installations, as Connect sees it.
//!
//! Owns the translation between the store's rows and the lifecycle's terms, and the credentials that an installation asks Bitbucket with.

use std::sync::Arc;

use penstock_common::{Uuid, plain};

use super::ClientKey;
use super::exchange::Exchange;
use super::lifecycle::{Candidate, Decision, Known, Principal, ProofFailure, Row, State as Standing};
use crate::bitbucket::{Credential, Credentials, NoCredential};
use crate::store::system::{self, Installation, Written};
use crate::store::{Result, Store};

/// Names this door in the store.
const DOOR: &str = "connect";

/// The directory.
#[derive(Clone)]
pub struct Directory {
    store: Store,
    exchange: Arc<Exchange>,
}

impl Directory {
    /// Of a store, with a way to tokens.
    pub const fn new(store: Store, exchange: Arc<Exchange>) -> Self {
        Self { store, exchange }
    }
}

impl Credentials for Directory {
    async fn credentials(&self, workspace: Uuid) -> std::result::Result<Credential, NoCredential> {
        let unavailable = |error: crate::store::Error| NoCredential::Unavailable(Box::new(error));
        let all = self.store.system().active_installations(workspace).await.map_err(unavailable)?;
        let ours = all.into_iter().filter(|one| one.door == DOOR);
        // Several may be active at once: the newest is the one that somebody installed on purpose.
        let usable = ours.filter_map(|one| Some((one.name.parse::<ClientKey>().ok()?, one.secret))).next();
        let (installation, secret) = usable.ok_or(NoCredential::NotInstalled)?;
        Ok(self.exchange.credential(installation, secret))
    }
}

/// What is known of an installation.
pub(super) async fn known(store: &Store, installation: &ClientKey) -> Result<Known> {
    let system = store.system();
    let name = installation.as_str();
    let row = system.installation(DOOR, name).await?.map(|found| Row {
        state: if found.active { Standing::Active } else { Standing::Removed },
        workspace: found.workspace,
        secret: found.secret,
        as_of: found.as_of,
    });
    let waiting = system.candidates(DOOR, name).await?.into_iter().filter_map(candidate).collect();
    Ok(Known { row, waiting })
}

/// An active installation and its workspace.
pub(super) async fn active(store: &Store, installation: &ClientKey) -> Result<Option<Installation>> {
    Ok(store.system().installation(DOOR, installation.as_str()).await?.filter(|found| found.active))
}

/// A candidate as stored; `None` if its name is not valid.
pub(super) fn candidate(kept: system::Candidate) -> Option<Candidate> {
    Some(Candidate {
        installation: kept.name.parse().ok()?,
        secret: kept.secret,
        signed: kept.signed,
        as_of: kept.as_of,
        since: kept.since,
        failures: kept.failures,
        claimed: kept.claimed,
        waits_for: kept.waits_for.as_deref().and_then(ProofFailure::of_code),
    })
}

/// Writes what was decided about an installation that was `known` so. Nothing is written if it is known otherwise by now.
pub(super) async fn carry_out(
    store: &Store,
    decision: &Decision,
    known: &Known,
    id: u128,
    now: i64,
) -> Result<Written> {
    let system = store.system();
    let (installation, row, principal) = match decision {
        Decision::Activate { installation, principal, row } => (installation, row, Some(principal)),
        Decision::RotateSecret { installation, row } | Decision::Remove { installation, row } => {
            (installation, row, None)
        }
        Decision::Pending { candidate, retry_at } => {
            system.keep_candidate(&kept(candidate, id, *retry_at)).await?;
            return Ok(Written::Yes);
        }
        Decision::Ignore(_) | Decision::Refuse(_) => {
            if id != 0 {
                system.drop_candidate(id).await?;
            }
            return Ok(Written::Yes);
        }
    };
    let written = Installation {
        door: DOOR.to_owned(),
        name: installation.as_str().to_owned(),
        workspace: row.workspace,
        active: row.state == Standing::Active,
        state_since: now,
        as_of: row.as_of,
        secret: row.secret.clone(),
    };
    let expected = known.row.as_ref().map(|row| row.as_of);
    let slug = principal.and_then(|Principal { slug, .. }| slug.as_deref());
    system.write_installation(&written, expected, slug, now).await
}

fn kept(candidate: &Candidate, id: u128, retry_at: i64) -> system::Candidate {
    system::Candidate {
        id,
        door: DOOR.to_owned(),
        name: candidate.installation.as_str().to_owned(),
        signed: candidate.signed,
        as_of: candidate.as_of,
        since: candidate.since,
        failures: candidate.failures,
        retry_at,
        expires_at: candidate.expires_at(),
        claimed: candidate.claimed,
        waits_for: candidate.waits_for.map(|failure| failure.code().to_owned()),
        secret: candidate.secret.clone(),
    }
}

/// What an installation waits for, for the operator. Nothing of its secret is in it.
pub fn waiting_line(kept: &system::Candidate, now: i64) -> String {
    let failure = kept.waits_for.as_deref().and_then(ProofFailure::of_code);
    let waits_for = failure.map_or_else(|| "it was not tried yet".to_owned(), |failure| failure.to_string());
    format!(
        "installation {}: not proven for {} s, tried {}: {waits_for}; given up in {} s",
        kept.name,
        (now - kept.since).max(0) / 1000,
        plain::count(u64::from(kept.failures), "time"),
        (kept.expires_at - now).max(0) / 1000,
    )
}
