//! The keys that Pipelines signs with, one set for each workspace.
//!
//! Owns how often a set is fetched. A set is used for a while, fetched again for a key that it does not have, and not more than once in a
//! minute, whatever tokens come in. Where a set lies is built from the tenant's name on the fixed host; there are never more sets than tenants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use penstock_common::bitbucket::client::{Client, Method};
use serde::Deserialize;
use tokio::sync::Mutex as Turn;

use super::{ISSUER_PATH, Refusal};

/// How long a set is not fetched again, in seconds.
pub const REFRESH_SECONDS: i64 = 60;
/// How long a set is used without being fetched again, in milliseconds: so long a key that was withdrawn is believed.
const FRESH: i64 = 60 * 60 * 1000;
/// How long it is used if it cannot be fetched.
const STALE: i64 = 6 * FRESH;
/// Most bytes of a set.
const SET_MAX: usize = 64 << 10;
/// Most keys of a set.
const KEYS_MAX: usize = 32;
/// Fewest and most characters of a modulus: 2,048 to 8,192 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 342..=1366;
/// How long fetching one may take.
const TIME: Duration = Duration::from_secs(5);
/// Most sets that are kept; then all are fetched anew.
const SETS_MAX: usize = 10_000;

/// Key sets, by the name of the workspace.
pub struct KeySets {
    client: Client,
    sets: Mutex<HashMap<String, Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    entry: Mutex<Entry>,
    /// Whoever holds it may fetch. What is known goes on meanwhile.
    turn: Turn<()>,
}

#[derive(Default)]
struct Entry {
    set: Option<Set>,
    /// When it was last asked for, in unix milliseconds, and what came of it.
    asked: Option<(i64, Result<(), Refusal>)>,
}

struct Set {
    keys: HashMap<String, DecodingKey>,
    since: i64,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Jwk {
    /// Its name and itself, if it is one that may sign.
    fn key(self) -> Option<(String, DecodingKey)> {
        let signs = self.kty == "RSA"
            && self.usage.is_none_or(|usage| usage == "sig")
            && self.alg.is_none_or(|algorithm| algorithm == "RS256");
        let modulus = self.n.filter(|modulus| signs && MODULUS.contains(&modulus.trim_end_matches('=').len()))?;
        Some((self.kid?, DecodingKey::from_rsa_components(&modulus, &self.e?).ok()?))
    }
}

impl KeySets {
    /// Sets of the API that `client` asks, without credentials.
    pub fn new(client: Client) -> Self {
        Self { client, sets: Mutex::default() }
    }

    /// A key of a workspace, at `now` (unix milliseconds).
    pub(super) async fn key(&self, slug: &str, id: &str, now: i64) -> Result<DecodingKey, Refusal> {
        let slot = self.slot(slug);
        if let Some(key) = slot.entry().key(id, now, FRESH) {
            return Ok(key);
        }
        let _turn = slot.turn.lock().await;
        // Somebody may have fetched it while this one waited.
        if let Some(key) = slot.entry().key(id, now, FRESH) {
            return Ok(key);
        }
        if slot.entry().may_be_asked(now) {
            let fetched = self.fetch(slug).await;
            slot.entry().take(fetched, now);
        }
        let entry = slot.entry();
        match entry.asked {
            Some((_, Err(Refusal::KeysUnavailable))) => entry.key(id, now, STALE).ok_or(Refusal::KeysUnavailable),
            Some((_, Err(refusal))) => Err(refusal),
            _ => entry.key(id, now, STALE).ok_or(Refusal::UnknownKey),
        }
    }

    fn slot(&self, slug: &str) -> Arc<Slot> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= SETS_MAX && !sets.contains_key(slug) {
            sets.clear();
        }
        Arc::clone(sets.entry(slug.to_owned()).or_default())
    }

    /// `GET {api}/workspaces/{slug}/pipelines-config/identity/oidc/keys.json`.
    async fn fetch(&self, slug: &str) -> Result<HashMap<String, DecodingKey>, Refusal> {
        let client = self.client.within(TIME);
        let path = ISSUER_PATH.map(|part| if part.is_empty() { slug } else { part });
        let request = client.request(Method::GET, path.into_iter().chain(["keys.json"]));
        let request = request.map_err(|_| Refusal::NoKeySet)?.limit(SET_MAX);
        let answer = match client.send(&request).await {
            Err(error) if error.is_not_found() => return Err(Refusal::NoKeySet),
            answer => answer.map_err(|_| Refusal::KeysUnavailable)?,
        };
        let set: KeySet = client.read(&answer).map_err(|_| Refusal::KeysUnavailable)?;
        Ok(set.keys.into_iter().take(KEYS_MAX).filter_map(Jwk::key).collect())
    }
}

impl Slot {
    fn entry(&self) -> MutexGuard<'_, Entry> {
        self.entry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn may_be_asked(&self, now: i64) -> bool {
        self.asked.is_none_or(|(at, _)| !(0..REFRESH_SECONDS * 1000).contains(&(now - at)))
    }

    fn take(&mut self, fetched: Result<HashMap<String, DecodingKey>, Refusal>, now: i64) {
        self.asked = Some((now, fetched.as_ref().map(|_| ()).map_err(|refusal| *refusal)));
        match fetched {
            Ok(keys) => self.set = Some(Set { keys, since: now }),
            // There is none any more.
            Err(Refusal::NoKeySet) => self.set = None,
            Err(_) => {}
        }
    }

    fn key(&self, id: &str, now: i64, time: i64) -> Option<DecodingKey> {
        let set = self.set.as_ref().filter(|set| (0..time).contains(&(now - set.since)))?;
        set.keys.get(id).cloned()
    }
}
