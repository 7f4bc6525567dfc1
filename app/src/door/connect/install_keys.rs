//! Atlassian's installation keys, over HTTP.
//!
//! Owns how often their host is asked. Anybody can send a token that names a key which does not exist, so what is known is kept, also that a
//! key is not there, and no more than a few questions a minute are asked, whatever comes in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use penstock_common::bitbucket::client::{Client, Method};
use tokio::sync::Mutex as Turn;

use super::jwt::install::{InstallKey, InstallKeys, KEY_MAX, KeyId, KeysUnavailable};
use crate::clock::Clock;

/// How long a key is used without asking again, in milliseconds.
const FRESH: i64 = 24 * 60 * 60 * 1000;
/// How long it is used if its host does not answer.
const STALE: i64 = 7 * FRESH;
/// How long a key that was not there is not asked for again, in milliseconds.
const ABSENT: i64 = 10 * 60 * 1000;
/// Most questions a minute.
pub const QUESTIONS_MAX: usize = 10;
const MINUTE: i64 = 60 * 1000;
/// Most names that are kept, of keys that exist and of keys that do not.
const NAMES_MAX: usize = 256;
/// How long one question may take.
const TIME: Duration = Duration::from_secs(5);

/// Atlassian's host of keys.
pub struct HttpInstallKeys {
    host: Client,
    clock: Clock,
    known: Mutex<HashMap<KeyId, Known>>,
    /// The requests under way. Others for the same key wait for the answer.
    turns: Mutex<HashMap<KeyId, Arc<Turn<()>>>>,
    /// When keys that were not known were requested in the last minute.
    asked: Mutex<Vec<i64>>,
}

#[derive(Clone)]
struct Known {
    key: Option<InstallKey>,
    since: i64,
}

impl Known {
    fn holds(&self, now: i64, time: i64) -> bool {
        (0..time).contains(&(now - self.since))
    }

    fn is_fresh(&self, now: i64) -> bool {
        self.holds(now, if self.key.is_some() { FRESH } else { ABSENT })
    }
}

impl HttpInstallKeys {
    /// `host` is a client of it, without credentials: [`crate::bitbucket::Reach::install_keys`].
    pub fn new(host: Client, clock: Clock) -> Self {
        Self { host, clock, known: Mutex::default(), turns: Mutex::default(), asked: Mutex::default() }
    }

    fn known(&self, id: &KeyId) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn keep(&self, id: &KeyId, now: i64, key: Option<InstallKey>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= NAMES_MAX {
            // Names that mean nothing make room first; there are few others.
            known.retain(|_, one| one.key.is_some());
            if known.len() >= NAMES_MAX {
                known.clear();
            }
        }
        known.insert(id.clone(), Known { key, since: now });
    }

    fn turn(&self, id: &KeyId) -> Arc<Turn<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(id.clone()).or_default())
    }

    /// Whether another request for an unknown name fits into this minute. Further ones are not
    /// sent.
    fn may_ask(&self, now: i64) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|at| (0..MINUTE).contains(&(now - at)));
        if asked.len() >= QUESTIONS_MAX {
            return false;
        }
        asked.push(now);
        true
    }

    async fn ask(&self, id: &KeyId) -> Result<Option<InstallKey>, KeysUnavailable> {
        let host = self.host.within(TIME);
        let request = host.request(Method::GET, [id.as_str()]).map_err(|_| KeysUnavailable)?;
        match host.send(&request.limit(KEY_MAX)).await {
            // What is no key is none, like one that is not there.
            Ok(answer) => Ok(InstallKey::from_pem(&answer.body)),
            // The host is a store of files, which says 403 for one that is not there.
            Err(error) if matches!(error.status(), Some(403 | 404 | 410)) => Ok(None),
            Err(_) => Err(KeysUnavailable),
        }
    }
}

impl InstallKeys for HttpInstallKeys {
    async fn key(&self, id: &KeyId) -> Result<Option<InstallKey>, KeysUnavailable> {
        if let Some(known) = self.known(id).filter(|known| known.is_fresh((self.clock)())) {
            return Ok(known.key);
        }
        let turn = self.turn(id);
        let _mine = turn.lock().await;
        let now = (self.clock)();
        let known = self.known(id);
        // Another request may have fetched it while this one waited.
        if let Some(known) = known.as_ref().filter(|known| known.is_fresh(now)) {
            return Ok(known.key.clone());
        }
        let old = known.filter(|known| known.key.is_some() && known.holds(now, STALE)).map(|known| known.key);
        // A known key may be fetched again at any time: its id cannot be made up.
        if old.is_none() && !self.may_ask(now) {
            return Err(KeysUnavailable);
        }
        match self.ask(id).await {
            Ok(key) => {
                self.keep(id, now, key.clone());
                Ok(key)
            }
            Err(unavailable) => old.ok_or(unavailable),
        }
    }
}
